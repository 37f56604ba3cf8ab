//! Sweeping: raises the horizon, informs the accounts of a cluster, and drops due tasks.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use tasklife::kit::Parked;
use tasklife::{BackendError, Swept, Timestamp};

use super::RedisStore;
use crate::error::{Damaged, concerns_one_account};
use crate::globals::Globals;
use crate::registry::{Expiring, PendingHorizon};
use crate::text;

/// The number of accounts that are swept at a time.
const CONCURRENT_ACCOUNTS: usize = 128;
/// The number of accounts of a cluster up to which the horizon is written to each of them. For more
/// accounts it is written to every slot, which takes equally long for any number.
const MAX_INFORMED_ACCOUNTS: usize = 1_000;
/// The largest number of tasks that are dropped in one step, during which the server answers
/// nobody.
const MAX_DROPPED_IN_A_STEP: usize = 250;
/// The least time for which an account without tasks is kept. It must exceed the duration of any
/// call.
const MIN_KEPT_EMPTY: Duration = Duration::from_hours(24);

/// The progress of a sweep.
struct Progress {
    /// The number of tasks that may still be dropped.
    left: usize,
    /// Whether the accounts swept last have more due tasks.
    more: bool,
    /// The names of the accounts that can't be read.
    unreadable: BTreeSet<String>,
    /// The first error about one of them.
    damage: Option<BackendError>,
}

impl Progress {
    /// Keeps the accounts that can be read, and records the others.
    fn readable(&mut self, found: Vec<Result<Expiring, Damaged>>) -> Vec<Expiring> {
        let mut readable = Vec::with_capacity(found.len());
        for expiring in found {
            match expiring {
                Ok(expiring) if self.unreadable.contains(expiring.account.as_str()) => {}
                Ok(expiring) => readable.push(expiring),
                Err(damaged) => {
                    if let Damaged::Name { name, .. } = &damaged {
                        self.unreadable.insert(name.clone());
                    }
                    self.damage.get_or_insert(damaged.into());
                }
            }
        }
        readable
    }
}

impl RedisStore {
    pub(super) async fn sweep_all(
        &self,
        limit: usize,
        now: Timestamp,
    ) -> Result<Swept, BackendError> {
        self.repair_if_needed().await?;
        let (globals, pending) = self.registry().raise_horizon(&text::encode_instant(now)).await?;
        // From here on, the horizon has moved.
        self.sweep_to(limit, &globals, pending).await.map_err(BackendError::unknown)
    }

    /// Drops due tasks after the horizon was raised in the registry. An account that can't be read
    /// doesn't stop the sweep of the others; its error is returned at the end.
    pub(super) async fn sweep_to(
        &self,
        limit: usize,
        globals: &Globals,
        pending: PendingHorizon,
    ) -> Result<Swept, BackendError> {
        let registry = self.registry();
        let mut progress =
            Progress { left: limit, more: false, unreadable: BTreeSet::new(), damage: None };
        match pending {
            PendingHorizon::None => {}
            PendingHorizon::Accounts(accounts) if accounts > MAX_INFORMED_ACCOUNTS => {
                registry.raise_slots(globals).await?;
            }
            PendingHorizon::Accounts(_) => loop {
                let expiring = self.expiring(CONCURRENT_ACCOUNTS, &mut progress, globals).await?;
                if expiring.is_empty() {
                    break;
                }
                self.sweep_accounts(&expiring, &mut progress, globals).await?;
            },
        }
        // Now the horizon holds for every call, and what is expired at it can be dropped.
        loop {
            // One account more than can be swept shows whether more tasks are due.
            let count = CONCURRENT_ACCOUNTS.min(progress.left.saturating_add(1));
            let found = registry.due(0, count + progress.unreadable.len()).await?;
            let mut due = progress.readable(found);
            if due.is_empty() {
                due = self.expiring(count, &mut progress, globals).await?;
            }
            self.sweep_accounts(&due, &mut progress, globals).await?;
            if due.is_empty() || (progress.left == 0 && progress.more) {
                let swept = Swept { dropped: limit - progress.left, more: progress.more };
                return progress.damage.map_or(Ok(swept), Err);
            }
        }
    }

    /// Some accounts that may have expired tasks which no sweep has seen.
    async fn expiring(
        &self,
        count: usize,
        progress: &mut Progress,
        globals: &Globals,
    ) -> Result<Vec<Expiring>, BackendError> {
        let count = count + progress.unreadable.len();
        Ok(progress.readable(self.registry().expiring(globals.horizon(), 0, count).await?))
    }

    /// Sweeps some accounts at the same time.
    async fn sweep_accounts(
        &self,
        accounts: &[Expiring],
        progress: &mut Progress,
        globals: &Globals,
    ) -> Result<(), BackendError> {
        // Each account may drop an equal share, and the first ones one task more.
        let (limit, count) = (progress.left, accounts.len().max(1));
        let share = |number: usize| {
            (limit / count + usize::from(number < limit % count)).min(MAX_DROPPED_IN_A_STEP)
        };
        let sweeps = accounts.iter().enumerate().map(|(number, expiring)| async move {
            match self.sweep_account(expiring, share(number), globals).await {
                // A damaged account doesn't stop the sweep of the others.
                Err(error) if concerns_one_account(&error) => Ok((&expiring.account, Err(error))),
                other => other.map(|swept| (&expiring.account, Ok(swept))),
            }
        });
        let results: Vec<_> = try_join_all(sweeps).await?;
        progress.more = false;
        for (account, swept) in results {
            match swept {
                Ok(swept) => {
                    progress.left -= swept.dropped;
                    progress.more |= swept.more;
                }
                Err(error) => {
                    progress.unreadable.insert(account.to_string());
                    progress.damage.get_or_insert(error);
                }
            }
        }
        Ok(())
    }

    async fn sweep_account(
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

    /// Lets Redis delete an account without tasks, after a time. If it were deleted at once, a call
    /// in flight could find no account and begin its revisions again below the floor.
    async fn forget(&self, expiring: &Expiring, revision: &str) -> Result<(), BackendError> {
        let id = &expiring.account;
        let version = self.registry().raise_floor(id, revision).await?;
        let after = self.grace.unwrap_or_default().max(MIN_KEPT_EMPTY);
        if self.account(id).expire_after(revision, after).await? && !version.is_empty() {
            self.registry().park(id, &version, &Parked::default()).await?;
        }
        Ok(())
    }
}
