//! Decodes strings of requests, and quotes them in messages.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The start of a string from outside, quoted in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt(Box<str>);

impl Excerpt {
    const MAX_LENGTH: usize = 48;

    pub(crate) fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(Self::MAX_LENGTH);
        Self(text.get(..end).unwrap_or_default().into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Decodes a segment of a path. `None` if it is not UTF-8.
pub(crate) fn decoded_segment(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

/// The characters that stay as they are in a segment of a path.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes a string as a segment of a path.
pub(crate) fn encoded_segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Returns the decoded parameters of a query. Bytes that are not UTF-8 are replaced, so they match
/// nothing.
pub(crate) fn query_parameters(query: &str) -> impl Iterator<Item = (String, String)> + use<'_> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    query.split('&').filter(|parameter| !parameter.is_empty()).map(move |parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (decoded(name), decoded(value))
    })
}
