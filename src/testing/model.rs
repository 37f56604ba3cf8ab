//! A simple reference store.

mod shared;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::rules;
use crate::clock::AccountClock;
use crate::event::{TaskEvent, TransitionError};
use crate::id::{AccountId, TaskId};
use crate::outcome::TaskError;
use crate::status::{EventKind, TaskStatus};
use crate::store::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, StoreConfig,
    SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MIN_TIME, Timestamp, clamp_time};

/// A simple reference store: an unordered list of tasks for each account, without an index.
///
/// The conformance suite compares a store with this model. You can also use it as a store in your
/// own tests. Its methods take `&mut self`. To share it between threads, put it into a `Mutex`,
/// which implements [`TaskStore`](crate::TaskStore).
///
/// The model shares no code with [`LocalStore`](crate::LocalStore) for what is visible, which
/// events are permitted, what a repeat is, when a worker is silent and what a query matches. Like
/// every store, it changes tasks with [`Task::apply`]; the suite checks the result separately.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
/// use tasklife::testing::Model;
/// use tasklife::{StoreConfig, TaskStore};
///
/// let store: Box<dyn TaskStore> = Box::new(Mutex::new(Model::new(StoreConfig::default())));
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    config: StoreConfig,
    horizon: Timestamp,
    accounts: Vec<ModelAccount>,
    /// The number of the last turn.
    last_turn: u64,
}

#[derive(Clone, Debug)]
pub(super) struct ModelAccount {
    id: AccountId,
    pub(super) clock: AccountClock,
    /// The stored tasks, in no particular order.
    tasks: Vec<Task>,
    /// The submitted input of each task. The task itself may have dropped it.
    inputs: BTreeMap<TaskId, Vec<u8>>,
    /// The number of the account's last turn. The account with the lowest number is next.
    turn: u64,
}

impl Model {
    /// Creates an empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self { config, horizon: MIN_TIME, accounts: Vec::new(), last_turn: 0 }
    }

    /// Like [`TaskStore::submit`](crate::TaskStore::submit).
    ///
    /// # Errors
    ///
    /// As there, except for a backend error: the backend is memory.
    pub fn submit(
        &mut self,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        if let Some(task) = self.visible(submission.account(), submission.id(), now) {
            let known = self.accounts.iter().find(|known| known.id == *task.account());
            let input = known.and_then(|known| known.inputs.get(&task.id()));
            let input = input.map_or(&[][..], |input| input);
            return if rules::is_repeat(&submission, &task, input) {
                Ok(Submitted::Existing(task))
            } else {
                Err(SubmitError::Conflict)
            };
        }
        if submission.input().len() > self.config.max_input() {
            return Err(SubmitError::InputTooLarge { limit: self.config.max_input() });
        }
        let instant = clamp_time(now).max(self.horizon);
        if rules::expiry(&self.config, now) <= instant {
            return Err(SubmitError::Expired);
        }
        let replaces = self.stored(submission.account(), submission.id()).is_some();
        let full = !replaces && self.all_tasks().count() >= self.config.max_tasks();
        let expired = self.all_tasks().filter(|task| task.expires_at() <= instant);
        let first = expired.min_by_key(|task| task.expires_at()).cloned();
        if full && first.is_none() {
            return Err(SubmitError::StoreFull);
        }
        let open = self.visible_tasks(submission.account(), now);
        if open.filter(|task| !rules::has_ended(task)).count() >= self.config.max_open() {
            return Err(SubmitError::AccountFull);
        }

        if let Some(first) = first.filter(|_| full) {
            self.horizon = self.horizon.max(first.expires_at());
            self.account_mut(first.account()).tasks.retain(|task| task.id() != first.id());
        }
        let retention = self.config.retention();
        let account = self.account_mut(submission.account());
        account.inputs.insert(submission.id(), submission.input().into());
        let task = Task::new(submission, retention, now, account.clock.next(now));
        account.put(task.clone());
        Ok(Submitted::New(task))
    }

    /// Like [`TaskStore::apply`](crate::TaskStore::apply).
    ///
    /// # Errors
    ///
    /// As there, except for a backend error: the backend is memory.
    pub fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let current = self.visible(target.account(), target.id(), now);
        let current = current.ok_or(ApplyError::NotFound)?;
        if target.revision().is_some_and(|revision| revision != current.revision()) {
            return Err(ApplyError::Stale { current });
        }
        let (from, kind) = (current.status(), event.kind());
        if rules::status_after(from, kind).is_none() {
            return Err(TransitionError::new(from, kind).into());
        }
        let limit = self.config.max_output();
        if rules::output_len(&event) > limit {
            return Err(ApplyError::OutputTooLarge { limit });
        }
        if kind == EventKind::Start && !self.lane_has_room(target.account(), now) {
            return Err(ApplyError::LaneFull);
        }
        let (retention, mut task) = (self.config.retention(), current);
        let counted_from = self.counted_from(now);
        let account = self.account_mut(target.account());
        task.apply(event, retention, counted_from, account.clock.next(now))?;
        account.put(task.clone());
        Ok(Change::new(from, kind, task))
    }

    /// Like [`TaskStore::claim`](crate::TaskStore::claim).
    ///
    /// # Errors
    ///
    /// Never returns an error: the backend is memory.
    pub fn claim(
        &mut self,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> Result<Option<Claimed>, BackendError> {
        let chosen = match scope {
            Scope::Account(id) => self.accounts.iter().find(|account| account.id == *id),
            Scope::Any => {
                let ready = self.accounts.iter().filter(|a| self.claimable(&a.id, now).is_some());
                ready.min_by_key(|account| account.turn)
            }
        };
        let Some(id) = chosen.map(|account| account.id.clone()) else { return Ok(None) };
        let Some(mut task) = self.claimable(&id, now) else { return Ok(None) };
        if scope == Scope::Any {
            self.last_turn += 1;
        }
        let (retention, last_turn) = (self.config.retention(), self.last_turn);
        let (max_attempts, counted_from) =
            (self.config.max_attempts().get(), self.counted_from(now));
        let account = self.account_mut(&id);
        if scope == Scope::Any {
            account.turn = last_turn;
        }
        let (from, stamp) = (task.status(), account.clock.next(now));
        let (event, applied) = if from == TaskStatus::Received {
            (EventKind::Start, task.apply(TaskEvent::start(), retention, counted_from, stamp))
        } else if task.attempts() >= max_attempts {
            let end = TaskEvent::fail(TaskError::too_many_attempts(task.attempts()));
            (EventKind::Fail, task.apply(end, retention, counted_from, stamp))
        } else {
            (EventKind::Report, task.take_over(retention, counted_from, stamp))
        };
        debug_assert!(
            applied.is_ok(),
            "expected the event of a claim to be permitted, got {applied:?}"
        );
        account.put(task.clone());
        let change = Change::new(from, event, task);
        let is_given_up = event == EventKind::Fail;
        Ok(Some(if is_given_up { Claimed::GivenUp(change) } else { Claimed::Work(change) }))
    }

    /// Like [`TaskStore::get`](crate::TaskStore::get).
    ///
    /// # Errors
    ///
    /// Never returns an error: the backend is memory.
    pub fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        Ok(self.visible(account, id, now))
    }

    /// Like [`TaskStore::list`](crate::TaskStore::list).
    ///
    /// # Errors
    ///
    /// As there, except for a backend error: the backend is memory.
    pub fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        let mut tasks: Vec<Task> = self
            .visible_tasks(account, now)
            .filter(|task| rules::matches(query, task))
            .filter(|task| position.is_none_or(|position| task.revision() < position))
            .cloned()
            .collect();
        tasks.sort_by_key(|task| Reverse(task.revision()));
        let more = tasks.len() > query.limit().get();
        tasks.truncate(query.limit().get());
        let last = tasks.last().filter(|_| more);
        let next = last.map(|last| query.cursor(account, last.revision()));
        let known = self.accounts.iter().find(|known| known.id == *account);
        let revision = known.map(|known| known.clock.revision()).unwrap_or_default();
        Ok(Page::new(tasks, next, revision))
    }

    /// Like [`TaskStore::sweep`](crate::TaskStore::sweep).
    ///
    /// # Errors
    ///
    /// Never returns an error: the backend is memory.
    pub fn sweep(&mut self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.horizon = self.horizon.max(clamp_time(now));
        let mut due: Vec<(Timestamp, AccountId, TaskId)> = self
            .all_tasks()
            .filter(|task| task.expires_at() <= self.horizon)
            .map(|task| (task.expires_at(), task.account().clone(), task.id()))
            .collect();
        due.sort();
        let more = due.len() > limit;
        due.truncate(limit);
        for (_, account, id) in &due {
            self.account_mut(account).tasks.retain(|task| task.id() != *id);
        }
        Ok(Swept { dropped: due.len(), more })
    }

    /// Returns the task that a claim of the account would take over, give up or start.
    pub(super) fn claimable(&self, account: &AccountId, now: Timestamp) -> Option<Task> {
        let tasks = || self.visible_tasks(account, now);
        let silent = tasks().filter(|task| rules::is_silent(&self.config, task, now));
        let received = tasks().filter(|task| task.status() == TaskStatus::Received);
        let first = received.min_by_key(|task| task.revision());
        let first = first.filter(|_| self.lane_has_room(account, now));
        silent.min_by_key(|task| task.revision()).or(first).cloned()
    }

    pub(super) fn visible(&self, account: &AccountId, id: TaskId, now: Timestamp) -> Option<Task> {
        self.visible_tasks(account, now).find(|task| task.id() == id).cloned()
    }

    pub(super) fn visible_tasks(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> impl Iterator<Item = &Task> {
        let instant = clamp_time(now).max(self.horizon);
        let own = self.accounts.iter().filter(move |known| known.id == *account);
        own.flat_map(|own| &own.tasks).filter(move |task| task.expires_at() > instant)
    }

    /// Returns the task with this id, visible or not.
    pub(super) fn stored(&self, account: &AccountId, id: TaskId) -> Option<&Task> {
        self.all_tasks().find(|task| task.account() == account && task.id() == id)
    }

    pub(super) fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        self.accounts.iter().flat_map(|account| &account.tasks)
    }

    /// Returns whether a task is expired at the horizon.
    pub(super) fn has_due(&self) -> bool {
        self.all_tasks().any(|task| task.expires_at() <= self.horizon)
    }

    pub(super) const fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// Returns the latest update time of an account, or [`MIN_TIME`] for an unknown account.
    pub(super) fn latest_update(&self, account: &AccountId) -> Timestamp {
        let known = self.accounts.iter().find(|known| known.id == *account);
        known.map_or(MIN_TIME, |known| known.clock.updated_at())
    }

    /// Returns the instant from which an event at `now` counts the retention.
    pub(super) fn counted_from(&self, now: Timestamp) -> Timestamp {
        rules::counted_from(&self.config, self.horizon, now)
    }

    pub(super) const fn horizon(&self) -> Timestamp {
        self.horizon
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.accounts.iter().map(|account| &account.id)
    }

    /// Returns the account. A new one has its turn after all others.
    pub(super) fn account_mut(&mut self, id: &AccountId) -> &mut ModelAccount {
        let known = self.accounts.iter().position(|account| account.id == *id);
        let at = known.unwrap_or_else(|| {
            self.last_turn += 1;
            let (id, turn) = (id.clone(), self.last_turn);
            let clock = AccountClock::default();
            let (tasks, inputs) = (Vec::new(), BTreeMap::new());
            self.accounts.push(ModelAccount { id, clock, tasks, inputs, turn });
            self.accounts.len() - 1
        });
        &mut self.accounts[at]
    }

    fn lane_has_room(&self, account: &AccountId, now: Timestamp) -> bool {
        let running = self
            .visible_tasks(account, now)
            .filter(|task| task.status() == TaskStatus::ProcessingInProgress);
        let width = self.config.max_in_progress();
        width.is_none_or(|width| running.count() < width.get() as usize)
    }
}

impl ModelAccount {
    /// Stores a task, and replaces the one with the same id.
    pub(super) fn put(&mut self, task: Task) {
        self.clock.advance_to(&task);
        self.tasks.retain(|other| other.id() != task.id());
        self.tasks.push(task);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}
