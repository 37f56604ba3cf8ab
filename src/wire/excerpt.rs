//! Excerpts of what was received, for error messages.

use alloc::boxed::Box;
use core::fmt;

/// The beginning of a string from outside, at most 48 bytes, for an error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt(Box<str>);

impl Excerpt {
    const LONGEST: usize = 48;

    pub(crate) fn of(text: &str) -> Self {
        let end = text.floor_char_boundary(Self::LONGEST);
        Self(text.get(..end).unwrap_or_default().into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
