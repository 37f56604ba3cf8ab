//! Task records: complete tasks as a backend saves them, validated when they are read back.

mod error;
mod input;
mod outcome;

use alloc::borrow::Cow;
use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{State, SubmittedPart, Task};
use crate::clock::Revision;
use crate::event::Progress;
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, TaskError};
use crate::status::TaskStatus;
use crate::time::{self, Timestamp};
use crate::wire::Text;
use crate::wire::known::{NEWER, serde_by_known_names};

pub use error::RecordError;
use error::RecordErrorKind;
use input::InputRecord;
use outcome::{CompletionRecord, ErrorRecord};

/// A task as a backend saves it, with everything that a [`Task`] holds.
///
/// You can serialize a record with any serde format, self-describing or not. It is not a document
/// for clients. Converting it back to a task checks that such a task is possible.
///
/// ```
/// # use tasklife::{AccountClock, Retention, Submission, Task, TaskRecord};
/// # let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// # let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
/// # let now = "2019-08-08T06:49:15.929Z".parse()?;
/// # let task = Task::new(submission, Retention::default(), now, AccountClock::default().next(now));
/// let saved = serde_json::to_string(&TaskRecord::from(&task))?;
///
/// let record: TaskRecord = serde_json::from_str(&saved)?;
/// assert_eq!(Task::try_from(record)?, task);
///
/// let altered = saved.replace("received", "processing-completed");
/// let record: TaskRecord = serde_json::from_str(&altered)?;
/// assert!(Task::try_from(record).is_err()); // completed, but with what?
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Versions
///
/// A record can be read by later versions of this crate. A field that an older record lacks has a
/// default.
///
/// A record from a newer version is refused if it contains something that this version doesn't
/// know: a field, a kind of input or id, or a status. The error says so. Otherwise, the unknown
/// part would be lost when the record is written again. The same holds for a
/// [`Snapshot`](crate::Snapshot) and an [`AccountClock`](crate::AccountClock).
///
/// This requires a format that writes field names, such as JSON. With any other format, read
/// records with the version that wrote them.
///
/// If servers of two versions share a store, the newer servers can read all tasks. The older ones
/// may not be able to read a task that a newer server wrote. A call that meets such a task returns
/// a [`BackendError`](crate::BackendError) and does not change the task. So update all servers
/// within a short time. You can return to the older version as long as the newer one has not
/// written anything that the older one doesn't know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskRecord(Fields);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename = "TaskRecord")]
struct Fields {
    id: TaskId,
    account: AccountId,
    command_type: CommandType,
    input: InputRecord,
    #[serde(deserialize_with = "known_status")]
    status: TaskStatus,
    completion: Option<CompletionRecord>,
    error: Option<ErrorRecord>,
    description: Option<Text>,
    progress: Option<Progress>,
    attempts: u32,
    #[serde(with = "time::as_text")]
    submitted_at: Timestamp,
    #[serde(with = "time::as_text")]
    updated_at: Timestamp,
    #[serde(with = "time::as_text")]
    expires_at: Timestamp,
    revision: Revision,
}

serde_by_known_names!(Fields);

fn known_status<'de, D: serde::Deserializer<'de>>(from: D) -> Result<TaskStatus, D::Error> {
    let text = <Cow<'de, str>>::deserialize(from)?;
    text.parse().map_err(|unknown| {
        serde::de::Error::custom(format_args!("unknown status, {unknown}: {NEWER}"))
    })
}

impl From<&Task> for TaskRecord {
    fn from(task: &Task) -> Self {
        let outcome = task.outcome();
        Self(Fields {
            id: task.id,
            account: task.account().clone(),
            command_type: task.command_type().clone(),
            input: InputRecord::from(&task.submitted.input),
            status: task.status(),
            completion: outcome.and_then(Result::ok).map(CompletionRecord::from),
            error: outcome.and_then(Result::err).map(ErrorRecord::from),
            description: task.description.clone(),
            progress: task.progress,
            attempts: task.attempts,
            submitted_at: task.submitted_at(),
            updated_at: task.updated_at,
            expires_at: task.expires_at,
            revision: task.revision,
        })
    }
}

impl From<Task> for TaskRecord {
    fn from(task: Task) -> Self {
        Self::from(&task)
    }
}

impl TaskRecord {
    pub(crate) fn id(&self) -> TaskId {
        self.0.id
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.0.account
    }

    pub(crate) fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    pub(crate) fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Makes the record share the allocation of `account`, if it belongs to this account.
    pub(crate) fn share_account(&mut self, account: &AccountId) {
        if self.0.account == *account {
            self.0.account = account.clone();
        }
    }
}

impl TryFrom<TaskRecord> for Task {
    type Error = RecordError;

    fn try_from(TaskRecord(record): TaskRecord) -> Result<Self, RecordError> {
        let fail = |kind| Err(RecordError { id: record.id, kind });
        let status = record.status;
        let state = match (status, record.completion, record.error) {
            (TaskStatus::Initialized, None, None) => State::Initialized,
            (TaskStatus::Received, None, None) => State::Received,
            (TaskStatus::ProcessingInProgress, None, None) => State::InProgress,
            (TaskStatus::ProcessingCompleted, Some(completion), None) => {
                match Completion::try_from(completion) {
                    Ok(completion) => State::Completed(Arc::new(completion)),
                    Err(error) => return fail(RecordErrorKind::Resource(error)),
                }
            }
            (TaskStatus::ProcessingError, None, Some(error)) => {
                State::Failed(Arc::new(TaskError::from(error)))
            }
            (status, _, _) => {
                let expected = match status {
                    TaskStatus::ProcessingCompleted => "a completion and no error",
                    TaskStatus::ProcessingError => "an error and no completion",
                    _ => "neither a completion nor an error",
                };
                return fail(RecordErrorKind::Outcome { status, expected });
            }
        };
        match (status, record.attempts) {
            (TaskStatus::Initialized | TaskStatus::Received, got @ 1..) => {
                return fail(RecordErrorKind::AttemptsBeforeStart { status, got });
            }
            (TaskStatus::ProcessingInProgress | TaskStatus::ProcessingCompleted, 0) => {
                return fail(RecordErrorKind::NoAttempts(status));
            }
            // A task can fail before its first attempt.
            _ => {}
        }
        if record.progress.is_some() && record.attempts == 0 {
            return fail(RecordErrorKind::Progress);
        }
        if matches!(record.input, InputRecord::Dropped(_)) && !status.is_terminal() {
            return fail(RecordErrorKind::InputDropped(status));
        }
        if record.updated_at < record.submitted_at {
            return fail(RecordErrorKind::UpdatedBeforeSubmitted);
        }
        if record.expires_at < record.submitted_at {
            return fail(RecordErrorKind::ExpiredBeforeSubmitted);
        }
        if record.revision == Revision::default() {
            return fail(RecordErrorKind::RevisionZero);
        }
        Ok(Self {
            id: record.id,
            submitted: Arc::new(SubmittedPart {
                account: record.account,
                command_type: record.command_type,
                input: record.input.into(),
                submitted_at: record.submitted_at,
            }),
            state,
            description: record.description,
            progress: record.progress,
            attempts: record.attempts,
            updated_at: record.updated_at,
            expires_at: record.expires_at,
            revision: record.revision,
        })
    }
}
