//! The outcomes of polling.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;
use core::time::Duration;

use http::Uri;

use super::ReadFailure;
use super::address::{last_segment, without_query};
use crate::document::{ReportedError, TaskDocument};
use crate::id::TaskId;
use crate::wire::Excerpt;

/// The task that is polled, as its client knows it: its id, its address, or both.
///
/// `{}` shows it as errors do, such as `task 7 at https://api.example.com/v1/tasks/7`. It leaves
/// out the query of the address, since some servers put keys there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTask {
    pub(super) id: Option<Box<str>>,
    pub(super) address: Option<Uri>,
    /// Whether the address has only the result, and no status.
    pub(super) is_result: bool,
}

impl FollowedTask {
    /// Returns the id, as the server sent it. It is `None` until a document has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the address. Store it if another process may have to
    /// [continue](super#continuing-in-another-process).
    ///
    /// It can be `None` only if the accepting answer already showed the end.
    #[must_use]
    pub fn address(&self) -> Option<&Uri> {
        self.address.as_ref()
    }

    /// Returns whether the address has the task's result, and not its status. Another process must
    /// then continue with [`following_result`](super::Poller::following_result).
    #[must_use]
    pub fn leads_to_result(&self) -> bool {
        self.is_result
    }

    /// Returns whether a document with this id may be about the task. `is_own_address` says whether
    /// nothing but this task is at the address.
    pub(super) fn may_have_id(&self, other: &str, is_own_address: bool) -> bool {
        match self.id() {
            Some(_) if other.is_empty() => is_own_address,
            Some(id) => is_same_id(id, other),
            // If the address ends with a UUID, that is the task's id.
            None => {
                let last = last_segment(self.address().map(Uri::path).unwrap_or_default());
                let are_uuids = last.parse::<TaskId>().is_ok() && other.parse::<TaskId>().is_ok();
                !are_uuids || is_same_id(last, other)
            }
        }
    }
}

/// Returns whether two ids are the same. UUIDs are compared without regard to case.
pub(super) fn is_same_id(one: &str, other: &str) -> bool {
    let (one_uuid, other_uuid) = (one.parse::<TaskId>(), other.parse::<TaskId>());
    one == other || (one_uuid.is_ok() && one_uuid == other_uuid)
}

impl fmt::Display for FollowedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            None => f.write_str("the task")?,
            Some(id) => match id.parse::<TaskId>() {
                Ok(id) => write!(f, "task {id}")?,
                Err(_) => write!(f, "task {}", Excerpt::of(id))?,
            },
        }
        let Some(address) = &self.address else { return Ok(()) };
        write!(f, " at {}", without_query(&address.to_string()))
    }
}

/// A task that has ended, with its last document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended(Box<(FollowedTask, TaskDocument)>);

impl Ended {
    pub(super) fn new(task: FollowedTask, document: TaskDocument) -> Self {
        Self(Box::new((task, document)))
    }

    /// Returns the task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.0.0
    }

    /// Returns the last document. It has the result or the error, as far as the server sent them.
    #[must_use]
    pub fn document(&self) -> &TaskDocument {
        &self.0.1
    }

    /// Returns the last document, without a copy.
    #[must_use]
    pub fn into_document(self) -> TaskDocument {
        self.0.1
    }

    /// Returns the error of the operation, if the document has one.
    #[must_use]
    pub fn error(&self) -> Option<&ReportedError> {
        self.document().response()?.error()
    }
}

/// A task that is no longer polled, though no answer showed its end. It may still be running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished(Box<UnfinishedInner>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnfinishedInner {
    pub(super) task: FollowedTask,
    pub(super) document: Option<TaskDocument>,
    pub(super) failure: Option<ReadFailure>,
    pub(super) followed_for: Duration,
}

impl Unfinished {
    pub(super) fn new(inner: UnfinishedInner) -> Self {
        Self(Box::new(inner))
    }

    /// Returns the task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.0.task
    }

    /// Returns the last document, if there ever was one.
    #[must_use]
    pub fn document(&self) -> Option<&TaskDocument> {
        self.0.document.as_ref()
    }

    /// Returns why the last read failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&ReadFailure> {
        self.0.failure.as_ref()
    }

    /// Returns how long the task was polled.
    #[must_use]
    pub fn followed_for(&self) -> Duration {
        self.0.followed_for
    }
}

/// Why polling ended without a completion. Each error names the task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PollError {
    /// The operation failed. The [error](Ended::error) says why. Don't poll again: the task has
    /// ended.
    Failed(Ended),
    /// The operation was cancelled. Don't poll again: the task has ended.
    Cancelled(Ended),
    /// The [time limit](super::Poller::with_time_limit) or the [processing
    /// limit](super::Poller::with_processing_limit) was over before an answer showed the end. It
    /// was the processing limit if the task was [polled](Unfinished::followed_for) for less than
    /// the time limit. The task may still be running. To find out,
    /// [follow](super::Poller::following) it again.
    TimedOut(Unfinished),
    /// The server has no such task: it expired, was removed, or never existed.
    Gone(Unfinished),
    /// The status could not be read: the server refused to answer, or
    /// [too many](super::Poller::with_max_failures) reads failed in a row. The
    /// [failure](Unfinished::failure) says why. The task may still be running. After a 401, get new
    /// credentials and [follow](super::Poller::following) the task again.
    ReadFailed(Unfinished),
}

impl PollError {
    /// Returns the task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        match self {
            Self::Failed(ended) | Self::Cancelled(ended) => ended.task(),
            Self::TimedOut(task) | Self::Gone(task) | Self::ReadFailed(task) => task.task(),
        }
    }

    /// Returns the last document, if there ever was one.
    #[must_use]
    pub fn document(&self) -> Option<&TaskDocument> {
        match self {
            Self::Failed(ended) | Self::Cancelled(ended) => Some(ended.document()),
            Self::TimedOut(task) | Self::Gone(task) | Self::ReadFailed(task) => task.document(),
        }
    }
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(ended) => {
                write!(f, "expected {} to complete, but it failed", ended.task())?;
                let error = ended.error();
                if let Some(code) = error.and_then(ReportedError::code) {
                    write!(f, " with {}", Excerpt::of(code))?;
                }
                match error.and_then(ReportedError::description) {
                    Some(description) => write!(f, ": {}", Excerpt::of(description)),
                    None => Ok(()),
                }
            }
            Self::Cancelled(ended) => {
                write!(f, "expected {} to complete, but it was cancelled", ended.task())
            }
            Self::TimedOut(task) => {
                let (name, time) = (task.task(), task.followed_for());
                write!(f, "expected {name} to end within {time:?}, but ")?;
                match task.document() {
                    Some(document) => {
                        write!(f, "it is {}", Excerpt::of(document.status().as_str()))
                    }
                    None => f.write_str("its status is unknown"),
                }
            }
            Self::Gone(task) => {
                write!(f, "expected {}, but the server has no such task", task.task())
            }
            Self::ReadFailed(task) => write!(f, "expected to read the status of {}", task.task()),
        }
    }
}

impl core::error::Error for PollError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(_) | Self::Cancelled(_) => None,
            Self::TimedOut(task) | Self::Gone(task) | Self::ReadFailed(task) => {
                task.failure().map(|failure| failure as _)
            }
        }
    }
}
