//! Why an address, a path, a route or a title can't be part of a link.

use core::fmt;

use crate::wire::Excerpt;

/// The error returned if a base address, a path, a route or a title can't be part of a link.
///
/// ```
/// use tasklife::Links;
///
/// assert_eq!(
///     Links::new("https://api.example.com/v1?key=7").unwrap_err().to_string(),
///     "expected a base address without a query, got \"https://api.example.com/v1?key=7\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {what} {kind}{}", Got(got.as_ref()))]
pub struct LinkError {
    what: &'static str,
    kind: LinkErrorKind,
    /// The beginning of the refused string, unless it may contain a secret.
    got: Option<Excerpt>,
}

struct Got<'a>(Option<&'a Excerpt>);

impl fmt::Display for Got<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |got| write!(f, ", got {got}"))
    }
}

impl LinkError {
    pub(super) fn new(what: &'static str, kind: LinkErrorKind, got: &str) -> Self {
        let got = (kind != LinkErrorKind::UserInformation).then(|| Excerpt::of(got));
        Self { what, kind, got }
    }

    /// Creates the error for an origin without a host.
    #[cfg(feature = "poll")]
    pub(crate) fn no_host(got: &str) -> Self {
        Self::new("an origin", LinkErrorKind::Host, got)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkErrorKind {
    #[error("such as https://api.example.com/v1 or /v1")]
    NoAddress,
    #[error("without user information")]
    UserInformation,
    #[error("with a host name or address")]
    Host,
    #[error("with a port from 0 to 65535")]
    Port,
    #[error("without a query")]
    Query,
    #[error("without a fragment")]
    Fragment,
    #[error("without the character {0:?}")]
    Character(char),
    #[error("without empty segments")]
    EmptySegment,
    #[error("without the segments `.` and `..`")]
    DotSegment,
    #[error("that begins with a slash")]
    NoSlash,
    #[error(
        "whose placeholders are {{resourceId}} and {{additionalResourceId}}, each a whole segment"
    )]
    Placeholder,
    #[error("that is not empty and has no control characters")]
    Title,
}
