//! `Task::apply`: the same fields, updated by hand.

use std::sync::Arc;

use tasklife::{Completion, Now};

/// The fields of a task that an event changes.
#[derive(Clone, Debug)]
pub struct Plain {
    pub state: State,
    pub description: Option<Arc<str>>,
    pub progress: Option<u8>,
    pub attempts: u32,
    pub updated_at: Now,
    pub revision: u64,
}

#[derive(Clone, Debug)]
pub enum State {
    Received,
    Running,
    Completed(Arc<Completion>),
}

/// What a worker reports.
#[derive(Clone, Debug)]
pub struct Report {
    pub description: Option<Arc<str>>,
    pub progress: Option<u8>,
}

impl Plain {
    pub fn received(now: Now) -> Self {
        Self {
            state: State::Received,
            description: None,
            progress: None,
            attempts: 0,
            updated_at: now,
            revision: 1,
        }
    }

    pub fn start(&mut self, now: Now, revision: u64) -> bool {
        let State::Received = self.state else { return false };
        self.state = State::Running;
        self.description = None;
        self.attempts += 1;
        self.stamp(now, revision);
        true
    }

    pub fn report(&mut self, report: Report, now: Now, revision: u64) -> bool {
        let State::Running = self.state else { return false };
        if report.description.is_some() {
            self.description = report.description;
        }
        self.progress = self.progress.max(report.progress);
        self.stamp(now, revision);
        true
    }

    pub fn complete(&mut self, with: Arc<Completion>, now: Now, revision: u64) -> bool {
        let State::Running = self.state else { return false };
        self.state = State::Completed(with);
        self.description = None;
        self.stamp(now, revision);
        true
    }

    fn stamp(&mut self, now: Now, revision: u64) {
        self.updated_at = self.updated_at.max(now);
        self.revision = revision;
    }
}
