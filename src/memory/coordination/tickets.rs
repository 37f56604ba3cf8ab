//! The tickets of accounts.

use crate::memory::sync::{AtomicU64, Ordering};

/// The source of the accounts' tickets: their places in the queue for claims over all accounts.
#[derive(Debug)]
pub(in crate::memory) struct Tickets(AtomicU64);

impl Tickets {
    pub(in crate::memory) fn after(last: u64) -> Self {
        Self(AtomicU64::new(last))
    }

    pub(in crate::memory) fn last(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(in crate::memory) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}
