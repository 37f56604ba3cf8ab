//! Submissions: examined first, so that the store can find room for the task, and then accepted.

use super::Shard;
use crate::id::AccountId;
use crate::kit::{self, SubmitDecision};
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

/// What an examination of a submission shows.
#[derive(Debug)]
pub(crate) enum Examined {
    /// The shard accepts the submission, if there is room for it.
    Proposed(Proposal),
    /// The result of the submission doesn't depend on whether the store is full: it is the existing
    /// task, or an error that is reported before that of a full store.
    Answered(Result<Submitted, SubmitError>),
}

/// A submission that a shard would accept, if there is room for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    account_hash: u64,
    hash: u64,
    proposed: kit::ProposedTask,
    /// The slot of the expired task that it replaces.
    replaced: Option<u32>,
    account: Option<u32>,
    fits_account: bool,
}

impl Proposal {
    /// Returns whether it adds a task rather than replacing one.
    pub(crate) fn needs_place(&self) -> bool {
        self.replaced.is_none()
    }

    /// Returns the slot of the expired task that it replaces.
    pub(super) fn replaced(&self) -> Option<u32> {
        self.replaced
    }

    /// Returns whether its account may have another open task.
    pub(crate) fn fits_account(&self) -> bool {
        self.fits_account
    }

    /// Returns when its task will expire.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.proposed.expires_at()
    }
}

impl Shard {
    /// Examines a submission, and changes nothing.
    pub(crate) fn examine(&self, submission: &Submission, now: Timestamp) -> Examined {
        let call = self.call(now);
        let account_hash = self.hash_account(submission.account());
        let hash = self.hash_task(account_hash, submission.id());
        let found = self.find_task(hash, submission.account(), submission.id());
        let proposed = match call.check_submit(submission, found.map(|(_, stored)| &stored.task)) {
            Ok(SubmitDecision::New(proposed)) => proposed,
            Ok(SubmitDecision::Existing(task)) => {
                return Examined::Answered(Ok(Submitted::Existing(task)));
            }
            Err(refusal) => return Examined::Answered(Err(refusal)),
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
        Examined::Proposed(Proposal {
            account_hash,
            hash,
            proposed,
            replaced,
            account,
            fits_account,
        })
    }

    /// Drops the task that expires first, which is expired, to make room for a proposal.
    pub(crate) fn make_room(&mut self, proposal: &mut Proposal, id: &AccountId) {
        self.drop_first();
        // The dropped task may have been the last of this account.
        proposal.account = self.find_account(proposal.account_hash, id);
    }

    /// Accepts a submission that has just been examined, and for which there is room. A new account
    /// gets a ticket.
    pub(crate) fn accept(
        &mut self,
        proposal: &Proposal,
        submission: Submission,
        now: Timestamp,
        ticket: impl FnOnce() -> u64,
    ) -> Task {
        let &Proposal { account_hash, hash, proposed, replaced, account, .. } = proposal;
        let account = account.unwrap_or_else(|| {
            self.add_account(account_hash, submission.account().clone(), ticket())
        });
        if let Some(slot) = replaced {
            self.expiry.remove(self.tasks[slot].task.expires_at(), slot);
            self.task_index.remove(hash, slot);
            self.unlink(slot, now);
            self.tasks.remove(slot);
        }
        // Each request brings its own copy of the account's id. Keep one for all tasks.
        let submission = Submission { account: self.accounts[account].id.clone(), ..submission };
        let task = self.call(now).accept(&proposed, submission, self.accounts[account].clock);
        self.add_task(account, hash, task.clone(), now);
        task
    }
}
