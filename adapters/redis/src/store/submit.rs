//! Accepting submissions.

use tasklife::kit::{Call, SubmitDecision};
use tasklife::{Submission, SubmitError, Submitted, Task, TaskStatus, Timestamp};

use super::RedisStore;
use super::cache::AccountCache;
use crate::account::{Account, ReadForUpdate, WriteCondition};
use crate::globals::Globals;

impl RedisStore {
    pub(super) async fn submit_one(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let account = self.account(submission.account());
        let mut cache = self.lock_account(account.id).await?;
        let mut token = None;
        let submitted = self.try_submit(&account, &mut cache, &submission, &mut token, now).await;
        let is_unknown =
            matches!(&submitted, Err(SubmitError::Backend(error)) if error.is_unknown());
        if let Some(token) = token.filter(|_| !is_unknown) {
            // If this fails, the reservation is reclaimed as a stale one.
            let _ = self.registry().release(&token, account.id).await;
        }
        if let Err(SubmitError::StoreFull | SubmitError::AccountFull) = submitted {
            // `Expired` takes precedence over these two. In a cluster, the account may not have the
            // latest horizon, because a sweep may write it only to accounts with tasks that expire
            // by then.
            let globals = self.registry().globals().await?;
            if globals.hides(self.config.retention().after_submission(now)) {
                return Err(SubmitError::Expired);
            }
        }
        submitted
    }

    /// Submits. Leaves a reservation in `token` if it was made and not used.
    async fn try_submit(
        &self,
        account: &Account<'_>,
        cache: &mut AccountCache,
        submission: &Submission,
        token: &mut Option<String>,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let config = &self.config;
        let id = submission.id();
        let has_max_tasks = config.max_tasks() < usize::MAX;
        let counts_open = config.max_open() < usize::MAX;
        let mut globals = Globals::default();
        let mut cached_state = if counts_open { None } else { cache.state(account.id) };
        loop {
            // A reservation is valid for the state in which it was made: once the account has
            // another revision, the reservation may have been reclaimed as stale.
            if let Some(token) = token.take() {
                self.registry().release(&token, account.id).await?;
            }
            // With a cached state, assume that no task has the id. The write checks it.
            let cached = cached_state.take().and_then(|state| state.at(now));
            let is_cached = cached.is_some();
            let read = if let Some(state) = cached {
                ReadForUpdate { state, task: None, open: 0, in_progress: 0 }
            } else {
                account.read_for_update(id, (counts_open, false), &globals, now).await?
            };
            let state = &read.state;
            let call = Call::new(config, state.effective_now, now);
            let proposal = match call.check_submit(submission, read.task.as_ref()) {
                Ok(SubmitDecision::New(proposal)) => proposal,
                // Only what was read can justify a refusal.
                _ if is_cached => continue,
                Ok(SubmitDecision::Existing(task)) => return Ok(Submitted::Existing(task)),
                Err(error) => return Err(error),
            };
            let account_is_full = call.check_open(read.open).is_err();
            if has_max_tasks && !proposal.replaces_expired() {
                *token = if is_cached {
                    // The id may exist already, so that a full store need not make room.
                    self.registry().try_reserve(account.id, config.max_tasks()).await?
                } else {
                    self.reserve(account, id, (state, account_is_full), &mut globals, now).await?
                };
                if token.is_none() {
                    continue; // the account may have changed in the meantime
                }
            }
            if account_is_full {
                // A sweep may have made room in the account and in the store, between the read and
                // the reservation.
                if token.is_some() && account.has_changed_since(state, id, &globals, now).await? {
                    continue;
                }
                return Err(SubmitError::AccountFull);
            }

            // Replacing a task in progress frees its place in the lane, even for a caller whose
            // clock is before its expiry.
            let frees_lane = config.max_in_progress().is_some()
                && read.task.as_ref().is_some_and(is_in_progress);
            let may_make_work = frees_lane || submission.status() == TaskStatus::Received;
            let made_ready = !state.is_ready && may_make_work;
            let bound = state.bound_for(proposal.expires_at());
            if made_ready || bound.is_some() || state.revision.is_none() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(state.effective_now) {
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
                channel: may_make_work.then(|| self.prefix.channel()),
                must_be_absent: is_cached,
            };
            let Some(committed) = account.commit(&task, &write, self.grace, now).await? else {
                if is_cached {
                    cache.invalidate();
                }
                continue;
            };
            cache.update(state, committed.state, &task);
            if let Some(token) = token.take() {
                // The task is written. If this fails, its reservation counts for it.
                let revision = task.revision().to_string();
                let _ = self.count(&token, account, committed.tasks, &revision).await;
            }
            return Ok(Submitted::New(task));
        }
    }
}

fn is_in_progress(task: &Task) -> bool {
    task.status() == TaskStatus::ProcessingInProgress
}
