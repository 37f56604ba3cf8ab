//! The closest rival: the in-memory task store of `a2a-protocol-server`.

use std::hint::black_box;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use a2a_protocol_server::store::{InMemoryTaskStore, TaskStore, TaskStoreConfig};
use a2a_protocol_types::params::ListTasksParams;
use a2a_protocol_types::task::{Task, TaskId, TaskState, TaskStatus};
use tasklife::Timestamp;

use crate::row::threads::Shared;
use crate::subject::{CURSORS, Event, Part, Subject};
use crate::workload::{Stage, Workload, scattered};

/// The store, and its ids as text. A request would contain them, so they are created before.
#[derive(Debug)]
pub struct A2a {
    store: InMemoryTaskStore,
    ids: Vec<TaskId>,
    cursors: Vec<String>,
}

impl Default for A2a {
    /// Creates a store without the limits that would drop tasks.
    fn default() -> Self {
        let config = TaskStoreConfig::default().with_max_capacity(None).with_task_ttl(None);
        Self {
            store: InMemoryTaskStore::with_config(config),
            ids: Vec::new(),
            cursors: vec![String::new()],
        }
    }
}

/// Runs a future to completion. It waits at most for other threads.
fn ready<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return value;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}

fn status(state: TaskState, now: Timestamp) -> TaskStatus {
    let mut status = TaskStatus::new(state);
    status.timestamp = Some(now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    status
}

impl A2a {
    fn list(
        &self,
        load: &Workload,
        size: u32,
        token: &str,
        state: Option<TaskState>,
    ) -> (usize, String) {
        let params = ListTasksParams {
            context_id: Some(load.account(0).to_string()),
            status: state,
            page_size: Some(size),
            page_token: Some(token.to_owned()).filter(|token| !token.is_empty()),
            ..ListTasksParams::default()
        };
        let page = ready(self.store.list(&params)).expect("a page");
        (page.tasks.len(), page.next_page_token)
    }
}

impl Subject for A2a {
    type New = Task;

    const NAME: &'static str = "a2a-protocol-server";

    fn prepare(&self, load: &Workload, task: usize) -> Task {
        let id = load.id(task).to_string();
        let submitted = status(TaskState::Submitted, load.submitted_at(task));
        let mut new = Task::new(id.as_str(), load.account(task).as_str(), submitted);
        new.metadata = Some(serde_json::json!({
            "commandType": load.command(task).as_str(),
            "resourceId": load.resource(task),
        }));
        new
    }

    fn submit(&mut self, new: Task, _: Timestamp) {
        assert!(ready(self.store.insert_if_absent(&new)).is_ok_and(|inserted| inserted));
        self.ids.push(new.id);
    }

    /// Changes only the status, which is the cheapest update.
    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool {
        let state = match (event, load.stage(task)) {
            (Event::End, Stage::Completed) => TaskState::Completed,
            (Event::End, Stage::Failed) => TaskState::Failed,
            _ => TaskState::Working,
        };
        let id = self.ids[task].clone();
        let changed = Task::new(id, load.account(task).as_str(), status(state, load.today()));
        ready(self.store.save_status_delta(&changed)).is_ok()
    }

    fn get(&mut self, _: &Workload, task: usize) -> bool {
        matches!(ready(self.store.get(&self.ids[task])), Ok(Some(_)))
    }

    fn place_cursors(&mut self, load: &Workload, _: usize) {
        let mut tokens = Vec::new();
        let mut token = String::new();
        loop {
            token = self.list(load, 1_000, &token, None).1;
            if token.is_empty() {
                break;
            }
            tokens.push(token.clone());
        }
        if tokens.is_empty() {
            tokens.push(self.list(load, 100, "", None).1);
        }
        self.cursors =
            scattered(tokens.len(), 1).take(CURSORS).map(|page| tokens[page].clone()).collect();
    }

    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize {
        match part {
            Part::First => self.list(load, 100, "", None).0,
            Part::Continued => {
                self.list(load, 100, &self.cursors[turn % self.cursors.len()], None).0
            }
            Part::Rare => self.list(load, 100, "", Some(TaskState::Failed)).0,
        }
    }
}

/// The store shared by threads.
#[derive(Debug)]
pub struct A2aShared(A2a);

impl A2aShared {
    /// Creates a store with tasks in progress.
    pub fn filled(load: &Workload, tasks: usize) -> Self {
        let mut store = A2a::default();
        for task in 0..tasks {
            store.submit(store.prepare(load, task), load.submitted_at(task));
            store.apply_event(load, task, Event::Start);
        }
        Self(store)
    }

    fn change(&self, load: &Workload, task: usize, id: TaskId, state: TaskState) {
        let changed = Task::new(id, load.account(task).as_str(), status(state, load.today()));
        ready(self.0.store.save_status_delta(&changed)).expect("a task");
    }
}

impl Shared for A2aShared {
    const NAME: &'static str = A2a::NAME;

    fn get(&self, _: &Workload, task: usize) {
        let found = ready(self.0.store.get(&self.0.ids[task]));
        assert!(black_box(found).is_ok_and(|found| found.is_some()));
    }

    fn list_of_ten(&self, load: &Workload, task: usize) {
        let params = ListTasksParams {
            context_id: Some(load.account(task).to_string()),
            page_size: Some(10),
            ..ListTasksParams::default()
        };
        black_box(ready(self.0.store.list(&params))).expect("a page");
    }

    fn report(&self, load: &Workload, task: usize) {
        self.change(load, task, self.0.ids[task].clone(), TaskState::Working);
    }

    /// There is no claim, so the task is submitted and changed twice.
    fn run_lifecycle(&self, load: &Workload, task: usize, _: Timestamp) {
        let new = self.0.prepare(load, task);
        assert!(ready(self.0.store.insert_if_absent(&new)).is_ok_and(|inserted| inserted));
        self.change(load, task, new.id.clone(), TaskState::Working);
        self.change(load, task, new.id, TaskState::Completed);
    }

    fn drop_tasks(&self, load: &Workload, tasks: Range<usize>, _: Timestamp) {
        for task in tasks {
            ready(self.0.store.delete(&load.id(task).to_string().into())).expect("a task");
        }
    }
}
