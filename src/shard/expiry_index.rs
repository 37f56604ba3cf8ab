//! Tasks by expiry.

use core::cmp::Ordering;

use chrono::DateTime;

use super::b_plus_tree::BPlusTree;
use crate::time::{MAX_TIME, Timestamp};

#[derive(Clone, Debug, Default)]
pub(super) struct ExpiryIndex {
    keys: BPlusTree<ExpiryKey>,
    /// The first key, which is needed all the time. Reading it from the tree would be slow.
    first: Option<ExpiryKey>,
}

/// A task's expiry and slot, as numbers without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiryKey {
    /// The high and low half of the seconds, offset to be unsigned; the nanoseconds; and the slot.
    words: [u32; 4],
}

impl ExpiryKey {
    fn new(expires_at: Timestamp, slot: u32) -> Self {
        let seconds = expires_at.timestamp().cast_unsigned() ^ (1 << 63);
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let nanoseconds = expires_at.timestamp_subsec_nanos();
        Self { words: [half(seconds >> 32), half(seconds), nanoseconds, slot] }
    }

    pub(super) fn slot(self) -> u32 {
        self.words[3]
    }

    pub(crate) fn expires_at(self) -> Timestamp {
        let (seconds, nanoseconds) = self.timestamp();
        DateTime::from_timestamp(seconds, nanoseconds).unwrap_or(MAX_TIME)
    }

    /// Returns the expiry as seconds since 1970, and nanoseconds.
    pub(crate) fn timestamp(self) -> (i64, u32) {
        let [high, low, nanoseconds, _] = self.words;
        let seconds = (u64::from(high) << 32 | u64::from(low)) ^ (1 << 63);
        (seconds.cast_signed(), nanoseconds)
    }
}

impl Ord for ExpiryKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |Self { words: [a, b, c, d] }: &Self| {
            let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
            (pair(*a, *b), pair(*c, *d))
        };
        number(self).cmp(&number(other))
    }
}

impl PartialOrd for ExpiryKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ExpiryIndex {
    pub(super) fn insert(&mut self, expires_at: Timestamp, slot: u32) {
        let key = ExpiryKey::new(expires_at, slot);
        self.keys.insert(key);
        if self.first.is_none_or(|first| key < first) {
            self.first = Some(key);
        }
    }

    pub(super) fn remove(&mut self, expires_at: Timestamp, slot: u32) {
        let key = ExpiryKey::new(expires_at, slot);
        self.keys.remove(key);
        if self.first == Some(key) {
            self.first = self.keys.first();
        }
    }

    /// Returns the task that expires first.
    pub(super) fn first(&self) -> Option<ExpiryKey> {
        self.first
    }

    /// Returns the task with `place` others before it.
    pub(super) fn nth(&self, place: usize) -> Option<ExpiryKey> {
        self.keys.nth(place)
    }

    /// Returns whether any task is due at an instant.
    pub(super) fn is_due(&self, at: Timestamp) -> bool {
        self.first().is_some_and(|due| due.expires_at() <= at)
    }

    /// Returns some of the tasks that are due at an instant, the earliest expiry first. It is empty
    /// only if no task is due.
    pub(super) fn due(&self, at: Timestamp) -> &[ExpiryKey] {
        let first = self.keys.from(|_| false);
        let end = ExpiryKey::new(at, u32::MAX);
        &first[..first.partition_point(|due| *due <= end)]
    }

    /// Drops the first `count` tasks, which [`due`](Self::due) has returned.
    pub(super) fn drop_first(&mut self, count: usize) {
        self.keys.remove_first(count);
        self.first = self.keys.first();
    }

    /// Checks that fewer than `limit` of the tasks are visible at an instant.
    ///
    /// # Errors
    ///
    /// Returns [`LimitReached`] otherwise.
    pub(super) fn check_limit(&self, limit: usize, at: Timestamp) -> Result<(), LimitReached> {
        let Some(excess) = self.keys.len().checked_sub(limit) else { return Ok(()) };
        match self.keys.nth(excess).map(ExpiryKey::expires_at) {
            Some(expires_at) if expires_at <= at => Ok(()),
            until => Err(LimitReached { until }),
        }
    }
}

/// The limit of visible tasks is reached.
pub(super) struct LimitReached {
    /// When enough of them will have expired, if they ever do.
    pub(super) until: Option<Timestamp>,
}
