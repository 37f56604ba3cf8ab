//! An account of the API: its tasks that move by themselves, and what they make.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

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
    AccountId, ApplyError, CommandType, Completion, ListError, ListQuery, MemoryStore, Now, Page,
    Revision, Submission, SubmitError, Submitted, Target, Task, TaskEvent, TaskId, TaskStatus,
    TaskStore,
};

/// What all accounts of an API have in common.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a MemoryStore,
    pub(crate) routes: &'a Routes,
    pub(crate) lag: Pace,
}

pub(crate) struct Account {
    id: AccountId,
    /// Its place among all accounts, from 1.
    number: usize,
    pub(crate) resources: Resources,
    /// The tasks that have not ended yet.
    active: BTreeMap<TaskId, ActiveTask>,
    /// When each of them moves by itself, or expires.
    due: BTreeSet<(Now, u64, TaskId)>,
    /// Those that are to start and find the lane full, in the order in which they were received.
    waiting: BTreeSet<(Revision, TaskId)>,
    visibility: Visibility,
    watch: Watch,
    /// The requests that it has made of late.
    pub(crate) window: Window,
    /// How often the same was asked for, by the id of its first task; and until when the last may be there.
    occurrences: BTreeMap<TaskId, (u32, Now)>,
    /// How many occurrences make it worth to look for those that are over.
    prune_occurrences_at: usize,
    /// Up to which revision changes in the store were followed.
    seen: Revision,
    submitted: u64,
}

impl Account {
    /// So many tasks are not worth a sweep: it is for good, whatever the clock of the caller.
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

    /// Applies every step that is due, in time order and at its own time.
    pub(crate) fn advance(&mut self, context: Context<'_>, now: Now) {
        self.resources.date(now);
        self.follow_store(context, now);
        self.take_due_steps(context, now);
        // A place may have become free without a step of ours.
        self.fill_lane(context, now);
        self.take_due_steps(context, now);
        for id in self.watch.gone_by(now) {
            context.store.remove(&self.id, id);
        }
    }

    fn take_due_steps(&mut self, context: Context<'_>, now: Now) {
        while let Some(&(at, _, id)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            self.step(context, id, at);
        }
    }

    /// Follows what others did to the tasks in the store.
    fn follow_store(&mut self, context: Context<'_>, now: Now) {
        let mut query = ListQuery::new(NonZeroUsize::MAX).changed_since(self.seen);
        query = query.with_limit(NonZeroUsize::new(1_000).unwrap_or(NonZeroUsize::MIN));
        let mut changed = Vec::new();
        let mut latest = None;
        // The store is in memory and the cursor its own, so that this can't fail.
        while let Ok(page) = context.store.list(&self.id, &query, now) {
            latest.get_or_insert(page.revision());
            let next = page.next();
            changed.extend(page.into_tasks());
            let Some(cursor) = next else { break };
            query = query.after(cursor);
        }
        self.seen = latest.unwrap_or(self.seen);
        for task in changed.iter().rev() {
            let known = self.active.get(&task.id());
            if known.is_some_and(|active| active.revision != task.revision()) {
                self.follow_task(context, task, task.updated_at());
            }
        }
    }

    /// Moves a task on, at the time at which it is due.
    fn step(&mut self, context: Context<'_>, id: TaskId, at: Now) {
        let Ok(Some(task)) = context.store.get(&self.id, id, at) else {
            // Expired. Its place in the lane is free.
            self.forget(id);
            return self.fill_lane(context, at);
        };
        let Some(active) = self.active.get_mut(&id) else { return };
        if active.revision != task.revision() {
            return self.follow_task(context, &task, task.updated_at());
        }
        let event = match task.status() {
            TaskStatus::Initialized => TaskEvent::receive(),
            TaskStatus::Received => TaskEvent::start(),
            _ if let Some(progress) = active.report_by(at) => {
                active.reports += 1;
                TaskEvent::report_of(progress)
            }
            _ => active.operation.end(context.routes, &mut self.resources, at, self.number),
        };
        match context.store.apply(Target::exactly(&task), event, at) {
            Ok(change) => self.follow_task(context, change.task(), at),
            Err(ApplyError::Stale { current }) => {
                self.follow_task(context, &current, current.updated_at());
            }
            Err(ApplyError::LaneBusy) => {
                self.waiting.insert((active.received, id));
                // It is looked for when a place is free, and when it expires.
                active.due = active.expires_at;
                self.due.insert((active.due, active.number, id));
            }
            Err(_) => self.forget(id),
        }
    }

    /// Starts those that wait for a place in the lane, as long as there is one.
    fn fill_lane(&mut self, context: Context<'_>, at: Now) {
        while let Some(&(received, id)) = self.waiting.first() {
            let target = Target::latest(&self.id, id);
            match context.store.apply(target, TaskEvent::start(), at) {
                Ok(change) => self.follow_task(context, change.task(), at),
                Err(ApplyError::LaneBusy) => return,
                // Expired, or started by somebody else.
                Err(_) => {
                    self.waiting.remove(&(received, id));
                }
            }
        }
    }

    /// Takes note of what a task has become, and goes on from there.
    fn follow_task(&mut self, context: Context<'_>, task: &Task, at: Now) {
        let Some(active) = self.active.get_mut(&task.id()) else { return };
        if active.submitted_at != task.submitted_at() {
            // It was removed, and is another's who submitted it by hand.
            return self.forget(task.id());
        }
        self.due.remove(&(active.due, active.number, task.id()));
        self.waiting.remove(&(active.received, task.id()));
        if let Some(outcome) = task.outcome() {
            if let Ok(completion) = outcome {
                let resources = &mut self.resources;
                active.operation.take_effect(
                    context.routes,
                    resources,
                    completion,
                    at,
                    self.number,
                );
            }
            self.forget(task.id());
            self.watch.end(task.id(), at);
            return self.fill_lane(context, at);
        }
        if active.status != task.status() {
            (active.since, active.reads) = (at, 0);
            if task.status() == TaskStatus::Received {
                active.received = task.revision();
            }
        }
        active.status = task.status();
        active.revision = task.revision();
        active.expires_at = task.expires_at();
        active.plan(at);
        self.due.insert((active.due, active.number, task.id()));
    }

    fn forget(&mut self, id: TaskId) {
        if let Some(active) = self.active.remove(&id) {
            self.due.remove(&(active.due, active.number, id));
            self.waiting.remove(&(active.received, id));
        }
    }

    /// Completes a task by hand, through all that comes before.
    pub(crate) fn complete(
        &mut self,
        context: Context<'_>,
        id: TaskId,
        now: Now,
    ) -> Result<Task, ApplyError> {
        self.advance(context, now);
        loop {
            let task = context.store.get(&self.id, id, now).ok().flatten();
            let task = task.ok_or(ApplyError::NotFound)?;
            // Before anything is done to it.
            if task.status() == TaskStatus::Initialized && self.is_lane_full(context, now) {
                return Err(ApplyError::LaneBusy);
            }
            let event = match (task.status(), self.active.get(&id)) {
                (TaskStatus::Initialized, _) => TaskEvent::receive(),
                (TaskStatus::Received, _) => TaskEvent::start(),
                (TaskStatus::ProcessingInProgress, Some(active)) => {
                    active.operation.complete(context.routes, &mut self.resources, now, self.number)
                }
                _ => TaskEvent::complete(Completion::default()),
            };
            let change = match context.store.apply(Target::exactly(&task), event, now) {
                // Somebody was faster, in the store.
                Err(ApplyError::Stale { .. }) => continue,
                change => change?,
            };
            let task = change.into_task();
            self.follow_task(context, &task, now);
            if task.status().is_terminal() {
                return Ok(task);
            }
        }
    }

    fn is_lane_full(&self, context: Context<'_>, now: Now) -> bool {
        let Some(width) = context.store.config().max_in_progress() else { return false };
        let width = usize::try_from(width.get()).unwrap_or(usize::MAX);
        let query = ListQuery::new(NonZeroUsize::new(width).unwrap_or(NonZeroUsize::MAX));
        let query = query.with_status(TaskStatus::ProcessingInProgress);
        let page = context.store.list(&self.id, &query, now);
        page.is_ok_and(|page| page.tasks().len() >= width)
    }

    /// Whether there is a task with this id.
    pub(crate) fn knows(&self, context: Context<'_>, id: TaskId, now: Now) -> bool {
        matches!(context.store.get(&self.id, id, now), Ok(Some(_)))
    }

    /// The id for a request: the same for the same account, command, input and occurrence. What
    /// separates them can't be in an `Idempotency-Key`.
    pub(crate) fn task_id(
        &mut self,
        context: Context<'_>,
        command: &CommandType,
        input: &str,
        now: Now,
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
        // Somebody may have used the id in the store.
        let mut next = if *count == 0 { first } else { id(*count) };
        while visible(next) && *count < u32::MAX {
            *count += 1;
            next = id(*count);
        }
        *count = count.saturating_add(1);
        next
    }

    /// Accepts an operation under an id.
    pub(crate) fn submit(
        &mut self,
        context: Context<'_>,
        submission: Submission,
        operation: Accepted,
        now: Now,
    ) -> Result<Submitted, SubmitError> {
        let submission =
            if operation.begins_initialized() { submission.initialized() } else { submission };
        // Two out for each one in: in the long run, the store holds what is visible and little more.
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
            // One that has expired under the same id is over.
            self.forget(task.id());
            let active = self.active.entry(task.id()).or_insert(active);
            active.plan(now);
            self.due.insert((active.due, active.number, task.id()));
        }
        result
    }

    /// A task, as a `GET` of it shows it, and what goes wrong with the answer. A read may move it on.
    pub(crate) fn read(
        &mut self,
        context: Context<'_>,
        id: TaskId,
        counts: bool,
        now: Now,
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

    /// A page of the list, without the tasks that can't be read yet.
    pub(crate) fn list(
        &mut self,
        context: Context<'_>,
        query: &ListQuery,
        now: Now,
    ) -> Result<Page, ListError> {
        self.visibility.reveal_due(context.lag, now, self.seen);
        self.visibility.list(context.store, &self.id, query, now)
    }
}
