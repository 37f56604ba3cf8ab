//! Taking in submissions: looked at first, so that the store can see to a place, and then accepted.

use super::Shard;
use crate::id::AccountId;
use crate::kit::{self, SubmitDecision};
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// A submission that a shard would accept, if there is a place for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    account_hash: u64,
    hash: u64,
    decided: kit::ProposedTask,
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

    /// The expired task whose place it takes.
    pub(super) fn replaced(&self) -> Option<u32> {
        self.replaced
    }

    /// Whether its account may have one more unfinished task.
    pub(crate) fn fits_account(&self) -> bool {
        self.fits_account
    }

    /// When its task will expire.
    pub(crate) fn expires_at(&self) -> Now {
        self.decided.expires_at()
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
        let call = self.call(now);
        let account_hash = self.hash_account(submission.account());
        let hash = self.hash_task(account_hash, submission.id());
        let found = self.find_task(hash, submission.account(), submission.id());
        let decided = match call.check_submit(submission, found.map(|(_, stored)| &stored.task)) {
            Ok(SubmitDecision::New(decided)) => decided,
            Ok(SubmitDecision::Existing(task)) => return Err(Ok(Submitted::Existing(task))),
            Err(refusal) => return Err(Err(refusal)),
        };
        let found = found.map(|(slot, stored)| (slot, self.blocks.account(stored.location)));
        let account = match found {
            Some((_, account)) => Some(account),
            None => self.find_account(account_hash, submission.account()),
        };
        let max_open = self.config.max_open();
        let limit_indexes = account.and_then(|account| self.accounts[account].limit_indexes());
        let fits_account = match limit_indexes {
            Some(indexes) => indexes.open.check_limit(max_open, call.effective_now()).is_ok(),
            None => max_open > 0,
        };
        let replaced = found.map(|(slot, _)| slot);
        Ok(Proposal { account_hash, hash, decided, replaced, account, fits_account })
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
        let &Proposal { account_hash, hash, decided, replaced, account, .. } = proposal;
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
        let task = self.call(now).accept(&decided, submission, self.accounts[account].clock);
        self.add_task(account, hash, task.clone(), now);
        task
    }
}
