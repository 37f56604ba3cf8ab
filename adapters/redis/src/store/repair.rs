//! Completing the registry after a failover that may have lost a part of it.
//!
//! Each primary of a cluster loses what it had not yet passed on to its replica, independently of
//! the others. So the registry may have lost an account that has tasks, while the account still
//! counts as registered. A single server loses its latest writes in all keys alike, so that nothing
//! gets out of step.

use futures_util::future::try_join_all;
use tasklife::{AccountId, BackendError};

use super::RedisStore;

/// By how much a repair raises revisions: by as many as
/// [`Revision::unreached_by`](tasklife::Revision::unreached_by) advances in a minute. No account
/// has more events in a minute, and clocks may differ by as much.
const REVISION_GAP: u64 = 60 * 8_000_000;

impl RedisStore {
    /// Registers every account of the store again: in the ready queue, with its earliest expiry,
    /// and in the number of tasks.
    ///
    /// Call it after a failover or after a change of the [`StoreConfig`](tasklife::StoreConfig).
    /// You can call it at any time. Tasks don't change; only the revisions of pages and of later
    /// events are higher.
    ///
    /// A sweep calls it if a primary of the cluster, or behind Sentinel, has changed since the last
    /// sweep. Until then, [`claim`](tasklife::AsyncTaskStore::claim) over all accounts may miss
    /// tasks of accounts that the failover removed from the registry. A repair scans every key of
    /// the cluster.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if Redis fails, or if the data of an account is damaged. You can
    /// call it again.
    pub async fn repair(&self) -> Result<(), BackendError> {
        for primary in self.redis.primaries().await? {
            let mut cursor = 0;
            loop {
                let (next, keys) =
                    self.redis.scan(&primary, cursor, &self.prefix.accounts()).await?;
                let accounts: Vec<AccountId> =
                    keys.iter().filter_map(|key| self.prefix.account_of(key)).collect();
                try_join_all(accounts.iter().map(|account| self.repair_account(account))).await?;
                if next == 0 {
                    break;
                }
                cursor = next;
            }
        }
        Ok(())
    }

    async fn repair_account(&self, id: &AccountId) -> Result<(), BackendError> {
        let account = self.account(id);
        let repaired = account.repair(REVISION_GAP).await?;
        self.registry().reregister(id, &repaired).await?;
        if self.config.max_tasks() < usize::MAX {
            self.count("", &account, repaired.tasks, &repaired.revision).await?;
        }
        Ok(())
    }

    /// Repairs if a primary has changed since the last repair.
    pub(super) async fn repair_if_needed(&self) -> Result<(), BackendError> {
        let Some(ids) = self.redis.replication_ids().await? else { return Ok(()) };
        let registry = self.registry();
        if registry.replication_ids().await? != ids {
            self.repair().await?;
            registry.set_replication_ids(&ids).await?;
        }
        Ok(())
    }
}
