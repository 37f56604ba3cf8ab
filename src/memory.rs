//! The store in memory, shared between threads.

mod bytes;
mod census;
mod claim;
mod coordination;
mod full;
mod remove;
mod saved;
mod slot;
mod sync;

use alloc::boxed::Box;
use core::iter::repeat_with;

use foldhash::fast::FixedState;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::shard::{Examined, Restored, Shard};
use crate::store::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, StoreConfig,
    SubmitError, Submitted, Swept, Target, TaskStore,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MIN_TIME, Timestamp, clamp_time};

use coordination::{Announcement, Bytes, Horizon, Ordinal, Places, Tickets};
use slot::{ShardGuard, Slot};
use sync::{Mutex, RwLockReadGuard};

/// The store in memory, to be shared between threads.
///
/// It obeys the laws of [`TaskStore`], and [`BackendError`] never occurs. Expired tasks stay in
/// memory until they are [swept](TaskStore::sweep), or make room for others in a
/// [full](StoreConfig::with_max_tasks) store. All tasks are lost with the process, unless you saved
/// a [`snapshot`](Self::snapshot) or a [log](Self::from_records).
///
/// # Concurrency
///
/// Accounts are spread over 64 shards, each behind its own lock, so calls on different accounts
/// seldom wait for each other. Calls on one account do, unless all of them read.
///
/// - A claim over all accounts locks the shard whose turn it is, and none if there is nothing to
///   claim. It looks at one shard after the other. If other threads submit and claim meanwhile, it
///   may return `None` although the store always had a task to claim.
/// - A sweep locks one shard after the other, beginning with the shard whose first task expired
///   first. It holds a lock for no longer than it takes to drop 512 tasks.
/// - A submission to a full store waits for other such submissions. It locks its own shard and the
///   shard of the task that makes room.
/// - If [bytes](StoreConfig::with_max_bytes) are limited and used up, a call that needs some locks
///   all shards to drop the tasks that expired first. All other calls wait meanwhile: for
///   microseconds, or for a third of a second if a hundred thousand tasks have expired at one
///   instant. Sweep often.
/// - A snapshot blocks all writers. A census locks one shard after the other.
///
/// Calls take as long as those of a [`LocalStore`](crate::LocalStore) with the same tasks. A claim
/// over all accounts takes up to a microsecond more, however many accounts there are.
///
/// # Examples
///
/// ```
/// use tasklife::{MemoryStore, StoreConfig};
///
/// let store = MemoryStore::new(StoreConfig::default().with_max_tasks(1_000_000));
/// let saved = serde_json::to_string(&store.snapshot())?;
/// let now = "2026-01-01T00:00:00Z".parse()?; // when it is restored
/// let restored = MemoryStore::restore(*store.config(), serde_json::from_str(&saved)?, now)?;
/// assert!(restored.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    config: StoreConfig,
    slots: Box<[Slot]>,
    places: Places,
    bytes: Bytes,
    horizon: Horizon,
    tickets: Tickets,
    /// Held by the call that makes a place in a full store.
    making_place: Mutex<()>,
}

/// What became of a submission to a shard.
enum SubmitAttempt {
    Answered(Result<Submitted, SubmitError>),
    /// The store has no room for the task or its bytes, so nothing was done.
    NeedsRoom(Submission),
}

/// The number of shards. With 64, one in five calls of sixteen busy threads meets another at its
/// shard, and a claim that finds nothing in all announcements takes 0.2 µs.
const SHARDS: usize = if cfg!(loom) { 2 } else { 64 };

/// How many tasks a sweep drops before it unlocks the shard.
const SWEPT_AT_ONCE: usize = 512;

impl Default for MemoryStore {
    /// An empty store with the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        let shards = repeat_with(|| Shard::new(config)).take(SHARDS).collect();
        Self::of(config, Restored { shards, horizon: MIN_TIME, last_ticket: 0 })
    }

    /// Returns the store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// Returns how many tasks the store holds, including expired ones that no sweep has dropped
    /// yet.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.places.now().count()).unwrap_or(usize::MAX)
    }

    /// Returns whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the store holds, if that is limited. See
    /// [`LocalStore::held_bytes`](crate::LocalStore::held_bytes).
    #[must_use]
    pub fn held_bytes(&self) -> Option<usize> {
        self.bytes.are_limited().then(|| self.bytes.held())
    }

    fn of(config: StoreConfig, restored: Restored) -> Self {
        let Restored { shards, horizon, last_ticket } = restored;
        let taken = shards.iter().map(Shard::len).sum();
        let held = shards.iter().map(Shard::held_bytes).sum();
        Self {
            config,
            slots: shards.into_iter().map(Slot::new).collect(),
            places: Places::new(config.max_tasks(), taken),
            bytes: Bytes::new(config.max_bytes(), held),
            horizon: Horizon::new(horizon),
            tickets: Tickets::after(last_ticket),
            making_place: Mutex::new(()),
        }
    }

    /// Locks the shard of an account for reading. Also returns the later of `now` and the horizon.
    fn read(&self, account: &AccountId, now: Timestamp) -> (RwLockReadGuard<'_, Shard>, Timestamp) {
        let shard = self.slots[shard_of(account)].read();
        // Read the horizon only now that the shard is locked. Otherwise the call could see both a
        // later write to the shard and a task that the horizon had hidden by then.
        let effective_now = self.horizon.effective_now(now);
        (shard, effective_now)
    }

    /// Locks a shard for writing.
    fn write(&self, at: usize, now: Timestamp) -> ShardGuard<'_> {
        let mut shard = self.slots[at].write(&self.bytes);
        // A horizon that is behind the caller's clock makes no difference to the call.
        if self.horizon.is_ahead_of(now) {
            shard.advance_horizon(self.horizon.get());
        }
        shard
    }

    fn announcements(&self) -> impl Iterator<Item = &Announcement> {
        self.slots.iter().map(Slot::announcement)
    }

    /// Submits to a shard, unless the store has no room.
    fn submit_to(
        &self,
        shard: &mut ShardGuard<'_>,
        submission: Submission,
        now: Timestamp,
    ) -> SubmitAttempt {
        let proposal = match shard.examine(&submission, now) {
            Examined::Proposed(proposal) => proposal,
            Examined::Answered(answer) => return SubmitAttempt::Answered(answer),
        };
        if proposal.needs_place() {
            let has_place = if proposal.fits_account() {
                shard.announcement().announce_expiry(proposal.expires_at());
                self.places.take()
            } else {
                !self.places.are_full(self.places.now())
            };
            if !has_place {
                return SubmitAttempt::NeedsRoom(submission);
            }
        }
        let growth = shard.growth_by(&submission, &proposal);
        if !proposal.fits_account() {
            // A full store is reported before a full account.
            return if self.bytes.have_room_for(growth.net()) {
                SubmitAttempt::Answered(Err(SubmitError::AccountFull))
            } else {
                SubmitAttempt::NeedsRoom(submission)
            };
        }
        if !shard.take_bytes(growth.net()) {
            self.places.give_back(usize::from(proposal.needs_place()));
            return SubmitAttempt::NeedsRoom(submission);
        }
        let task = shard.accept(&proposal, submission, now, || self.tickets.next());
        SubmitAttempt::Answered(Ok(Submitted::New(task)))
    }

    /// Returns the shard where a task has been due longest, among the shards that are not done.
    fn first_due(&self, horizon: Ordinal, is_done: &[bool]) -> Option<usize> {
        let announced = self.announcements().map(Announcement::first_expiry).enumerate();
        let due = announced.filter(|(at, expiry)| *expiry <= horizon && !is_done[*at]);
        due.min_by_key(|(_, expiry)| *expiry).map(|(at, _)| at)
    }
}

/// Returns the shard of an account. It is the same in every process, so that runs are reproducible.
fn shard_of(account: &AccountId) -> usize {
    use core::hash::BuildHasher;

    let hash = FixedState::with_seed(0).hash_one(account);
    usize::try_from(hash >> 32).unwrap_or_default() % SHARDS
}

impl TaskStore for MemoryStore {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        let at = shard_of(submission.account());
        let attempt = self.submit_to(&mut self.write(at, now), submission, now);
        match attempt {
            SubmitAttempt::Answered(answer) => answer,
            SubmitAttempt::NeedsRoom(submission) if self.bytes.are_limited() => {
                self.submit_making_room(at, submission, now)
            }
            SubmitAttempt::NeedsRoom(submission) => self.submit_making_place(at, submission, now),
        }
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let at = shard_of(target.account());
        let mut shard = self.write(at, now);
        if self.bytes.are_limited() {
            let growth = shard.growth_by_event(target, &event, now)?;
            if !shard.take_bytes(growth.net()) {
                drop(shard);
                return self.apply_making_room(at, target, event, now);
            }
        }
        shard.apply(target, event, now)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        Ok(match scope {
            Scope::Any => self.claim_in_turn(now),
            Scope::Account(account) => self.write(shard_of(account), now).claim_of(account, now),
        })
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let (shard, effective_now) = self.read(account, now);
        Ok(shard.get(account, id, effective_now))
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let (shard, effective_now) = self.read(account, now);
        shard.list(account, query, effective_now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.horizon.advance_to(clamp_time(now));
        let horizon = Ordinal::of(self.horizon.get());
        let mut swept = Swept { dropped: 0, more: false };
        let mut is_done = [false; SHARDS];
        while let Some(at) = self.first_due(horizon, &is_done) {
            let mut shard = self.write(at, now);
            let part = shard.sweep(SWEPT_AT_ONCE.min(limit - swept.dropped));
            self.places.give_back(part.dropped);
            swept.dropped += part.dropped;
            if part.more && swept.dropped == limit {
                swept.more = true;
                break;
            }
            is_done[at] = !part.more;
        }
        Ok(swept)
    }
}
