//! An account: its tasks and its resources.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use crate::accepted::Accepted;
use crate::active::ActiveTask;
use crate::fault::Faults;
use crate::pace::Pace;
use crate::rate::Window;
use crate::resource::Resources;
use crate::route::Routes;
use crate::visibility::Visibility;
use crate::watch::Watch;
use tasklife::{
    AccountId, CommandType, ListError, ListQuery, MemoryStore, Page, Revision, Submission,
    SubmitError, Submitted, Task, TaskId, TaskStore, Timestamp,
};

/// What the accounts of an API share.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a MemoryStore,
    pub(crate) routes: &'a Routes,
    pub(crate) lag: Pace,
}

pub(crate) struct Account {
    id: AccountId,
    /// Its number among the accounts, from 1.
    number: usize,
    pub(crate) resources: Resources,
    /// The open tasks.
    active: BTreeMap<TaskId, ActiveTask>,
    /// When each of these tasks has its next step, or expires.
    due: BTreeSet<(Timestamp, u64, TaskId)>,
    /// The tasks that wait for the full lane, in the order in which they were received.
    waiting: BTreeSet<(Revision, TaskId)>,
    visibility: Visibility,
    watch: Watch,
    /// Counts requests for the rate limit.
    pub(crate) window: Window,
    /// How often each request was made, by the id of its first task, and until when its latest task
    /// may be visible.
    occurrences: BTreeMap<TaskId, (u32, Timestamp)>,
    /// At this number of entries, `occurrences` is pruned.
    prune_occurrences_at: usize,
    /// The revision up to which changes in the store were applied.
    seen: Revision,
    submitted: u64,
}

impl Account {
    /// Below this number of tasks, nothing is swept. A sweep moves the horizon for good, so a `now`
    /// that is too late would hide tasks.
    const FEW: usize = 10_000;

    pub(crate) fn new(id: AccountId, number: usize) -> Self {
        Self {
            id,
            number,
            resources: Resources::default(),
            active: BTreeMap::new(),
            due: BTreeSet::new(),
            waiting: BTreeSet::new(),
            visibility: Visibility::default(),
            watch: Watch::default(),
            window: Window::default(),
            occurrences: BTreeMap::new(),
            prune_occurrences_at: 1_000,
            seen: Revision::default(),
            submitted: 0,
        }
    }

    pub(crate) fn id(&self) -> &AccountId {
        &self.id
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    fn forget(&mut self, id: TaskId) {
        if let Some(active) = self.active.remove(&id) {
            self.due.remove(&(active.due, active.number, id));
            self.waiting.remove(&(active.received, id));
        }
    }

    /// Returns whether there is a task with this id.
    pub(crate) fn knows(&self, context: Context<'_>, id: TaskId, now: Timestamp) -> bool {
        matches!(context.store.get(&self.id, id, now), Ok(Some(_)))
    }

    /// Returns the id of the task for a request. It depends only on the account, command type,
    /// input and occurrence. The separators cannot occur in an `Idempotency-Key`.
    pub(crate) fn task_id(
        &mut self,
        context: Context<'_>,
        command: &CommandType,
        input: &str,
        now: Timestamp,
    ) -> TaskId {
        let id = |occurrence: u32| {
            TaskId::for_key(&self.id, &format!("{command}\n{occurrence}\n{input}"))
        };
        let (account, store) = (&self.id, context.store);
        let visible = |id: TaskId| matches!(store.get(account, id, now), Ok(Some(_)));
        if self.occurrences.len() >= self.prune_occurrences_at {
            self.occurrences.retain(|first, (_, until)| visible(*first) || now < *until);
            self.prune_occurrences_at = 1_000.max(self.occurrences.len() * 2);
        }
        let first = id(0);
        let until = store.config().retention().after_submission(now);
        let (count, last) = self.occurrences.entry(first).or_insert((0, until));
        *last = until.max(*last);
        // A test may have used the id in the store.
        let mut next = if *count == 0 { first } else { id(*count) };
        while visible(next) && *count < u32::MAX {
            *count += 1;
            next = id(*count);
        }
        *count = count.saturating_add(1);
        next
    }

    /// Submits the task of an operation.
    pub(crate) fn submit(
        &mut self,
        context: Context<'_>,
        submission: Submission,
        operation: Accepted,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let submission =
            if operation.begins_initialized() { submission.initialized() } else { submission };
        // Sweeping two tasks for each new one keeps the store close to the number of visible tasks.
        if context.store.len() >= Self::FEW {
            let _ = context.store.sweep(2, now);
        }
        let result = context.store.submit(submission, now);
        if let Ok(Submitted::New(task)) = &result {
            self.submitted += 1;
            self.visibility.add(context.store, context.lag, task, now);
            self.watch.add(context.store, task, operation.script(), now);
            let active = ActiveTask {
                operation,
                number: self.submitted,
                status: task.status(),
                revision: task.revision(),
                expires_at: task.expires_at(),
                submitted_at: task.submitted_at(),
                since: task.submitted_at(),
                received: task.revision(),
                reads: 0,
                reports: 0,
                due: task.expires_at(),
            };
            // An expired task with the same id is over.
            self.forget(task.id());
            let active = self.active.entry(task.id()).or_insert(active);
            active.plan(now);
            self.due.insert((active.due, active.number, task.id()));
        }
        result
    }

    /// Reads a task, with the faults of the answer. A read that counts may move the task on.
    pub(crate) fn read(
        &mut self,
        context: Context<'_>,
        id: TaskId,
        counts: bool,
        now: Timestamp,
    ) -> (Option<Task>, Faults) {
        let found = |account: &Self| context.store.get(&account.id, id, now).ok().flatten();
        let Some(task) = found(self) else { return (None, Faults::default()) };
        if self.visibility.hides_from_read(context.lag, id, counts, now, self.seen) {
            return (None, Faults::default());
        }
        if !counts {
            return (Some(task), Faults::default());
        }
        let faults = self.watch.count_read(&task);
        if faults.status().is_some() {
            return (Some(task), faults);
        }
        if let Some(active) = self.active.get_mut(&id) {
            active.reads = active.reads.saturating_add(1);
            self.due.remove(&(active.due, active.number, id));
            active.plan(now);
            self.due.insert((active.due, active.number, id));
            self.advance(context, now);
        }
        let task = found(self);
        if task.is_some() && self.watch.show(id) {
            context.store.remove(&self.id, id);
        }
        (task, faults)
    }

    /// Returns a page of the list, without hidden tasks.
    pub(crate) fn list(
        &mut self,
        context: Context<'_>,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.visibility.reveal_due(context.lag, now, self.seen);
        self.visibility.list(context.store, &self.id, query, now)
    }
}
