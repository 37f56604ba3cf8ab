//! What becomes of a submission.

use super::Call;
use crate::clock::AccountClock;
use crate::store::SubmitError;
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// What a store does with a submission, as far as the task under its id decides.
#[derive(Clone, Debug)]
#[must_use]
pub enum SubmitDecision {
    /// The same request was accepted before: this is its task. Nothing is written.
    Existing(Task),
    /// A new task, if the store and the account have room for it.
    New(ProposedTask),
}

/// A task that would be accepted, if there is room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposedTask {
    expires_at: Now,
    replaces_expired: bool,
}

impl ProposedTask {
    /// When the task will expire.
    #[must_use]
    pub const fn expires_at(&self) -> Now {
        self.expires_at
    }

    /// Whether it takes the place of a task under its id that has expired: what the store knows of that
    /// one is to be removed.
    #[must_use]
    pub const fn replaces_expired(&self) -> bool {
        self.replaces_expired
    }
}

impl Call<'_> {
    /// Decides on a submission from what was found under its account and id, visible or not.
    ///
    /// What is proposed needs, in this order: room in the store, if it
    /// [has none](Self::is_full_for); and room in the account, if that is
    /// [limited](Self::check_open). Then it is [accepted](Self::accept).
    ///
    /// # Errors
    /// The first that applies of [`Conflict`](SubmitError::Conflict),
    /// [`InputTooLarge`](SubmitError::InputTooLarge), [`Expired`](SubmitError::Expired).
    #[inline]
    pub fn check_submit(
        &self,
        submission: &Submission,
        found: Option<&Task>,
    ) -> Result<SubmitDecision, SubmitError> {
        if let Some(task) = found
            && self.is_visible(task)
        {
            return if submission.is_repeat_of(task) {
                Ok(SubmitDecision::Existing(task.clone()))
            } else {
                Err(SubmitError::Conflict)
            };
        }
        let limit = self.config.max_input();
        if submission.input().len() > limit {
            return Err(SubmitError::InputTooLarge { limit });
        }
        let expires_at = self.config.retention().after_submission(self.now);
        if expires_at <= self.effective_now() {
            return Err(SubmitError::Expired);
        }
        Ok(SubmitDecision::New(ProposedTask { expires_at, replaces_expired: found.is_some() }))
    }

    /// Whether the store has no room for a proposal, if it holds so many tasks, visible or not. It then
    /// [makes room](Self::make_room).
    #[must_use]
    pub fn is_full_for(&self, proposal: &ProposedTask, held: usize) -> bool {
        !proposal.replaces_expired && held >= self.config.max_tasks()
    }

    /// Decides how a full store makes room (law S7), from when the task expires that expires first of
    /// all. The account is [checked](Self::check_open) before anything is dropped; then that task is
    /// dropped, and the store's horizon is what this gives.
    ///
    /// # Errors
    /// Where every task is visible, or there is none: [`StoreFull`](SubmitError::StoreFull).
    pub fn make_room(&self, first_expiry: Option<Now>) -> Result<Now, SubmitError> {
        let expired = first_expiry.filter(|expiry| *expiry <= self.effective_now());
        expired.map(|expiry| expiry.max(self.horizon)).ok_or(SubmitError::StoreFull)
    }

    /// Whether the unfinished tasks of an account are [limited](crate::StoreConfig::with_max_open), so that they
    /// have to be counted.
    #[must_use]
    pub fn needs_open_count(&self) -> bool {
        self.config.max_open() < usize::MAX
    }

    /// Whether the account may have another unfinished task, if so many of its visible ones are: initialized,
    /// received or in progress. No more than the limit need be counted.
    ///
    /// # Errors
    /// Where it may not: [`AccountFull`](SubmitError::AccountFull).
    pub fn check_open(&self, open: usize) -> Result<(), SubmitError> {
        if open < self.config.max_open() { Ok(()) } else { Err(SubmitError::AccountFull) }
    }

    /// The task of a proposal, by the clock of its account, which then
    /// [advances](AccountClock::advance_to) to it. That of a new account is one [after](AccountClock::after) all
    /// that the store has forgotten.
    #[must_use]
    #[inline]
    pub fn accept(
        &self,
        proposal: &ProposedTask,
        submission: Submission,
        clock: AccountClock,
    ) -> Task {
        Task::with_expiry(proposal.expires_at, submission, self.now, clock.next(self.now))
    }
}
