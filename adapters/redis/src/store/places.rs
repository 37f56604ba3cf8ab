//! The places of a limited store.
//!
//! Accounts are in other slots than the number of all tasks, so that a place is reserved first, then
//! taken, then counted: the limit is never exceeded. While others have reserved the last places, a
//! submission waits for what becomes of them. A reservation whose process died is looked into by
//! whoever waits for it.

use std::time::{Duration, Instant};

use tasklife::{BackendError, Now, SubmitError, TaskId};

use super::RedisStore;
use crate::account::{Account, State};
use crate::fault::PlacesReserved;
use crate::registry::{Known, Place};
use crate::text;

/// After how many seconds a reservation is looked into.
const ABANDONED: u64 = 1;

impl RedisStore {
    /// Reserves a place in the store; gives its token, or none where the account has changed.
    pub(super) async fn place(
        &self,
        account: &Account<'_>,
        id: TaskId,
        state: &State,
        now: Now,
    ) -> Result<Option<String>, SubmitError> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match self.registry().reserve(account.id, self.config.max_tasks()).await? {
                Place::Reserved(token) => return Ok(Some(token)),
                Place::Full => {
                    // It may be this very submission, made a second time, that took the last place.
                    let look = account.look(id, (false, false), &Known::default(), now).await?;
                    if look.state.revision != state.revision {
                        return Ok(None);
                    }
                    let sweep_helps = self.is_any_due(now).await?;
                    return Err(SubmitError::StoreFull { sweep_helps });
                }
                Place::Busy if begin.elapsed() > self.redis.patience() => {
                    return Err(BackendError::not_applied(PlacesReserved).into());
                }
                Place::Busy => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(50));
                    self.look_into_reservations().await?;
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
            (tasks, revision) = account.lift(&floor).await?;
            if tasks == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Counts the accounts for which places have been reserved too long. Their new revision keeps off
    /// a submission that is not dead, but slow: it looks for a place again.
    async fn look_into_reservations(&self) -> Result<(), BackendError> {
        let (floor, reserved) = self.registry().reserved(ABANDONED).await?;
        for (token, account) in reserved {
            let account = self.account(&account);
            let (tasks, revision) = account.lift(&floor).await?;
            self.count(&token, &account, tasks, &revision).await?;
        }
        Ok(())
    }

    /// Whether a sweep would drop something.
    async fn is_any_due(&self, now: Now) -> Result<bool, BackendError> {
        const CHUNK: usize = 16;
        let registry = self.registry();
        let known = registry.known().await?;
        let instant = text::instant(now).max(known.horizon().to_owned());
        let mut from = 0;
        loop {
            let mut chunk = registry.due(from, CHUNK).await?;
            chunk.extend(registry.expiring(&instant, from, CHUNK).await?);
            for one in &chunk {
                let earliest = self.account(&one.account).earliest().await?;
                if !earliest.is_empty() && earliest <= instant {
                    return Ok(true);
                }
            }
            if chunk.is_empty() {
                return Ok(false);
            }
            from += CHUNK;
        }
    }
}
