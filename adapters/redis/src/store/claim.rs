//! Handing out tasks to workers.

use tasklife::{
    AccountId, BackendError, Change, Claimed, EventKind, Now, TaskError, TaskEvent,
    TransitionError, within_years,
};

use super::RedisStore;
use crate::account::{Account, Offer, Write};
use crate::registry::Known;

/// What came of asking an account for a task.
enum Asked {
    HandedOut(Claimed),
    /// It has nothing, as it stands in this offer.
    Nothing(Box<Offer>),
}

impl RedisStore {
    pub(super) async fn claim_of(
        &self,
        account: &AccountId,
        now: Now,
    ) -> Result<Option<Claimed>, BackendError> {
        let account = self.account(account);
        let _turn = self.one_at_a_time(account.id).await;
        match self.hand_out(&account, Known::default(), now).await? {
            Asked::HandedOut(claimed) => Ok(Some(claimed)),
            Asked::Nothing(_) => Ok(None),
        }
    }

    /// Asks one account after the other, in turn. One that has nothing is put to sleep, until
    /// something is written to it that may change that, or a clock does.
    pub(super) async fn claim_any(&self, now: Now) -> Result<Option<Claimed>, BackendError> {
        let registry = self.registry();
        while let (known, Some((account, stamp))) = registry.peek(now).await? {
            let account = self.account(&account);
            let _turn = self.one_at_a_time(account.id).await;
            loop {
                match self.hand_out(&account, known.clone(), now).await? {
                    Asked::HandedOut(claimed) => return Ok(Some(claimed)),
                    Asked::Nothing(offer) => {
                        if account.doze(&offer.state, &known).await? {
                            registry.sleep(account.id, &stamp, &offer.sleep(&self.config)).await?;
                            break;
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    async fn hand_out(
        &self,
        account: &Account<'_>,
        mut known: Known,
        now: Now,
    ) -> Result<Asked, BackendError> {
        let retention = self.config.retention();
        loop {
            let mut offer = account.offer(&self.config, &known, now).await?;
            let due = |task: &_| self.config.takeover_due(task, within_years(now));
            let silent = offer.silent.take_if(|task| due(task));
            let received = offer.received.take_if(|_| silent.is_none() && offer.room);
            let event = match &silent {
                Some(task) if self.config.is_out_of_attempts(task) => EventKind::Fail,
                Some(_) => EventKind::Report,
                None => EventKind::Start,
            };
            let Some(mut task) = silent.or(received) else {
                return Ok(Asked::Nothing(offer.into()));
            };

            let state = &offer.state;
            let (from, stamp) = (task.status(), state.clock(&known, now)?.next(now));
            let applied = match event {
                EventKind::Report => task.take_over(retention, now, stamp),
                EventKind::Fail => {
                    let error = TaskError::too_many_attempts(task.attempts());
                    task.apply(TaskEvent::fail(error), retention, now, stamp)
                }
                _ => task.apply(TaskEvent::start(), retention, now, stamp),
            };
            applied.map_err(|error: TransitionError| BackendError::not_applied(error))?;
            let woken = !state.awake;
            if woken {
                known = self.registry().register(account.id, None, true).await?;
                if known.is_later_than(state.instant) {
                    continue;
                }
            }
            let write = Write { state, known: &known, woken, registered: false };
            if account.commit(&task, &write, self.grace, now).await?.is_some() {
                return Ok(Asked::HandedOut(Claimed::from(Change::new(from, event, task))));
            }
        }
    }
}
