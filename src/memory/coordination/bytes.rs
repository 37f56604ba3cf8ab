//! The number of bytes, and its limit.

use crate::memory::sync::{AtomicU64, Ordering};

/// How many bytes the store holds, and may hold.
#[derive(Debug)]
pub(in crate::memory) struct Bytes {
    limit: Option<u64>,
    held: AtomicU64,
}

impl Bytes {
    /// Creates room for `limit` bytes, of which `held` are held. `usize::MAX` is no limit.
    pub(in crate::memory) fn new(limit: usize, held: usize) -> Self {
        let limit = (limit < usize::MAX).then(|| in_64_bits(limit));
        Self { limit, held: AtomicU64::new(in_64_bits(held)) }
    }

    /// Returns whether there is a limit. Without one, nothing is counted.
    pub(in crate::memory) fn are_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(in crate::memory) fn held(&self) -> usize {
        usize::try_from(self.held.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// Returns whether there is room for this many more bytes.
    pub(in crate::memory) fn have_room_for(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        in_64_bits(self.held().saturating_add(more)) <= limit
    }

    /// Takes this many more bytes if there is room for them. Returns whether it did.
    pub(in crate::memory) fn take(&self, more: usize) -> bool {
        let Some(limit) = self.limit.filter(|_| more > 0) else { return true };
        let take = |held: u64| held.checked_add(in_64_bits(more)).filter(|held| *held <= limit);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Updates the count after shards whose counted bytes were `before` hold `after`.
    pub(in crate::memory) fn count(&self, before: usize, after: usize) {
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
