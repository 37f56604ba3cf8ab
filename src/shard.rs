//! Accounts with all of their tasks. A store in memory has one shard, or several.
//!
//! The data structures are written for a store of a million tasks: they take few bytes for each
//! task, give memory back, and grow and shrink a little at a time, so that no call takes long. Each
//! one's own documentation says how.

mod accept;
mod account;
mod b_plus_tree;
mod census;
mod claim;
mod expiry_index;
mod hash_index;
mod indexes;
mod list;
mod ready_queue;
mod remove;
mod revision_index;
mod room;
mod slab;
mod snapshot;
mod sweep;

use alloc::sync::Arc;

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
use crate::store::{ApplyError, Change, Claimed, StoreConfig, Target};
use crate::task::Task;
use crate::time::{MIN_TIME, Timestamp};

pub(crate) use accept::Examined;
pub(crate) use census::AccountPage;
pub(crate) use expiry_index::ExpiryKey;
pub(crate) use ready_queue::ReadyQueue;
pub(crate) use room::{Growth, NoRoom, room_for};
pub(crate) use snapshot::Restored;
pub use snapshot::{Snapshot, SnapshotError};

/// Some accounts with all of their tasks.
///
/// Everything that concerns a single account happens here. The store decides what concerns all of
/// them: how many tasks there may be, which account's turn it is, and where the horizon is.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    config: StoreConfig,
    /// The store's horizon, as far as this shard knows it.
    horizon: Timestamp,
    /// At least the revision of every forgotten account. A new account begins here.
    floor: Revision,
    /// The revision from which each restoration went on, if it left a gap in some account.
    restorations: Arc<[Revision]>,
    tasks: Slab<Stored, 128>,
    blocks: Blocks,
    accounts: Slab<Account, 16>,
    task_index: HashIndex,
    account_index: HashIndex,
    hasher: DefaultHashBuilder,
    expiry: ExpiryIndex,
    ready_queue: ReadyQueue,
    /// How many bytes the tasks count as, if that is limited.
    held_bytes: usize,
}

/// How many tasks go through one step before the next step begins. Tasks are far apart in memory,
/// and the processor fetches several of them at once if the steps are short.
const BATCH: usize = 32;

#[derive(Clone, Debug)]
struct Stored {
    task: Task,
    /// Its place in the index of its account and status. The block there knows the account.
    location: Location,
}

/// The result of a claim over all accounts in one shard.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The account whose turn it is had something to claim.
    Served(Claimed),
    /// The account whose turn it is had nothing to claim, and is now parked.
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

    /// Returns how many tasks there are, including expired ones that no sweep has dropped yet.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) const fn config(&self) -> &StoreConfig {
        &self.config
    }

    pub(crate) fn horizon(&self) -> Timestamp {
        self.horizon
    }

    /// Moves the horizon to `horizon`, if that is later.
    pub(crate) fn advance_horizon(&mut self, horizon: Timestamp) {
        self.horizon = self.horizon.max(horizon);
    }

    /// Returns the task that expires first.
    pub(crate) fn first_expiry(&self) -> Option<ExpiryKey> {
        self.expiry.first()
    }

    pub(crate) fn ready_queue(&self) -> &ReadyQueue {
        &self.ready_queue
    }

    /// See [`TaskStore::apply`](crate::TaskStore::apply).
    pub(crate) fn apply(
        &mut self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let (slot, kind) = (self.permitted(target, &event, now)?, event.kind());
        let counted_from = self.call(now).counted_from();
        let change = self.change(slot, kind, now, |task, retention, stamp| {
            task.apply(event, retention, counted_from, stamp)
        })?;
        Ok(change)
    }

    /// Returns the slot of the task that an event is for, if the event may be applied.
    fn permitted(
        &self,
        target: Target<'_>,
        event: &TaskEvent,
        now: Timestamp,
    ) -> Result<u32, ApplyError> {
        let call = self.call(now);
        let found = self.find(target.account(), target.id());
        let (slot, Stored { task, location }) = found.ok_or(ApplyError::NotFound)?;
        call.permit(target, event, Some(task))?;
        if call.needs_lane(event.kind())
            && self.check_lane(self.blocks.account(*location), call.effective_now()).is_err()
        {
            return Err(ApplyError::LaneFull);
        }
        Ok(slot)
    }

    /// See [`TaskStore::get`](crate::TaskStore::get).
    pub(crate) fn get(&self, account: &AccountId, id: TaskId, now: Timestamp) -> Option<Task> {
        let (_, stored) = self.find(account, id)?;
        self.call(now).is_visible(&stored.task).then(|| stored.task.clone())
    }

    /// Returns whether there are as many tasks as a store may hold.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.config.max_tasks() || self.tasks.is_full()
    }

    /// Returns how many bytes the tasks count as, if that is
    /// [limited](StoreConfig::with_max_bytes), and 0 otherwise.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns the context for the decisions of a call made at `now`.
    fn call(&self, now: Timestamp) -> Call<'_> {
        Call::new(&self.config, self.horizon, now)
    }

    /// Returns the later of `now` and the horizon, which decides visibility.
    pub(crate) fn effective_now(&self, now: Timestamp) -> Timestamp {
        self.call(now).effective_now()
    }

    /// Checks that an account's lane has room.
    fn check_lane(
        &self,
        account: u32,
        effective_now: Timestamp,
    ) -> Result<(), expiry_index::LimitReached> {
        match (self.config.max_in_progress(), self.accounts[account].limit_indexes()) {
            (Some(width), Some(indexes)) => {
                indexes.in_progress.check_limit(width.get() as usize, effective_now)
            }
            // Without a limit, or without a task, there is room: a lane holds at least one task.
            _ => Ok(()),
        }
    }

    /// Changes a task with `apply`, and its keys in every index.
    fn change(
        &mut self,
        slot: u32,
        event: EventKind,
        now: Timestamp,
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

/// Returns how many bytes a task counts as, if that is limited, and 0 otherwise.
fn bytes_of(config: &StoreConfig, task: &Task) -> usize {
    if config.max_bytes() == usize::MAX { 0 } else { task.held_bytes() }
}
