//! How a store's methods can fail: a small error for each.

use alloc::boxed::Box;
use core::error::Error;

use super::query::CursorError;
use crate::event::TransitionError;
use crate::task::Task;

/// Why a submission was not accepted. Nothing has changed, but for what a
/// [`BackendError`] leaves unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The account has another task under this id: with another command type or input. Use a new
    /// id.
    #[error("expected an id that is free, or the same request again, got a task made by another")]
    Conflict,
    /// The input is too large. Keep it elsewhere, and submit where it is.
    #[error("expected an input of at most {limit} bytes, got more")]
    InputTooLarge {
        /// How many bytes an input may have.
        limit: usize,
    },
    /// The task would have expired already: its retention, counted from `now`, ends at or before
    /// `now` or the latest sweep's. Check the clocks.
    #[error("expected a task that outlives its submission, got one that is expired at birth")]
    Expired,
    /// The store holds as many tasks as it may, or as many bytes, and what has expired makes no room for this
    /// one. Try again when more has expired, or let it hold more.
    #[error("expected room for another task, got a store that is full without what has expired")]
    StoreFull,
    /// The account has as many unfinished tasks as it may. Try again when one has ended.
    #[error("expected an account with fewer unfinished tasks, got one that has all it may have")]
    AccountFull,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why an event was not applied. Nothing has changed, but for what a [`BackendError`] leaves
/// unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The account has no such task: it never had, or the task has expired.
    #[error("expected a task that is there, got none under this account and id")]
    NotFound,
    /// The task has changed since it was read. Look at it as it now is, and decide anew. That of a worker may
    /// have been taken over, or somebody else has written to it: a [`Lease`](crate::Lease) tells which.
    #[error("expected the task unchanged since it was read, got it at revision {}", current.revision())]
    Stale {
        /// The task as it now is.
        current: Task,
    },
    /// The task's status does not permit the event.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The event's words and outcome are too large. Keep them elsewhere, and say where.
    #[error("expected words and an outcome of at most {limit} bytes, got more")]
    OutputTooLarge {
        /// How many bytes they may have.
        limit: usize,
    },
    /// The event's words and outcome don't fit into the bytes that the store may hold, whatever has expired. Try
    /// again when more has, or with less: 256 bytes always fit.
    #[error(
        "expected room for the event's words and outcome, got a store that is full without what has expired"
    )]
    StoreFull,
    /// The account has as many tasks in progress as it may. Try again when one has ended.
    #[error("expected room in the account's lane, got as many tasks in progress as it may have")]
    LaneBusy,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why a list was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The cursor is not one of this account and filter. Begin at the top.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A failure of what a store runs on, such as a lost connection. It says whether the call may have
/// taken effect, because the two call for different retries.
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
    /// A failure before anything was applied: the call can be made again as it was.
    pub fn not_applied(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), unknown: false }
    }

    /// A failure after which nobody knows whether the call was applied. Ask again: a submission
    /// with the same id, or an event with [`Target::exactly`](crate::Target::exactly), can safely
    /// be repeated.
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), unknown: true }
    }

    /// Whether the call may have been applied.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.unknown
    }
}
