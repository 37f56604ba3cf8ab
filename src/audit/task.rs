//! What is known of a task that was seen before.

use alloc::format;

use super::{Report, Rule};
use crate::document::TaskDocument;
use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::time::{Now, Rfc3339};

#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// As it was read last.
    last: TaskDocument,
    /// The last status that is known.
    status: Option<TaskStatus>,
    /// The earliest of its timestamps: the task was submitted then, or before.
    first_timestamp: Now,
    /// An instant before which it was not submitted, where one is known.
    submitted_after: Option<Now>,
    /// Whether it was read, and not only handed out by its submission.
    readable: bool,
    /// Whether it was missed already.
    missed: bool,
}

impl Watched {
    /// A task that is seen for the first time, in an account whose list was read before.
    pub(super) fn first_seen(document: &TaskDocument, listed_at: Option<Now>) -> Self {
        let status = document.status().known();
        let is_new = matches!(status, Some(TaskStatus::Initialized | TaskStatus::Received));
        Self {
            last: document.clone(),
            status,
            first_timestamp: document.timestamp(),
            submitted_after: if is_new { Some(document.timestamp()) } else { listed_at },
            readable: false,
            missed: false,
        }
    }

    pub(super) fn readable_if(mut self, read: bool) -> Self {
        self.readable |= read;
        self
    }

    /// The same task, seen again.
    pub(super) fn and_then_seen(mut self, document: &TaskDocument, report: &mut Report) -> Self {
        let id = document.task_id();
        if document.command_type() != self.last.command_type() {
            let (old, new) = (self.last.command_type(), document.command_type());
            report.add(Rule::CommandType, format!("task {id} was a {old:?}, and is a {new:?}"));
        }
        let ended = self.status.is_some_and(TaskStatus::is_terminal);
        if ended && !same_end(&self.last, document) {
            let (old, new) = (self.last.status(), document.status());
            let what = if old == new {
                format!("task {id} has changed since it ended in {old}")
            } else {
                format!("task {id} ended in {old}, and is {new}")
            };
            report.add(Rule::AfterEnd, what);
        }
        if let (Some(old), Some(new)) = (self.status, document.status().known())
            && !ended
            && !can_reach(old, new)
        {
            report.add(Rule::Transition, format!("task {id} was {old}, and is {new}"));
        }
        if document.timestamp() < self.last.timestamp() {
            let (old, new) = (Rfc3339(self.last.timestamp()), Rfc3339(document.timestamp()));
            report.add(Rule::Timestamp, format!("task {id} was of {old}, and is of {new}"));
        }
        self.first_timestamp = self.first_timestamp.min(document.timestamp());
        self.status = document.status().known().or(self.status);
        self.last = document.clone();
        self.missed = false;
        self
    }

    /// Whether what is read under the id is another task, submitted after this one expired.
    pub(super) fn is_followed_by_another(
        &self,
        document: &TaskDocument,
        at: Now,
        retention: Retention,
    ) -> bool {
        let is_new = document
            .status()
            .known()
            .is_some_and(|status| matches!(status, TaskStatus::Initialized | TaskStatus::Received));
        is_new
            && document.timestamp() > self.last.timestamp()
            && self.expired_by(at, retention).is_some()
    }

    /// The instant at which the task had expired at the latest, where that is over.
    pub(super) fn expired_by(&self, at: Now, retention: Retention) -> Option<Now> {
        let end = retention.after_submission(self.first_timestamp);
        let end = retention.after_event(end, self.last.timestamp());
        (end <= at).then_some(end)
    }

    /// The task is not there: the instant until which it should be, where that is not over. Told
    /// once.
    pub(super) fn missed(&mut self, at: Now, retention: Retention) -> Option<Now> {
        let end = retention.after_submission(self.submitted_after?);
        let end = retention.after_event(end, self.last.timestamp());
        let early = self.readable && !self.missed && at < end;
        self.missed |= early;
        early.then_some(end)
    }
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

/// Whether two documents tell of the same end. Their links may differ.
fn same_end(one: &TaskDocument, other: &TaskDocument) -> bool {
    one.status() == other.status()
        && one.timestamp() == other.timestamp()
        && one.description() == other.description()
        && one.progress() == other.progress()
        && one.response() == other.response()
}
