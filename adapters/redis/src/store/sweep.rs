//! Sweeping: the horizon is moved in the registry, then, in a cluster, in each account that has something
//! that has expired since, or in all slots; and what is due is dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;
use tasklife::kit::Parked;
use tasklife::{BackendError, Now, Swept};

use super::RedisStore;
use crate::fault::{Damaged, is_of_an_account};
use crate::registry::{Expiring, Globals, Hearers};
use crate::text;

/// How many accounts are swept at the same time.
const ACCOUNTS: usize = 128;
/// How many accounts of a cluster are told of a horizon one by one. Where there are more, all slots are told,
/// which takes as long however many there are.
const HEARING: usize = 1_000;
/// How many tasks are dropped in one step, at the most: for so long an account is not answered.
const STEP: usize = 250;
/// For how long an account without tasks is kept, at least: longer than any call takes.
const RETIREMENT: Duration = Duration::from_hours(24);

/// A sweep on its way.
struct Sweep {
    /// How many it may drop yet.
    left: usize,
    /// Whether those last swept have more.
    more: bool,
    /// The names of those that can't be read.
    unreadable: BTreeSet<String>,
    damage: Option<BackendError>,
}

impl Sweep {
    /// Those that can be read.
    fn readable(&mut self, found: Vec<Result<Expiring, Damaged>>) -> Vec<Expiring> {
        let mut readable = Vec::with_capacity(found.len());
        for one in found {
            match one {
                Ok(one) if self.unreadable.contains(one.account.as_str()) => {}
                Ok(one) => readable.push(one),
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
    pub(super) async fn sweep_all(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.repair_if_needed().await?;
        let (globals, hearers) = self.registry().raise_horizon(&text::instant(now)).await?;
        self.sweep_to(limit, &globals, hearers).await.map_err(|error| {
            // The horizon has moved, here and there.
            BackendError::unknown(error)
        })
    }

    /// Drops what is due, once the horizon has moved in the registry. An account that can't be read stands
    /// in no other's way, and is told of at the end.
    pub(super) async fn sweep_to(
        &self,
        limit: usize,
        globals: &Globals,
        hearers: Hearers,
    ) -> Result<Swept, BackendError> {
        let registry = self.registry();
        let mut sweep =
            Sweep { left: limit, more: false, unreadable: BTreeSet::new(), damage: None };
        match hearers {
            Hearers::None => {}
            Hearers::Accounts(many) if many > HEARING => registry.raise_slots(globals).await?,
            Hearers::Accounts(_) => loop {
                let expiring = self.expiring(ACCOUNTS, &mut sweep, globals).await?;
                if expiring.is_empty() {
                    break;
                }
                self.sweep_some(&expiring, &mut sweep, globals).await?;
            },
        }
        // Whoever reads now knows the horizon. What has expired by it is due.
        loop {
            // One more than can have something dropped tells whether there is more.
            let count = ACCOUNTS.min(sweep.left.saturating_add(1));
            let found = registry.due(0, count + sweep.unreadable.len()).await?;
            let mut due = sweep.readable(found);
            if due.is_empty() {
                due = self.expiring(count, &mut sweep, globals).await?;
            }
            self.sweep_some(&due, &mut sweep, globals).await?;
            if due.is_empty() || (sweep.left == 0 && sweep.more) {
                let swept = Swept { dropped: limit - sweep.left, more: sweep.more };
                return sweep.damage.map_or(Ok(swept), Err);
            }
        }
    }

    /// Some accounts of which something may have expired, and no sweep has seen it.
    async fn expiring(
        &self,
        count: usize,
        sweep: &mut Sweep,
        globals: &Globals,
    ) -> Result<Vec<Expiring>, BackendError> {
        let count = count + sweep.unreadable.len();
        Ok(sweep.readable(self.registry().expiring(globals.horizon(), 0, count).await?))
    }

    /// Sweeps some accounts, at the same time.
    async fn sweep_some(
        &self,
        accounts: &[Expiring],
        sweep: &mut Sweep,
        globals: &Globals,
    ) -> Result<(), BackendError> {
        let (limit, count) = (sweep.left, accounts.len().max(1));
        // To each its share; what can't be shared, to the first.
        let share = |number: usize| (limit / count + usize::from(number < limit % count)).min(STEP);
        let swept = accounts.iter().enumerate().map(|(at, one)| async move {
            match self.sweep_one(one, share(at), globals).await {
                // With an account that can't be written to, others are not left.
                Err(error) if is_of_an_account(&error) => Ok((&one.account, Err(error))),
                other => other.map(|swept| (&one.account, Ok(swept))),
            }
        });
        let swept: Vec<_> = try_join_all(swept).await?;
        sweep.more = false;
        for (account, swept) in swept {
            match swept {
                Ok(swept) => {
                    sweep.left -= swept.dropped;
                    sweep.more |= swept.more;
                }
                Err(error) => {
                    sweep.unreadable.insert(account.to_string());
                    sweep.damage.get_or_insert(error);
                }
            }
        }
        Ok(())
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
