//! Tasks that go before they expire.

use super::{MemoryStore, shard_of};
use crate::id::{AccountId, TaskId};
use crate::task::Task;
use crate::time::MIN_TIME;

impl MemoryStore {
    /// Removes a task, in whichever status, as if it had never been submitted: its id is free again. The
    /// task, if it was there and no sweep has dropped it.
    ///
    /// This is no part of the contract of stores, in which a task stays until it expires: it is for
    /// tests, and for data that must go. A list with
    /// [`changed_since`](crate::ListQuery::changed_since) doesn't tell of it, and neither does a log of records. An event
    /// for it is answered with [`NotFound`](crate::ApplyError::NotFound), as one for a task that has expired.
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

    /// Removes all tasks of an account, as [`remove`](Self::remove) does: how many there were, expired ones
    /// that no sweep had dropped included. Calls on the accounts of its shard wait meanwhile. Its next task
    /// has a higher revision than any before.
    pub fn remove_account(&self, account: &AccountId) -> usize {
        let mut shard = self.write(shard_of(account), MIN_TIME);
        let removed = shard.remove_account(account);
        self.places.give_back(removed);
        removed
    }
}
