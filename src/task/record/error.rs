//! Why a record can't be read as a task.

use crate::id::TaskId;
use crate::outcome::ResourceError;
use crate::status::TaskStatus;

/// The error returned if a [`TaskRecord`](crate::TaskRecord) does not describe a possible task.
#[derive(Debug, thiserror::Error)]
#[error("the record of task {id} is invalid: {kind}")]
pub struct RecordError {
    pub(super) id: TaskId,
    pub(super) kind: RecordErrorKind,
}

impl RecordError {
    /// Returns the id of the task in the record.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum RecordErrorKind {
    #[error("expected {expected} in {status}")]
    Outcome { status: TaskStatus, expected: &'static str },
    #[error("{0}")]
    Resource(ResourceError),
    #[error("expected no attempts in {status}, got {got}")]
    AttemptsBeforeStart { status: TaskStatus, got: u32 },
    #[error("expected at least 1 attempt in {0}, got 0")]
    NoAttempts(TaskStatus),
    #[error("expected no progress before the first attempt")]
    Progress,
    #[error("expected the input of a task in {0}, got the digest of a dropped input")]
    InputDropped(TaskStatus),
    #[error("expected an update time at or after the submission time")]
    UpdatedBeforeSubmitted,
    #[error("expected an expiry at or after the submission time")]
    ExpiredBeforeSubmitted,
    #[error("expected a revision of at least 1")]
    RevisionZero,
}
