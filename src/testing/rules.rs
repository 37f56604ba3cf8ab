//! What the laws say of one task, decided without the code that stores share.
//!
//! A fault in that code would otherwise be in the store and in its judge alike, and nobody would see it.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::event::TaskEvent;
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, TaskError};
use crate::retention::Retention;
use crate::status::{EventKind, TaskStatus};
use crate::store::{ListQuery, StoreConfig};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MAX_TIME, Now, clamp_time};

/// The status after an event, if it is permitted.
pub(super) const fn status_after(status: TaskStatus, event: EventKind) -> Option<TaskStatus> {
    use {EventKind as E, TaskStatus as S};
    match (status, event) {
        (S::Initialized, E::Receive) => Some(S::Received),
        (S::Received, E::Start) | (S::ProcessingInProgress, E::Report) => {
            Some(S::ProcessingInProgress)
        }
        (S::ProcessingInProgress, E::Complete) => Some(S::ProcessingCompleted),
        (S::Initialized | S::Received | S::ProcessingInProgress, E::Fail) => {
            Some(S::ProcessingError)
        }
        _ => None,
    }
}

/// Whether a task has ended.
pub(super) fn has_ended(task: &Task) -> bool {
    matches!(task.status(), TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError)
}

/// When a task expires that is submitted `now`.
pub(super) fn expiry(config: &StoreConfig, now: Now) -> Now {
    later(clamp_time(now), config.retention().period()).map_or(MAX_TIME, |end| end.min(MAX_TIME))
}

/// When a task expires that has an event `now`.
fn expiry_after_event(before: Now, config: &StoreConfig, now: Now) -> Now {
    let is_put_off = config.retention() == Retention::since_update(config.retention().period());
    if is_put_off { before.max(expiry(config, now)) } else { before }
}

/// Whether a task's worker has been silent for too long at an instant.
pub(super) fn is_silent(config: &StoreConfig, task: &Task, now: Now) -> bool {
    let update = task.updated_at();
    // A silence that begins within a leap second begins at its end.
    let is_within = update.timestamp_subsec_nanos() >= 1_000_000_000;
    let end_of_it = chrono::DateTime::from_timestamp(update.timestamp() + 1, 0);
    let begin = end_of_it.filter(|_| is_within).unwrap_or(update);
    let end = config.takeover_after().and_then(|silence| later(begin, silence));
    task.status() == TaskStatus::ProcessingInProgress
        && end.is_some_and(|end| clamp_time(now) > end)
}

/// Whether a submission asks for what a task was made for.
pub(super) fn is_repeat(submission: &Submission, task: &Task) -> bool {
    let (one, other) = (submission.input(), task.input());
    submission.command_type() == task.command_type()
        && (one == other || crate::json::is_same_value(one, other))
}

/// Whether a query asks for a task.
pub(super) fn is_asked_for(query: &ListQuery, task: &Task) -> bool {
    let since = query.since().map_or(0, crate::Revision::get);
    query.statuses().any(|status| status == task.status()) && task.revision().get() > since
}

/// The instant that is so much later, by the nanosecond, if chrono can hold it.
fn later(instant: Now, period: Duration) -> Option<Now> {
    const SECOND: i128 = 1_000_000_000;
    let begin = i128::from(instant.timestamp()) * SECOND;
    let within = i128::from(instant.timestamp_subsec_nanos());
    let since_begin = within + i128::try_from(period.as_nanos()).ok()?;
    if within >= SECOND && since_begin < 2 * SECOND {
        // Still within the leap second.
        let nanos = u32::try_from(since_begin).ok()?;
        return chrono::DateTime::from_timestamp(instant.timestamp(), nanos);
    }
    // A leap second is over, and is counted no more.
    let end = begin + since_begin - if within >= SECOND { SECOND } else { 0 };
    let seconds = i64::try_from(end.div_euclid(SECOND)).ok()?;
    let nanos = u32::try_from(end.rem_euclid(SECOND)).ok()?;
    chrono::DateTime::from_timestamp(seconds, nanos)
}

/// What a task is but for its stamp.
#[derive(Debug, PartialEq)]
pub(super) struct Facts<'a> {
    pub(super) account: &'a AccountId,
    id: TaskId,
    command_type: &'a CommandType,
    input: &'a [u8],
    status: TaskStatus,
    submitted_at: Now,
    pub(super) expires_at: Now,
    description: Option<&'a str>,
    progress: Option<u8>,
    attempts: u32,
    outcome: Option<Result<&'a Completion, &'a TaskError>>,
}

impl<'a> Facts<'a> {
    /// Those of a task as it is.
    pub(super) fn of(task: &'a Task) -> Self {
        Self {
            account: task.account(),
            id: task.id(),
            command_type: task.command_type(),
            input: task.input(),
            status: task.status(),
            submitted_at: task.submitted_at(),
            expires_at: task.expires_at(),
            description: task.description(),
            progress: task.progress().map(crate::Progress::percent),
            attempts: task.attempts(),
            outcome: task.outcome(),
        }
    }

    /// Those of the task that a submission becomes.
    pub(super) fn submitted(submission: &'a Submission, config: &StoreConfig, now: Now) -> Self {
        Self {
            account: submission.account(),
            id: submission.id(),
            command_type: submission.command_type(),
            input: submission.input(),
            status: submission.status(),
            submitted_at: clamp_time(now),
            expires_at: expiry(config, now),
            description: submission.status().description(),
            progress: None,
            attempts: 0,
            outcome: None,
        }
    }

    /// Those of a task after an event that its status permits.
    pub(super) fn changed(
        before: &'a Task,
        event: &'a TaskEvent,
        config: &StoreConfig,
        now: Now,
    ) -> Self {
        let status = status_after(before.status(), event.kind()).unwrap_or(before.status());
        let is_report = event.kind() == EventKind::Report;
        let stays = if is_report { before.description() } else { status.description() };
        let reported = event.progress().map(crate::Progress::percent);
        let before = Self::of(before);
        Self {
            status,
            expires_at: expiry_after_event(before.expires_at, config, now),
            description: event.description().or(stays),
            progress: before.progress.max(reported),
            attempts: before.attempts.saturating_add(u32::from(event.kind() == EventKind::Start)),
            outcome: event.outcome(),
            ..before
        }
    }

    /// The first in which others differ, in words.
    pub(super) fn difference(&self, got: &Self) -> String {
        let differing = self.named().into_iter().zip(got.named()).find(|(one, got)| one != got);
        let differing = differing.map(|((fact, expected), (_, got))| {
            format!("expected the {fact} {expected}, got {got}")
        });
        differing.unwrap_or_default()
    }

    fn named(&self) -> [(&'static str, String); 11] {
        [
            ("account", format!("{:?}", self.account)),
            ("id", format!("{}", self.id)),
            ("command type", format!("{:?}", self.command_type)),
            ("input", format!("{:?}", self.input)),
            ("status", format!("{}", self.status)),
            ("submission time", format!("{:?}", self.submitted_at)),
            ("expiry", format!("{:?}", self.expires_at)),
            ("description", format!("{:?}", self.description)),
            ("progress", format!("{:?}", self.progress)),
            ("attempts", format!("{}", self.attempts)),
            ("outcome", format!("{:?}", self.outcome)),
        ]
    }

    /// Those of a task in progress that is handed to another worker.
    pub(super) fn taken_over(before: &'a Task, config: &StoreConfig, now: Now) -> Self {
        let before = Self::of(before);
        let expires_at = expiry_after_event(before.expires_at, config, now);
        Self { expires_at, attempts: before.attempts.saturating_add(1), ..before }
    }
}
