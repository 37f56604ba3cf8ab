//! The laws about a single task, implemented without the code that stores share.
//!
//! A fault in shared code would affect both the store and the check, and so remain unnoticed.

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
use crate::time::{MAX_TIME, Timestamp, clamp_time};

/// Returns the status after an event, or `None` if the event is not permitted.
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

/// Returns whether a task has ended.
pub(super) fn has_ended(task: &Task) -> bool {
    is_terminal(task.status())
}

fn is_terminal(status: TaskStatus) -> bool {
    matches!(status, TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError)
}

/// Returns whether the configured retention is this one, whether or not it drops inputs at the end.
fn is_counted_from(config: &StoreConfig, retention: Retention) -> bool {
    let configured = config.retention();
    configured == retention || configured == retention.without_input_after_end()
}

/// Returns the size of an event's output: the bytes of its strings.
pub(super) fn output_len(event: &TaskEvent) -> usize {
    let id_len = |id: Option<&ResourceId>| match id {
        Some(ResourceId::Text(text)) => text.len(),
        Some(ResourceId::Number(_)) | None => 0,
    };
    let outcome = match event.outcome() {
        Some(Ok(completion)) => {
            let ids =
                id_len(completion.resource_id()) + id_len(completion.additional_resource_id());
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

/// Returns the expiry of a task that is submitted `now`.
pub(super) fn expiry(config: &StoreConfig, now: Timestamp) -> Timestamp {
    let period = config.retention().period();
    let is_from_end = is_counted_from(config, Retention::since_end(period));
    if is_from_end && !period.is_zero() { MAX_TIME } else { period_after(config, now) }
}

fn period_after(config: &StoreConfig, now: Timestamp) -> Timestamp {
    later(clamp_time(now), config.retention().period()).map_or(MAX_TIME, |end| end.min(MAX_TIME))
}

/// Returns the instant from which an event at `now` counts the retention.
///
/// A retention counted from the end uses max(`now`, horizon), so that an ended task is visible
/// for the whole period even if the caller's clock is behind the horizon.
pub(super) fn counted_from(config: &StoreConfig, horizon: Timestamp, now: Timestamp) -> Timestamp {
    let period = config.retention().period();
    let is_from_end = is_counted_from(config, Retention::since_end(period));
    if is_from_end { clamp_time(now).max(horizon) } else { now }
}

/// Returns the expiry after an event that leaves a task in `status`. `from` is the result of
/// [`counted_from`].
fn expiry_after_event(
    task: &Task,
    status: TaskStatus,
    config: &StoreConfig,
    from: Timestamp,
) -> Timestamp {
    let (before, period) = (task.expires_at(), config.retention().period());
    if is_counted_from(config, Retention::since_update(period)) {
        before.max(period_after(config, from))
    } else if is_counted_from(config, Retention::since_end(period)) {
        let at = clamp_time(from).max(task.submitted_at());
        if is_terminal(status) { period_after(config, at) } else { MAX_TIME }
    } else {
        before
    }
}

/// Returns whether the worker of a task was silent for longer than `takeover_after`.
pub(super) fn is_silent(config: &StoreConfig, task: &Task, now: Timestamp) -> bool {
    let update = task.updated_at();
    // An update within a leap second counts as one at its end.
    let is_in_leap_second = update.timestamp_subsec_nanos() >= 1_000_000_000;
    let leap_second_end = chrono::DateTime::from_timestamp(update.timestamp() + 1, 0);
    let begin = leap_second_end.filter(|_| is_in_leap_second).unwrap_or(update);
    let end = config.takeover_after().and_then(|silence| later(begin, silence));
    task.status() == TaskStatus::ProcessingInProgress
        && end.is_some_and(|end| clamp_time(now) > end)
}

/// Returns whether a submission repeats the request of a task. `input` is the input with which the
/// task was submitted; the task itself may have dropped it.
pub(super) fn is_repeat(submission: &Submission, task: &Task, input: &[u8]) -> bool {
    submission.command_type() == task.command_type()
        && (submission.input() == input || crate::json::is_same_value(submission.input(), input))
}

/// Returns whether a task matches a query.
pub(super) fn matches(query: &ListQuery, task: &Task) -> bool {
    let since = query.since().map_or(0, crate::Revision::get);
    query.statuses().any(|status| status == task.status()) && task.revision().get() > since
}

/// Returns the instant plus a period, to the nanosecond, unless it is out of range for chrono.
fn later(instant: Timestamp, period: Duration) -> Option<Timestamp> {
    const SECOND: i128 = 1_000_000_000;
    let begin = i128::from(instant.timestamp()) * SECOND;
    let within = i128::from(instant.timestamp_subsec_nanos());
    let since_begin = within + i128::try_from(period.as_nanos()).ok()?;
    if within >= SECOND && since_begin < 2 * SECOND {
        // The result is within the leap second.
        let nanos = u32::try_from(since_begin).ok()?;
        return chrono::DateTime::from_timestamp(instant.timestamp(), nanos);
    }
    // A leap second that has passed is not counted.
    let end = begin + since_begin - if within >= SECOND { SECOND } else { 0 };
    let seconds = i64::try_from(end.div_euclid(SECOND)).ok()?;
    let nanos = u32::try_from(end.rem_euclid(SECOND)).ok()?;
    chrono::DateTime::from_timestamp(seconds, nanos)
}

/// Everything about a task but its revision and update time.
#[derive(Debug, PartialEq)]
pub(super) struct TaskFacts<'a> {
    pub(super) account: &'a AccountId,
    id: TaskId,
    command_type: &'a CommandType,
    input: &'a [u8],
    status: TaskStatus,
    submitted_at: Timestamp,
    pub(super) expires_at: Timestamp,
    description: Option<&'a str>,
    progress: Option<u8>,
    attempts: u32,
    outcome: Option<Result<&'a Completion, &'a TaskError>>,
}

impl<'a> TaskFacts<'a> {
    /// Returns the facts of a task.
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

    /// Returns the expected facts of a new task.
    pub(super) fn submitted(
        submission: &'a Submission,
        config: &StoreConfig,
        now: Timestamp,
    ) -> Self {
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

    /// Returns the expected facts of a task after a permitted event. `from` is the result of
    /// [`counted_from`].
    pub(super) fn changed(
        before: &'a Task,
        event: &'a TaskEvent,
        config: &StoreConfig,
        from: Timestamp,
    ) -> Self {
        let status = status_after(before.status(), event.kind()).unwrap_or(before.status());
        let is_report = event.kind() == EventKind::Report;
        let default_description =
            if is_report { before.description() } else { status.description() };
        let reported = event.progress().map(crate::Progress::percent);
        let expires_at = expiry_after_event(before, status, config, from);
        let is_input_dropped = is_terminal(status) && config.retention().drops_input_at_end();
        let before = Self::of(before);
        Self {
            input: if is_input_dropped { &[] } else { before.input },
            status,
            expires_at,
            description: event.description().or(default_description),
            progress: before.progress.max(reported),
            attempts: before.attempts.saturating_add(u32::from(event.kind() == EventKind::Start)),
            outcome: event.outcome(),
            ..before
        }
    }

    /// Describes the first fact in which `got` differs.
    pub(super) fn difference(&self, got: &Self) -> String {
        let mut pairs = self.named().into_iter().zip(got.named());
        let differing = pairs.find(|(expected, got)| expected != got);
        let description = differing.map(|((fact, expected), (_, got))| {
            format!("expected the {fact} {expected}; got {got}")
        });
        description.unwrap_or_default()
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

    /// Returns the expected facts of a task that is taken over.
    pub(super) fn taken_over(before: &'a Task, config: &StoreConfig, from: Timestamp) -> Self {
        let expires_at = expiry_after_event(before, before.status(), config, from);
        let before = Self::of(before);
        Self { expires_at, attempts: before.attempts.saturating_add(1), ..before }
    }
}
