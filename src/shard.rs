//! Accounts with all of their tasks: what a store in memory is made of, once or several times.

mod accept;
mod account;
mod b_plus_tree;
mod census;
mod claim;
mod expiry_index;
mod hash_index;
mod indexes;
mod ready_queue;
mod remove;
mod revision_index;
mod room;
mod slab;
mod snapshot;

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::DefaultHashBuilder;

use account::Account;
use expiry_index::ExpiryIndex;
use hash_index::HashIndex;
use indexes::IndexKeys;
use revision_index::{Blocks, Location};
use slab::Slab;

use crate::clock::{Revision, Stamp};
use crate::event::{TaskEvent, TransitionError};
use crate::id::{AccountId, TaskId};
use crate::kit::Call;
use crate::retention::Retention;
use crate::status::EventKind;
use crate::store::{
    ApplyError, Change, Claimed, ListError, ListQuery, Page, StoreConfig, Swept, Target,
};
use crate::task::Task;
use crate::time::{MIN_TIME, Now};

pub(crate) use census::AccountPage;
pub(crate) use expiry_index::ExpiryKey;
pub(crate) use ready_queue::ReadyQueue;
pub(crate) use room::{Growth, NoRoom, room_for};
pub(crate) use snapshot::Restored;
pub use snapshot::{Snapshot, SnapshotError};

/// Some accounts with all of their tasks.
///
/// Whatever concerns one account happens here. What concerns all of a store's is up to the store, which
/// has one shard or several: how many tasks there may be, which account's turn it is, and how far the
/// horizon is.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    config: StoreConfig,
    /// The store's horizon, as far as it was told here.
    horizon: Now,
    /// At least the revision of every account that was forgotten: where a new one begins.
    floor: Revision,
    /// From where on revisions went after each restoration that left a gap in some account.
    restorations: Arc<[Revision]>,
    tasks: Slab<Stored, 128>,
    blocks: Blocks,
    accounts: Slab<Account, 16>,
    task_index: HashIndex,
    account_index: HashIndex,
    hasher: DefaultHashBuilder,
    expiry: ExpiryIndex,
    ready_queue: ReadyQueue,
    /// How many bytes the tasks count, where that is limited.
    held_bytes: usize,
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

/// What a shard says to a claim over all accounts.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The account whose turn it is has handed out this.
    Served(Claimed),
    /// It turned out to have nothing to hand out, and waits for it.
    Passed,
}

impl Shard {
    pub(crate) fn new(config: StoreConfig) -> Self {
        Self {
            config,
            horizon: MIN_TIME,
            floor: Revision::default(),
            restorations: Arc::default(),
            tasks: Slab::new(),
            blocks: Blocks::new(),
            accounts: Slab::new(),
            task_index: HashIndex::new(),
            account_index: HashIndex::new(),
            hasher: DefaultHashBuilder::default(),
            expiry: ExpiryIndex::default(),
            ready_queue: ReadyQueue::default(),
            held_bytes: 0,
        }
    }

    /// How many tasks there are, the expired ones that no sweep has dropped yet included.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) const fn config(&self) -> &StoreConfig {
        &self.config
    }

    pub(crate) fn horizon(&self) -> Now {
        self.horizon
    }

    /// Tells the shard how far the store's horizon is.
    pub(crate) fn advance_horizon(&mut self, horizon: Now) {
        self.horizon = self.horizon.max(horizon);
    }

    /// The task that expires first.
    pub(crate) fn first_expiry(&self) -> Option<ExpiryKey> {
        self.expiry.first()
    }

    /// What waits for its turn, and for a clock.
    pub(crate) fn ready_queue(&self) -> &ReadyQueue {
        &self.ready_queue
    }

    /// As [`TaskStore::apply`](crate::TaskStore::apply).
    pub(crate) fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, ApplyError> {
        let (slot, kind) = (self.permitted(target, &event, now)?, event.kind());
        let counted_from = self.call(now).counted_from();
        let change = self.change(slot, kind, now, |task, retention, stamp| {
            task.apply(event, retention, counted_from, stamp)
        })?;
        Ok(change)
    }

    /// The task that an event is for, if the event may be applied.
    fn permitted(
        &self,
        target: Target<'_>,
        event: &TaskEvent,
        now: Now,
    ) -> Result<u32, ApplyError> {
        let call = self.call(now);
        let found = self.find(target.account(), target.id());
        let (slot, Stored { task, location }) = found.ok_or(ApplyError::NotFound)?;
        call.permit(target, event, Some(task))?;
        if call.needs_lane(event.kind())
            && self.check_lane(self.blocks.account(*location), call.effective_now()).is_err()
        {
            return Err(ApplyError::LaneBusy);
        }
        Ok(slot)
    }

    /// As [`TaskStore::get`](crate::TaskStore::get).
    pub(crate) fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Option<Task> {
        let (_, stored) = self.find(account, id)?;
        self.call(now).is_visible(&stored.task).then(|| stored.task.clone())
    }

    /// As [`TaskStore::list`](crate::TaskStore::list).
    pub(crate) fn list(
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

    /// Drops tasks that are due at the horizon, as [`TaskStore::sweep`](crate::TaskStore::sweep) does.
    pub(crate) fn sweep(&mut self, limit: usize) -> Swept {
        Swept { dropped: self.sweep_to(self.horizon, limit), more: self.is_due() }
    }

    /// Drops tasks that have expired by an instant, and says how many.
    fn sweep_to(&mut self, instant: Now, limit: usize) -> usize {
        let mut dropped = 0;
        let mut batch = [(0, 0); BATCH];
        while dropped < limit {
            let due = self.expiry.due(instant).iter().take(limit - dropped);
            let mut taken = 0;
            for (entry, due) in batch.iter_mut().zip(due) {
                *entry = (0, due.slot());
                taken += 1;
            }
            if taken == 0 {
                break;
            }
            self.expiry.drop_first(taken);
            self.drop_all(&mut batch[..taken]);
            dropped += taken;
        }
        dropped
    }

    /// Whether there are as many tasks as a store may hold.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.config.max_tasks() || self.tasks.is_full()
    }

    /// Whether any task is expired at this `now`.
    pub(crate) fn has_expired_at(&self, now: Now) -> bool {
        self.expiry.is_due(self.instant(now))
    }

    /// Whether there is something to sweep.
    pub(crate) fn is_due(&self) -> bool {
        self.expiry.is_due(self.horizon)
    }

    /// How many bytes the tasks count, where that is [limited](StoreConfig::with_max_bytes); 0 otherwise.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Drops the task that expires first. Whoever has it dropped for a submission knows that it is
    /// expired; the horizon hides from all others what expired by then, as after a sweep.
    pub(crate) fn drop_first(&mut self) {
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

    /// A call that is made `now`.
    fn call(&self, now: Now) -> Call<'_> {
        Call::new(&self.config, self.horizon, now)
    }

    /// The instant that decides what is visible: `now`, or the horizon where that is later.
    pub(crate) fn instant(&self, now: Now) -> Now {
        self.call(now).effective_now()
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
        let bytes_before = bytes_of(&self.config, task);
        let account = self.blocks.account(*location);
        apply(task, retention, self.accounts[account].clock.next(now))?;
        let changed = task.clone();
        self.held_bytes = self.held_bytes - bytes_before + bytes_of(&self.config, &changed);
        self.relink(slot, before, now);
        Ok(Change::new(before.status, event, changed))
    }
}

/// How many bytes a task counts, where that is limited.
fn bytes_of(config: &StoreConfig, task: &Task) -> usize {
    if config.max_bytes() == usize::MAX { 0 } else { task.held_bytes() }
}
