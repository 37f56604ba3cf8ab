//! The places of a limited store.
//!
//! The number of all tasks is in another slot than the accounts. So a submission reserves a place,
//! writes its task, and is then counted; the limit is never exceeded. While other submissions have
//! reserved the last places, a submission waits for them, and reclaims the reservations of
//! processes that died.

use std::time::{Duration, Instant};

use tasklife::{BackendError, SubmitError, TaskId, Timestamp};

use super::RedisStore;
use crate::account::{Account, AccountState};
use crate::error::{CapacityReserved, Damaged, concerns_one_account};
use crate::globals::Globals;
use crate::registry::{Expiring, Reservation};
use crate::text;

/// The age, in seconds, above which a reservation is stale.
const STALE_AFTER: u64 = 1;

/// The number of accounts that are read from the registry at a time.
const CHUNK: usize = 16;

impl RedisStore {
    /// Reserves a place, and makes room first if the store is full. Returns the token of the place,
    /// or `None` if the account must be read again.
    ///
    /// A full store makes room by dropping the task that expired first: it sweeps that one task,
    /// with the task's expiry as the horizon. It does not make room if the account itself is full.
    pub(super) async fn reserve(
        &self,
        account: &Account<'_>,
        id: TaskId,
        (state, account_is_full): (&AccountState, bool),
        globals: &mut Globals,
        now: Timestamp,
    ) -> Result<Option<String>, SubmitError> {
        let begin = Instant::now();
        let mut nothing_expired_at = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match self.registry().reserve(account.id, self.config.max_tasks()).await? {
                Reservation::Reserved(token) => return Ok(Some(token)),
                // Still full, and no count has changed since nothing was found to be expired.
                Reservation::Full(changes) if nothing_expired_at.as_ref() == Some(&changes) => {
                    return Err(SubmitError::StoreFull);
                }
                Reservation::Full(changes) => {
                    // A repeat of this submission may have taken the last place.
                    if account.has_changed_since(state, id, globals, now).await? {
                        return Ok(None);
                    }
                    *globals = self.registry().globals().await?;
                    if globals.is_later_than(state.effective_now) {
                        return Ok(None);
                    }
                    let Some(first) = self.first_expiry(globals, now).await? else {
                        nothing_expired_at = Some(changes);
                        continue;
                    };
                    if account_is_full {
                        // A sweep may have dropped an expired task of the account since.
                        let has_changed =
                            account.has_changed_since(state, id, globals, now).await?;
                        return if has_changed { Ok(None) } else { Err(SubmitError::AccountFull) };
                    }
                    let (globals, pending) = self.registry().raise_horizon(&first).await?;
                    self.sweep_to(1, &globals, pending).await?;
                    return Ok(None);
                }
                Reservation::Busy if begin.elapsed() > self.redis.retry_time() => {
                    return Err(BackendError::not_applied(CapacityReserved).into());
                }
                Reservation::Busy => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(50));
                    self.reclaim_stale_reservations().await?;
                }
            }
        }
    }

    /// Counts the tasks that an account has at a revision, and releases a reservation unless the
    /// token is empty.
    pub(super) async fn count(
        &self,
        token: &str,
        account: &Account<'_>,
        tasks: usize,
        revision: &str,
    ) -> Result<(), BackendError> {
        let (mut tasks, mut revision) = (tasks, revision.to_owned());
        while let Some(floor) = self.registry().count(token, account.id, tasks, &revision).await? {
            (tasks, revision) = account.fence(&floor).await?;
            if tasks == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Counts the accounts that have held a reservation for too long. A submission that is slow,
    /// not dead, is fenced by the account's new revision and reserves again.
    async fn reclaim_stale_reservations(&self) -> Result<(), BackendError> {
        let (floor, reserved) = self.registry().stale_reservations(STALE_AFTER).await?;
        for (token, account) in reserved {
            let account = self.account(&account);
            let (tasks, revision) = account.fence(&floor).await?;
            self.count(&token, &account, tasks, &revision).await?;
        }
        Ok(())
    }

    /// Returns the earliest expiry of all tasks, as text; `None` if no task is expired at the later
    /// of `now` and the horizon.
    async fn first_expiry(
        &self,
        globals: &Globals,
        now: Timestamp,
    ) -> Result<Option<String>, BackendError> {
        let registry = self.registry();
        // Tasks that a limited sweep left come before all others, in any order.
        let mut from = 0;
        loop {
            let due = registry.due(from, CHUNK).await?;
            for expiring in &due {
                let Some((_, earliest)) = self.earliest_expiry(expiring).await? else { continue };
                // It is empty if Redis deleted the account's tasks, which are still counted.
                if *earliest <= *globals.horizon() {
                    return Ok(Some(earliest.max(globals.horizon().to_owned())));
                }
            }
            if due.len() < CHUNK {
                break;
            }
            from += CHUNK;
        }
        let instant = text::encode_instant(now).max(globals.horizon().to_owned());
        let (mut first, mut from) = (None::<String>, 0);
        loop {
            let chunk = registry.expiring(&instant, from, CHUNK).await?;
            for expiring in &chunk {
                // Accounts come in the order of their bounds: no later one has an earlier expiry.
                if let (Some(first), Ok(expiring)) = (&first, expiring)
                    && *first <= expiring.bound
                {
                    return Ok(Some(first.clone()));
                }
                let Some((bound, earliest)) = self.earliest_expiry(expiring).await? else {
                    continue;
                };
                let earliest = earliest.max(bound.to_owned());
                if earliest <= instant {
                    first = Some(first.map_or(earliest.clone(), |first| first.min(earliest)));
                }
            }
            if chunk.len() < CHUNK {
                return Ok(first);
            }
            from += CHUNK;
        }
    }

    /// Returns the bound of an account and its earliest expiry; `None` if the account can't be
    /// read.
    async fn earliest_expiry<'a>(
        &self,
        expiring: &'a Result<Expiring, Damaged>,
    ) -> Result<Option<(&'a str, String)>, BackendError> {
        let Ok(expiring) = expiring else { return Ok(None) };
        match self.account(&expiring.account).earliest_expiry().await {
            Ok(earliest) => Ok(Some((&expiring.bound, earliest))),
            Err(error) if concerns_one_account(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
