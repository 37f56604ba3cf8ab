//! Handing out tasks to workers.

use super::LocalStore;
use super::turns::Sleep;
use crate::event::TaskEvent;
use crate::outcome::TaskError;
use crate::status::{EventKind, TaskStatus};
use crate::store::{BackendError, Claimed, Scope};
use crate::time::{Now, within_years};

/// What an account has to hand out.
enum Offer {
    /// A task whose worker fell silent.
    TakeOver(u32),
    /// The same, after as many attempts as there may be: nobody gets it.
    GiveUp(u32),
    /// A task that awaits its first worker.
    Start(u32),
}

impl LocalStore {
    /// As [`TaskStore::claim`](crate::TaskStore::claim).
    ///
    /// # Errors
    /// Never: the backend is memory.
    pub fn claim(&mut self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        let (offer, in_turn) = match scope {
            Scope::Any => match self.offer_of_any(now) {
                Some((account, offer)) => (Some(offer), Some(account)),
                None => (None, None),
            },
            Scope::Account(id) => {
                let account = self.find_account(self.hash_account(id), id);
                (account.and_then(|account| self.offer_of(account, now).ok()), None)
            }
        };
        let change = offer.map(|offer| match offer {
            Offer::TakeOver(slot) => {
                self.change(slot, EventKind::Report, now, |task, retention, stamp| {
                    task.take_over(retention, now, stamp)
                })
            }
            Offer::GiveUp(slot) => {
                let error = TaskError::too_many_attempts(self.tasks[slot].task.attempts());
                self.change(slot, EventKind::Fail, now, |task, retention, stamp| {
                    task.apply(TaskEvent::fail(error), retention, now, stamp)
                })
            }
            Offer::Start(slot) => {
                self.change(slot, EventKind::Start, now, |task, retention, stamp| {
                    task.apply(TaskEvent::start(), retention, now, stamp)
                })
            }
        });
        if let Some(account) = in_turn {
            self.turns.serve(account, &mut self.accounts[account].turn);
        }
        // What is offered is in the right status, so that no event is refused.
        Ok(change.and_then(Result::ok).map(Claimed::from))
    }

    /// The first account in turn that has something to hand out, and what.
    fn offer_of_any(&mut self, now: Now) -> Option<(u32, Offer)> {
        let (now, instant) = (within_years(now), self.instant(now));
        while let Some(account) = self.turns.overslept(now, instant) {
            self.turns.wake(account, &mut self.accounts[account].turn);
        }
        while let Some(account) = self.turns.first() {
            let offer = self.offer_of(account, now);
            let turn = &mut self.accounts[account].turn;
            match offer {
                Ok(offer) => return Some((account, offer)),
                Err(sleep) => self.turns.sleep(account, turn, sleep),
            }
        }
        None
    }

    /// Lets an account to which something happened be looked at, or sleep, where a glance at it
    /// tells that it has nothing to hand out.
    pub(super) fn settle(&mut self, key: u32, now: Now) {
        let sleep = self.sleep_of(key, now);
        let turn = &mut self.accounts[key].turn;
        match sleep {
            Some(sleep) => self.turns.sleep(key, turn, sleep),
            None => self.turns.wake(key, turn),
        }
    }

    /// Until when an account has nothing to hand out, if that can be told without looking at more
    /// than one of its tasks.
    #[inline]
    fn sleep_of(&self, key: u32, now: Now) -> Option<Sleep> {
        let account = &self.accounts[key];
        let mut sleep = Sleep::default();
        if !account.in_status(TaskStatus::Received).is_empty() {
            // Without limits, there is room.
            self.config.max_in_progress()?;
            sleep.until = self.lane(key, self.instant(now)).err()?.until;
        }
        if self.config.takeover_after().is_some() {
            let mut running =
                account.in_status(TaskStatus::ProcessingInProgress).ascending(&self.runs);
            if let Some(first) = running.next() {
                let task = &self.tasks[first.slot].task;
                if !task.is_visible_at(self.instant(now))
                    || self.config.takeover_due(task, within_years(now))
                {
                    return None;
                }
                sleep.past = self.config.takeover_at(task);
            }
        }
        Some(sleep)
    }

    /// What an account has to hand out, or when it may have something.
    fn offer_of(&self, key: u32, now: Now) -> Result<Offer, Sleep> {
        let instant = self.instant(now);
        let account = &self.accounts[key];
        let mut sleep = Sleep::default();

        if self.config.takeover_after().is_some() {
            for entry in account.in_status(TaskStatus::ProcessingInProgress).ascending(&self.runs) {
                let task = &self.tasks[entry.slot].task;
                if !task.is_visible_at(instant) {
                    sleep.wake_before(task.expires_at());
                } else if self.config.takeover_due(task, within_years(now)) {
                    let given_up = self.config.is_out_of_attempts(task);
                    let offer = if given_up { Offer::GiveUp } else { Offer::TakeOver };
                    return Ok(offer(entry.slot));
                } else {
                    // Later ones were updated later, and are silent for less time.
                    sleep.past = self.config.takeover_at(task);
                    break;
                }
            }
        }
        for entry in account.in_status(TaskStatus::Received).ascending(&self.runs) {
            let task = &self.tasks[entry.slot].task;
            if !task.is_visible_at(instant) {
                sleep.wake_before(task.expires_at());
                continue;
            }
            match self.lane(key, instant) {
                Ok(()) => return Ok(Offer::Start(entry.slot)),
                Err(filled) => {
                    sleep.until = filled.until;
                    break;
                }
            }
        }
        Err(sleep)
    }
}
