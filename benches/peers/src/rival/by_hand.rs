//! A simple task as people write it, with owned strings.

use tasklife::{TaskStatus, Timestamp};
use uuid::Uuid;

use crate::subject::{CURSORS, Event};
use crate::workload::{Stage, Workload, scattered};

#[derive(Clone, Debug)]
pub struct Record {
    pub(super) id: Uuid,
    pub(super) account: String,
    pub(super) command: String,
    pub(super) status: TaskStatus,
    pub(super) description: String,
    pub(super) resource: Option<i64>,
    pub(super) progress: Option<u8>,
    pub(super) updated_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) revision: u64,
}

impl Record {
    pub(super) fn new(load: &Workload, task: usize) -> Self {
        let now = load.submitted_at(task);
        let status = TaskStatus::Received;
        Self {
            id: load.id(task).as_uuid(),
            account: load.account(task).as_str().to_owned(),
            command: load.command(task).as_str().to_owned(),
            status,
            description: words(status),
            resource: None,
            progress: None,
            updated_at: now,
            expires_at: now + chrono::TimeDelta::days(10),
            revision: 0,
        }
    }

    pub(super) fn change(&mut self, change: Change, now: Timestamp, revision: u64) {
        let Change { status, resource, progress } = change;
        if status != self.status {
            self.description = words(status);
        }
        self.status = status;
        self.resource = resource.or(self.resource);
        self.progress = progress.or(self.progress);
        self.updated_at = now;
        self.revision = revision;
    }
}

pub(super) fn words(status: TaskStatus) -> String {
    status.description().unwrap_or_default().to_owned()
}

/// A change of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) status: TaskStatus,
    pub(super) resource: Option<i64>,
    pub(super) progress: Option<u8>,
}

impl Change {
    pub(super) fn of(event: Event, load: &Workload, task: usize) -> Self {
        let (status, resource) = match (event, load.stage(task)) {
            (Event::End, Stage::Completed) => {
                (TaskStatus::ProcessingCompleted, Some(load.resource(task)))
            }
            (Event::End, Stage::Failed) => (TaskStatus::ProcessingError, None),
            _ => (TaskStatus::ProcessingInProgress, None),
        };
        Self { status, resource, progress: (event == Event::Report).then_some(50) }
    }
}

/// Returns revisions in random places of a list, to continue from.
pub(super) fn cursors(latest: u64, tasks: usize) -> Vec<u64> {
    let oldest = latest - tasks as u64;
    scattered(tasks, 1).take(CURSORS).map(|place| oldest + place as u64).collect()
}
