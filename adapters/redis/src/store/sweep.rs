//! Sweeping: the horizon is moved in the registry, then in each account that has something that has
//! expired since, and what is due is dropped.

use std::time::Duration;

use futures_util::future::try_join_all;
use tasklife::kit::Parked;
use tasklife::{BackendError, Now, Swept};

use super::RedisStore;
use crate::registry::{Expiring, Globals};
use crate::text;

/// How many accounts are swept at the same time.
const ACCOUNTS: usize = 32;
/// How many tasks are dropped in one step, at the most: for so long an account is not answered.
const STEP: usize = 250;
/// For how long an account without tasks is kept, at least: longer than any call takes.
const RETIREMENT: Duration = Duration::from_hours(24);

impl RedisStore {
    pub(super) async fn sweep_all(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.repair_if_needed().await?;
        let globals = self.registry().raise_horizon(&text::instant(now)).await?;
        self.sweep_to(limit, &globals).await.map_err(|error| {
            // The horizon has moved, here and there.
            BackendError::unknown(error)
        })
    }

    /// Drops what is due, once the horizon has moved in the registry.
    pub(super) async fn sweep_to(
        &self,
        limit: usize,
        globals: &Globals,
    ) -> Result<Swept, BackendError> {
        let registry = self.registry();
        let mut dropped = 0;
        loop {
            let expiring = registry.expiring(globals.horizon(), 0, ACCOUNTS).await?;
            if expiring.is_empty() {
                break;
            }
            dropped += self.sweep_some(&expiring, limit - dropped, globals).await?.dropped;
        }
        // Every account now knows the horizon. What is left of them is due.
        loop {
            let due = registry.due(0, ACCOUNTS).await?;
            let swept = self.sweep_some(&due, limit - dropped, globals).await?;
            dropped += swept.dropped;
            if due.is_empty() || (dropped == limit && swept.more) {
                return Ok(Swept { dropped, more: swept.more });
            }
        }
    }

    /// Sweeps some accounts, at the same time.
    async fn sweep_some(
        &self,
        accounts: &[Expiring],
        limit: usize,
        globals: &Globals,
    ) -> Result<Swept, BackendError> {
        let count = accounts.len().max(1);
        // To each its share; what can't be shared, to the first.
        let share = |number: usize| (limit / count + usize::from(number < limit % count)).min(STEP);
        let mut swept = Vec::with_capacity(accounts.len());
        for (at, one) in accounts.iter().enumerate() {
            swept.push(self.sweep_one(one, share(at), globals));
        }
        let swept = try_join_all(swept).await?;
        Ok(Swept {
            dropped: swept.iter().map(|one| one.dropped).sum(),
            more: swept.iter().any(|one| one.more),
        })
    }

    async fn sweep_one(
        &self,
        expiring: &Expiring,
        limit: usize,
        globals: &Globals,
    ) -> Result<Swept, BackendError> {
        let account = self.account(&expiring.account);
        let swept = account.sweep(limit, globals).await?;
        if self.config.max_tasks() < usize::MAX {
            self.count("", &account, swept.tasks, &swept.revision).await?;
        }
        self.registry().record_sweep(expiring, &swept.bound, swept.more).await?;
        if swept.tasks == 0 {
            self.forget(expiring, &swept.revision).await?;
        }
        Ok(Swept { dropped: swept.dropped, more: swept.more })
    }

    /// Forgets an account without tasks. It stays for a while, so that no call that is on its way can
    /// find it gone and begin its revisions anew below the floor.
    async fn forget(&self, expiring: &Expiring, revision: &str) -> Result<(), BackendError> {
        let id = &expiring.account;
        let version = self.registry().raise_floor(id, revision).await?;
        let after = self.grace.unwrap_or_default().max(RETIREMENT);
        if self.account(id).expire_after(revision, after).await? && !version.is_empty() {
            self.registry().park(id, &version, &Parked::default()).await?;
        }
        Ok(())
    }
}
