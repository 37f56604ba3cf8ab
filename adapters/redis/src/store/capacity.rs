//! The places of a limited store.
//!
//! Accounts are in other slots than the number of all tasks, so that a place is reserved first, then
//! taken, then counted: the limit is never exceeded. While others have reserved the last places, a
//! submission waits for what becomes of them. A reservation whose process died is reclaimed by
//! whoever waits for it.

use std::time::{Duration, Instant};

use tasklife::{BackendError, Now, SubmitError, TaskId};

use super::RedisStore;
use crate::account::{Account, AccountState};
use crate::fault::{CapacityReserved, Damaged, is_of_an_account};
use crate::registry::{Expiring, Globals, Reservation};
use crate::text;

/// After how many seconds a reservation is stale.
const STALE_AFTER: u64 = 1;

impl RedisStore {
    /// Reserves a place in the store, for an account that may be full itself; gives its token, or none
    /// where the account may have changed, or has not heard of the horizon.
    ///
    /// A full store makes room, as the law has it: it drops the task that expired first, by a sweep to
    /// its expiry of this one task.
    pub(super) async fn reserve(
        &self,
        account: &Account<'_>,
        id: TaskId,
        (state, is_full): (&AccountState, bool),
        globals: &mut Globals,
        now: Now,
    ) -> Result<Option<String>, SubmitError> {
        let begin = Instant::now();
        let mut nothing_expired_at = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match self.registry().reserve(account.id, self.config.max_tasks()).await? {
                Reservation::Reserved(token) => return Ok(Some(token)),
                // Others may have made room while it was looked at what has expired.
                Reservation::Full(changes) if nothing_expired_at == Some(changes.clone()) => {
                    return Err(SubmitError::StoreFull);
                }
                Reservation::Full(changes) => {
                    // It may be this very submission, made a second time, that took the last place.
                    if account.has_changed_since(state, id, globals, now).await? {
                        return Ok(None);
                    }
                    *globals = self.registry().globals().await?;
                    if globals.is_later_than(state.instant) {
                        return Ok(None);
                    }
                    let Some(first) = self.first_expiry(globals, now).await? else {
                        nothing_expired_at = Some(changes);
                        continue;
                    };
                    if is_full {
                        // It may have been the account's own task that expired, and was swept since.
                        let has_changed =
                            account.has_changed_since(state, id, globals, now).await?;
                        return if has_changed { Ok(None) } else { Err(SubmitError::AccountFull) };
                    }
                    let (globals, hearers) = self.registry().raise_horizon(&first).await?;
                    self.sweep_to(1, &globals, hearers).await?;
                    return Ok(None);
                }
                Reservation::Busy if begin.elapsed() > self.redis.patience() => {
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

    /// Counts what an account holds at a revision, and gives up a reservation, if there is one.
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

    /// Counts the accounts for which places have been reserved too long. Their new revision fences off
    /// a submission that is not dead, but slow: it looks for a place again.
    async fn reclaim_stale_reservations(&self) -> Result<(), BackendError> {
        let (floor, reserved) = self.registry().stale_reservations(STALE_AFTER).await?;
        for (token, account) in reserved {
            let account = self.account(&account);
            let (tasks, revision) = account.fence(&floor).await?;
            self.count(&token, &account, tasks, &revision).await?;
        }
        Ok(())
    }

    /// When the task expires that expires first of all, as text; none, where all are visible to a
    /// caller. What a sweep has left comes before all others, in any order.
    async fn first_expiry(
        &self,
        globals: &Globals,
        now: Now,
    ) -> Result<Option<String>, BackendError> {
        const CHUNK: usize = 16;
        let registry = self.registry();
        let instant = text::instant(now).max(globals.horizon().to_owned());
        let mut from = 0;
        loop {
            let due = registry.due(from, CHUNK).await?;
            for one in &due {
                let Some((_, earliest)) = self.earliest_expiry(one).await? else { continue };
                // Where there is none, it was collected, and is still counted.
                if *earliest <= *globals.horizon() {
                    return Ok(Some(earliest.max(globals.horizon().to_owned())));
                }
            }
            if due.len() < CHUNK {
                break;
            }
            from += CHUNK;
        }
        let (mut first, mut from) = (None::<String>, 0);
        loop {
            let expiring = registry.expiring(&instant, from, CHUNK).await?;
            for one in &expiring {
                // A bound is no later than what it bounds.
                if let (Some(first), Ok(one)) = (&first, one)
                    && *first <= one.bound
                {
                    return Ok(Some(first.clone()));
                }
                let Some((bound, earliest)) = self.earliest_expiry(one).await? else { continue };
                let earliest = earliest.max(bound.to_owned());
                if earliest <= instant {
                    first = Some(first.map_or(earliest.clone(), |first| first.min(earliest)));
                }
            }
            if expiring.len() < CHUNK {
                return Ok(first);
            }
            from += CHUNK;
        }
    }

    /// An account's bound, and when the task expires that expires first of it; none for an account that
    /// can't be read.
    async fn earliest_expiry<'a>(
        &self,
        one: &'a Result<Expiring, Damaged>,
    ) -> Result<Option<(&'a str, String)>, BackendError> {
        let Ok(one) = one else { return Ok(None) };
        match self.account(&one.account).earliest_expiry().await {
            Ok(earliest) => Ok(Some((&one.bound, earliest))),
            Err(error) if is_of_an_account(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
