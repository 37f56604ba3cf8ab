//! The errors of a store's methods.

use alloc::boxed::Box;
use core::error::Error;

use super::query::CursorError;
use crate::event::TransitionError;
use crate::task::Task;

/// The error of a submission that was not accepted. Nothing has changed, except for what a
/// [`BackendError`] leaves unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The account has another task under this id, with another command type or input. Use a new
    /// id.
    #[error("expected an unused id or the same request again, got an id used by another request")]
    Conflict,
    /// The input is too large. Keep it elsewhere, and submit a reference to it.
    #[error("expected an input of at most {limit} bytes, got more")]
    InputTooLarge {
        /// The largest input, in bytes.
        limit: usize,
    },
    /// The task would have expired already: its retention, counted from `now`, ends at or before the
    /// later of `now` and the store's [horizon](crate::TaskStore#contract). Check the clocks.
    #[error("expected a task that expires in the future, got one that has already expired")]
    Expired,
    /// The store is at its limit of tasks or bytes, and dropping its expired tasks doesn't make
    /// enough room. Try again when more tasks have expired, or raise the limit.
    #[error("expected room for another task, got a store full of unexpired tasks")]
    StoreFull,
    /// The account is at its limit of open tasks. Try again when one has ended.
    #[error("expected an account below its limit of open tasks, got one at the limit")]
    AccountFull,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The error of an event that was not applied. Nothing has changed, except for what a
/// [`BackendError`] leaves unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The account has no such task: it never had one, or the task has expired or was
    /// removed.
    #[error("expected a task under this account and id, got none")]
    NotFound,
    /// The task is not at the revision that the target requires: it has changed since it was read.
    /// Read it again, and decide anew. Another worker may have taken it over, or someone else has
    /// applied an event to it. A [`Lease`](crate::Lease) distinguishes the two.
    #[error("expected the task unchanged since it was read, got it at revision {}", current.revision())]
    Stale {
        /// The task in its current state.
        current: Task,
    },
    /// The task's status does not permit the event.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The event's description and outcome are too large. Keep them elsewhere, and put a reference
    /// to them into the event.
    #[error("expected a description and an outcome of at most {limit} bytes in all, got more")]
    OutputTooLarge {
        /// Their largest size, in bytes.
        limit: usize,
    },
    /// The store is at its limit of bytes, and dropping its expired tasks doesn't make enough room
    /// for the event's description and outcome. Try again when more tasks have expired, or with
    /// less: 256 bytes always fit.
    #[error(
        "expected room for the event's description and outcome, got a store full of unexpired tasks"
    )]
    StoreFull,
    /// The account is at its limit of tasks in progress. Try again when one has ended.
    #[error("expected an account below its limit of tasks in progress, got one at the limit")]
    LaneFull,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The error of a list that was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The cursor comes from another account or filter. Begin at the top.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A failure of a store's backend, such as a lost connection to a database.
///
/// The error says whether the call may have been applied, because that decides how to retry.
///
/// ```
/// use tasklife::BackendError;
///
/// let error = BackendError::not_applied("connection refused");
/// assert!(!error.is_unknown());
/// assert_eq!(error.to_string(), "the store's backend failed, and nothing was applied");
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "the store's backend failed, and {}",
    if *unknown { "whether anything was applied is unknown" } else { "nothing was applied" }
)]
pub struct BackendError {
    source: Box<dyn Error + Send + Sync>,
    unknown: bool,
}

impl BackendError {
    /// Creates an error for a failure before anything was applied. The same call can be made again.
    pub fn not_applied(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), unknown: false }
    }

    /// Creates an error for a failure after which the call may or may not have been applied. Make
    /// the same call again: a submission with the same id, or an event for
    /// [`Target::exactly`](crate::Target::exactly), can safely be repeated.
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), unknown: true }
    }

    /// Returns whether the call may have been applied.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.unknown
    }
}
