//! `Task::apply`: updates the same fields.

use std::sync::Arc;

use tasklife::{Completion, Timestamp};

/// The fields of a task that an event changes.
#[derive(Clone, Debug)]
pub struct Plain {
    pub state: State,
    pub description: Option<Arc<str>>,
    pub progress: Option<u8>,
    pub attempts: u32,
    pub updated_at: Timestamp,
    pub revision: u64,
}

#[derive(Clone, Debug)]
pub enum State {
    Received,
    Running,
    Completed(Arc<Completion>),
}

/// An event.
#[derive(Clone, Debug)]
pub enum Event {
    Start,
    Report { description: Option<Arc<str>>, progress: Option<u8> },
    Complete(Arc<Completion>),
}

impl Plain {
    pub fn received(now: Timestamp) -> Self {
        Self {
            state: State::Received,
            description: None,
            progress: None,
            attempts: 0,
            updated_at: now,
            revision: 1,
        }
    }

    /// Applies an event if the state permits it.
    pub fn apply(&mut self, with: Event, now: Timestamp, revision: u64) -> bool {
        match (with, &self.state) {
            (Event::Start, State::Received) => {
                self.state = State::Running;
                self.description = None;
                self.attempts += 1;
            }
            (Event::Report { description, progress }, State::Running) => {
                if description.is_some() {
                    self.description = description;
                }
                self.progress = self.progress.max(progress);
            }
            (Event::Complete(with), State::Running) => {
                self.state = State::Completed(with);
                self.description = None;
            }
            _ => return false,
        }
        self.updated_at = self.updated_at.max(now);
        self.revision = revision;
        true
    }
}
