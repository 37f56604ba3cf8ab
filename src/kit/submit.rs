//! Decisions on submissions.

use super::Call;
use crate::clock::AccountClock;
use crate::store::SubmitError;
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

/// What a store does with a submission, as far as the task under its id decides.
#[derive(Clone, Debug)]
#[must_use]
pub enum SubmitDecision {
    /// The same request was accepted before and made this task. Write nothing.
    Existing(Task),
    /// A new task, provided that the store and the account have room for it.
    New(ProposedTask),
}

/// A task that is accepted if there is room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposedTask {
    expires_at: Timestamp,
    replaces_expired: bool,
}

impl ProposedTask {
    /// Returns when the task will expire.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether it replaces an expired task under the same id. If so, remove everything that
    /// the store keeps of that task.
    #[must_use]
    pub const fn replaces_expired(&self) -> bool {
        self.replaces_expired
    }
}

impl Call<'_> {
    /// Checks a submission against the task found under its account and id, visible or not.
    ///
    /// A proposed task still needs room in the store ([`is_full_for`](Self::is_full_for)), then in
    /// the account ([`needs_open_count`](Self::needs_open_count)). Then [accept](Self::accept) it.
    ///
    /// # Errors
    ///
    /// Returns the first that applies of [`Conflict`](SubmitError::Conflict),
    /// [`InputTooLarge`](SubmitError::InputTooLarge) and [`Expired`](SubmitError::Expired).
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

    /// Returns whether a store that holds `held` tasks, visible or not, has no room for a proposed
    /// task. If so, [make room](Self::make_room).
    #[must_use]
    pub fn is_full_for(&self, proposal: &ProposedTask, held: usize) -> bool {
        !proposal.replaces_expired && held >= self.config.max_tasks()
    }

    /// Decides how a full store makes room (law S7), given the earliest expiry of all its tasks.
    /// Returns the store's new horizon.
    ///
    /// [Check the account](Self::check_open) next. Only then drop the task that expires first, and
    /// store the horizon.
    ///
    /// # Errors
    ///
    /// Returns [`StoreFull`](SubmitError::StoreFull) if every task is visible, or there is none.
    pub fn make_room(&self, first_expiry: Option<Timestamp>) -> Result<Timestamp, SubmitError> {
        let expired = first_expiry.filter(|expiry| *expiry <= self.effective_now());
        expired.map(|expiry| expiry.max(self.horizon)).ok_or(SubmitError::StoreFull)
    }

    /// Returns whether the account's open tasks are [limited](crate::StoreConfig::with_max_open),
    /// so that they must be counted.
    #[must_use]
    pub fn needs_open_count(&self) -> bool {
        self.config.max_open() < usize::MAX
    }

    /// Checks that an account with `open` visible open tasks (initialized, received or in progress)
    /// may have another. You can stop counting at the limit.
    ///
    /// # Errors
    ///
    /// Returns [`AccountFull`](SubmitError::AccountFull) if it may not.
    pub fn check_open(&self, open: usize) -> Result<(), SubmitError> {
        if open < self.config.max_open() { Ok(()) } else { Err(SubmitError::AccountFull) }
    }

    /// Makes the task of a proposal, stamped by its account's clock.
    /// [Advance](AccountClock::advance_to) the clock to the task afterwards. The clock of a new
    /// account begins [after](AccountClock::after) all that the store has forgotten.
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
