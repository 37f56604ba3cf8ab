//! A hash map that is sorted for each list.

use std::collections::HashMap;

use tasklife::{TaskStatus, Timestamp};
use uuid::Uuid;

use super::by_hand::{Change, Record, cursors};
use crate::subject::{CURSORS, Event, Part, Subject};
use crate::workload::Workload;

#[derive(Debug, Default)]
pub struct SortedMap {
    tasks: HashMap<Uuid, Record>,
    revision: u64,
    cursors: Vec<u64>,
}

/// Returns a page of the matching tasks. All of them are sorted, because no order is kept.
pub(super) fn sorted_page<T: std::borrow::Borrow<Record>>(
    tasks: impl Iterator<Item = T>,
    account: &str,
    below: u64,
    status: Option<TaskStatus>,
) -> Vec<Record> {
    let fits = |record: &Record| {
        record.account == account
            && record.revision < below
            && status.is_none_or(|status| record.status == status)
    };
    let mut all: Vec<T> = tasks.filter(|record| fits(record.borrow())).collect();
    all.sort_unstable_by_key(|record| std::cmp::Reverse(record.borrow().revision));
    all.iter().take(100).map(|record| record.borrow().clone()).collect()
}

impl Subject for SortedMap {
    type New = Record;

    const NAME: &'static str = "map sorted on listing";

    fn prepare(&self, load: &Workload, task: usize) -> Record {
        Record::new(load, task)
    }

    fn submit(&mut self, mut new: Record, _: Timestamp) {
        self.revision += 1;
        new.revision = self.revision;
        let id = new.id;
        std::hint::black_box(new.clone());
        self.tasks.insert(id, new);
    }

    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool {
        let change = Change::of(event, load, task);
        self.revision += 1;
        let Some(record) = self.tasks.get_mut(&load.id(task).as_uuid()) else { return false };
        record.change(change, load.today(), self.revision);
        std::hint::black_box(record.clone()).revision > 0
    }

    fn get(&mut self, load: &Workload, task: usize) -> bool {
        let found = self.tasks.get(&load.id(task).as_uuid()).cloned();
        std::hint::black_box(&found).as_ref().is_some_and(|task| task.expires_at > load.today())
    }

    fn place_cursors(&mut self, _: &Workload, tasks: usize) {
        self.cursors = cursors(self.revision, tasks);
    }

    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize {
        let (below, status) = match part {
            Part::First => (u64::MAX, None),
            Part::Continued => (self.cursors[turn % CURSORS], None),
            Part::Rare => (u64::MAX, Some(TaskStatus::ProcessingError)),
        };
        sorted_page(self.tasks.values(), load.account(0).as_str(), below, status).len()
    }
}
