//! Counting what a store holds, shard by shard.

use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::MemoryStore;
use crate::id::AccountId;
use crate::shard::AccountPage;
use crate::store::Census;
use crate::time::Now;

impl MemoryStore {
    /// Counts what the store holds: [`LocalStore::census`](crate::LocalStore::census) says what that costs.
    ///
    /// One shard after the other is locked for reading, so that writers wait no longer than it takes to
    /// count theirs: a 64th of all, where the tasks are of many accounts. So each account is counted as it is
    /// at one moment, and those of other shards as they are at another: of two events of different accounts,
    /// the census may know the later one alone. In a store at rest the numbers are exact.
    #[must_use]
    pub fn census(&self, now: Now) -> Census {
        let mut census = Census::new();
        for slot in &self.slots {
            let shard = slot.shard.read();
            // As for every reader: not before the shard is locked.
            let part = shard.census(self.horizon.or_later(now));
            drop(shard);
            census.add(part);
        }
        census
    }

    /// A page of the accounts that hold tasks: [`LocalStore::accounts`](crate::LocalStore::accounts) says
    /// more. One shard after the other is locked for reading, as for a [`census`](Self::census).
    #[must_use]
    pub fn accounts(&self, after: Option<&AccountId>, limit: NonZeroUsize) -> Vec<AccountId> {
        let mut page = AccountPage::new(after, limit);
        for slot in &self.slots {
            slot.shard.read().add_accounts(&mut page);
        }
        page.into_sorted()
    }
}
