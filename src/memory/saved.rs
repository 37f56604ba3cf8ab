//! What is saved of a store, and the store that comes back from it.

use alloc::vec::Vec;

use super::{MemoryStore, SHARDS, shard_of};
use crate::shard::{Shard, Snapshot, SnapshotError};
use crate::store::StoreConfig;
use crate::task::TaskRecord;
use crate::time::Now;

impl MemoryStore {
    /// The store's whole content at one moment. Writers wait while it is taken, and readers that
    /// come after a writer.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let locked: Vec<_> = self.slots.iter().map(|slot| slot.shard.read()).collect();
        let shards: Vec<&Shard> = locked.iter().map(|shard| &**shard).collect();
        Snapshot::of(&shards, self.horizon.get(), self.tickets.last())
    }

    /// The store whose content was saved, restored `now`. What that means for revisions, and for tasks
    /// that were in progress, says [`LocalStore::restore`](crate::LocalStore::restore).
    ///
    /// # Errors
    /// As there.
    pub fn restore(
        config: StoreConfig,
        snapshot: Snapshot,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        let restored = snapshot.restore(config, now, SHARDS, shard_of)?;
        Ok(Self::of(config, restored))
    }

    /// The store of which a log tells: [`LocalStore::from_records`](crate::LocalStore::from_records) says
    /// what that is.
    ///
    /// Where several threads change tasks of one account, they can write their records in another order than
    /// that of the revisions, and a crash then loses one in the middle: a lock for each account, around the
    /// call and the write, keeps them in order.
    ///
    /// # Errors
    /// As there.
    pub fn from_records(
        config: StoreConfig,
        records: impl IntoIterator<Item = TaskRecord>,
        now: Now,
    ) -> Result<Self, SnapshotError> {
        Self::restore(config, Snapshot::of_records(records, now)?, now)
    }
}
