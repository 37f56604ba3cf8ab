//! Decisions on claims: which task an account gives a worker, or when it may have one.

use super::Call;
use crate::clock::{AccountClock, Stamp};
use crate::event::{TaskEvent, TransitionError};
use crate::outcome::TaskError;
use crate::retention::Retention;
use crate::status::EventKind;
use crate::store::{Change, Claimed};
use crate::task::Task;
use crate::time::{Timestamp, clamp_time};

/// The tasks of one account from which a claim chooses, read in one transaction. Visibility is
/// decided at the call's [`effective_now`](Call::effective_now).
#[derive(Clone, Debug, Default)]
pub struct ClaimCandidates {
    /// The visible task in progress with the lowest revision. You need not read it if tasks are
    /// [not taken over](crate::StoreConfig::without_takeover).
    pub in_progress: Option<Task>,
    /// The visible received task with the lowest revision.
    pub received: Option<Task>,
    /// Whether the account's lane has room. You need not read it if no task is received.
    pub lane: Lane,
    /// The latest expiry of the account's tasks that are received or in progress, not visible, and
    /// not yet dropped. A caller whose clock is behind may still see them. `None` if there are
    /// none.
    pub hidden_until: Option<Timestamp>,
}

/// Whether an account may have another task in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// It may.
    #[default]
    Room,
    /// It may not, at least until this instant: an instant no later than the one at which enough of
    /// its tasks in progress have expired. The earliest expiry of its visible tasks in progress will
    /// do. `None` if none of them ever expires.
    FullUntil(Option<Timestamp>),
}

/// A task that an account gives the next worker, and whether it is started, taken over or given up.
#[derive(Clone, Debug)]
pub struct PlannedClaim {
    task: Task,
    kind: ClaimKind,
}

/// What a claim does to its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// Starts it.
    Start,
    /// Takes it over, because its worker was silent.
    TakeOver,
    /// Gives it up, because its worker was silent and all its attempts are used.
    GiveUp,
}

/// When to look again at an account that has nothing to claim, if nothing happens to it until then.
///
/// A claim over all accounts may skip the account until [`should_wake`](Self::should_wake). With
/// nothing set, only an event wakes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parked {
    /// Wake the account after this instant, by the caller's clock: a task in progress can then be
    /// taken over.
    pub wake_after: Option<Timestamp>,
    /// Wake the account at this instant, by the caller's clock or the horizon, whichever is later:
    /// its lane then has room.
    pub wake_at: Option<Timestamp>,
    /// Wake the account if both the caller's clock and the horizon are before this instant: the
    /// caller then still sees a task that has expired for others.
    pub wake_before: Option<Timestamp>,
}

impl Parked {
    /// Returns whether this call should look at the account.
    #[must_use]
    pub fn should_wake(&self, call: &Call<'_>) -> bool {
        self.wake_after.is_some_and(|past| clamp_time(call.now) > past)
            || self.wake_at.is_some_and(|until| call.effective_now() >= until)
            || self.wake_before.is_some_and(|before| call.effective_now() < before)
    }

    /// Makes the account wake for every caller that still sees a task with this expiry.
    pub(crate) fn wake_before_expiry(&mut self, expiry: Timestamp) {
        self.wake_before = self.wake_before.max(Some(expiry));
    }
}

impl Call<'_> {
    /// Chooses the task that an account gives the next worker. A task that can be taken over comes
    /// before a received one.
    ///
    /// # Errors
    ///
    /// Returns when to look again if the account has nothing to claim.
    pub fn next_claim(&self, candidates: ClaimCandidates) -> Result<PlannedClaim, Parked> {
        let mut parked = Parked { wake_before: candidates.hidden_until, ..Parked::default() };
        if let Some(task) = candidates.in_progress {
            if let Some(kind) = self.takeover_kind(&task) {
                return Ok(PlannedClaim { task, kind });
            }
            parked.wake_after = self.config.takeover_at(&task);
        }
        match (candidates.received, candidates.lane) {
            (Some(task), Lane::Room) => return Ok(PlannedClaim { task, kind: ClaimKind::Start }),
            (Some(_), Lane::FullUntil(until)) => parked.wake_at = until,
            (None, _) => {}
        }
        Err(parked)
    }

    /// Returns whether a claim takes over or gives up a visible task in progress. Returns `None` if
    /// its worker was not silent for long enough.
    #[inline]
    pub(crate) fn takeover_kind(&self, task: &Task) -> Option<ClaimKind> {
        if !self.config.takeover_due(task, clamp_time(self.now)) {
            return None;
        }
        let is_out = self.config.is_out_of_attempts(task);
        Some(if is_out { ClaimKind::GiveUp } else { ClaimKind::TakeOver })
    }

    /// Carries out a planned claim. Write its task, and [advance](AccountClock::advance_to) the
    /// account's clock to it.
    ///
    /// # Errors
    ///
    /// Returns [`TransitionError`] if the task wasn't in the status of the [`ClaimCandidates`]
    /// field it was passed in.
    pub fn claim(
        &self,
        planned: PlannedClaim,
        clock: AccountClock,
    ) -> Result<Claimed, TransitionError> {
        let PlannedClaim { mut task, kind } = planned;
        let from = task.status();
        kind.apply(&mut task, self.config.retention(), self.counted_from(), clock.next(self.now))?;
        Ok(Change::new(from, kind.event(), task).into())
    }
}

impl PlannedClaim {
    /// Returns the task to be claimed, as it was read.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }
}

impl ClaimKind {
    /// Returns the event that records the claim.
    pub(crate) const fn event(self) -> EventKind {
        match self {
            Self::Start => EventKind::Start,
            Self::TakeOver => EventKind::Report,
            Self::GiveUp => EventKind::Fail,
        }
    }

    pub(crate) fn apply(
        self,
        task: &mut Task,
        retention: Retention,
        now: Timestamp,
        stamp: Stamp,
    ) -> Result<(), TransitionError> {
        match self {
            Self::Start => task.apply(TaskEvent::start(), retention, now, stamp),
            Self::TakeOver => task.take_over(retention, now, stamp),
            Self::GiveUp => {
                let error = TaskError::too_many_attempts(task.attempts());
                task.apply(TaskEvent::fail(error), retention, now, stamp)
            }
        }
    }
}
