//! Why a read of a task's status failed.

use alloc::boxed::Box;
use core::fmt;

use http::StatusCode;

use crate::format::ReportedRefusal;
use crate::wire::Excerpt;

/// Why a read of a task's status failed. It says nothing about the task itself, which may still be
/// running.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadFailure {
    /// There was no answer, or you did not report one. Check the connection.
    NoAnswer,
    /// The answer was not a document about a task. It may have been cut short. The text says what
    /// was expected, and where. Check the [format](super::Poller::with_format), and any proxies.
    Unreadable(Box<str>),
    /// The answer was about another task, with this id. Check caches and proxies.
    OtherTask(Box<str>),
    /// The answer was a redirect, but its address is malformed, or its origin is not
    /// [allowed](super::Poller::with_allowed_origin).
    BadRedirect(Box<str>),
    /// The answer was a redirect with this status. The next read follows it.
    Redirected(StatusCode),
    /// The server refused to answer, or failed.
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// The refusal in the body, as far as it could be read.
        refusal: ReportedRefusal,
    },
}

impl ReadFailure {
    /// Returns the HTTP status of a [`Status`](Self::Status) or a [`Redirected`](Self::Redirected).
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } | Self::Redirected(status) => Some(*status),
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
            Self::BadRedirect(address) => {
                let address = Excerpt::of(address);
                write!(f, "expected a redirect to an address of an allowed host, got {address}")
            }
            Self::Redirected(status) => write!(f, "expected a document, got {status}"),
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
