//! Taking in submissions: looked at first, so that the store can see to a place, and then accepted.

use super::{Shard, Stored};
use crate::id::AccountId;
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// A submission that a shard would accept, if there is a place for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    account_hash: u64,
    hash: u64,
    expires_at: Now,
    /// The expired task whose place it takes.
    replaced: Option<u32>,
    account: Option<u32>,
    fits_account: bool,
}

impl Proposal {
    /// Whether it takes the place of no other task.
    pub(crate) fn needs_place(&self) -> bool {
        self.replaced.is_none()
    }

    /// Whether its account may have one more unfinished task.
    pub(crate) fn fits_account(&self) -> bool {
        self.fits_account
    }

    /// When its task will expire.
    pub(crate) fn expires_at(&self) -> Now {
        self.expires_at
    }
}

impl Shard {
    /// Looks at a submission.
    ///
    /// # Errors
    /// The answer to it, where no place in the store changes that: the task that is there already, or a
    /// refusal that comes before that of a full store.
    pub(crate) fn examine(
        &self,
        submission: &Submission,
        now: Now,
    ) -> Result<Proposal, Result<Submitted, SubmitError>> {
        let instant = self.instant(now);
        let account_hash = self.hash_account(submission.account());
        let hash = self.hash_task(account_hash, submission.id());
        let found = self.find_task(hash, submission.account(), submission.id());
        if let Some((_, Stored { task, .. })) = found
            && task.is_visible_at(instant)
        {
            let repeat = submission.is_repeat_of(task).then(|| task.clone());
            return Err(repeat.map(Submitted::Existing).ok_or(SubmitError::Conflict));
        }
        let found = found.map(|(slot, stored)| (slot, self.blocks.account(stored.location)));
        if submission.input().len() > self.config.max_input() {
            return Err(Err(SubmitError::InputTooLarge { limit: self.config.max_input() }));
        }
        let expires_at = self.config.retention().after_submission(now);
        if expires_at <= instant {
            return Err(Err(SubmitError::Expired));
        }
        let account = match found {
            Some((_, account)) => Some(account),
            None => self.find_account(account_hash, submission.account()),
        };
        let max_open = self.config.max_open();
        let limit_indexes = account.and_then(|account| self.accounts[account].limit_indexes());
        let fits_account = match limit_indexes {
            Some(indexes) => indexes.open.check_limit(max_open, instant).is_ok(),
            None => max_open > 0,
        };
        let replaced = found.map(|(slot, _)| slot);
        Ok(Proposal { account_hash, hash, expires_at, replaced, account, fits_account })
    }

    /// Drops the task that expires first, which has expired, to make room for a proposal.
    pub(crate) fn make_room(&mut self, proposal: &mut Proposal, id: &AccountId) {
        self.drop_first();
        // It may have been the last task of the account.
        proposal.account = self.find_account(proposal.account_hash, id);
    }

    /// Accepts a submission that was proposed just now, and for which there is a place. A new account
    /// gets the ticket.
    pub(crate) fn accept(
        &mut self,
        proposal: &Proposal,
        submission: Submission,
        now: Now,
        ticket: impl FnOnce() -> u64,
    ) -> Task {
        let &Proposal { account_hash, hash, expires_at, replaced, account, .. } = proposal;
        let account = account.unwrap_or_else(|| {
            self.add_account(account_hash, submission.account().clone(), ticket())
        });
        if let Some(slot) = replaced {
            self.expiry.remove(self.tasks[slot].task.expires_at(), slot);
            self.task_index.remove(hash, slot);
            self.unlink(slot, now);
            self.tasks.remove(slot);
        }
        // Each request brings a copy of its account's id: one is kept for all of the tasks.
        let submission = Submission { account: self.accounts[account].id.clone(), ..submission };
        let stamp = self.accounts[account].clock.next(now);
        let task = Task::with_expiry(expires_at, submission, now, stamp);
        self.add_task(account, hash, task.clone(), now);
        task
    }
}
