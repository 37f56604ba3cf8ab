//! Why a record is none of a task.

use crate::id::TaskId;
use crate::outcome::ResourceError;
use crate::status::TaskStatus;

/// The error for a [`TaskRecord`](crate::TaskRecord) that no task could have left.
#[derive(Debug, thiserror::Error)]
#[error("the record of task {id} is not one of a task: {fault}")]
pub struct RecordError {
    pub(super) id: TaskId,
    pub(super) fault: RecordFault,
}

impl RecordError {
    /// The id that the record has.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum RecordFault {
    #[error(
        "expected a completion in processing-completed, an error in processing-error, and neither \
         in any other status, got something else in {0}"
    )]
    Outcome(TaskStatus),
    #[error("{0}")]
    Resource(ResourceError),
    #[error("expected attempts as {status} has them, got {got}")]
    Attempts { status: TaskStatus, got: u32 },
    #[error("expected no progress before the first attempt")]
    Progress,
    #[error("expected the input of a task in {0}, got the digest that is left after the end")]
    InputDropped(TaskStatus),
    #[error("expected an update time at or after the submission's")]
    UpdatedBeforeSubmitted,
    #[error("expected an expiry at or after the submission")]
    ExpiredBeforeSubmitted,
    #[error("expected a revision of at least 1")]
    RevisionZero,
}
