//! How the tasks of an account move: their due steps, the lane, and changes in the store.

use std::num::NonZeroUsize;

use tasklife::{
    ApplyError, Completion, ListQuery, Target, Task, TaskEvent, TaskId, TaskStatus, TaskStore,
    Timestamp,
};

use super::{Account, Context};

impl Account {
    /// Applies every step that is due by `now`, in time order and each at its own instant.
    pub(crate) fn advance(&mut self, context: Context<'_>, now: Timestamp) {
        self.resources.date(now);
        self.follow_store(context, now);
        self.take_due_steps(context, now);
        // The lane may also have room because of a change in the store.
        self.fill_lane(context, now);
        self.take_due_steps(context, now);
        for id in self.watch.gone_by(now) {
            context.store.remove(&self.id, id);
        }
    }

    fn take_due_steps(&mut self, context: Context<'_>, now: Timestamp) {
        while let Some(&(at, _, id)) = self.due.first()
            && at <= now
        {
            self.due.pop_first();
            self.step(context, id, at);
        }
    }

    /// Applies changes that a test made to tasks in the store.
    fn follow_store(&mut self, context: Context<'_>, now: Timestamp) {
        let mut query = ListQuery::new(NonZeroUsize::MAX).changed_since(self.seen);
        query = query.with_limit(NonZeroUsize::new(1_000).unwrap_or(NonZeroUsize::MIN));
        let mut changed = Vec::new();
        let mut latest = None;
        // This cannot fail: the store is in memory, and the cursor is its own.
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

    /// Applies the next step of a task at the instant at which it is due.
    fn step(&mut self, context: Context<'_>, id: TaskId, at: Timestamp) {
        let Ok(Some(task)) = context.store.get(&self.id, id, at) else {
            // The task has expired, so the lane has room.
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
            Err(ApplyError::LaneFull) => {
                self.waiting.insert((active.received, id));
                // `fill_lane` starts it. Until then, only its expiry is due.
                active.due = active.expires_at;
                self.due.insert((active.due, active.number, id));
            }
            Err(_) => self.forget(id),
        }
    }

    /// Starts waiting tasks while the lane has room.
    fn fill_lane(&mut self, context: Context<'_>, at: Timestamp) {
        while let Some(&(received, id)) = self.waiting.first() {
            let target = Target::latest(&self.id, id);
            match context.store.apply(target, TaskEvent::start(), at) {
                Ok(change) => self.follow_task(context, change.task(), at),
                Err(ApplyError::LaneFull) => return,
                // The task has expired, or was started in the store.
                Err(_) => {
                    self.waiting.remove(&(received, id));
                }
            }
        }
    }

    /// Updates what is known of a task, and plans its next step.
    fn follow_task(&mut self, context: Context<'_>, task: &Task, at: Timestamp) {
        let Some(active) = self.active.get_mut(&task.id()) else { return };
        if active.submitted_at != task.submitted_at() {
            // The task was removed, and a test submitted another one with the same id.
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

    /// Completes a task, passing through the statuses before its end.
    pub(crate) fn complete(
        &mut self,
        context: Context<'_>,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Task, ApplyError> {
        self.advance(context, now);
        loop {
            let task = context.store.get(&self.id, id, now).ok().flatten();
            let task = task.ok_or(ApplyError::NotFound)?;
            // Check this before the first event, so that a refusal changes nothing.
            if task.status() == TaskStatus::Initialized && self.is_lane_full(context, now) {
                return Err(ApplyError::LaneFull);
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
                // The task was changed in the store in the meantime.
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

    fn is_lane_full(&self, context: Context<'_>, now: Timestamp) -> bool {
        let Some(width) = context.store.config().max_in_progress() else { return false };
        let width = usize::try_from(width.get()).unwrap_or(usize::MAX);
        let query = ListQuery::new(NonZeroUsize::new(width).unwrap_or(NonZeroUsize::MAX));
        let query = query.with_status(TaskStatus::ProcessingInProgress);
        let page = context.store.list(&self.id, &query, now);
        page.is_ok_and(|page| page.tasks().len() >= width)
    }
}
