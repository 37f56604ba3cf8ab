//! The store in memory, for one thread.

mod account;
mod claim;
mod expiry;
mod index;
mod lookup;
mod ordered;
mod sequence;
mod slab;
mod snapshot;
mod turns;

use alloc::vec::Vec;

use hashbrown::DefaultHashBuilder;

use account::Account;
use expiry::Expiry;
use index::Standing;
use lookup::Lookup;
use slab::Slab;
use turns::Turns;

use crate::clock::{Revision, Stamp};
use crate::event::{TaskEvent, TransitionError};
use crate::id::{AccountId, TaskId};
use crate::retention::Retention;
use crate::status::EventKind;
use crate::store::{
    ApplyError, BackendError, Change, ListError, ListQuery, Page, StoreConfig, SubmitError,
    Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MIN_TIME, Now, within_years};

pub use snapshot::{Snapshot, SnapshotError};

/// The store in memory, for one thread: the six acts of [`TaskStore`](crate::TaskStore) and its
/// laws, with `&mut self` where they write. It needs no `std`.
///
/// Share it between threads as a [`MemoryStore`](crate::MemoryStore).
///
/// With N tasks in the store, `get`, `submit`, `apply` and `claim` take time logarithmic in N at
/// the most, and `sweep` as much for each task that it drops. A `list` of k tasks takes time for k
/// and a logarithm of N, from a cursor and with a status filter too, however many tasks other
/// statuses and other accounts hold. All but `get` and `sweep` may also pass over expired tasks of the
/// account that no sweep has dropped yet: sweep often.
///
/// ```
/// use tasklife::{LocalStore, StoreConfig, Submission, TaskId};
///
/// let mut store = LocalStore::new(StoreConfig::default());
/// let now = "2019-08-08T06:49:15.929Z".parse()?;
/// let account: tasklife::AccountId = "acme".parse()?;
/// let id = TaskId::for_key(&account, "order-7f3a");
/// store.submit(Submission::new(account.clone(), id, "databaseCreateRequest".parse()?), now)?;
/// assert!(store.get(&account, id, now)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LocalStore {
    config: StoreConfig,
    /// The latest `now` of a sweep.
    horizon: Now,
    /// At least the revision of every account that was forgotten: where a new one begins.
    floor: Revision,
    tasks: Slab<Stored>,
    accounts: Slab<Account>,
    task_index: Lookup,
    account_index: Lookup,
    hasher: DefaultHashBuilder,
    expiry: Expiry,
    turns: Turns,
}

/// For how many tasks of a page room is made ahead.
const MOST_AHEAD: usize = 128;

#[derive(Clone, Debug)]
struct Stored {
    task: Task,
    account: u32,
}

impl Default for LocalStore {
    /// An empty store of the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl LocalStore {
    /// An empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        Self {
            config,
            horizon: MIN_TIME,
            floor: Revision::default(),
            tasks: Slab::new(),
            accounts: Slab::new(),
            task_index: Lookup::new(),
            account_index: Lookup::new(),
            hasher: DefaultHashBuilder::default(),
            expiry: Expiry::default(),
            turns: Turns::default(),
        }
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// How many tasks the store holds, the expired ones that no sweep has dropped yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`TaskStore::submit`](crate::TaskStore::submit).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn submit(&mut self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        let instant = self.instant(now);
        let account_hash = self.hash_account(submission.account());
        let found = self.find_task(account_hash, submission.account(), submission.id());
        if let Some(slot) = found
            && let task = &self.tasks[slot].task
            && task.is_visible_at(instant)
        {
            let repeat = submission.is_repeat_of(task).then(|| task.clone());
            return repeat.map(Submitted::Existing).ok_or(SubmitError::Conflict);
        }
        if submission.input().len() > self.config.max_input() {
            return Err(SubmitError::InputTooLarge { limit: self.config.max_input() });
        }
        if self.config.retention().after_submission(now) <= instant {
            return Err(SubmitError::Expired);
        }
        let full = self.tasks.len() >= self.config.max_tasks() || self.tasks.is_full();
        if found.is_none() && full {
            return Err(SubmitError::StoreFull { sweep_helps: self.expiry.is_due(instant) });
        }
        let max_open = self.config.max_open();
        let known = match found {
            Some(slot) => Some(self.tasks[slot].account),
            None => self.find_account(account_hash, submission.account()),
        };
        let room = match known {
            Some(account) => match self.accounts[account].limited() {
                Some(limited) => limited.open.filled(max_open, instant).is_ok(),
                None => max_open > 0,
            },
            None => max_open > 0,
        };
        if !room {
            return Err(SubmitError::AccountFull);
        }

        let account =
            known.unwrap_or_else(|| self.add_account(account_hash, submission.account().clone()));
        if let Some(slot) = found {
            self.expiry.remove(self.tasks[slot].task.expires_at(), slot);
            self.unlink(slot);
            self.remove_task(slot);
        }
        let stamp = self.accounts[account].clock.next(now);
        let task = Task::new(submission, self.config.retention(), now, stamp);
        self.add_task(account, task.clone());
        Ok(Submitted::New(task))
    }

    /// As [`TaskStore::apply`](crate::TaskStore::apply).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, ApplyError> {
        let instant = self.instant(now);
        let slot = self.find_visible(target.account(), target.id(), instant);
        let slot = slot.ok_or(ApplyError::NotFound)?;
        let Stored { task, account } = &self.tasks[slot];
        if !target.is_met_by(task) {
            return Err(ApplyError::Stale { current: task.clone() });
        }
        let kind = event.kind();
        if task.status().after(kind).is_none() {
            return Err(TransitionError::new(task.status(), kind).into());
        }
        if kind == EventKind::Start && self.lane(*account, instant).is_err() {
            return Err(ApplyError::LaneBusy);
        }
        let change = self.change(slot, kind, now, |task, retention, stamp| {
            task.apply(event, retention, now, stamp)
        })?;
        Ok(change)
    }

    /// As [`TaskStore::get`](crate::TaskStore::get).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Now,
    ) -> Result<Option<Task>, BackendError> {
        let slot = self.find_visible(account, id, self.instant(now));
        Ok(slot.map(|slot| self.tasks[slot].task.clone()))
    }

    /// As [`TaskStore::list`](crate::TaskStore::list).
    ///
    /// # Errors
    /// As there; the backend is memory and doesn't fail.
    pub fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Now,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        let instant = self.instant(now);
        let Some(key) = self.find_account(self.hash_account(account), account) else {
            return Ok(Page::new(Vec::new(), None, self.floor));
        };
        let known = &self.accounts[key];
        let listed = known.listed(query, position);
        let mut tasks =
            Vec::with_capacity(listed.at_most().min(query.limit().get()).min(MOST_AHEAD));
        let mut next = None;
        for entry in listed {
            let task = &self.tasks[entry.slot].task;
            if !task.is_visible_at(instant) {
                continue;
            }
            if tasks.len() == query.limit().get() {
                next = tasks.last().map(|last: &Task| query.cursor(account, last.revision()));
                break;
            }
            tasks.push(task.clone());
        }
        Ok(Page::new(tasks, next, known.clock.revision()))
    }

    /// As [`TaskStore::sweep`](crate::TaskStore::sweep).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn sweep(&mut self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.horizon = self.instant(now);
        let mut dropped = 0;
        let mut slots = Vec::new();
        while dropped < limit {
            let due = self.expiry.due(self.horizon);
            slots.clear();
            slots.extend(due.iter().take(limit - dropped).map(|due| due.slot()));
            if slots.is_empty() {
                break;
            }
            self.expiry.drop_first(slots.len());
            for slot in &slots {
                let account = self.tasks[*slot].account;
                self.unlink(*slot);
                self.remove_task(*slot);
                self.forget_if_empty(account);
            }
            dropped += slots.len();
        }
        Ok(Swept { dropped, more: self.expiry.is_due(self.horizon) })
    }

    /// The instant that decides what is visible: `now`, or the horizon where that is later.
    fn instant(&self, now: Now) -> Now {
        within_years(now).max(self.horizon)
    }

    /// Whether there is room in an account's lane.
    fn lane(&self, account: u32, instant: Now) -> Result<(), expiry::Filled> {
        match (self.config.max_in_progress(), self.accounts[account].limited()) {
            (Some(width), Some(limited)) => {
                limited.in_progress.filled(width.get() as usize, instant)
            }
            // Without a limit, or without a task: a lane has room for one at least.
            _ => Ok(()),
        }
    }

    /// Changes a task by what `apply` does to it, and its place in every order.
    fn change(
        &mut self,
        slot: u32,
        event: EventKind,
        now: Now,
        apply: impl FnOnce(&mut Task, Retention, Stamp) -> Result<(), TransitionError>,
    ) -> Result<Change, TransitionError> {
        let retention = self.config.retention();
        let Stored { task, account } = &mut self.tasks[slot];
        let before = Standing::of(task);
        apply(task, retention, self.accounts[*account].clock.next(now))?;
        let changed = task.clone();
        self.relink(slot, before);
        Ok(Change::new(before.status, event, changed))
    }
}
