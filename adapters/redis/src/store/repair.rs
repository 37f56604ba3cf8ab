//! Making the registry complete again, after a fail-over may have lost some of it.
//!
//! Each node of a cluster loses what it had not yet passed on to its replica, on its own: the registry
//! may have forgotten an account that has tasks, an account may believe itself registered as it no
//! longer is. On a single server nothing can be lost but what came last, of everything alike.

use futures_util::future::try_join_all;
use tasklife::{AccountId, BackendError};

use super::RedisStore;

/// By how much revisions go on: a minute, in which an account can't have given out as many. Clocks that
/// are so far apart can't let one come again either.
const GAP: u64 = 60 * 8_000_000;

impl RedisStore {
    /// Registers every account of the store again: in the ready queue, and with what expires. Nothing that
    /// is visible changes, and it can be called at any time.
    ///
    /// A sweep does it by itself where a primary of the cluster is not the one that it was at the
    /// last sweep, so that a task is forgotten by [`claim`](tasklife::AsyncTaskStore::claim) no longer than
    /// until the next one. It looks at every key of the cluster.
    ///
    /// # Errors
    /// Where the backend fails. It can be called again.
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
        let repaired = account.repair(GAP).await?;
        self.registry().reregister(id, &repaired).await?;
        if self.config.max_tasks() < usize::MAX {
            self.count("", &account, repaired.tasks, &repaired.revision).await?;
        }
        Ok(())
    }

    /// Repairs, where a primary is not the one that it was at the last repair.
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
