//! Removal of tasks before they expire.

use super::{MemoryStore, shard_of};
use crate::id::{AccountId, TaskId};
use crate::task::Task;
use crate::time::MIN_TIME;

impl MemoryStore {
    /// Removes a task in any status as if it had never been submitted, and frees its id. Returns
    /// the task, unless there was none or a sweep has dropped it.
    ///
    /// The contract of stores doesn't include removal; there, a task stays until it expires. Use it
    /// in tests, and for data that must be deleted. Neither a list with
    /// [`changed_since`](crate::ListQuery::changed_since) nor a log of records shows the removal.
    /// An event for a removed task returns [`NotFound`](crate::ApplyError::NotFound), as for an
    /// expired one.
    ///
    /// ```
    /// use tasklife::{AccountId, MemoryStore, Submission, TaskId, TaskStore};
    ///
    /// let (store, now) = (MemoryStore::default(), tasklife::MIN_TIME);
    /// let account: AccountId = "acme".parse()?;
    /// let id = TaskId::for_key(&account, "order-7f3a");
    /// store.submit(Submission::new(account.clone(), id, "databaseCreateRequest".parse()?), now)?;
    /// assert!(store.remove(&account, id).is_some());
    /// assert_eq!(store.get(&account, id, now)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(&self, account: &AccountId, id: TaskId) -> Option<Task> {
        let mut shard = self.write(shard_of(account), MIN_TIME);
        let removed = shard.remove(account, id);
        self.places.give_back(usize::from(removed.is_some()));
        removed
    }

    /// Removes all tasks of an account, as [`remove`](Self::remove) does. Returns how many there
    /// were, including expired ones that no sweep had dropped.
    ///
    /// Calls on accounts of the same shard wait meanwhile. The account's next task has a higher
    /// revision than any before.
    pub fn remove_account(&self, account: &AccountId) -> usize {
        let mut shard = self.write(shard_of(account), MIN_TIME);
        let removed = shard.remove_account(account);
        self.places.give_back(removed);
        removed
    }
}
