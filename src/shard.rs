//! Accounts with all of their tasks: what a store in memory is made of, once or several times.

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
use crate::retention::Retention;
use crate::status::EventKind;
use crate::store::{
    ApplyError, Change, Claimed, ListError, ListQuery, Page, StoreConfig, SubmitError, Submitted,
    Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MIN_TIME, Now, clamp_time};

pub(crate) use expiry_index::ExpiryKey;
pub(crate) use ready_queue::ReadyQueue;
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

/// A submission that a shard would accept, if there is a place for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    account_hash: u64,
    hash: u64,
    expires_at: Now,
    /// The expired task whose place it takes.
    replaced: Option<u32>,
    account: Option<u32>,
    fits_account: bool,
}

impl Proposal {
    /// Whether it takes the place of no other task.
    pub(crate) fn needs_place(&self) -> bool {
        self.replaced.is_none()
    }

    /// Whether its account may have one more unfinished task.
    pub(crate) fn fits_account(&self) -> bool {
        self.fits_account
    }

    /// When its task will expire.
    pub(crate) fn expires_at(&self) -> Now {
        self.expires_at
    }
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

    /// Looks at a submission.
    ///
    /// # Errors
    /// The answer to it, where no place in the store changes that: the task that is there already, or a
    /// refusal that comes before that of a full store.
    pub(crate) fn examine(
        &self,
        submission: &Submission,
        now: Now,
    ) -> Result<Proposal, Result<Submitted, SubmitError>> {
        let instant = self.instant(now);
        let account_hash = self.hash_account(submission.account());
        let hash = self.hash_task(account_hash, submission.id());
        let found = self.find_task(hash, submission.account(), submission.id());
        if let Some((_, Stored { task, .. })) = found
            && task.is_visible_at(instant)
        {
            let repeat = submission.is_repeat_of(task).then(|| task.clone());
            return Err(repeat.map(Submitted::Existing).ok_or(SubmitError::Conflict));
        }
        let found = found.map(|(slot, stored)| (slot, self.blocks.account(stored.location)));
        if submission.input().len() > self.config.max_input() {
            return Err(Err(SubmitError::InputTooLarge { limit: self.config.max_input() }));
        }
        let expires_at = self.config.retention().after_submission(now);
        if expires_at <= instant {
            return Err(Err(SubmitError::Expired));
        }
        let account = match found {
            Some((_, account)) => Some(account),
            None => self.find_account(account_hash, submission.account()),
        };
        let max_open = self.config.max_open();
        let limit_indexes = account.and_then(|account| self.accounts[account].limit_indexes());
        let fits_account = match limit_indexes {
            Some(indexes) => indexes.open.check_limit(max_open, instant).is_ok(),
            None => max_open > 0,
        };
        let replaced = found.map(|(slot, _)| slot);
        Ok(Proposal { account_hash, hash, expires_at, replaced, account, fits_account })
    }

    /// Drops the task that expires first, which has expired, to make room for a proposal.
    pub(crate) fn make_room(&mut self, proposal: &mut Proposal, id: &AccountId) {
        self.drop_first();
        // It may have been the last task of the account.
        proposal.account = self.find_account(proposal.account_hash, id);
    }

    /// Accepts a submission that was proposed just now, and for which there is a place. A new account
    /// gets the ticket.
    pub(crate) fn accept(
        &mut self,
        proposal: &Proposal,
        submission: Submission,
        now: Now,
        ticket: impl FnOnce() -> u64,
    ) -> Task {
        let &Proposal { account_hash, hash, expires_at, replaced, account, .. } = proposal;
        let account = account.unwrap_or_else(|| {
            self.add_account(account_hash, submission.account().clone(), ticket())
        });
        if let Some(slot) = replaced {
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
        task
    }

    /// As [`TaskStore::apply`](crate::TaskStore::apply).
    pub(crate) fn apply(
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
    pub(crate) fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Option<Task> {
        let found = self.find_visible(account, id, self.instant(now));
        found.map(|(_, stored)| stored.task.clone())
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
        let mut dropped = 0;
        let mut batch = [(0, 0); BATCH];
        while dropped < limit {
            let due = self.expiry.due(self.horizon).iter().take(limit - dropped);
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
        Swept { dropped, more: self.is_due() }
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

    /// The instant that decides what is visible: `now`, or the horizon where that is later.
    pub(crate) fn instant(&self, now: Now) -> Now {
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
