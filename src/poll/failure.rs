//! Why the status of a task could not be read.

use alloc::boxed::Box;
use core::fmt;

use http::StatusCode;

use crate::format::ReportedRefusal;
use crate::wire::Excerpt;

/// Why the status of a task could not be read. It says nothing of the task itself, which may well go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadFailure {
    /// There was no answer, or it was not told. Look at the connection.
    NoAnswer,
    /// The answer was no document about a task, such as one that was cut short. The text says what was expected
    /// and where. Look at the [format](super::Poller::with_format), and at proxies.
    Unreadable(Box<str>),
    /// The answer was about another task, with this id. Look at caches and proxies.
    OtherTask(Box<str>),
    /// The answer leads to an address that is none, or is not [allowed](super::Poller::with_further_origin).
    Elsewhere(Box<str>),
    /// The answer leads to another address, which is asked next.
    Moved(StatusCode),
    /// The server refused to answer, or failed.
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What the body says of it, as far as it could be read.
        refusal: ReportedRefusal,
    },
}

impl ReadFailure {
    /// The HTTP status, where that is the failure.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } | Self::Moved(status) => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("expected an answer, got none"),
            Self::Unreadable(message) => {
                write!(f, "expected a document about the task, got none: {message}")
            }
            Self::OtherTask(id) => {
                write!(f, "expected a document about the task, got one about {}", Excerpt::of(id))
            }
            Self::Elsewhere(address) => {
                let address = Excerpt::of(address);
                write!(f, "expected an address that may be asked, got {address}")
            }
            Self::Moved(status) => write!(f, "expected a document, got {status}"),
            Self::Status { status, refusal } => {
                write!(f, "expected a document, got {status}")?;
                match &refusal.message {
                    Some(message) => write!(f, ": {}", Excerpt::of(message)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl core::error::Error for ReadFailure {}
