//! Snapshots of a store and their restoration.

use alloc::vec::Vec;

use super::{MemoryStore, SHARDS, shard_of};
use crate::shard::{Shard, Snapshot, SnapshotError};
use crate::store::StoreConfig;
use crate::task::TaskRecord;
use crate::time::Timestamp;

impl MemoryStore {
    /// Returns the store's whole content at one moment. Writers wait meanwhile, and so do readers
    /// that come after a writer.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let locked: Vec<_> = self.slots.iter().map(|slot| slot.read()).collect();
        let shards: Vec<&Shard> = locked.iter().map(|shard| &**shard).collect();
        Snapshot::of(&shards, self.horizon.get(), self.tickets.last())
    }

    /// Restores a store from a snapshot at `now`.
    /// [`LocalStore::restore`](crate::LocalStore::restore) explains what happens to revisions and
    /// to tasks in progress.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::restore`](crate::LocalStore::restore).
    pub fn restore(
        config: StoreConfig,
        snapshot: Snapshot,
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let restored = snapshot.restore(config, now, SHARDS, shard_of)?;
        Ok(Self::of(config, restored))
    }

    /// Restores a store from a log of records. See
    /// [`LocalStore::from_records`](crate::LocalStore::from_records).
    ///
    /// If several threads change tasks of one account, they may write their records in another
    /// order than that of the revisions, and a crash may lose one in the middle. To keep the log in
    /// order, hold a lock for each account around the call and the write.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::from_records`](crate::LocalStore::from_records).
    pub fn from_records(
        config: StoreConfig,
        records: impl IntoIterator<Item = TaskRecord>,
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        Self::restore(config, Snapshot::of_records(records, now)?, now)
    }
}
