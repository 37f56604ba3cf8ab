//! What the shards of a store have in common, and what each tells the others: how many tasks there are,
//! how far the horizon is, whose turn it is, and which task expires first.
//!
//! All of it is read without a lock (but for a horizon that is centuries away). A shard is written under its
//! lock, and announces what it has come to before it lets go of it. Two rules let the others rely on announcements, which they read one after the
//! other while shards go on:
//!
//! - Nothing is announced too late. While nobody holds a shard's lock, what it has announced is exact; while
//!   somebody does, the shard may have announced an earlier expiry than it has, never a later one. So a
//!   new task is announced before it takes its place, and that of a dropped one is given back before that
//!   is announced.
//! - Who acts upon what was announced looks again with the lock of the shard that it acts upon. What has
//!   come forward elsewhere since then came after.

use super::sync::{AtomicI64, AtomicU64, Mutex, Ordering};
use crate::shard::{ExpiryKey, Shard};
use crate::time::{MIN_TIME, Now, clamp_time};

/// An instant as a number that keeps the order, though not every difference: instants that are more than
/// 292 years from 1970 have the first or the last number, and those within a leap second have one number.
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

    /// The instant, where no other has the number.
    fn only_instant(self) -> Option<Now> {
        let is_of_several = self == Self::FIRST || self == Self::LAST;
        (!is_of_several).then(|| Now::from_timestamp_nanos(self.0))
    }
}

/// How many tasks the store holds, and may hold.
#[derive(Debug)]
pub(super) struct Places {
    limit: u64,
    /// Below, how many are taken; above, how often one was given back.
    state: AtomicU64,
}

/// The places at one moment. While all are taken, two moments are the same only if none was given back
/// between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlacesTaken(u64);

impl PlacesTaken {
    const BITS: u32 = 32;

    pub(super) fn count(self) -> u64 {
        self.0 & (u64::MAX >> Self::BITS)
    }
}

impl Places {
    /// Places for so many tasks, of which some are taken.
    pub(super) fn new(limit: usize, taken: usize) -> Self {
        // A shard can hold no more either.
        let at_most = |count: usize| u64::from(u32::try_from(count).unwrap_or(u32::MAX));
        Self { limit: at_most(limit), state: AtomicU64::new(at_most(taken)) }
    }

    pub(super) fn now(&self) -> PlacesTaken {
        PlacesTaken(self.state.load(Ordering::Acquire))
    }

    pub(super) fn are_full(&self, taken: PlacesTaken) -> bool {
        taken.count() >= self.limit
    }

    /// Takes a place, if one is free.
    pub(super) fn take(&self) -> bool {
        let take = |state| (!self.are_full(PlacesTaken(state))).then(|| state + 1);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Gives back the places of tasks that are no longer there.
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
    /// Room for so many bytes, `usize::MAX` being no limit, of which some are held.
    pub(super) fn new(limit: usize, held: usize) -> Self {
        let limit = (limit < usize::MAX).then(|| in_64_bits(limit));
        Self { limit, held: AtomicU64::new(in_64_bits(held)) }
    }

    /// Whether there is a limit. Where there is none, nothing is counted.
    pub(super) fn are_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) fn held(&self) -> usize {
        usize::try_from(self.held.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// Whether there is room for so many more.
    pub(super) fn have_room_for(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        in_64_bits(self.held().saturating_add(more)) <= limit
    }

    /// Takes so many more, if there is room for them.
    pub(super) fn take(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        let take = |held: u64| held.checked_add(in_64_bits(more)).filter(|held| *held <= limit);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Counts that shards hold `after`, of which `before` is counted.
    pub(super) fn count(&self, before: usize, after: usize) {
        if before != after {
            // Modulo 2⁶⁴, what is less is added as well.
            let difference = in_64_bits(after).wrapping_sub(in_64_bits(before));
            self.held.fetch_add(difference, Ordering::AcqRel);
        }
    }
}

fn in_64_bits(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The store's horizon: it only ever grows.
#[derive(Debug)]
pub(super) struct Horizon {
    /// The instant's number, where that tells the instant; the last number, where it does not.
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
        let is_told = instant == MIN_TIME || number.only_instant() == Some(instant);
        if is_told { number } else { Ordinal::LAST }
    }

    fn number(&self) -> Ordinal {
        Ordinal(self.number.load(Ordering::Acquire))
    }

    /// Whether it may be later than a caller's `now`.
    pub(super) fn is_ahead_of(&self, now: Now) -> bool {
        self.number() >= Ordinal::of(now)
    }

    /// A caller's `now`, or the horizon where that is later.
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

    /// Moves it to an instant, if that is later.
    pub(super) fn advance_to(&self, instant: Now) {
        let mut exact = self.exact.lock();
        if instant > *exact {
            *exact = instant;
            self.number.store(Self::number_of(instant).0, Ordering::Release);
        }
    }
}

/// The tickets of accounts, their places in the queue for a claim over all of them.
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

/// What a shard announces.
#[derive(Debug)]
pub(super) struct Announcement {
    /// When its first task expires.
    first_expiry: AtomicI64,
    /// The ticket of the account whose turn it is.
    first_ticket: AtomicU64,
    /// From when on an account is to be woken, and up to when one is for a clock that is behind.
    wakes_from: AtomicI64,
    wakes_until: AtomicI64,
}

impl Announcement {
    /// The ticket of no account.
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

    /// Announces what a shard has come to, before its lock is let go.
    pub(super) fn renew(&self, shard: &Shard) {
        let first_expiry = shard.first_expiry().map(ExpiryKey::timestamp);
        let queue = shard.ready_queue();
        let wakes = queue.wakes();
        let wakes_from = [wakes.wake_after, wakes.wake_at].into_iter().flatten().min();
        // Who holds the lock is alone in writing: what is as it was need not be written.
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

    /// Announces a task that is about to take its place.
    pub(super) fn announce_expiry(&self, expires_at: Now) {
        let number = Ordinal::of(expires_at).0;
        if number < self.first_expiry.load(Ordering::Relaxed) {
            self.first_expiry.store(number, Ordering::Release);
        }
    }

    /// When the first task expires: at the last instant of all, or after it, where there is none.
    pub(super) fn first_expiry(&self) -> Ordinal {
        Ordinal(self.first_expiry.load(Ordering::Acquire))
    }

    pub(super) fn first_ticket(&self) -> u64 {
        self.first_ticket.load(Ordering::Acquire)
    }

    /// Whether an account may have to be woken at an instant.
    pub(super) fn may_wake_at(&self, Ordinal(instant): Ordinal) -> bool {
        self.wakes_from.load(Ordering::Acquire) <= instant
            || instant <= self.wakes_until.load(Ordering::Acquire)
    }
}
