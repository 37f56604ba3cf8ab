//! Claims of tasks by workers.

use redis::Value;
use tasklife::kit::{Call, Parked};
use tasklife::{AccountId, BackendError, Claimed, Timestamp};

use super::RedisStore;
use super::apply::earlier_expiry;
use super::cache::AccountCache;
use crate::account::{Account, AccountState, ReadForClaim, WriteCondition};
use crate::error::concerns_one_account;
use crate::globals::Globals;

/// The result of a claim from one account.
enum Outcome {
    Claimed(Claimed),
    /// In this state, the account has nothing to claim until one of these instants.
    Nothing(Box<AccountState>, Parked),
}

impl RedisStore {
    pub(super) async fn claim_of(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        let mut cache = self.lock_account(account.id).await?;
        match self.try_claim(&account, &mut cache, None, Globals::default(), now).await? {
            Outcome::Claimed(claimed) => Ok(Some(claimed)),
            Outcome::Nothing(..) => Ok(None),
        }
    }

    /// Claims from one account after the other, round-robin, and parks those with nothing to claim.
    ///
    /// An account that can't be read is passed over, so that it doesn't block the others. If no
    /// other account has anything to claim, its error is returned.
    pub(super) async fn claim_any(&self, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        let registry = self.registry();
        let (mut passed_over, mut damage) = (Vec::new(), None);
        while let (globals, Some(turn)) =
            registry.next_turn(&self.config, &passed_over, now).await?
        {
            let claimed = match turn.account {
                Ok(account) => {
                    self.claim_or_park(&account, &turn.version, turn.work, &globals, now).await
                }
                Err(damaged) => Err(damaged.into()),
            };
            match claimed {
                Ok(None) => {}
                Err(error) if concerns_one_account(&error) && !error.is_unknown() => {
                    passed_over.push(turn.name);
                    damage.get_or_insert(error);
                }
                other => return other,
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Claims from the account whose turn it is, or parks it if it has nothing.
    async fn claim_or_park(
        &self,
        account: &AccountId,
        version: &str,
        work: Value,
        globals: &Globals,
        now: Timestamp,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        let (mut cache, mut read) = match self.try_lock_account(account.id) {
            Some(guard) => (guard, account.work_read_with_turn(work)),
            // The writer that holds the lock is about to change what was read.
            None => (self.lock_account(account.id).await?, None),
        };
        loop {
            match self.try_claim(&account, &mut cache, read.take(), globals.clone(), now).await? {
                Outcome::Claimed(claimed) => return Ok(Some(claimed)),
                Outcome::Nothing(state, parked) => {
                    if account.mark_parked(&state, globals).await? {
                        self.registry().park(account.id, version, &parked).await?;
                        return Ok(None);
                    }
                }
            }
        }
    }

    async fn try_claim(
        &self,
        account: &Account<'_>,
        cache: &mut AccountCache,
        mut read: Option<ReadForClaim>,
        mut globals: Globals,
        now: Timestamp,
    ) -> Result<Outcome, BackendError> {
        loop {
            let ReadForClaim { mut state, candidates } = match read.take() {
                Some(read) => read,
                None => account.read_for_claim(&self.config, &globals, now).await?,
            };
            if self.config.retention().is_since_end() && self.config.takeover_after().is_some() {
                // Giving up a task ends it, and its retention counts from the horizon if that is
                // later than `now`. In a cluster, the account may not have the latest horizon,
                // because a sweep may write it only to accounts with tasks that expire by then.
                globals = self.registry().globals().await?;
                state.advance_to(&globals);
            }
            let call = Call::new(&self.config, state.effective_now, now);
            let planned = match call.next_claim(candidates) {
                Ok(planned) => planned,
                Err(parked) => return Ok(Outcome::Nothing(state.into(), parked)),
            };
            let clock = state.clock(&globals, now);
            let (id, expires_before) = (planned.task().id(), planned.task().expires_at());
            let claimed =
                call.claim(planned, clock).map_err(|error| account.misplaced(id, error))?;
            let change = claimed.change();
            let task = change.task();
            let made_ready = !state.is_ready;
            let bound = earlier_expiry(task, expires_before)
                .and_then(|expires_at| state.bound_for(expires_at));
            if made_ready || bound.is_some() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(state.effective_now) {
                    continue;
                }
            }
            let write = WriteCondition {
                state: &state,
                globals: &globals,
                made_ready,
                registered: bound.is_some(),
                channel: change.may_make_work().then(|| self.prefix.channel()),
                must_be_absent: false,
            };
            if let Some(committed) = account.commit(task, &write, self.grace, now).await? {
                cache.update(&state, committed.state, task);
                return Ok(Outcome::Claimed(claimed));
            }
        }
    }
}
