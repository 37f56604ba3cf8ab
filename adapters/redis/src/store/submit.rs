//! Accepting submissions.

use tasklife::kit::{Call, SubmitDecision};
use tasklife::{Now, Submission, SubmitError, Submitted, Task, TaskStatus};

use super::RedisStore;
use super::memory::Memory;
use crate::account::{Account, Committed, ReadForUpdate, WriteCondition};
use crate::registry::Globals;

impl RedisStore {
    pub(super) async fn submit_one(
        &self,
        submission: Submission,
        now: Now,
    ) -> Result<Submitted, SubmitError> {
        let account = self.account(submission.account());
        let mut memory = self.lock_account(account.id).await?;
        let mut token = None;
        let submitted = self.submit_with(&account, &mut memory, &submission, &mut token, now).await;
        let is_unknown =
            matches!(&submitted, Err(SubmitError::Backend(error)) if error.is_unknown());
        if let Some(token) = token.filter(|_| !is_unknown) {
            // If it can't be given up now, it is as a stale one.
            let _ = self.registry().release(&token, account.id).await;
        }
        if let Err(SubmitError::StoreFull | SubmitError::AccountFull) = submitted {
            // An account hears of the horizon when something of it expires. That a submission would
            // be expired at birth comes first.
            let globals = self.registry().globals().await?;
            if globals.hides(self.config.retention().after_submission(now)) {
                return Err(SubmitError::Expired);
            }
        }
        submitted
    }

    async fn submit_with(
        &self,
        account: &Account<'_>,
        memory: &mut Memory,
        submission: &Submission,
        token: &mut Option<String>,
        now: Now,
    ) -> Result<Submitted, SubmitError> {
        let config = &self.config;
        let limited = config.max_tasks() < usize::MAX;
        let counted = config.max_open() < usize::MAX;
        let mut globals = Globals::default();
        let mut remembered = if counted { None } else { memory.state(account.id) };
        loop {
            // A reservation is good for the state of the account in which it was made: with another
            // one, it may have been reclaimed as a stale one.
            if let Some(token) = token.take() {
                self.registry().release(&token, account.id).await?;
            }
            // Where it is known how the account was left, it is taken for granted that nothing is under the
            // id. The write finds out.
            let known = remembered.take().and_then(|state| state.at(now));
            let is_remembered = known.is_some();
            let read = if let Some(state) = known {
                ReadForUpdate { state, task: None, open: 0, in_progress: 0 }
            } else {
                account.read_for_update(submission.id(), (counted, false), &globals, now).await?
            };
            let state = &read.state;
            let call = Call::new(config, state.instant, now);
            let proposal = match call.check_submit(submission, read.task.as_ref()) {
                Ok(SubmitDecision::New(proposal)) => proposal,
                // What is refused is refused for what was read.
                _ if is_remembered => continue,
                Ok(SubmitDecision::Existing(task)) => return Ok(Submitted::Existing(task)),
                Err(error) => return Err(error),
            };
            let is_full = call.check_open(read.open).is_err();
            if limited && !proposal.replaces_expired() {
                let id = submission.id();
                *token = if is_remembered {
                    // A full store makes no room for what may be there already.
                    self.registry().reserve_now(account.id, config.max_tasks()).await?
                } else {
                    self.reserve(account, id, (state, is_full), &mut globals, now).await?
                };
                if token.is_none() {
                    continue; // the account may have changed in the meantime
                }
            }
            if is_full {
                // A sweep may have made room in the account and in the store, after the account was read
                // and before a place was reserved.
                let id = submission.id();
                if token.is_some() && account.has_changed_since(state, id, &globals, now).await? {
                    continue;
                }
                return Err(SubmitError::AccountFull);
            }

            // The lane has a place more without a task that was in progress, for clocks too that are
            // behind its expiry.
            let frees = config.max_in_progress().is_some()
                && read.task.as_ref().is_some_and(is_in_progress);
            let offers = frees || submission.status() == TaskStatus::Received;
            let made_ready = !state.is_ready && offers;
            let bound = state.bound_for(proposal.expires_at());
            if made_ready || bound.is_some() || state.revision.is_none() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(state.instant) {
                    continue;
                }
            }
            let clock = state.clock(&globals, now);
            let task = call.accept(&proposal, submission.clone(), clock);
            let write = WriteCondition {
                state,
                globals: &globals,
                made_ready,
                registered: bound.is_some(),
                channel: offers.then(|| self.prefix.channel()),
                absent: is_remembered,
            };
            let committed = account.commit(&task, &write, self.grace, now).await?;
            let Some(Committed { tasks, state: left }) = committed else {
                if is_remembered {
                    memory.was_wrong();
                }
                continue;
            };
            memory.remember(Some(state), left, &task);
            if let Some(token) = token.take() {
                // The task is there. If it can't be counted now, its reservation counts for it.
                let revision = task.revision().to_string();
                let _ = self.count(&token, account, tasks, &revision).await;
            }
            return Ok(Submitted::New(task));
        }
    }
}

fn is_in_progress(task: &Task) -> bool {
    task.status() == TaskStatus::ProcessingInProgress
}
