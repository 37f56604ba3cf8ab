//! What a shard announces to calls that don't hold its lock.

use super::ordinal::Ordinal;
use crate::memory::sync::{AtomicI64, AtomicU64, Ordering};
use crate::shard::{ExpiryKey, Shard};
use crate::time::Timestamp;

/// What a shard announces to calls that don't hold its lock.
#[derive(Debug)]
pub(in crate::memory) struct Announcement {
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
    pub(in crate::memory) const NOBODY: u64 = u64::MAX;

    pub(in crate::memory) fn of(shard: &Shard) -> Self {
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
    pub(in crate::memory) fn renew(&self, shard: &Shard) {
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
    pub(in crate::memory) fn announce_expiry(&self, expires_at: Timestamp) {
        let number = Ordinal::of(expires_at).0;
        if number < self.first_expiry.load(Ordering::Relaxed) {
            self.first_expiry.store(number, Ordering::Release);
        }
    }

    /// Returns when the first task expires, or [`Ordinal::LAST`] if there is no task.
    pub(in crate::memory) fn first_expiry(&self) -> Ordinal {
        Ordinal(self.first_expiry.load(Ordering::Acquire))
    }

    pub(in crate::memory) fn first_ticket(&self) -> u64 {
        self.first_ticket.load(Ordering::Acquire)
    }

    /// Returns whether an account may have to be woken at an instant.
    pub(in crate::memory) fn may_wake_at(&self, Ordinal(instant): Ordinal) -> bool {
        self.wakes_from.load(Ordering::Acquire) <= instant
            || instant <= self.wakes_until.load(Ordering::Acquire)
    }
}
