//! Locks that put the writes of one process to the same account in a queue.
//!
//! Without them, all but one of these writes would find the account changed and read it again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tasklife::{AccountId, BackendError};
use tokio::sync::{Mutex, MutexGuard};

use super::PostgresStore;
use crate::fault::Fault;

const STRIPES: u64 = 256;

/// The locks of all accounts. Accounts whose names hash to the same stripe share a lock.
#[derive(Debug)]
pub(super) struct AccountLocks {
    hasher: RandomState,
    stripes: Vec<Mutex<()>>,
}

impl AccountLocks {
    pub(super) fn new() -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), stripes }
    }

    /// Locks an account, and waits for it as long as a statement is retried.
    async fn lock(
        &self,
        account: &AccountId,
        retry_time: Duration,
    ) -> Result<MutexGuard<'_, ()>, Fault> {
        let stripe = self.hasher.hash_one(account) % STRIPES;
        let lock = self.stripes[usize::try_from(stripe).unwrap_or(0)].lock();
        // Even without any retry time, a free lock can be taken.
        tokio::time::timeout(retry_time.max(Duration::from_millis(1)), lock)
            .await
            .map_err(|_| Fault::AccountBusy(retry_time))
    }
}

impl PostgresStore {
    /// Locks an account for the rest of a call that writes to it.
    pub(super) async fn lock(
        &self,
        account: &AccountId,
    ) -> Result<MutexGuard<'_, ()>, BackendError> {
        Ok(self.shared.locks.lock(account, self.shared.database.retry_time()).await?)
    }
}
