//! A store under measurement.

use std::num::NonZeroUsize;

use tasklife::{
    ListQuery, MemoryStore, Revision, Submission, Target, TaskEvent, TaskStatus, TaskStore,
    Timestamp,
};

use crate::workload::{Stage, Workload, config, scattered};

/// Which page of 100 tasks to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The latest tasks.
    First,
    /// The tasks after one of several cursors.
    Continued,
    /// The tasks in a rare status, which one task in a thousand has.
    Rare,
}

/// An event of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Start,
    /// The task moves to the top of its list.
    Report,
    /// The task ends. Its number determines how.
    End,
}

/// The number of cursors.
pub const CURSORS: usize = 64;

/// A store that holds the tasks of the workload. Tasks are referred to by number.
pub trait Subject {
    /// The argument of [`submit`](Self::submit). It is prepared before the measurement, because
    /// that is the caller's work.
    type New;

    const NAME: &'static str;

    fn prepare(&self, load: &Workload, task: usize) -> Self::New;
    fn submit(&mut self, new: Self::New, now: Timestamp);
    /// Applies an event to a task, and returns whether the store accepted it.
    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool;
    fn get(&mut self, load: &Workload, task: usize) -> bool;
    /// Creates cursors in random places.
    fn place_cursors(&mut self, load: &Workload, tasks: usize);
    /// Lists a page of 100 of the account of task 0, and returns how many tasks it has.
    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize;
}

/// Fills a store with running, completed and failed tasks.
pub fn fill<S: Subject>(store: &mut S, load: &Workload, tasks: usize) {
    for task in 0..tasks {
        store.submit(store.prepare(load, task), load.submitted_at(task));
    }
    for task in Workload::order(tasks) {
        store.apply_event(load, task, Event::Start);
    }
    for task in Workload::order(tasks).filter(|task| load.stage(*task) != Stage::Running) {
        store.apply_event(load, task, Event::End);
    }
    store.place_cursors(load, tasks);
}

/// The store of `tasklife`.
#[derive(Debug)]
pub struct Tasklife {
    pub store: MemoryStore,
    queries: Vec<ListQuery>,
}

impl Default for Tasklife {
    fn default() -> Self {
        Self { store: MemoryStore::new(config()), queries: vec![ListQuery::default()] }
    }
}

impl Tasklife {
    pub fn query(&self, part: Part, turn: usize) -> ListQuery {
        match part {
            Part::First => ListQuery::default(),
            Part::Continued => self.queries[turn % self.queries.len()].clone(),
            Part::Rare => ListQuery::default().with_status(TaskStatus::ProcessingError),
        }
    }
}

impl Subject for Tasklife {
    type New = Submission;

    const NAME: &'static str = "tasklife";

    fn prepare(&self, load: &Workload, task: usize) -> Submission {
        load.submission(task)
    }

    fn submit(&mut self, new: Submission, now: Timestamp) {
        self.store.submit(new, now).expect("a free id");
    }

    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool {
        let event = match event {
            Event::Start => TaskEvent::start(),
            Event::Report => load.report(),
            Event::End => load.end(task).unwrap_or_else(|| load.report()),
        };
        let target = Target::latest(load.account(task), load.id(task));
        self.store.apply(target, event, load.today()).is_ok()
    }

    fn get(&mut self, load: &Workload, task: usize) -> bool {
        let found = self.store.get(load.account(task), load.id(task), load.today());
        matches!(found, Ok(Some(_)))
    }

    fn place_cursors(&mut self, load: &Workload, tasks: usize) {
        let first =
            self.store.list(load.account(0), &ListQuery::new(NonZeroUsize::MIN), load.today());
        let last = first.map_or(0, |page| page.revision().get());
        // Each task holds one of the latest revisions.
        let oldest = last.saturating_sub(tasks as u64);
        let span = usize::try_from(last - oldest).unwrap_or(1).max(1);
        let query = ListQuery::default();
        self.queries = scattered(span, 1)
            .take(CURSORS)
            .filter_map(|step| Revision::try_from(oldest + step as u64).ok())
            .map(|revision| query.clone().after(query.cursor(load.account(0), revision)))
            .collect();
    }

    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize {
        let query = self.query(part, turn);
        let page = self.store.list(load.account(0), &query, load.today());
        page.map_or(0, |page| page.tasks().len())
    }
}
