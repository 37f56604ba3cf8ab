//! Sweeps, and the tasks that a full store drops.

use super::{BATCH, Shard};
use crate::store::Swept;
use crate::time::Timestamp;

impl Shard {
    /// Drops tasks that are due at the horizon, as [`TaskStore::sweep`](crate::TaskStore::sweep)
    /// does.
    pub(crate) fn sweep(&mut self, limit: usize) -> Swept {
        Swept { dropped: self.sweep_to(self.horizon, limit), more: self.is_due() }
    }

    /// Drops up to `limit` tasks that have expired by an instant. Returns how many.
    pub(super) fn sweep_to(&mut self, instant: Timestamp, limit: usize) -> usize {
        let mut dropped = 0;
        let mut batch = [0; BATCH];
        while dropped < limit {
            let due = self.expiry.due(instant).iter().take(limit - dropped);
            let mut taken = 0;
            for (slot, due) in batch.iter_mut().zip(due) {
                *slot = due.slot();
                taken += 1;
            }
            if taken == 0 {
                break;
            }
            self.expiry.drop_first(taken);
            self.drop_all(&batch[..taken]);
            dropped += taken;
        }
        dropped
    }

    /// Returns whether any task is expired at the later of `now` and the horizon.
    pub(crate) fn has_expired_at(&self, now: Timestamp) -> bool {
        self.expiry.is_due(self.effective_now(now))
    }

    /// Returns whether there is something to sweep.
    pub(crate) fn is_due(&self) -> bool {
        self.expiry.is_due(self.horizon)
    }

    /// Drops the task that expires first. The caller has checked that it is expired. As after a
    /// sweep, the horizon then hides from every caller what expired by then.
    pub(crate) fn drop_first(&mut self) {
        if let Some(first) = self.expiry.first() {
            self.horizon = self.horizon.max(first.expires_at());
            self.expiry.drop_first(1);
            self.drop_all(&[first.slot()]);
        }
    }

    /// Drops at most [`BATCH`] tasks that the expiry index no longer has, each step for all of them.
    pub(super) fn drop_all(&mut self, slots: &[u32]) {
        debug_assert!(slots.len() <= BATCH, "a batch of tasks");
        let mut hashes = [0; BATCH];
        for (hash, slot) in hashes.iter_mut().zip(slots) {
            *hash = self.hash_of(*slot);
        }
        for (hash, slot) in hashes.iter().zip(slots) {
            self.task_index.remove(*hash, *slot);
        }
        for slot in slots {
            let account = self.unlink(*slot, self.horizon);
            self.forget_if_empty(account);
        }
        for slot in slots {
            self.tasks.remove(*slot);
        }
    }
}
