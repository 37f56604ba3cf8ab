//! Handing out tasks to workers.

use tasklife::{
    AccountId, BackendError, Change, EventKind, Now, TaskEvent, TransitionError, within_years,
};

use super::RedisStore;
use crate::account::{Account, Offer, Write};
use crate::registry::Known;

/// What came of asking an account for a task.
enum Asked {
    HandedOut(Change),
    /// It has nothing, as it stands in this offer.
    Nothing(Box<Offer>),
}

impl RedisStore {
    pub(super) async fn claim_of(
        &self,
        account: &AccountId,
        now: Now,
    ) -> Result<Option<Change>, BackendError> {
        let account = self.account(account);
        let _turn = self.one_at_a_time(account.id).await;
        match self.hand_out(&account, Known::default(), now).await? {
            Asked::HandedOut(change) => Ok(Some(change)),
            Asked::Nothing(_) => Ok(None),
        }
    }

    /// Asks one account after the other, in turn. One that has nothing is put to sleep, until
    /// something is written to it that may change that, or a clock does.
    pub(super) async fn claim_any(&self, now: Now) -> Result<Option<Change>, BackendError> {
        let registry = self.registry();
        while let (known, Some((account, stamp))) = registry.peek(now).await? {
            let account = self.account(&account);
            let _turn = self.one_at_a_time(account.id).await;
            loop {
                match self.hand_out(&account, known.clone(), now).await? {
                    Asked::HandedOut(change) => return Ok(Some(change)),
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
            let event = if silent.is_some() { EventKind::Report } else { EventKind::Start };
            let Some(mut task) = silent.or(received) else {
                return Ok(Asked::Nothing(offer.into()));
            };

            let state = &offer.state;
            let (from, stamp) = (task.status(), state.clock(&known)?.next(now));
            let applied = match event {
                EventKind::Report => task.take_over(retention, now, stamp),
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
                return Ok(Asked::HandedOut(Change::new(from, event, task)));
            }
        }
    }
}
