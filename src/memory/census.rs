//! Counts of what a store holds, shard by shard.

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::MemoryStore;
use crate::id::AccountId;
use crate::shard::AccountPage;
use crate::store::Census;
use crate::time::Timestamp;

impl MemoryStore {
    /// Counts what the store holds. [`LocalStore::census`](crate::LocalStore::census) explains the
    /// cost.
    ///
    /// This locks one shard after the other for reading. Writers to a shard wait only until it is
    /// counted: for a 64th of the whole time, if the tasks are of many accounts. So each account is
    /// counted at one moment, but accounts of different shards at different moments: of two events
    /// in two accounts, the census may include only the later one. In a store at rest, the numbers
    /// are exact.
    #[must_use]
    pub fn census(&self, now: Timestamp) -> Census {
        let mut census = Census::new();
        for slot in &self.slots {
            let shard = slot.read();
            // As for every reader, read the horizon only now that the shard is locked.
            let part = shard.census(self.horizon.effective_now(now));
            drop(shard);
            census.add(part);
        }
        census
    }

    /// Returns a page of the accounts that hold tasks. See
    /// [`LocalStore::accounts`](crate::LocalStore::accounts). This locks one shard after the other
    /// for reading, as for a [`census`](Self::census).
    #[must_use]
    pub fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId> {
        let mut page = AccountPage::new(after, limit);
        for slot in &self.slots {
            slot.read().add_accounts(&mut page);
        }
        page.into_sorted()
    }
}
