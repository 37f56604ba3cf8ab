//! The number of tasks, and its limit.

use crate::memory::sync::{AtomicU64, Ordering};

/// How many tasks the store holds, and may hold.
#[derive(Debug)]
pub(in crate::memory) struct Places {
    limit: u64,
    /// The lower half is how many places are taken. The upper half is how often one was given back,
    /// so that a call that has read a full state can see that no place was given back meanwhile.
    state: AtomicU64,
}

/// The state of the places at one moment. While all of them are taken, two states are equal only if
/// none was given back in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::memory) struct PlacesTaken(u64);

impl PlacesTaken {
    const BITS: u32 = 32;

    pub(in crate::memory) fn count(self) -> u64 {
        self.0 & (u64::MAX >> Self::BITS)
    }
}

impl Places {
    /// Creates `limit` places, of which `taken` are taken.
    pub(in crate::memory) fn new(limit: usize, taken: usize) -> Self {
        // A shard cannot hold more either.
        let at_most = |count: usize| u64::from(u32::try_from(count).unwrap_or(u32::MAX));
        Self { limit: at_most(limit), state: AtomicU64::new(at_most(taken)) }
    }

    pub(in crate::memory) fn now(&self) -> PlacesTaken {
        PlacesTaken(self.state.load(Ordering::Acquire))
    }

    pub(in crate::memory) fn are_full(&self, taken: PlacesTaken) -> bool {
        taken.count() >= self.limit
    }

    /// Takes a place if one is free. Returns whether it did.
    pub(in crate::memory) fn take(&self) -> bool {
        let take = |state| (!self.are_full(PlacesTaken(state))).then(|| state + 1);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Gives back the places of tasks that were dropped.
    pub(in crate::memory) fn give_back(&self, count: usize) {
        // Adds `times` to the upper half, and subtracts it from the lower.
        let times = u64::try_from(count).unwrap_or(u64::MAX);
        self.state.fetch_add(times.wrapping_mul((1 << PlacesTaken::BITS) - 1), Ordering::AcqRel);
    }
}
