//! The cache `moka` with a time to live. It has expiry, but no order.

use std::time::Duration;

use moka::sync::Cache;
use tasklife::{TaskStatus, Timestamp};
use uuid::Uuid;

use super::by_hand::{Change, Record, cursors};
use super::sorted_map::sorted_page;
use crate::subject::{CURSORS, Event, Part, Subject};
use crate::workload::Workload;

#[derive(Debug)]
pub struct Moka {
    tasks: Cache<Uuid, Record>,
    revision: u64,
    cursors: Vec<u64>,
}

impl Default for Moka {
    fn default() -> Self {
        let tasks = Cache::builder().time_to_live(Duration::from_hours(240)).build();
        Self { tasks, revision: 0, cursors: Vec::new() }
    }
}

impl Subject for Moka {
    type New = Record;

    const NAME: &'static str = "moka";

    fn prepare(&self, load: &Workload, task: usize) -> Record {
        Record::new(load, task)
    }

    fn submit(&mut self, mut new: Record, _: Timestamp) {
        self.revision += 1;
        new.revision = self.revision;
        self.tasks.insert(new.id, new.clone());
        std::hint::black_box(new);
    }

    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool {
        let change = Change::of(event, load, task);
        self.revision += 1;
        let id = load.id(task).as_uuid();
        let Some(mut record) = self.tasks.get(&id) else { return false };
        record.change(change, load.today(), self.revision);
        self.tasks.insert(id, record.clone());
        record.revision > 0
    }

    fn get(&mut self, load: &Workload, task: usize) -> bool {
        let found = self.tasks.get(&load.id(task).as_uuid());
        found.is_some_and(|task| task.expires_at > load.today())
    }

    fn place_cursors(&mut self, _: &Workload, tasks: usize) {
        self.tasks.run_pending_tasks();
        self.cursors = cursors(self.revision, tasks);
    }

    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize {
        let (below, status) = match part {
            Part::First => (u64::MAX, None),
            Part::Continued => (self.cursors[turn % CURSORS], None),
            Part::Rare => (u64::MAX, Some(TaskStatus::ProcessingError)),
        };
        let tasks = self.tasks.iter().map(|(_, record)| record);
        sorted_page(tasks, load.account(0).as_str(), below, status).len()
    }
}
