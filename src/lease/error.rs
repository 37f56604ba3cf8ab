//! Why a call of a lease did not succeed.

use crate::store::{ApplyError, BackendError};
use crate::task::Task;

/// Why an event of a [`Lease`](crate::Lease) was not applied.
///
/// Either the lease is [lost](Self::is_lost): stop the work at once, as somebody else may be at it. Or it
/// still holds, and nothing but this call has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Another worker has the task, or may have it: this one was silent for too long, or the store has lost
    /// what it acknowledged. Stop the work; whatever it has done so far, the other does too.
    #[error(
        "expected task {} in the hands of this worker, got it handed out again, at revision {}",
        task.id(),
        task.revision()
    )]
    TakenOver {
        /// The task as it then was.
        task: Task,
    },
    /// The task has ended, and not by this call: by the worker that took it over, by an administrator, by a
    /// [claim that gave it up](crate::Claimed::GivenUp), or by an earlier call of this lease. Stop the work,
    /// and look at the [outcome](Task::outcome).
    #[error("expected task {} in progress, got it ended in {}", task.id(), task.status())]
    Ended {
        /// The task as it ended.
        task: Task,
    },
    /// The task is no longer there: it has expired or was removed, and another may be in its place. Stop the
    /// work; nobody will see what comes of it.
    #[error("expected task {} in progress, got none any more: it has expired or was removed", task.id())]
    Gone {
        /// The task as this lease last knew it.
        task: Task,
    },
    /// The store refuses this event, such as one that is too large, or that no task in progress permits.
    /// Nothing has changed, and the lease still holds: go on with another event.
    #[error(transparent)]
    Refused(ApplyError),
    /// The backend failed. As far as anybody knows, the lease still holds: make the same call again. If it
    /// was applied after all, the next one finds out.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl LeaseError {
    /// Whether the task is no longer this worker's. If so, it never is again: every further call of the
    /// lease says the same.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.task().is_some()
    }

    /// The task that was lost: as it is in the hands of another, as it ended, or as it was last known.
    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        match self {
            Self::TakenOver { task } | Self::Ended { task } | Self::Gone { task } => Some(task),
            Self::Refused(_) | Self::Backend(_) => None,
        }
    }
}
