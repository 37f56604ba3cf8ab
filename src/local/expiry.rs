//! Tasks by when they expire.

use super::ordered::Ordered;
use crate::time::Now;

#[derive(Clone, Debug, Default)]
pub(super) struct Expiry(Ordered<(Now, u32)>);

impl Expiry {
    pub(super) fn insert(&mut self, expires_at: Now, slot: u32) {
        self.0.insert((expires_at, slot));
    }

    pub(super) fn remove(&mut self, expires_at: Now, slot: u32) {
        self.0.remove((expires_at, slot));
    }

    /// The task that has been expired longest at an instant.
    pub(super) fn due(&self, at: Now) -> Option<u32> {
        self.0.first().filter(|(expires_at, _)| *expires_at <= at).map(|(_, slot)| slot)
    }

    /// Whether at least `limit` of the tasks are visible at an instant. If so, it tells when the
    /// first of those expires that would have to, for fewer to be left.
    pub(super) fn filled(&self, limit: usize, at: Now) -> Result<(), Filled> {
        let Some(excess) = self.0.len().checked_sub(limit) else { return Ok(()) };
        match self.0.nth(excess) {
            Some((expires_at, _)) if expires_at <= at => Ok(()),
            next => Err(Filled { until: next.map(|(expires_at, _)| expires_at) }),
        }
    }
}

/// As many tasks are visible as may be.
pub(super) struct Filled {
    /// When there will be fewer by expiry alone, if ever.
    pub(super) until: Option<Now>,
}
