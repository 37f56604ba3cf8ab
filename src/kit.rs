//! The decisions of a store, without I/O: what you need to implement one.
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
use crate::time::{Timestamp, clamp_time};

pub(crate) use claim::ClaimKind;
pub use claim::{ClaimCandidates, Lane, Parked, PlannedClaim};
pub use instant::{instant_from_bytes, instant_to_bytes};
pub use submit::{ProposedTask, SubmitDecision};

/// The context in which a store decides one call: its configuration, its horizon, and the caller's
/// `now`.
///
/// Make one at the beginning of each call, in the transaction that reads what the decisions need.
/// Its methods decide from what you have read and return what to write. They keep no state.
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
    horizon: Timestamp,
    now: Timestamp,
}

impl<'a> Call<'a> {
    /// Creates the context of a call made at `now` to a store with this horizon. Before the first
    /// sweep, the horizon is [`MIN_TIME`](crate::MIN_TIME).
    #[must_use]
    #[inline]
    pub const fn new(config: &'a StoreConfig, horizon: Timestamp, now: Timestamp) -> Self {
        Self { config, horizon, now }
    }

    /// Returns the store's configuration.
    #[must_use]
    pub const fn config(&self) -> &'a StoreConfig {
        self.config
    }

    /// Returns the caller's time, unchanged.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the later of `now` and the horizon, which decides visibility: a task is visible if it
    /// expires after this instant (law S6).
    #[must_use]
    #[inline]
    pub fn effective_now(&self) -> Timestamp {
        clamp_time(self.now).max(self.horizon)
    }

    /// Returns the instant from which [retention](crate::Retention) is counted, for an event of
    /// this call that restarts it.
    pub(crate) fn counted_from(&self) -> Timestamp {
        self.config.retention().start_of_period(self.now, self.effective_now())
    }

    /// Returns whether a task is visible to this call.
    #[must_use]
    #[inline]
    pub fn is_visible(&self, task: &Task) -> bool {
        task.is_visible_at(self.effective_now())
    }

    /// Returns the store's horizon after a sweep by this call. The tasks that expire at or before
    /// it are due. The horizon never moves back.
    #[must_use]
    pub fn horizon_after_sweep(&self) -> Timestamp {
        self.effective_now()
    }

    /// Checks an event against the task found under the target's account and id, visible or not,
    /// and returns that task. A start also [needs room in the lane](Self::needs_lane).
    ///
    /// # Errors
    ///
    /// Returns the first that applies of [`NotFound`](ApplyError::NotFound),
    /// [`Stale`](ApplyError::Stale), [`Transition`](ApplyError::Transition) and
    /// [`OutputTooLarge`](ApplyError::OutputTooLarge).
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

    /// Returns whether an event needs room in the account's lane, so that its tasks in progress
    /// must be counted. A start does, if tasks in progress are
    /// [limited](StoreConfig::with_max_in_progress).
    #[must_use]
    #[inline]
    pub fn needs_lane(&self, event: EventKind) -> bool {
        event == EventKind::Start && self.config.max_in_progress().is_some()
    }

    /// Checks that the account's lane has room, given the number of its visible tasks in progress
    /// (law S12).
    ///
    /// # Errors
    ///
    /// Returns [`LaneFull`](ApplyError::LaneFull) if it has none.
    pub fn check_lane(&self, in_progress: usize) -> Result<(), ApplyError> {
        match self.config.max_in_progress() {
            Some(width) if in_progress >= width.get() as usize => Err(ApplyError::LaneFull),
            _ => Ok(()),
        }
    }

    /// Applies an event that was [permitted](Self::permit). Write the task of the returned change,
    /// and [advance](AccountClock::advance_to) the account's clock to it.
    ///
    /// # Errors
    ///
    /// Returns [`TransitionError`] if the task's status doesn't permit the event.
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

    /// Makes the page of a query.
    ///
    /// `tasks` are the account's visible tasks that match the query and are below its
    /// [position](ListQuery::position), in descending order of revision: as many as the limit, and
    /// one more if there is one. `revision` is the account's revision, read with them.
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
