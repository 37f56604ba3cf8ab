//! Why polling can't start.

use alloc::boxed::Box;
use core::fmt;

use http::StatusCode;

#[cfg(doc)]
use super::Poller;
use super::address::AddressFault;
use crate::document::DocumentError;
use crate::format::ReportedRefusal;
use crate::wire::Excerpt;

/// The error for an answer, an id or an address with which polling can't start.
///
/// ```
/// use tasklife::poll::Poller;
///
/// let poller = Poller::new("https://api.example.com/v1")?;
/// let error = poller.following("https://example.org/tasks/7", tasklife::MIN_TIME).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected an address of an allowed host, got \"https://example.org/tasks/7\""
/// );
/// # Ok::<(), tasklife::LinkError>(())
/// ```
#[derive(Debug)]
pub struct StartError(pub(super) StartFault);

/// What is wrong with the answer, the id or the address.
#[derive(Debug)]
pub(super) enum StartFault {
    /// The server did not accept the request.
    NotAccepted { status: StatusCode, refusal: Box<ReportedRefusal> },
    /// There is no address, and the body can't be read.
    Unreadable(DocumentError),
    /// There is no address for the task, whose id may be known.
    NoAddress { id: Option<Excerpt> },
    /// The id can't be in an address.
    UnusableId(Excerpt),
    /// The address of the task can't be used. The task's id may be known.
    BadAddress { fault: AddressFault, id: Option<Excerpt> },
}

impl StartError {
    /// Returns the HTTP status if the server did not accept the request.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0 {
            StartFault::NotAccepted { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns whether the address has an origin that is not
    /// [allowed](Poller::with_allowed_origin).
    #[must_use]
    pub fn is_forbidden_origin(&self) -> bool {
        matches!(self.0, StartFault::BadAddress { fault: AddressFault::ForbiddenOrigin(_), .. })
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            StartFault::NotAccepted { status, refusal } => {
                write!(f, "expected the request to be accepted, got {status}")?;
                match &refusal.message {
                    Some(message) => write!(f, ": {}", Excerpt::of(message)),
                    None => Ok(()),
                }
            }
            StartFault::Unreadable(error) => {
                write!(f, "expected a task or its address, got an answer with neither: {error}")
            }
            StartFault::NoAddress { id: Some(id) } => {
                write!(f, "expected the address of task {id}, got an answer without one")
            }
            StartFault::NoAddress { id: None } => {
                f.write_str("expected the address of the task, got an answer without one")
            }
            StartFault::UnusableId(id) => {
                write!(f, "expected an id of letters, digits and -_~. only, got {id}")
            }
            StartFault::BadAddress { fault, id } => {
                match fault {
                    AddressFault::Malformed(got) => write!(f, "expected an address, got {got}")?,
                    AddressFault::ForbiddenOrigin(got) => {
                        write!(f, "expected an address of an allowed host, got {got}")?;
                    }
                }
                match id {
                    Some(id) => write!(f, " for task {id}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl core::error::Error for StartError {}
