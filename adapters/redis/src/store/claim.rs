//! Handing out tasks to workers.

use tasklife::{
    AccountId, BackendError, Change, Claimed, EventKind, Now, TaskError, TaskEvent,
    TransitionError, clamp_time,
};

use super::RedisStore;
use crate::account::{Account, ReadForClaim, WriteCondition};
use crate::registry::Globals;

/// What came of asking an account for a task.
enum Outcome {
    HandedOut(Claimed),
    /// It has nothing, as it was read.
    Nothing(Box<ReadForClaim>),
}

impl RedisStore {
    pub(super) async fn claim_of(
        &self,
        account: &AccountId,
        now: Now,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        let _guard = self.lock_account(account.id).await;
        match self.try_claim(&account, Globals::default(), now).await? {
            Outcome::HandedOut(claimed) => Ok(Some(claimed)),
            Outcome::Nothing(_) => Ok(None),
        }
    }

    /// Asks one account after the other, round-robin. One that has nothing is parked, until
    /// something is written to it that may change that, or a clock does.
    pub(super) async fn claim_any(&self, now: Now) -> Result<Option<Claimed>, BackendError> {
        let registry = self.registry();
        while let (globals, Some((account, version))) = registry.next_ready(now).await? {
            let account = self.account(&account);
            let _guard = self.lock_account(account.id).await;
            loop {
                match self.try_claim(&account, globals.clone(), now).await? {
                    Outcome::HandedOut(claimed) => return Ok(Some(claimed)),
                    Outcome::Nothing(read) => {
                        if account.mark_parked(&read.state, &globals).await? {
                            registry
                                .park(account.id, &version, &read.parked_until(&self.config))
                                .await?;
                            break;
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    async fn try_claim(
        &self,
        account: &Account<'_>,
        mut globals: Globals,
        now: Now,
    ) -> Result<Outcome, BackendError> {
        let retention = self.config.retention();
        loop {
            let mut read = account.read_for_claim(&self.config, &globals, now).await?;
            let due = |task: &_| self.config.takeover_due(task, clamp_time(now));
            let silent = read.oldest_in_progress.take_if(|task| due(task));
            let received = read.received.take_if(|_| silent.is_none() && read.room);
            let event = match &silent {
                Some(task) if self.config.is_out_of_attempts(task) => EventKind::Fail,
                Some(_) => EventKind::Report,
                None => EventKind::Start,
            };
            let Some(mut task) = silent.or(received) else {
                return Ok(Outcome::Nothing(read.into()));
            };

            let state = &read.state;
            let (from, stamp) = (task.status(), state.clock(&globals, now)?.next(now));
            let applied = match event {
                EventKind::Report => task.take_over(retention, now, stamp),
                EventKind::Fail => {
                    let error = TaskError::too_many_attempts(task.attempts());
                    task.apply(TaskEvent::fail(error), retention, now, stamp)
                }
                _ => task.apply(TaskEvent::start(), retention, now, stamp),
            };
            applied.map_err(|error: TransitionError| BackendError::not_applied(error))?;
            let made_ready = !state.is_ready;
            if made_ready {
                globals = self.registry().register(account.id, None, true).await?;
                if globals.is_later_than(state.instant) {
                    continue;
                }
            }
            let write = WriteCondition { state, globals: &globals, made_ready, registered: false };
            if account.commit(&task, &write, self.grace, now).await?.is_some() {
                return Ok(Outcome::HandedOut(Claimed::from(Change::new(from, event, task))));
            }
        }
    }
}
