//! State that the shards of a store share: how many tasks and bytes there are, the horizon, the
//! tickets, and what each shard announces to the others.
//!
//! It is read without a lock, except for a horizon that is centuries away. A shard is written under
//! its lock, and renews its announcement before it is unlocked. A call reads the announcements one
//! after the other while other shards go on. Two rules make that safe:
//!
//! - A shard never announces an expiry too late. While it is unlocked, its announcement is exact.
//!   While it is locked, the announced expiry may be earlier than its tasks', but never later. So a
//!   new task's expiry is announced before the task takes its place, and a dropped task's place is
//!   given back before the new expiry is announced.
//! - A call that acts on an announcement checks it again under the lock of the shard. Whatever
//!   changes in other shards after that comes after the call.

use super::sync::{AtomicI64, AtomicU64, Mutex, Ordering};
use crate::shard::{ExpiryKey, Shard};
use crate::time::{MIN_TIME, Now, clamp_time};

/// An instant as a number in the same order. Some instants share a number: all that are more than
/// 292 years from 1970 have the first or the last one, and all within a leap second have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ordinal(i64);

impl Ordinal {
    const FIRST: Self = Self(i64::MIN);
    const LAST: Self = Self(i64::MAX);

    pub(super) fn of(instant: Now) -> Self {
        Self::of_timestamp((instant.timestamp(), instant.timestamp_subsec_nanos()))
    }

    fn of_timestamp((seconds, nanos): (i64, u32)) -> Self {
        let nanos = i64::from(nanos.min(999_999_999));
        let number = seconds.checked_mul(1_000_000_000);
        let number = number.and_then(|number| number.checked_add(nanos)).map(Self);
        number.unwrap_or(if seconds < 0 { Self::FIRST } else { Self::LAST })
    }

    /// Returns the instant, if it is the only one with this number.
    fn only_instant(self) -> Option<Now> {
        let is_of_several = self == Self::FIRST || self == Self::LAST;
        (!is_of_several).then(|| Now::from_timestamp_nanos(self.0))
    }
}

/// How many tasks the store holds, and may hold.
#[derive(Debug)]
pub(super) struct Places {
    limit: u64,
    /// The lower half is how many places are taken; the upper half is how often one was given back.
    state: AtomicU64,
}

/// The state of the places at one moment. While all of them are taken, two states are equal only if
/// none was given back in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlacesTaken(u64);

impl PlacesTaken {
    const BITS: u32 = 32;

    pub(super) fn count(self) -> u64 {
        self.0 & (u64::MAX >> Self::BITS)
    }
}

impl Places {
    /// Creates `limit` places, of which `taken` are taken.
    pub(super) fn new(limit: usize, taken: usize) -> Self {
        // A shard cannot hold more either.
        let at_most = |count: usize| u64::from(u32::try_from(count).unwrap_or(u32::MAX));
        Self { limit: at_most(limit), state: AtomicU64::new(at_most(taken)) }
    }

    pub(super) fn now(&self) -> PlacesTaken {
        PlacesTaken(self.state.load(Ordering::Acquire))
    }

    pub(super) fn are_full(&self, taken: PlacesTaken) -> bool {
        taken.count() >= self.limit
    }

    /// Takes a place if one is free. Returns whether it did.
    pub(super) fn take(&self) -> bool {
        let take = |state| (!self.are_full(PlacesTaken(state))).then(|| state + 1);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Gives back the places of tasks that were dropped.
    pub(super) fn give_back(&self, count: usize) {
        let times = u64::try_from(count).unwrap_or(u64::MAX);
        self.state.fetch_add(times.wrapping_mul((1 << PlacesTaken::BITS) - 1), Ordering::AcqRel);
    }
}

/// How many bytes the store holds, and may hold.
#[derive(Debug)]
pub(super) struct Bytes {
    limit: Option<u64>,
    held: AtomicU64,
}

impl Bytes {
    /// Creates room for `limit` bytes, of which `held` are held. `usize::MAX` is no limit.
    pub(super) fn new(limit: usize, held: usize) -> Self {
        let limit = (limit < usize::MAX).then(|| in_64_bits(limit));
        Self { limit, held: AtomicU64::new(in_64_bits(held)) }
    }

    /// Returns whether there is a limit. Without one, nothing is counted.
    pub(super) fn are_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) fn held(&self) -> usize {
        usize::try_from(self.held.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// Returns whether there is room for this many more bytes.
    pub(super) fn have_room_for(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        in_64_bits(self.held().saturating_add(more)) <= limit
    }

    /// Takes this many more bytes if there is room for them. Returns whether it did.
    pub(super) fn take(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        let take = |held: u64| held.checked_add(in_64_bits(more)).filter(|held| *held <= limit);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Updates the count after shards whose counted bytes were `before` hold `after`.
    pub(super) fn count(&self, before: usize, after: usize) {
        if before != after {
            // Wrapping arithmetic also adds a negative difference.
            let difference = in_64_bits(after).wrapping_sub(in_64_bits(before));
            self.held.fetch_add(difference, Ordering::AcqRel);
        }
    }
}

fn in_64_bits(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The store's horizon, which only ever moves to later.
#[derive(Debug)]
pub(super) struct Horizon {
    /// The instant's number if only this instant has it, and the last number otherwise.
    number: AtomicI64,
    exact: Mutex<Now>,
}

impl Horizon {
    pub(super) fn new(instant: Now) -> Self {
        let number = AtomicI64::new(Self::number_of(instant).0);
        Self { number, exact: Mutex::new(instant) }
    }

    fn number_of(instant: Now) -> Ordinal {
        let number = Ordinal::of(instant);
        let is_exact = instant == MIN_TIME || number.only_instant() == Some(instant);
        if is_exact { number } else { Ordinal::LAST }
    }

    fn number(&self) -> Ordinal {
        Ordinal(self.number.load(Ordering::Acquire))
    }

    /// Returns whether the horizon may be later than a caller's `now`.
    pub(super) fn is_ahead_of(&self, now: Now) -> bool {
        self.number() >= Ordinal::of(now)
    }

    /// Returns the later of `now` and the horizon.
    pub(super) fn or_later(&self, now: Now) -> Now {
        let now = clamp_time(now);
        if self.is_ahead_of(now) { now.max(self.get()) } else { now }
    }

    pub(super) fn get(&self) -> Now {
        match self.number() {
            Ordinal::FIRST => MIN_TIME,
            number => number.only_instant().unwrap_or_else(|| *self.exact.lock()),
        }
    }

    /// Moves the horizon to an instant, if that is later.
    pub(super) fn advance_to(&self, instant: Now) {
        let mut exact = self.exact.lock();
        if instant > *exact {
            *exact = instant;
            self.number.store(Self::number_of(instant).0, Ordering::Release);
        }
    }
}

/// The source of the accounts' tickets: their places in the queue for claims over all accounts.
#[derive(Debug)]
pub(super) struct Tickets(AtomicU64);

impl Tickets {
    pub(super) fn after(last: u64) -> Self {
        Self(AtomicU64::new(last))
    }

    pub(super) fn last(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// What a shard announces to calls that don't hold its lock.
#[derive(Debug)]
pub(super) struct Announcement {
    /// When its first task expires.
    first_expiry: AtomicI64,
    /// The ticket of its first ready account.
    first_ticket: AtomicU64,
    /// An account may have to be woken at instants from `wakes_from` on, and up to `wakes_until`
    /// for a clock that is behind.
    wakes_from: AtomicI64,
    wakes_until: AtomicI64,
}

impl Announcement {
    /// The ticket if no account is ready.
    pub(super) const NOBODY: u64 = u64::MAX;

    pub(super) fn of(shard: &Shard) -> Self {
        let announcement = Self {
            first_expiry: AtomicI64::new(Ordinal::LAST.0),
            first_ticket: AtomicU64::new(Self::NOBODY),
            wakes_from: AtomicI64::new(Ordinal::LAST.0),
            wakes_until: AtomicI64::new(Ordinal::FIRST.0),
        };
        announcement.renew(shard);
        announcement
    }

    /// Announces the shard's state, before it is unlocked.
    pub(super) fn renew(&self, shard: &Shard) {
        let first_expiry = shard.first_expiry().map(ExpiryKey::timestamp);
        let queue = shard.ready_queue();
        let wakes = queue.wakes();
        let wakes_from = [wakes.wake_after, wakes.wake_at].into_iter().flatten().min();
        // Only the holder of the lock writes, so an unchanged value need not be written.
        let renew = |number: &AtomicI64, Ordinal(value): Ordinal| {
            if number.load(Ordering::Relaxed) != value {
                number.store(value, Ordering::Release);
            }
        };
        renew(&self.first_expiry, first_expiry.map_or(Ordinal::LAST, Ordinal::of_timestamp));
        renew(&self.wakes_from, wakes_from.map_or(Ordinal::LAST, Ordinal::of));
        renew(&self.wakes_until, wakes.wake_before.map_or(Ordinal::FIRST, Ordinal::of));
        let first_ticket = queue.first_ticket().unwrap_or(Self::NOBODY);
        if self.first_ticket.load(Ordering::Relaxed) != first_ticket {
            self.first_ticket.store(first_ticket, Ordering::Release);
        }
    }

    /// Announces the expiry of a task that is about to be added.
    pub(super) fn announce_expiry(&self, expires_at: Now) {
        let number = Ordinal::of(expires_at).0;
        if number < self.first_expiry.load(Ordering::Relaxed) {
            self.first_expiry.store(number, Ordering::Release);
        }
    }

    /// Returns when the first task expires, or [`Ordinal::LAST`] if there is no task.
    pub(super) fn first_expiry(&self) -> Ordinal {
        Ordinal(self.first_expiry.load(Ordering::Acquire))
    }

    pub(super) fn first_ticket(&self) -> u64 {
        self.first_ticket.load(Ordering::Acquire)
    }

    /// Returns whether an account may have to be woken at an instant.
    pub(super) fn may_wake_at(&self, Ordinal(instant): Ordinal) -> bool {
        self.wakes_from.load(Ordering::Acquire) <= instant
            || instant <= self.wakes_until.load(Ordering::Acquire)
    }
}
