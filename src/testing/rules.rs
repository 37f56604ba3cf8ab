//! What the laws say of one task, decided without the code that stores share.
//!
//! A fault in that code would otherwise be in the store and in its judge alike, and nobody would see it.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::event::TaskEvent;
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, ResourceId, TaskError};
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
    is_end(task.status())
}

fn is_end(status: TaskStatus) -> bool {
    matches!(status, TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError)
}

/// Whether the retention is this one, with the input of what has ended or without.
fn is_counted_from(config: &StoreConfig, retention: Retention) -> bool {
    let configured = config.retention();
    configured == retention || configured == retention.with_input_until_end()
}

/// How many bytes of texts an event brings.
pub(super) fn output_of(event: &TaskEvent) -> usize {
    let id = |id: Option<&ResourceId>| match id {
        Some(ResourceId::Text(text)) => text.len(),
        Some(ResourceId::Number(_)) | None => 0,
    };
    let outcome = match event.outcome() {
        Some(Ok(completion)) => {
            let ids = id(completion.resource_id()) + id(completion.additional_resource_id());
            ids + completion.resource().map_or(0, str::len)
        }
        Some(Err(error)) => {
            let info = error.additional_info().map_or(0, str::len);
            error.code().len() + error.status().len() + error.description().len() + info
        }
        None => 0,
    };
    event.description().map_or(0, str::len) + outcome
}

/// When a task expires that is submitted `now`.
pub(super) fn expiry(config: &StoreConfig, now: Now) -> Now {
    let period = config.retention().period();
    let never = !period.is_zero() && is_counted_from(config, Retention::since_end(period));
    if never { MAX_TIME } else { period_after(config, now) }
}

fn period_after(config: &StoreConfig, now: Now) -> Now {
    later(clamp_time(now), config.retention().period()).map_or(MAX_TIME, |end| end.min(MAX_TIME))
}

/// From when the retention is counted, after an event of a call that is made `now`.
pub(super) fn counted_from(config: &StoreConfig, horizon: Now, now: Now) -> Now {
    let period = config.retention().period();
    let is_from_end = is_counted_from(config, Retention::since_end(period));
    if is_from_end { clamp_time(now).max(horizon) } else { now }
}

/// When a task expires after an event that has left it in a status, [counted from](counted_from) an instant.
fn expiry_after_event(task: &Task, status: TaskStatus, config: &StoreConfig, from: Now) -> Now {
    let (before, period) = (task.expires_at(), config.retention().period());
    if is_counted_from(config, Retention::since_update(period)) {
        before.max(period_after(config, from))
    } else if is_counted_from(config, Retention::since_end(period)) {
        let ends = is_end(status);
        let at = clamp_time(from).max(task.submitted_at());
        if ends { period_after(config, at) } else { MAX_TIME }
    } else {
        before
    }
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

/// Whether a submission asks for what a task was made for, with an input that may have been let go since.
pub(super) fn is_repeat(submission: &Submission, task: &Task, input: &[u8]) -> bool {
    let (one, other) = (submission.input(), input);
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

    /// Those of a task after an event that its status permits, where the retention is
    /// [counted from](counted_from) an instant.
    pub(super) fn changed(
        before: &'a Task,
        event: &'a TaskEvent,
        config: &StoreConfig,
        from: Now,
    ) -> Self {
        let status = status_after(before.status(), event.kind()).unwrap_or(before.status());
        let is_report = event.kind() == EventKind::Report;
        let stays = if is_report { before.description() } else { status.description() };
        let reported = event.progress().map(crate::Progress::percent);
        let expires_at = expiry_after_event(before, status, config, from);
        let is_dropped = is_end(status) && config.retention().drops_input_at_end();
        let before = Self::of(before);
        Self {
            input: if is_dropped { &[] } else { before.input },
            status,
            expires_at,
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
    pub(super) fn taken_over(before: &'a Task, config: &StoreConfig, from: Now) -> Self {
        let expires_at = expiry_after_event(before, before.status(), config, from);
        let before = Self::of(before);
        Self { expires_at, attempts: before.attempts.saturating_add(1), ..before }
    }
}
