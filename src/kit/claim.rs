//! What an account has to hand out to a worker, or when it may have something.

use super::Call;
use crate::clock::{AccountClock, Stamp};
use crate::event::{TaskEvent, TransitionError};
use crate::outcome::TaskError;
use crate::retention::Retention;
use crate::status::EventKind;
use crate::store::{Change, Claimed};
use crate::task::Task;
use crate::time::{Now, clamp_time};

/// What decides on a claim from an account, read in one step. What is visible is so at the call's
/// [instant](Call::effective_now).
#[derive(Clone, Debug, Default)]
pub struct ClaimCandidates {
    /// The visible task in progress with the lowest revision. It isn't looked at, and need not be read,
    /// where tasks are [not taken over](crate::StoreConfig::without_takeover).
    pub in_progress: Option<Task>,
    /// The visible received task with the lowest revision.
    pub received: Option<Task>,
    /// Whether there is room in the account's lane. It isn't looked at, and need not be read, where no
    /// task is received.
    pub lane: Lane,
    /// The latest expiry of the account's tasks that are received or in progress and not visible, though no
    /// sweep has dropped them yet: a clock that is behind may see them. `None` where there are none.
    pub hidden_until: Option<Now>,
}

/// Whether an account may have another task in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// It may.
    #[default]
    Room,
    /// It may not, until enough of its tasks in progress have expired: at this instant, or at an earlier
    /// one, such as the earliest expiry of its visible tasks in progress. `None` where none ever does.
    FullUntil(Option<Now>),
}

/// A task that an account has to hand out, and how.
#[derive(Clone, Debug)]
pub struct PlannedClaim {
    task: Task,
    kind: ClaimKind,
}

/// How a task is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// It is started.
    Start,
    /// Its worker fell silent: it is handed to another.
    TakeOver,
    /// The same, after as many attempts as there may be: it ends.
    GiveUp,
}

/// When an account that has nothing to hand out may have something, if nothing happens to it. A store
/// need not look at it before (see [`should_wake`](Self::should_wake)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parked {
    /// After this instant, by the caller's clock: a task in progress has then been silent for too long.
    pub wake_after: Option<Now>,
    /// From this instant on, by the caller's clock or the horizon: there is then room in the lane.
    pub wake_at: Option<Now>,
    /// Before this instant, by the caller's clock and the horizon: a clock that is so far behind still
    /// sees a task that has expired to others.
    pub wake_before: Option<Now>,
}

impl Parked {
    /// Whether the account is to be looked at by this call.
    #[must_use]
    pub fn should_wake(&self, call: &Call<'_>) -> bool {
        self.wake_after.is_some_and(|past| clamp_time(call.now) > past)
            || self.wake_at.is_some_and(|until| call.effective_now() >= until)
            || self.wake_before.is_some_and(|before| call.effective_now() < before)
    }

    /// Adds the expiry of a task that is not visible.
    pub(crate) fn wake_before_expiry(&mut self, expiry: Now) {
        self.wake_before = self.wake_before.max(Some(expiry));
    }
}

impl Call<'_> {
    /// What an account hands out: a task whose worker fell silent, before those that were received.
    ///
    /// # Errors
    /// Where it has nothing to hand out: for how long.
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

    /// How a visible task in progress is handed out again, if it is.
    #[inline]
    pub(crate) fn takeover_kind(&self, task: &Task) -> Option<ClaimKind> {
        if !self.config.takeover_due(task, clamp_time(self.now)) {
            return None;
        }
        let is_out = self.config.is_out_of_attempts(task);
        Some(if is_out { ClaimKind::GiveUp } else { ClaimKind::TakeOver })
    }

    /// Hands out a task. That of what was claimed is what to write; the account's clock
    /// [advances](AccountClock::advance_to) to it.
    ///
    /// # Errors
    /// Where the task is in another status than that of the [`ClaimCandidates`] as which it was read.
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
    /// The task that is handed out, as it was read.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }
}

impl ClaimKind {
    /// The event as which it is recorded.
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
        now: Now,
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
