//! The decisions of a store, without I/O: for those who implement one.
//!
#![doc = include_str!("kit/implementing_a_store.md")]
#![doc = "```"]
#![doc = include_str!("../examples/own_store.rs")]
#![doc = "```"]
#![doc = include_str!("kit/proving_a_store.md")]

mod claim;
mod instant;
mod submit;

use alloc::vec::Vec;
use core::borrow::Borrow;

use crate::clock::{AccountClock, Revision};
use crate::event::{TaskEvent, TransitionError};
use crate::id::AccountId;
use crate::status::EventKind;
use crate::store::{ApplyError, Change, ListQuery, Page, StoreConfig, Target};
use crate::task::Task;
use crate::time::{Now, clamp_time};

pub(crate) use claim::ClaimKind;
pub use claim::{ClaimCandidates, Lane, Parked, PlannedClaim};
pub use instant::{instant_from_bytes, instant_to_bytes};
pub use submit::{ProposedTask, SubmitDecision};

/// A call to a store: under which configuration it is made, when, and where the horizon is.
///
/// A store makes one at the beginning of each call, in the transaction in which it reads what the
/// decisions need. The methods decide from what was read, and say what to write; they keep nothing.
///
/// ```
/// use tasklife::kit::Call;
/// use tasklife::{MIN_TIME, StoreConfig};
///
/// let config = StoreConfig::default();
/// let now = "2026-01-01T12:00:00Z".parse()?;
/// assert_eq!(Call::new(&config, MIN_TIME, now).effective_now(), now);
///
/// let horizon = "2026-01-01T12:00:05Z".parse()?; // a sweep by a clock that is ahead
/// assert_eq!(Call::new(&config, horizon, now).effective_now(), horizon);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    config: &'a StoreConfig,
    horizon: Now,
    now: Now,
}

impl<'a> Call<'a> {
    /// A call that is made `now`, to a store that has come to a horizon: [`MIN_TIME`](crate::MIN_TIME)
    /// before the first sweep.
    #[must_use]
    #[inline]
    pub const fn new(config: &'a StoreConfig, horizon: Now, now: Now) -> Self {
        Self { config, horizon, now }
    }

    /// The store's configuration.
    #[must_use]
    pub const fn config(&self) -> &'a StoreConfig {
        self.config
    }

    /// The caller's time, as given.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// The instant that decides what is visible: `now`, or the horizon where that is later. A task is
    /// visible if it expires after it (law S6).
    #[must_use]
    #[inline]
    pub fn effective_now(&self) -> Now {
        clamp_time(self.now).max(self.horizon)
    }

    /// What a task's [retention](crate::Retention) is counted from, where an event of this call begins it anew.
    pub(crate) fn counted_from(&self) -> Now {
        self.config.retention().count_from(self.now, self.effective_now())
    }

    /// Whether a task is visible to this call.
    #[must_use]
    #[inline]
    pub fn is_visible(&self, task: &Task) -> bool {
        task.is_visible_at(self.effective_now())
    }

    /// The horizon after a sweep by this call: what expires by then is due. It never moves back.
    #[must_use]
    pub fn horizon_after_sweep(&self) -> Now {
        self.effective_now()
    }

    /// Whether an event may be applied, as far as its task decides: to what was found under the target's
    /// account and id, visible or not; it gives that back. A start then [needs the lane](Self::needs_lane).
    ///
    /// # Errors
    /// The first that applies of [`NotFound`](ApplyError::NotFound), [`Stale`](ApplyError::Stale),
    /// [`Transition`](ApplyError::Transition), [`OutputTooLarge`](ApplyError::OutputTooLarge).
    #[inline]
    pub fn permit<T: Borrow<Task>>(
        &self,
        target: Target<'_>,
        event: &TaskEvent,
        found: Option<T>,
    ) -> Result<T, ApplyError> {
        let found =
            found.filter(|task| self.is_visible(task.borrow())).ok_or(ApplyError::NotFound)?;
        let task = found.borrow();
        if !target.is_met_by(task) {
            return Err(ApplyError::Stale { current: task.clone() });
        }
        if task.status().after(event.kind()).is_none() {
            return Err(TransitionError::new(task.status(), event.kind()).into());
        }
        let limit = self.config.max_output();
        if event.output_len() > limit {
            return Err(ApplyError::OutputTooLarge { limit });
        }
        Ok(found)
    }

    /// Whether an event needs room in the account's lane: a start does, where tasks in progress are
    /// [limited](StoreConfig::with_max_in_progress).
    #[must_use]
    #[inline]
    pub fn needs_lane(&self, event: EventKind) -> bool {
        event == EventKind::Start && self.config.max_in_progress().is_some()
    }

    /// Whether the account's lane has room, where so many of its visible tasks are in progress (law S12).
    ///
    /// # Errors
    /// Where it has none: [`LaneBusy`](ApplyError::LaneBusy).
    pub fn check_lane(&self, in_progress: usize) -> Result<(), ApplyError> {
        match self.config.max_in_progress() {
            Some(width) if in_progress >= width.get() as usize => Err(ApplyError::LaneBusy),
            _ => Ok(()),
        }
    }

    /// Applies an event that was [permitted](Self::permit). The task of the change is what to write; the
    /// account's clock [advances](AccountClock::advance_to) to it.
    ///
    /// # Errors
    /// Where the status of the task doesn't permit the event.
    pub fn apply(
        &self,
        mut task: Task,
        event: TaskEvent,
        clock: AccountClock,
    ) -> Result<Change, TransitionError> {
        let (from, kind) = (task.status(), event.kind());
        task.apply(event, self.config.retention(), self.counted_from(), clock.next(self.now))?;
        Ok(Change::new(from, kind, task))
    }

    /// The page of a query, from the visible tasks of the account that match it, are below its
    /// [position](ListQuery::position), and come first in descending order of revision: as many as the
    /// limit, and one more where there is one. `revision` is the account's, read with them.
    #[must_use]
    pub fn page(
        &self,
        account: &AccountId,
        query: &ListQuery,
        mut tasks: Vec<Task>,
        revision: Revision,
    ) -> Page {
        let more = tasks.len() > query.limit().get();
        tasks.truncate(query.limit().get());
        let last = tasks.last().filter(|_| more);
        let next = last.map(|last| query.cursor(account, last.revision()));
        Page::new(tasks, next, revision)
    }
}
