//! The locks that order the writes of this process to one account.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tasklife::{AccountId, BackendError};
use tokio::sync::{Mutex, MutexGuard};

use super::RedisStore;
use super::cache::AccountCache;
use crate::error::AccountBusy;

/// A lock for each of 256 groups of accounts. It guards the cache of the account of its group that
/// was written to last.
///
/// Writers of one process wait here, instead of losing compare-and-set races against each other.
pub(crate) struct AccountLocks {
    hasher: RandomState,
    locks: [Mutex<AccountCache>; 256],
}

impl AccountLocks {
    pub(crate) fn new() -> Arc<Self> {
        let locks = std::array::from_fn(|_| Mutex::default());
        Arc::new(Self { hasher: RandomState::new(), locks })
    }

    fn of(&self, account: &AccountId) -> &Mutex<AccountCache> {
        let number = self.hasher.hash_one(account) % self.locks.len() as u64;
        &self.locks[usize::try_from(number).unwrap_or_default()]
    }
}

impl RedisStore {
    /// Locks an account, waiting until the retry time ends.
    pub(super) async fn lock_account(
        &self,
        account: &AccountId,
    ) -> Result<MutexGuard<'_, AccountCache>, BackendError> {
        // Without retry time, a free lock must still be taken.
        let retry_time = self.redis.retry_time().max(Duration::from_millis(1));
        let locked = tokio::time::timeout(retry_time, self.account_locks.of(account).lock()).await;
        locked.map_err(|_| BackendError::not_applied(AccountBusy(retry_time)))
    }

    /// Locks an account if its lock is free.
    pub(super) fn try_lock_account(
        &self,
        account: &AccountId,
    ) -> Option<MutexGuard<'_, AccountCache>> {
        self.account_locks.of(account).try_lock().ok()
    }
}
