//! Removal of tasks before they expire.

use super::{BATCH, Shard};
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::task::Task;

impl Shard {
    /// Removes a task, visible or not, and returns it.
    pub(crate) fn remove(&mut self, account: &AccountId, id: TaskId) -> Option<Task> {
        let (slot, stored) = self.find(account, id)?;
        let task = stored.task.clone();
        self.expiry.remove(task.expires_at(), slot);
        self.drop_all(&[slot]);
        Some(task)
    }

    /// Removes all tasks of an account, visible or not. Returns how many there were.
    pub(crate) fn remove_account(&mut self, account: &AccountId) -> usize {
        let mut dropped = 0;
        let mut batch = [0; BATCH];
        while let Some(key) = self.find_account(self.hash_account(account), account) {
            let known = &self.accounts[key];
            let entries = TaskStatus::ALL
                .into_iter()
                .flat_map(|status| known.in_status(status).ascending(&self.blocks));
            let mut taken = 0;
            for (slot, entry) in batch.iter_mut().zip(entries) {
                *slot = entry.slot;
                taken += 1;
            }
            let taken = &batch[..taken];
            for slot in taken {
                self.expiry.remove(self.tasks[*slot].task.expires_at(), *slot);
            }
            self.drop_all(taken);
            dropped += taken.len();
        }
        dropped
    }
}
