//! The store in memory, for one thread.

mod account;
mod b_plus_tree;
mod claim;
mod expiry_index;
mod hash_index;
mod indexes;
mod ready_queue;
mod revision_index;
mod slab;
mod snapshot;

use alloc::vec::Vec;

use hashbrown::DefaultHashBuilder;

use account::Account;
use expiry_index::ExpiryIndex;
use hash_index::HashIndex;
use indexes::IndexKeys;
use ready_queue::ReadyQueue;
use revision_index::{Blocks, Location};
use slab::Slab;

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
use crate::time::{MIN_TIME, Now, clamp_time};

pub use snapshot::{Snapshot, SnapshotError};

/// The store in memory, for one thread: the six methods of [`TaskStore`](crate::TaskStore) and its
/// laws, with `&mut self` where they write. It needs no `std`.
///
/// Share it between threads as a [`MemoryStore`](crate::MemoryStore).
///
/// With N tasks in the store, `get`, `submit`, `apply` and `claim` take time logarithmic in N at
/// the most, and `sweep` as much for each task that it drops. A `list` of k tasks takes time for k
/// and a logarithm of N, from a cursor and with a status filter too, however many tasks other
/// statuses and other accounts hold. Expired tasks that no sweep has dropped yet can be in the way:
/// all but `get` and `sweep` may also pass over those of the account, and a `claim` for any account
/// once over each account in which something has expired since it was last looked at. So sweep often.
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
    /// The latest `now` of a sweep, or the latest expiry of a task that had to make room.
    horizon: Now,
    /// At least the revision of every account that was forgotten: where a new one begins.
    floor: Revision,
    /// From where on revisions went after each restoration that left a gap in some account.
    restorations: Vec<Revision>,
    tasks: Slab<Stored>,
    blocks: Blocks,
    accounts: Slab<Account>,
    task_index: HashIndex,
    account_index: HashIndex,
    hasher: DefaultHashBuilder,
    expiry: ExpiryIndex,
    ready_queue: ReadyQueue,
}

/// For how many tasks of a page room is made ahead.
const MAX_PREALLOCATED: usize = 128;

/// How many tasks are looked at before the next step is taken with them. In memory the tasks are
/// far from each other: while one is waited for, the next ones are already on their way, if the
/// steps are short.
const BATCH: usize = 32;

#[derive(Clone, Debug)]
struct Stored {
    task: Task,
    /// In the index of its account and status. The block says whose task it is.
    location: Location,
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
            restorations: Vec::new(),
            tasks: Slab::new(),
            blocks: Blocks::new(),
            accounts: Slab::new(),
            task_index: HashIndex::new(),
            account_index: HashIndex::new(),
            hasher: DefaultHashBuilder::default(),
            expiry: ExpiryIndex::default(),
            ready_queue: ReadyQueue::default(),
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
        let hash = self.hash_task(account_hash, submission.id());
        let found = self.find_task(hash, submission.account(), submission.id());
        if let Some((_, Stored { task, .. })) = found
            && task.is_visible_at(instant)
        {
            let repeat = submission.is_repeat_of(task).then(|| task.clone());
            return repeat.map(Submitted::Existing).ok_or(SubmitError::Conflict);
        }
        let found = found.map(|(slot, stored)| (slot, self.blocks.account(stored.location)));
        if submission.input().len() > self.config.max_input() {
            return Err(SubmitError::InputTooLarge { limit: self.config.max_input() });
        }
        let expires_at = self.config.retention().after_submission(now);
        if expires_at <= instant {
            return Err(SubmitError::Expired);
        }
        let full = self.tasks.len() >= self.config.max_tasks() || self.tasks.is_full();
        let needs_place = found.is_none() && full;
        if needs_place && !self.expiry.is_due(instant) {
            return Err(SubmitError::StoreFull);
        }
        let max_open = self.config.max_open();
        let known = match found {
            Some((_, account)) => Some(account),
            None => self.find_account(account_hash, submission.account()),
        };
        let room = match known {
            Some(account) => match self.accounts[account].limit_indexes() {
                Some(indexes) => indexes.open.check_limit(max_open, instant).is_ok(),
                None => max_open > 0,
            },
            None => max_open > 0,
        };
        if !room {
            return Err(SubmitError::AccountFull);
        }

        let known = if needs_place {
            self.drop_first_expired();
            // It may have been the last task of this account.
            self.find_account(account_hash, submission.account())
        } else {
            known
        };
        let account =
            known.unwrap_or_else(|| self.add_account(account_hash, submission.account().clone()));
        if let Some((slot, _)) = found {
            self.expiry.remove(self.tasks[slot].task.expires_at(), slot);
            self.task_index.remove(hash, slot);
            self.unlink(slot, now);
            self.tasks.remove(slot);
        }
        // Each request brings a copy of its account's id: one is kept for all of the tasks.
        let submission = Submission { account: self.accounts[account].id.clone(), ..submission };
        let stamp = self.accounts[account].clock.next(now);
        let task = Task::with_expiry(expires_at, submission, now, stamp);
        self.add_task(account, hash, task.clone(), now);
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
        let found = self.find_visible(target.account(), target.id(), instant);
        let (slot, Stored { task, location }) = found.ok_or(ApplyError::NotFound)?;
        if !target.is_met_by(task) {
            return Err(ApplyError::Stale { current: task.clone() });
        }
        let kind = event.kind();
        if task.status().after(kind).is_none() {
            return Err(TransitionError::new(task.status(), kind).into());
        }
        if kind == EventKind::Start
            && self.check_lane(self.blocks.account(*location), instant).is_err()
        {
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
        let found = self.find_visible(account, id, self.instant(now));
        Ok(found.map(|(_, stored)| stored.task.clone()))
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
        let mut matching = known.matching(&self.blocks, query, position, &self.restorations);
        let limit = query.limit().get();
        let (mut tasks, mut next) = (Vec::new(), None);
        let mut batch = [0; BATCH];
        while next.is_none() {
            // One more than there is room for, to know whether more follows.
            let wanted = BATCH.min((limit - tasks.len()).saturating_add(1));
            let taken = matching.take(&mut batch[..wanted]);
            let visible = self.visible(&mut batch[..taken], instant);
            if tasks.is_empty() {
                let is_all = taken < wanted;
                tasks.reserve_exact(if is_all {
                    visible.len()
                } else {
                    limit.min(MAX_PREALLOCATED)
                });
            }
            let (page, more) = visible.split_at(visible.len().min(limit - tasks.len()));
            tasks.extend(page.iter().map(|slot| self.tasks[*slot].task.clone()));
            if !more.is_empty() {
                next = tasks.last().map(|last: &Task| query.cursor(account, last.revision()));
            }
            if taken < wanted {
                break;
            }
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
        let mut batch = Vec::new();
        while dropped < limit {
            let due = self.expiry.due(self.horizon).iter().take(BATCH.min(limit - dropped));
            batch.clear();
            batch.extend(due.map(|due| (0, due.slot())));
            if batch.is_empty() {
                break;
            }
            self.expiry.drop_first(batch.len());
            self.drop_all(&mut batch);
            dropped += batch.len();
        }
        Ok(Swept { dropped, more: self.expiry.is_due(self.horizon) })
    }

    /// Drops the task that expires first. Whoever has it dropped for a submission knows that it is
    /// expired; the horizon hides from all others what expired by then, as after a sweep.
    fn drop_first_expired(&mut self) {
        if let Some(first) = self.expiry.first() {
            self.horizon = self.horizon.max(first.expires_at());
            self.expiry.drop_first(1);
            self.drop_all(&mut [(0, first.slot())]);
        }
    }

    /// Moves the slots of visible tasks to the front, in their order, and returns them.
    fn visible<'a>(&self, slots: &'a mut [u32], instant: Now) -> &'a [u32] {
        let mut visible = 0;
        for at in 0..slots.len() {
            let slot = slots[at];
            slots[visible] = slot;
            visible += usize::from(self.tasks[slot].task.is_visible_at(instant));
        }
        &slots[..visible]
    }

    /// Drops tasks that are out of the expiry index already, step by step with all of them: each is
    /// a hash, which is filled in here, and a slot.
    fn drop_all(&mut self, tasks: &mut [(u64, u32)]) {
        for (hash, slot) in &mut *tasks {
            *hash = self.hash_of(*slot);
        }
        for (hash, slot) in &*tasks {
            self.task_index.remove(*hash, *slot);
        }
        for (_, slot) in &*tasks {
            let account = self.unlink(*slot, self.horizon);
            self.forget_if_empty(account);
        }
        for (_, slot) in &*tasks {
            self.tasks.remove(*slot);
        }
    }

    /// The instant that decides what is visible: `now`, or the horizon where that is later.
    fn instant(&self, now: Now) -> Now {
        clamp_time(now).max(self.horizon)
    }

    /// Whether there is room in an account's lane.
    fn check_lane(&self, account: u32, instant: Now) -> Result<(), expiry_index::LimitReached> {
        match (self.config.max_in_progress(), self.accounts[account].limit_indexes()) {
            (Some(width), Some(indexes)) => {
                indexes.in_progress.check_limit(width.get() as usize, instant)
            }
            // Without a limit, or without a task: a lane has room for one at least.
            _ => Ok(()),
        }
    }

    /// Changes a task by what `apply` does to it, and its keys in every index.
    fn change(
        &mut self,
        slot: u32,
        event: EventKind,
        now: Now,
        apply: impl FnOnce(&mut Task, Retention, Stamp) -> Result<(), TransitionError>,
    ) -> Result<Change, TransitionError> {
        let retention = self.config.retention();
        let Stored { task, location } = &mut self.tasks[slot];
        let before = IndexKeys::of(task);
        let account = self.blocks.account(*location);
        apply(task, retention, self.accounts[account].clock.next(now))?;
        let changed = task.clone();
        self.relink(slot, before, now);
        Ok(Change::new(before.status, event, changed))
    }
}
