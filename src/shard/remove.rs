//! Tasks that go before they expire.

use super::{BATCH, Shard};
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::task::Task;

impl Shard {
    /// Drops a task, visible or not.
    pub(crate) fn remove(&mut self, account: &AccountId, id: TaskId) -> Option<Task> {
        let (slot, stored) = self.find(account, id)?;
        let task = stored.task.clone();
        self.expiry.remove(task.expires_at(), slot);
        self.drop_all(&mut [(0, slot)]);
        Some(task)
    }

    /// Drops all tasks of an account, visible or not: how many there were.
    pub(crate) fn remove_account(&mut self, account: &AccountId) -> usize {
        let mut dropped = 0;
        let mut batch = [(0, 0); BATCH];
        while let Some(key) = self.find_account(self.hash_account(account), account) {
            let known = &self.accounts[key];
            let all = TaskStatus::ALL.into_iter();
            let all = all.flat_map(|status| known.in_status(status).ascending(&self.blocks));
            let mut taken = 0;
            for (place, entry) in batch.iter_mut().zip(all) {
                *place = (0, entry.slot);
                taken += 1;
            }
            let taken = &mut batch[..taken];
            for (_, slot) in &*taken {
                self.expiry.remove(self.tasks[*slot].task.expires_at(), *slot);
            }
            self.drop_all(taken);
            dropped += taken.len();
        }
        dropped
    }
}
