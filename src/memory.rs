//! The store in memory, shared between threads.

mod bytes;
mod census;
mod coordination;
mod full;
mod remove;
mod saved;
mod sync;

use alloc::boxed::Box;
use core::iter::repeat_with;
use core::ops::{Deref, DerefMut};

use foldhash::fast::FixedState;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::shard::{Restored, Shard, Turn};
use crate::store::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, StoreConfig,
    SubmitError, Submitted, Swept, Target, TaskStore,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MIN_TIME, Now, clamp_time};

use coordination::{Announcement, Bytes, Horizon, Ordinal, Places, Tickets};
use sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard, spin_loop};

/// The store in memory, to be shared between threads.
///
/// It obeys the laws of [`TaskStore`]. Nothing fails but what the contract refuses:
/// [`BackendError`] never occurs. Expired tasks are held until they are [swept](TaskStore::sweep), or
/// make room for others in a [full](StoreConfig::with_max_tasks) store. What is in memory is gone with
/// the process, unless a [`snapshot`](Self::snapshot) was saved.
///
/// # Threads
///
/// Accounts are spread over 64 shards, each behind a lock of its own, so that calls on different accounts
/// seldom wait for each other. Calls on one account do, unless all of them read.
///
/// - A claim over all accounts locks the shard whose turn it is, and none where there is nothing to hand
///   out. It looks at one shard after the other: if tasks are submitted and claimed meanwhile, it may
///   answer `None` though there was always one somewhere.
/// - A sweep locks one shard after the other, from the one where a task has been due longest, and none for
///   longer than it takes to drop 512 tasks.
/// - A submission to a full store waits for others of its kind, and locks the shard of the task that makes
///   room besides its own.
/// - Where [bytes](StoreConfig::with_max_bytes) are limited and none are left, a call that needs some locks all
///   shards, to look for what expired first and to drop it. All others wait meanwhile: for microseconds, but for
///   a third of a second where a hundred thousand tasks have expired at one instant. Sweep often.
/// - A snapshot stops all writers. A census locks one shard after the other.
///
/// With N tasks, calls take the time that they take a [`LocalStore`](crate::LocalStore), and a claim over
/// all accounts up to a microsecond more, however many accounts there are.
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
    /// Who makes room in a full store.
    making_room: Mutex<()>,
}

/// How many shards there are. With so many, one call in five of sixteen busy threads meets another at its
/// shard, and a claim that finds nothing in the announcements of all takes 0.2 µs.
const SHARDS: usize = if cfg!(loom) { 2 } else { 64 };

/// How many tasks a sweep drops before it lets others on.
const SWEPT_AT_ONCE: usize = 512;

/// A shard and what it announces, apart from all others: processors pass on whole lines of their caches.
#[derive(Debug)]
#[repr(align(128))]
struct Slot {
    announcement: Announcement,
    shard: RwLock<Shard>,
}

/// A shard that is written: when that ends, it announces what it has come to.
struct Writing<'a> {
    announcement: &'a Announcement,
    bytes: &'a Bytes,
    /// How many of the bytes that are counted are the shard's.
    counted: usize,
    shard: RwLockWriteGuard<'a, Shard>,
}

impl Writing<'_> {
    /// Takes so many bytes more for the shard, if there is room for them.
    fn take_bytes(&mut self, more: usize) -> bool {
        let is_taken = self.bytes.take(more);
        self.counted += if is_taken { more } else { 0 };
        is_taken
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.announcement.renew(&self.shard);
        self.bytes.count(self.counted, self.shard.held_bytes());
    }
}

impl Deref for Writing<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.shard
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.shard
    }
}

impl Default for MemoryStore {
    /// An empty store of the default configuration.
    fn default() -> Self {
        Self::new(StoreConfig::default())
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        let shards = repeat_with(|| Shard::new(config)).take(SHARDS).collect();
        Self::of(config, Restored { shards, horizon: MIN_TIME, last_ticket: 0 })
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// How many tasks the store holds, the expired ones that no sweep has dropped yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.places.now().count()).unwrap_or(usize::MAX)
    }

    /// Whether the store holds no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the store holds, where that is limited: as
    /// [`LocalStore::held_bytes`](crate::LocalStore::held_bytes).
    #[must_use]
    pub fn held_bytes(&self) -> Option<usize> {
        self.bytes.are_limited().then(|| self.bytes.held())
    }

    fn of(config: StoreConfig, restored: Restored) -> Self {
        let Restored { shards, horizon, last_ticket } = restored;
        let taken = shards.iter().map(Shard::len).sum();
        let held = shards.iter().map(Shard::held_bytes).sum();
        let slot =
            |shard| Slot { announcement: Announcement::of(&shard), shard: RwLock::new(shard) };
        Self {
            config,
            slots: shards.into_iter().map(slot).collect(),
            places: Places::new(config.max_tasks(), taken),
            bytes: Bytes::new(config.max_bytes(), held),
            horizon: Horizon::new(horizon),
            tickets: Tickets::after(last_ticket),
            making_room: Mutex::new(()),
        }
    }

    /// The shard of an account, to be read at a `now`: and the instant at which it is, which is that of the
    /// horizon where that is later.
    fn read(&self, account: &AccountId, now: Now) -> (RwLockReadGuard<'_, Shard>, Now) {
        let shard = self.slots[shard_of(account)].shard.read();
        // Not before the shard is locked: what was written there since would be seen beside what the horizon
        // had hidden by then.
        let instant = self.horizon.or_later(now);
        (shard, instant)
    }

    /// A shard, to be written at a `now`.
    fn write(&self, at: usize, now: Now) -> Writing<'_> {
        let Slot { announcement, shard } = &self.slots[at];
        let mut shard = shard.write();
        // What is behind the caller's clock makes no difference to the call.
        if self.horizon.is_ahead_of(now) {
            shard.advance_horizon(self.horizon.get());
        }
        Writing { announcement, bytes: &self.bytes, counted: shard.held_bytes(), shard }
    }

    fn announcements(&self) -> impl Iterator<Item = &Announcement> {
        self.slots.iter().map(|slot| &slot.announcement)
    }

    /// Submits to a shard, unless the store has no place.
    ///
    /// # Errors
    /// Where all places are taken, or too many bytes, and that matters: the submission.
    fn submit_to(
        &self,
        shard: &mut Writing<'_>,
        submission: Submission,
        now: Now,
    ) -> Result<Result<Submitted, SubmitError>, Submission> {
        let proposal = match shard.examine(&submission, now) {
            Ok(proposal) => proposal,
            Err(answer) => return Ok(answer),
        };
        if proposal.needs_place() {
            let has_place = if proposal.fits_account() {
                shard.announcement.announce_expiry(proposal.expires_at());
                self.places.take()
            } else {
                !self.places.are_full(self.places.now())
            };
            if !has_place {
                return Err(submission);
            }
        }
        let growth = shard.growth_by(&submission, &proposal);
        if !proposal.fits_account() {
            // That the store is full comes first.
            let fits = self.bytes.have_room_for(growth.net());
            return if fits { Ok(Err(SubmitError::AccountFull)) } else { Err(submission) };
        }
        if !shard.take_bytes(growth.net()) {
            self.places.give_back(usize::from(proposal.needs_place()));
            return Err(submission);
        }
        Ok(Ok(Submitted::New(shard.accept(&proposal, submission, now, || self.tickets.next()))))
    }

    /// The shard where a task has been due longest, of those that are not done.
    fn first_due(&self, horizon: Ordinal, is_done: &[bool]) -> Option<usize> {
        let announced = self.announcements().map(Announcement::first_expiry).enumerate();
        let due = announced.filter(|(at, expiry)| *expiry <= horizon && !is_done[*at]);
        due.min_by_key(|(_, expiry)| *expiry).map(|(at, _)| at)
    }

    /// Claims a task of the account whose turn it is.
    fn claim_in_turn(&self, now: Now) -> Option<Claimed> {
        // Each time: a claim by a clock that is ahead may have parked what this one still sees.
        let wake = |at, announcement: &Announcement| {
            if announcement.may_wake_at(Ordinal::of(self.horizon.or_later(now))) {
                self.write(at, now).wake_overdue(now);
            }
        };
        let mut first = self.first_in_turn(wake);
        while let Some(at) = first {
            let mut shard = self.write(at, now);
            // While it was not locked, another account may have come before its own.
            let own = shard.ready_queue().first_ticket();
            let mut others = self.announcements().enumerate().filter(|(other, _)| *other != at);
            if own.is_some_and(|own| others.all(|(_, other)| own < other.first_ticket()))
                && let Some(Turn::Served(claimed)) = shard.claim_next(now, || self.tickets.next())
            {
                return Some(claimed);
            }
            drop(shard);
            spin_loop();
            first = self.first_in_turn(wake);
        }
        None
    }

    /// The shard of the account whose turn it is, if any has something to hand out, once each was seen to.
    fn first_in_turn(&self, see_to: impl Fn(usize, &Announcement)) -> Option<usize> {
        let mut first = (Announcement::NOBODY, None);
        for (at, announcement) in self.announcements().enumerate() {
            see_to(at, announcement);
            let ticket = announcement.first_ticket();
            if ticket < first.0 {
                first = (ticket, Some(at));
            }
        }
        first.1
    }
}

/// Where an account's tasks are, in every process alike, so that what a store does can be repeated.
fn shard_of(account: &AccountId) -> usize {
    use core::hash::BuildHasher;

    let hash = FixedState::with_seed(0).hash_one(account);
    usize::try_from(hash >> 32).unwrap_or_default() % SHARDS
}

impl TaskStore for MemoryStore {
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        let at = shard_of(submission.account());
        let submitted = self.submit_to(&mut self.write(at, now), submission, now);
        submitted.unwrap_or_else(|submission| {
            if self.bytes.are_limited() {
                self.submit_with_room(at, submission, now)
            } else {
                self.submit_to_full(at, submission, now)
            }
        })
    }

    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
        let at = shard_of(target.account());
        let mut shard = self.write(at, now);
        if self.bytes.are_limited() {
            let growth = shard.growth_by_event(target, &event, now)?;
            if !shard.take_bytes(growth.net()) {
                drop(shard);
                return self.apply_with_room(at, target, event, now);
            }
        }
        shard.apply(target, event, now)
    }

    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        Ok(match scope {
            Scope::Any => self.claim_in_turn(now),
            Scope::Account(account) => self.write(shard_of(account), now).claim_of(account, now),
        })
    }

    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let (shard, instant) = self.read(account, now);
        Ok(shard.get(account, id, instant))
    }

    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
        let (shard, instant) = self.read(account, now);
        shard.list(account, query, instant)
    }

    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
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
