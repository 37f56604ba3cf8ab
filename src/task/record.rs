//! A task as a backend saves it: complete, and checked when it is read back.

mod error;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Origin, State, Task};
use crate::clock::Revision;
use crate::event::Progress;
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, ResourceError, ResourceId, TaskError};
use crate::status::TaskStatus;
use crate::submission::Input;
use crate::time::{self, Now};
use crate::wire::Text;
use crate::wire::known::{NEWER, serde_by_known_names};

pub use error::RecordError;
use error::RecordFault;

/// A task as a backend saves it, with everything that a [`Task`] holds.
///
/// It goes through any serde format, self-describing or not; it is no document for clients. Reading
/// it back as a task checks that it could have come from one.
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
/// A record outlives the version of this crate that wrote it. What an older record lacks has a default. What a
/// newer one has and this version doesn't know (a field, a kind of input or of id, a status) makes it unreadable
/// here: it is refused with an error that says so, as it would lose that part when it is written again. The same
/// holds for a [`Snapshot`](crate::Snapshot) and an [`AccountClock`](crate::AccountClock).
///
/// That takes a format that writes the names of fields, such as JSON. In one that doesn't, records are read by
/// the version that wrote them.
///
/// Where servers of two versions share a store, the newer ones read everything. What they write may be
/// unreadable to the older ones: a call that meets such a task is answered by a
/// [`BackendError`](crate::BackendError) instead of changing it. So update all of them, one soon after the other;
/// to go back to the older version is safe as long as the newer one has written nothing that only it knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskRecord(Fields);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename = "TaskRecord")]
struct Fields {
    id: TaskId,
    account: AccountId,
    command_type: CommandType,
    input: SavedInput,
    #[serde(deserialize_with = "known_status")]
    status: TaskStatus,
    completion: Option<CompletionRecord>,
    error: Option<ErrorRecord>,
    description: Option<Text>,
    progress: Option<Progress>,
    attempts: u32,
    #[serde(with = "time::as_text")]
    submitted_at: Now,
    #[serde(with = "time::as_text")]
    updated_at: Now,
    #[serde(with = "time::as_text")]
    expires_at: Now,
    revision: Revision,
}

serde_by_known_names!(Fields, SavedInput, CompletionRecord, ErrorRecord);

fn known_status<'de, D: serde::Deserializer<'de>>(from: D) -> Result<TaskStatus, D::Error> {
    let text = <Cow<'de, str>>::deserialize(from)?;
    text.parse().map_err(|unknown| {
        serde::de::Error::custom(format_args!("unknown status, {unknown}: {NEWER}"))
    })
}

/// Input that is text, as most is, stays readable in a record; other bytes are numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
enum SavedInput {
    Text(String),
    Bytes(Vec<u8>),
    /// Of what was let go, the digest.
    Dropped(#[serde(with = "digest_as_text")] Uuid),
}

impl From<&Input> for SavedInput {
    fn from(input: &Input) -> Self {
        match (input, core::str::from_utf8(input.bytes())) {
            (Input::Dropped(digest), _) => Self::Dropped(*digest),
            (_, Ok(text)) => Self::Text(text.into()),
            (_, Err(_)) => Self::Bytes(input.bytes().into()),
        }
    }
}

mod digest_as_text {
    use super::{Cow, Deserialize, Uuid};

    pub(super) fn serialize<S: serde::Serializer>(
        digest: &Uuid,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        Uuid::try_parse(&text).map_err(|_| {
            serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &"a UUID")
        })
    }
}

impl From<SavedInput> for Input {
    fn from(input: SavedInput) -> Self {
        let bytes: Arc<[u8]> = match input {
            SavedInput::Text(text) => text.into_bytes().into(),
            SavedInput::Bytes(bytes) => bytes.into(),
            SavedInput::Dropped(digest) => return Self::Dropped(digest),
        };
        Self::from(bytes)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
struct CompletionRecord {
    #[serde(default, with = "tagged_id")]
    resource_id: Option<ResourceId>,
    #[serde(default, with = "tagged_id")]
    additional_resource_id: Option<ResourceId>,
    resource: Option<String>,
}

impl From<&Completion> for CompletionRecord {
    fn from(completion: &Completion) -> Self {
        Self {
            resource_id: completion.resource_id.clone(),
            additional_resource_id: completion.additional_resource_id.clone(),
            resource: completion.resource().map(String::from),
        }
    }
}

impl TryFrom<CompletionRecord> for Completion {
    type Error = ResourceError;

    fn try_from(record: CompletionRecord) -> Result<Self, ResourceError> {
        let completion = Self {
            resource_id: record.resource_id,
            additional_resource_id: record.additional_resource_id,
            resource: None,
        };
        match record.resource {
            Some(text) => completion.with_resource_text(text),
            None => Ok(completion),
        }
    }
}

/// Serde for a resource id in formats that don't tell a number from a text.
#[expect(clippy::ref_option, reason = "serde passes a field by reference")]
mod tagged_id {
    use super::{Arc, Deserialize, ResourceId, Serialize, serde_by_known_names};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Self", rename = "ResourceId", rename_all = "lowercase")]
    enum Tagged {
        Number(i64),
        Text(Arc<str>),
    }

    serde_by_known_names!(Tagged);

    pub(super) fn serialize<S: serde::Serializer>(
        id: &Option<ResourceId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let tagged = id.as_ref().map(|id| match id {
            ResourceId::Number(number) => Tagged::Number(*number),
            ResourceId::Text(text) => Tagged::Text(text.clone()),
        });
        tagged.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ResourceId>, D::Error> {
        let tagged = Option::<Tagged>::deserialize(deserializer)?;
        Ok(tagged.map(|tagged| match tagged {
            Tagged::Number(number) => ResourceId::Number(number),
            Tagged::Text(text) => ResourceId::Text(text),
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
struct ErrorRecord {
    code: Text,
    status: Text,
    description: Text,
    additional_info: Option<Text>,
}

impl From<&Task> for TaskRecord {
    fn from(task: &Task) -> Self {
        let outcome = task.outcome();
        Self(Fields {
            id: task.id,
            account: task.account().clone(),
            command_type: task.command_type().clone(),
            input: SavedInput::from(&task.origin.input),
            status: task.status(),
            completion: outcome.and_then(Result::ok).map(CompletionRecord::from),
            error: outcome.and_then(Result::err).map(|error| ErrorRecord {
                code: error.code.clone(),
                status: error.status.clone(),
                description: error.description.clone(),
                additional_info: error.additional_info.clone(),
            }),
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

    pub(crate) fn updated_at(&self) -> Now {
        self.0.updated_at
    }

    pub(crate) fn expires_at(&self) -> Now {
        self.0.expires_at
    }

    pub(crate) fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Lets the record have this very copy of its account's id, if it is of this account.
    pub(crate) fn share_account(&mut self, account: &AccountId) {
        if self.0.account == *account {
            self.0.account = account.clone();
        }
    }
}

impl TryFrom<TaskRecord> for Task {
    type Error = RecordError;

    fn try_from(TaskRecord(record): TaskRecord) -> Result<Self, RecordError> {
        let fail = |fault| Err(RecordError { id: record.id, fault });
        let status = record.status;
        let state = match (status, record.completion, record.error) {
            (TaskStatus::Initialized, None, None) => State::Initialized,
            (TaskStatus::Received, None, None) => State::Received,
            (TaskStatus::ProcessingInProgress, None, None) => State::InProgress,
            (TaskStatus::ProcessingCompleted, Some(completion), None) => {
                match Completion::try_from(completion) {
                    Ok(completion) => State::Completed(Arc::new(completion)),
                    Err(error) => return fail(RecordFault::Resource(error)),
                }
            }
            (TaskStatus::ProcessingError, None, Some(error)) => {
                State::Failed(Arc::new(TaskError {
                    code: error.code,
                    status: error.status,
                    description: error.description,
                    additional_info: error.additional_info,
                }))
            }
            (status, _, _) => return fail(RecordFault::Outcome(status)),
        };
        // A worker has had a task that is in progress or completed; one that failed may have
        // failed before.
        let attempts = match status {
            TaskStatus::Initialized | TaskStatus::Received => 0..=0,
            TaskStatus::ProcessingInProgress | TaskStatus::ProcessingCompleted => 1..=u32::MAX,
            TaskStatus::ProcessingError => 0..=u32::MAX,
        };
        if !attempts.contains(&record.attempts) {
            return fail(RecordFault::Attempts { status, got: record.attempts });
        }
        if record.progress.is_some() && record.attempts == 0 {
            return fail(RecordFault::Progress);
        }
        if matches!(record.input, SavedInput::Dropped(_)) && !status.is_terminal() {
            return fail(RecordFault::InputDropped(status));
        }
        if record.updated_at < record.submitted_at {
            return fail(RecordFault::UpdatedBeforeSubmitted);
        }
        if record.expires_at < record.submitted_at {
            return fail(RecordFault::ExpiredBeforeSubmitted);
        }
        if record.revision == Revision::default() {
            return fail(RecordFault::RevisionZero);
        }
        Ok(Self {
            id: record.id,
            origin: Arc::new(Origin {
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
