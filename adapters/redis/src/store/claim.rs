//! Handing out tasks to workers.

use redis::Value;
use tasklife::kit::{Call, Parked};
use tasklife::{AccountId, BackendError, Claimed, Now};

use super::memory::Memory;
use super::{RedisStore, expires_sooner};
use crate::account::{Account, AccountState, ReadForClaim, WriteCondition};
use crate::fault::is_of_an_account;
use crate::registry::Globals;

/// What came of asking an account for a task.
enum Outcome {
    HandedOut(Claimed),
    /// It has nothing, as it was read, for so long.
    Nothing(Box<AccountState>, Parked),
}

impl RedisStore {
    pub(super) async fn claim_of(
        &self,
        account: &AccountId,
        now: Now,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        let mut memory = self.lock_account(account.id).await?;
        match self.try_claim(&account, (&mut memory, None), Globals::default(), now).await? {
            Outcome::HandedOut(claimed) => Ok(Some(claimed)),
            Outcome::Nothing(..) => Ok(None),
        }
    }

    /// Asks one account after the other, round-robin. One that has nothing is parked, until
    /// something is written to it that may change that, or a clock does. One that can't be read stands in no
    /// other's way, and is told of once there is nothing else.
    pub(super) async fn claim_any(&self, now: Now) -> Result<Option<Claimed>, BackendError> {
        let registry = self.registry();
        let (mut passed_over, mut damage) = (Vec::new(), None);
        while let (globals, Some(next)) =
            registry.next_ready(&self.config, &passed_over, now).await?
        {
            let claimed = match next.account {
                Ok(account) => {
                    self.claim_next(&account, (&next.version, next.work), &globals, now).await
                }
                Err(damaged) => Err(damaged.into()),
            };
            match claimed {
                Ok(None) => {}
                Err(error) if is_of_an_account(&error) && !error.is_unknown() => {
                    passed_over.push(next.name);
                    damage.get_or_insert(error);
                }
                other => return other,
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Asks the account whose turn it is, and parks it if it has nothing.
    async fn claim_next(
        &self,
        account: &AccountId,
        (version, work): (&str, Value),
        globals: &Globals,
        now: Now,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        // What was read before another of this process had written is of no use.
        let (mut memory, mut read) = match self.account_lock(account.id).try_lock() {
            Ok(guard) => (guard, account.work_in(work)),
            Err(_) => (self.lock_account(account.id).await?, None),
        };
        loop {
            match self.try_claim(&account, (&mut memory, read.take()), globals.clone(), now).await?
            {
                Outcome::HandedOut(claimed) => return Ok(Some(claimed)),
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
        (memory, mut read): (&mut Memory, Option<ReadForClaim>),
        mut globals: Globals,
        now: Now,
    ) -> Result<Outcome, BackendError> {
        loop {
            let ReadForClaim { state, candidates } = match read.take() {
                Some(read) => read,
                None => account.read_for_claim(&self.config, &globals, now).await?,
            };
            let mut state = state;
            if self.config.retention().is_since_end() && self.config.takeover_after().is_some() {
                // One that is given up has ended, at the horizon if that is later.
                globals = self.registry().globals().await?;
                state.hear_of(&globals);
            }
            let call = Call::new(&self.config, state.instant, now);
            let planned = match call.next_claim(candidates) {
                Ok(planned) => planned,
                Err(parked) => return Ok(Outcome::Nothing(state.into(), parked)),
            };
            let clock = state.clock(&globals, now);
            let (task, expired_at) = (planned.task().id(), planned.task().expires_at());
            let claimed = call.claim(planned, clock);
            let claimed = claimed.map_err(|error| account.misplaced(task, error))?;
            let made_ready = !state.is_ready;
            let bound = expires_sooner(claimed.change().task(), expired_at)
                .and_then(|at| state.bound_for(at));
            if made_ready || bound.is_some() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(state.instant) {
                    continue;
                }
            }
            let change = claimed.change();
            let write = WriteCondition {
                state: &state,
                globals: &globals,
                made_ready,
                registered: bound.is_some(),
                channel: change.may_make_work().then(|| self.prefix.channel()),
                absent: false,
            };
            let task = change.task();
            if let Some(committed) = account.commit(task, &write, self.grace, now).await? {
                memory.remember(Some(&state), committed.state, task);
                return Ok(Outcome::HandedOut(claimed));
            }
        }
    }
}
