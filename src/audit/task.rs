//! What the auditor knows about a task that it has seen.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::finding::Report;
use super::rule::Rule;
use crate::document::TaskDocument;
use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::time::{MAX_TIME, Rfc3339, Timestamp};

/// What the auditor knows about a task that it has seen.
///
/// A document may lack its timestamp or its command type. Then only what other documents said is
/// known, and nothing follows from the gap.
#[derive(Clone, Debug)]
pub(super) struct TrackedTask {
    /// The last document.
    last: TaskDocument,
    /// The last status that is one of ours.
    status: Option<TaskStatus>,
    /// Whether it had ended, by completing, failing or being cancelled.
    has_ended: bool,
    /// The last command type in a document.
    command_type: Option<String>,
    /// The earliest timestamp. The task was submitted at this instant or earlier.
    first_timestamp: Option<Timestamp>,
    /// The last timestamp. The task was updated at this instant, and possibly later.
    last_timestamp: Option<Timestamp>,
    /// The timestamp of the last document, if it is known.
    updated_at: Option<Timestamp>,
    /// When the client first saw the task, by its own clock.
    seen_at: Timestamp,
    /// An instant before which the task was not submitted, if one is known.
    submitted_after: Option<Timestamp>,
    /// Whether the client has read it. If not, it has only seen the answer to the submission.
    is_readable: bool,
    /// Whether it was reported as vanished, and was not seen since.
    is_reported: bool,
}

impl TrackedTask {
    /// Begins with the first document about a task. `listed_at` is when the client last read a
    /// complete list of the account, which did not contain the task.
    pub(super) fn first_seen(
        document: &TaskDocument,
        at: Timestamp,
        listed_at: Option<Timestamp>,
    ) -> Self {
        let timestamp = document.timestamp();
        Self {
            last: document.clone(),
            status: document.status().known(),
            has_ended: document.status().is_terminal(),
            command_type: document.command_type().map(String::from),
            first_timestamp: timestamp,
            last_timestamp: timestamp,
            updated_at: timestamp,
            seen_at: at,
            submitted_after: timestamp.filter(|_| is_waiting(document)).or(listed_at),
            is_readable: false,
            is_reported: false,
        }
    }

    /// Notes that the client has read the task.
    pub(super) fn mark_readable(&mut self) {
        self.is_readable = true;
    }

    /// Compares the next document with what is known, and takes it in.
    pub(super) fn update(mut self, document: &TaskDocument, report: &mut Report) -> Self {
        self.check(document, report);
        let (status, timestamp) = (document.status().known(), document.timestamp());
        if let Some(command_type) = document.command_type() {
            self.command_type = Some(command_type.into());
        }
        if self.first_timestamp.is_none() && is_waiting(document) {
            self.submitted_after = self.submitted_after.or(timestamp);
        }
        self.first_timestamp = self.first_timestamp.into_iter().chain(timestamp).min();
        self.last_timestamp = timestamp.or(self.last_timestamp);
        // A task that has ended is not updated again, so its timestamp still holds.
        let still_valid = self.updated_at.filter(|_| self.has_ended && status == self.status);
        self.updated_at = timestamp.or(still_valid);
        self.status = status.or(self.status);
        self.has_ended |= document.status().is_terminal();
        self.last = document.clone();
        self.is_reported = false;
        self
    }

    /// Reports what the next document contradicts.
    fn check(&self, document: &TaskDocument, report: &mut Report) {
        let id = document.task_id();
        if let (Some(old), Some(new)) = (self.command_type.as_deref(), document.command_type())
            && old != new
        {
            let what = format!("the command type of task {id} changed from {old:?} to {new:?}");
            report.add(Rule::CommandType, what);
        }
        if self.has_ended && !self.is_same_end(document) {
            let (old, new) = (self.last.status(), document.status());
            let what = if old == new {
                format!("task {id} changed after it had ended in {old}")
            } else {
                format!("task {id} had ended in {old}, but is now {new}")
            };
            report.add(Rule::AfterEnd, what);
        }
        if let (Some(old), Some(new)) = (self.status, document.status().known())
            && !self.has_ended
            && !can_reach(old, new)
        {
            report.add(Rule::Transition, format!("task {id} was {old}, but is now {new}"));
        }
        if let (Some(old), Some(new)) = (self.last_timestamp, document.timestamp())
            && new < old
        {
            let (old, new) = (Rfc3339(old), Rfc3339(new));
            let what = format!("the timestamp of task {id} went back from {old} to {new}");
            report.add(Rule::Timestamp, what);
        }
    }

    /// Returns whether a document shows the same end as the last one. Only the links may differ.
    fn is_same_end(&self, document: &TaskDocument) -> bool {
        let last = &self.last;
        let is_same_time =
            self.updated_at.zip(document.timestamp()).is_none_or(|(old, new)| old == new);
        is_same_time
            && last.status() == document.status()
            && last.description() == document.description()
            && last.progress() == document.progress()
            && last.response() == document.response()
    }

    /// Returns whether a document with the same id may be about another task, submitted after this
    /// one had expired.
    pub(super) fn is_replaced_by(
        &self,
        document: &TaskDocument,
        at: Timestamp,
        retention: Retention,
    ) -> bool {
        let times = document.timestamp().zip(self.last_timestamp);
        let submitted_by =
            self.first_timestamp.map_or(self.seen_at, |first| first.min(self.seen_at));
        let end = earliest_expiry(submitted_by, self.last_timestamp, retention);
        is_waiting(document) && times.is_none_or(|(new, old)| new > old) && end <= at
    }

    /// Returns the latest instant at which the task can have expired, if that is known and not
    /// after `at`.
    pub(super) fn expired_by(&self, at: Timestamp, retention: Retention) -> Option<Timestamp> {
        let end = retention.after_submission(self.first_timestamp?);
        // All terminal statuses have the same retention, and so do all others.
        let status =
            if self.has_ended { TaskStatus::ProcessingCompleted } else { TaskStatus::Received };
        // If the last update is unknown, it may be as recent as can be.
        let end = retention.after_event(end, status, self.updated_at.unwrap_or(MAX_TIME));
        (end <= at).then_some(end)
    }

    /// Takes in that the task is not there. Returns the earliest instant at which it can expire, if
    /// that is known, is after `at`, and was not returned since the task was last seen.
    pub(super) fn vanished_before(
        &mut self,
        at: Timestamp,
        retention: Retention,
    ) -> Option<Timestamp> {
        let end = earliest_expiry(self.submitted_after?, self.last_timestamp, retention);
        let has_vanished = self.is_readable && !self.is_reported && at < end;
        self.is_reported |= has_vanished;
        has_vanished.then_some(end)
    }
}

/// Returns the earliest instant at which a task can expire: if its last known event ended it, or
/// the end came right after.
fn earliest_expiry(
    submitted_at: Timestamp,
    last_event: Option<Timestamp>,
    retention: Retention,
) -> Timestamp {
    let end = retention.after_submission(submitted_at);
    let ended = TaskStatus::ProcessingCompleted;
    retention.after_event(end, ended, last_event.unwrap_or(submitted_at))
}

/// Returns whether a document shows a task that waits to be started. Its timestamp is taken for the
/// instant of the submission.
fn is_waiting(document: &TaskDocument) -> bool {
    let status = document.status().known();
    matches!(status, Some(TaskStatus::Initialized | TaskStatus::Received))
}

/// Returns whether any number of events, none included, leads from one status to the other.
fn can_reach(from: TaskStatus, to: TaskStatus) -> bool {
    let mut reached = BTreeSet::from([from]);
    // No path is longer than the number of statuses.
    for _ in TaskStatus::ALL {
        let next: Vec<_> = reached.iter().flat_map(|status| status.successors()).copied().collect();
        reached.extend(next);
    }
    reached.contains(&to)
}
