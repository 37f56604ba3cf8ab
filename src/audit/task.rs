//! What is known of a task that was seen before.

use alloc::format;
use alloc::string::String;

use super::{Report, Rule};
use crate::document::TaskDocument;
use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::time::{MAX_TIME, Now, Rfc3339};

/// A document may lack its timestamp, and its command type: then nothing is known of them but what
/// other documents said, and nothing follows from it.
#[derive(Clone, Debug)]
pub(super) struct TrackedTask {
    /// As it was read last.
    last: TaskDocument,
    /// The last status that is known.
    status: Option<TaskStatus>,
    /// Whether it had ended, in a status of ours or by being cancelled.
    ended: bool,
    /// The last command type that was told.
    command_type: Option<String>,
    /// The earliest of its timestamps: the task was submitted then, or before.
    first_timestamp: Option<Now>,
    /// The last of its timestamps: it was updated then, and maybe later.
    last_timestamp: Option<Now>,
    /// The timestamp of what was read last, where it is known.
    updated_at: Option<Now>,
    /// When it was read first, by the client's clock.
    seen_at: Now,
    /// An instant before which it was not submitted, where one is known.
    submitted_after: Option<Now>,
    /// Whether it was read, and not only handed out by its submission.
    readable: bool,
    /// Whether it was missed already.
    missed: bool,
}

impl TrackedTask {
    /// A task that is seen for the first time, in an account whose list was read before.
    pub(super) fn first_seen(document: &TaskDocument, at: Now, listed_at: Option<Now>) -> Self {
        let timestamp = document.timestamp();
        Self {
            last: document.clone(),
            status: document.status().known(),
            ended: document.status().is_terminal(),
            command_type: document.command_type().map(String::from),
            first_timestamp: timestamp,
            last_timestamp: timestamp,
            updated_at: timestamp,
            seen_at: at,
            submitted_after: timestamp.filter(|_| is_new(document)).or(listed_at),
            readable: false,
            missed: false,
        }
    }

    pub(super) fn readable_if(mut self, read: bool) -> Self {
        self.readable |= read;
        self
    }

    /// The same task, seen again.
    pub(super) fn update(mut self, document: &TaskDocument, report: &mut Report) -> Self {
        let id = document.task_id();
        let (status, timestamp) = (document.status().known(), document.timestamp());
        if let (Some(old), Some(new)) = (self.command_type.as_deref(), document.command_type())
            && old != new
        {
            report.add(Rule::CommandType, format!("task {id} was a {old:?}, and is a {new:?}"));
        }
        let ended = self.ended;
        if ended && !self.is_same_end(document) {
            let (old, new) = (self.last.status(), document.status());
            let what = if old == new {
                format!("task {id} has changed since it ended in {old}")
            } else {
                format!("task {id} ended in {old}, and is {new}")
            };
            report.add(Rule::AfterEnd, what);
        }
        if let (Some(old), Some(new)) = (self.status, status)
            && !ended
            && !can_reach(old, new)
        {
            report.add(Rule::Transition, format!("task {id} was {old}, and is {new}"));
        }
        if let (Some(old), Some(new)) = (self.last_timestamp, timestamp)
            && new < old
        {
            let (old, new) = (Rfc3339(old), Rfc3339(new));
            report.add(Rule::Timestamp, format!("task {id} was of {old}, and is of {new}"));
        }
        if let Some(command_type) = document.command_type() {
            self.command_type = Some(command_type.into());
        }
        if self.first_timestamp.is_none() && is_new(document) {
            self.submitted_after = self.submitted_after.or(timestamp);
        }
        self.first_timestamp = self.first_timestamp.into_iter().chain(timestamp).min();
        self.last_timestamp = timestamp.or(self.last_timestamp);
        // What has ended is not updated: its timestamp stands.
        let stands = self.updated_at.filter(|_| ended && status == self.status);
        self.updated_at = timestamp.or(stands);
        self.status = status.or(self.status);
        self.ended |= document.status().is_terminal();
        self.last = document.clone();
        self.missed = false;
        self
    }

    /// Whether a document tells of the end that was read before. Its links may differ.
    fn is_same_end(&self, document: &TaskDocument) -> bool {
        let last = &self.last;
        let same_time =
            self.updated_at.zip(document.timestamp()).is_none_or(|(old, new)| old == new);
        same_time
            && last.status() == document.status()
            && last.description() == document.description()
            && last.progress() == document.progress()
            && last.response() == document.response()
    }

    /// Whether what is read under the id may be another task, submitted after this one expired.
    pub(super) fn is_replaced_by(
        &self,
        document: &TaskDocument,
        at: Now,
        retention: Retention,
    ) -> bool {
        let times = document.timestamp().zip(self.last_timestamp);
        let submitted_by =
            self.first_timestamp.map_or(self.seen_at, |first| first.min(self.seen_at));
        let end = earliest_expiry(submitted_by, self.last_timestamp, retention);
        is_new(document) && times.is_none_or(|(new, old)| new > old) && end <= at
    }

    /// The instant at which the task had expired at the latest, where that is known, and over.
    pub(super) fn expired_by(&self, at: Now, retention: Retention) -> Option<Now> {
        let end = retention.after_submission(self.first_timestamp?);
        // The update that nothing is known of may have been just now.
        let has_ended = self.ended.then_some(TaskStatus::ProcessingCompleted);
        let status = has_ended.unwrap_or(TaskStatus::Received);
        let end = retention.after_event(end, status, self.updated_at.unwrap_or(MAX_TIME));
        (end <= at).then_some(end)
    }

    /// The task is not there: the instant until which it should be, where that is known, and not
    /// over. Told once.
    pub(super) fn missed(&mut self, at: Now, retention: Retention) -> Option<Now> {
        let end = earliest_expiry(self.submitted_after?, self.last_timestamp, retention);
        let early = self.readable && !self.missed && at < end;
        self.missed |= early;
        early.then_some(end)
    }
}

/// When a task expires that was submitted at an instant, and of whose events the last that is known was at
/// another: if it is the end, or the end came right after it.
fn earliest_expiry(submitted_at: Now, last_event: Option<Now>, retention: Retention) -> Now {
    let end = retention.after_submission(submitted_at);
    let ended = TaskStatus::ProcessingCompleted;
    retention.after_event(end, ended, last_event.unwrap_or(submitted_at))
}

/// Whether a document tells of a task that waits: its timestamp is that of its submission.
fn is_new(document: &TaskDocument) -> bool {
    let status = document.status().known();
    matches!(status, Some(TaskStatus::Initialized | TaskStatus::Received))
}

/// Whether some events lead from one status to the other: none, if it is the same.
fn can_reach(from: TaskStatus, to: TaskStatus) -> bool {
    // No way is longer than there are statuses.
    let mut reached = [from].into_iter().collect::<alloc::collections::BTreeSet<_>>();
    for _ in TaskStatus::ALL {
        let next: alloc::vec::Vec<_> =
            reached.iter().flat_map(|status| status.successors()).copied().collect();
        reached.extend(next);
    }
    reached.contains(&to)
}
