//! The error of a lease's calls.

use crate::store::{ApplyError, BackendError};
use crate::task::Task;

/// The error of an event that a [`Lease`](crate::Lease) could not apply.
///
/// Either the lease is [lost](Self::is_lost): stop the work at once, as another worker may have the
/// task. Or the lease still holds, and only this call has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Another worker has the task, or may have it: this one was silent for too long, or the store
    /// has lost what it had acknowledged. Stop the work, as the other worker does it again.
    #[error(
        "expected task {} to be held by this worker, got it taken over by another, at revision {}",
        task.id(),
        task.revision()
    )]
    TakenOver {
        /// The task as the call found it.
        task: Task,
    },
    /// The task has ended, and not by this call: by the worker that took it over, by an
    /// administrator, by a [claim that gave it up](crate::Claimed::GivenUp), or by an earlier call
    /// of this lease. Stop the work, and look at the [outcome](Task::outcome).
    #[error("expected task {} in progress, got it in {}", task.id(), task.status())]
    Ended {
        /// The task in its final state.
        task: Task,
    },
    /// The task no longer exists: it has expired or was removed. A later task may have its id. Stop
    /// the work, as nobody can read its result.
    #[error("expected task {} in progress, got none: it has expired or was removed", task.id())]
    Gone {
        /// The task as this lease last knew it.
        task: Task,
    },
    /// The store refused this event, such as one that is too large, or one that a task in progress
    /// doesn't permit. Nothing has changed, and the lease still holds: you can apply another event.
    #[error(transparent)]
    Refused(ApplyError),
    /// The backend failed. As far as is known, the lease still holds. Make the same call again: if
    /// this one was applied after all, the next one finds out.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl LeaseError {
    /// Returns whether this worker no longer has the task. If so, every further call of the lease
    /// returns the same error.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.task().is_some()
    }

    /// Returns the lost task: as another worker has it, as it ended, or as it was last known.
    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        match self {
            Self::TakenOver { task } | Self::Ended { task } | Self::Gone { task } => Some(task),
            Self::Refused(_) | Self::Backend(_) => None,
        }
    }
}
