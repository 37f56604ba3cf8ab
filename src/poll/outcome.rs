//! How following a task can end.

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

/// The task that is followed, as its client knows it: its id, its address, or both.
///
/// With `{}` it is what each error calls it, such as `task 36d4b04d-72d4-4404-8600-a223120a553e at
/// https://api.example.com/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e`, without the query: some servers put keys there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedTask {
    pub(super) id: Option<Box<str>>,
    pub(super) address: Option<Uri>,
    /// Whether what is there is the result alone.
    pub(super) is_result: bool,
}

impl FollowedTask {
    /// The id, as it came; none before a document had one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Where it is asked for: what to keep, to [follow](super::Poller::following) it from another process, unless it
    /// [leads to the result](Self::leads_to_result). There may be none where the accepting answer showed the end.
    #[must_use]
    pub fn address(&self) -> Option<&Uri> {
        self.address.as_ref()
    }

    /// Whether what the task came to is at the address, and not its status. From another process, follow it with
    /// [`following_result`](super::Poller::following_result).
    #[must_use]
    pub fn leads_to_result(&self) -> bool {
        self.is_result
    }

    /// Whether a document with this id may be about it, where it came from an address that may have others too.
    pub(super) fn may_be(&self, other: &str, has_own_address: bool) -> bool {
        match self.id() {
            Some(_) if other.is_empty() => has_own_address,
            Some(id) => is_same(id, other),
            // An address that ends with a UUID is that of the task with this id.
            None => {
                let last = last_segment(self.address().map(Uri::path).unwrap_or_default());
                let are_ids = last.parse::<TaskId>().is_ok() && other.parse::<TaskId>().is_ok();
                !are_ids || is_same(last, other)
            }
        }
    }
}

/// Whether two ids are the same.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let (ours, theirs) = (one.parse::<TaskId>(), other.parse::<TaskId>());
    one == other || (ours.is_ok() && ours == theirs)
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

/// A task that has ended, and what the server told of it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended(Box<(FollowedTask, TaskDocument)>);

impl Ended {
    pub(super) fn new(task: FollowedTask, document: TaskDocument) -> Self {
        Self(Box::new((task, document)))
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.0.0
    }

    /// What the server told last: with the result or the error, as far as it told them.
    #[must_use]
    pub fn document(&self) -> &TaskDocument {
        &self.0.1
    }

    /// What the server told last.
    #[must_use]
    pub fn into_document(self) -> TaskDocument {
        self.0.1
    }

    /// Why it failed, where the server told.
    #[must_use]
    pub fn error(&self) -> Option<&ReportedError> {
        self.document().response()?.error()
    }
}

/// A task that is no longer followed, though it was not seen to end. It may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished(Box<Known>);

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) task: FollowedTask,
    pub(super) document: Option<TaskDocument>,
    pub(super) failure: Option<ReadFailure>,
    pub(super) followed_for: Duration,
}

impl Unfinished {
    pub(super) fn new(known: Known) -> Self {
        Self(Box::new(known))
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.0.task
    }

    /// What the server told of it last, if it ever did.
    #[must_use]
    pub fn document(&self) -> Option<&TaskDocument> {
        self.0.document.as_ref()
    }

    /// Why its status could not be read; none, where it could the last time.
    #[must_use]
    pub fn failure(&self) -> Option<&ReadFailure> {
        self.0.failure.as_ref()
    }

    /// For how long it was followed.
    #[must_use]
    pub fn followed_for(&self) -> Duration {
        self.0.followed_for
    }
}

/// Why following a task ended otherwise than with its completion. Each names the task.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PollError {
    /// The operation failed: the [error](Ended::error) says why. To ask again won't help.
    Failed(Ended),
    /// Somebody cancelled the operation. To ask again won't help.
    Cancelled(Ended),
    /// The [time](super::Poller::with_time_limit) was over before the task was seen to end, or its
    /// [time of processing](super::Poller::with_processing_limit). It was the latter if it was
    /// [followed](Unfinished::followed_for) for less than the former. The task may go on:
    /// [follow](super::Poller::following) it again to know.
    TimedOut(Unfinished),
    /// The server has no such task: it expired, was removed, or never was.
    Gone(Unfinished),
    /// The status can't be read: the server refuses to tell, or [too many](super::Poller::with_max_failures) reads
    /// failed in a row. The [failure](Unfinished::failure) says how. The task may go on: with 401, get new credentials,
    /// and [follow](super::Poller::following) it again.
    ReadFailed(Unfinished),
}

impl PollError {
    /// The task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        match self {
            Self::Failed(ended) | Self::Cancelled(ended) => ended.task(),
            Self::TimedOut(task) | Self::Gone(task) | Self::ReadFailed(task) => task.task(),
        }
    }

    /// What the server told of it last, if it ever did.
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
                write!(f, "expected {} to complete, and it failed", ended.task())?;
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
                write!(f, "expected {} to complete, and it was cancelled", ended.task())
            }
            Self::TimedOut(task) => {
                let (name, time) = (task.task(), task.followed_for());
                write!(f, "expected {name} to end within {time:?}, and ")?;
                match task.document() {
                    Some(document) => {
                        write!(f, "it is {}", Excerpt::of(document.status().as_str()))
                    }
                    None => f.write_str("nothing is known of it"),
                }
            }
            Self::Gone(task) => write!(f, "expected {}, and the server has none", task.task()),
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
