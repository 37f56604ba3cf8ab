//! The decisions of a lease, without the store: what the worker knows of its task, and what the
//! store's answers mean.

use core::mem;

use super::LeaseError;
use crate::clock::Revision;
use crate::event::TaskEvent;
use crate::status::TaskStatus;
use crate::store::{ApplyError, BackendError, Change, Claimed, Target};
use crate::task::Task;

/// How often a call is tried because others wrote to the task, though the lease still holds. Each
/// further try needs another write in between, so more would hardly be a coincidence.
pub(super) const MAX_TRIES: u32 = 16;

#[derive(Debug)]
pub(super) struct Hold {
    task: Task,
    state: State,
    /// Whether an event that ends the task was sent and not yet answered. If the caller drops the
    /// future of the call, the answer never comes.
    end_is_pending: bool,
    /// Whether an event that ends the task may have been applied at the task's revision.
    end_is_unknown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    TakenOver,
    Ended,
    Gone,
}

impl Hold {
    pub(super) fn of(claimed: Claimed) -> Option<Self> {
        let task = claimed.into_work()?;
        let is_in_progress = task.status() == TaskStatus::ProcessingInProgress;
        let state = State::Held;
        is_in_progress.then_some(Self { task, state, end_is_pending: false, end_is_unknown: false })
    }

    pub(super) const fn task(&self) -> &Task {
        &self.task
    }

    pub(super) fn is_held(&self) -> bool {
        self.state == State::Held
    }

    /// Returns the target of an event that is about to be sent to the store.
    ///
    /// # Errors
    ///
    /// Returns [`LeaseError`] if the lease no longer holds.
    pub(super) fn begin(&mut self, event: &TaskEvent) -> Result<Target<'_>, LeaseError> {
        self.check()?;
        self.end_is_unknown |= self.end_is_pending;
        self.end_is_pending = event.outcome().is_some();
        Ok(Target::exactly(&self.task))
    }

    /// Returns what the store's answer means for the caller, or `None` if the event has to be sent
    /// again.
    pub(super) fn finish(
        &mut self,
        event: &TaskEvent,
        answer: Result<Change, ApplyError>,
    ) -> Option<Result<Change, LeaseError>> {
        let end_was_pending = mem::take(&mut self.end_is_pending);
        match answer {
            Ok(change) => {
                let has_ended = change.task().status().is_terminal();
                let state = if has_ended { State::Ended } else { State::Held };
                self.update(state, change.task().clone());
                Some(Ok(change))
            }
            Err(ApplyError::Stale { current }) => self.finish_stale(event, current),
            Err(ApplyError::NotFound) => {
                self.state = State::Gone;
                self.check().err().map(Err)
            }
            Err(ApplyError::Backend(error)) => {
                self.end_is_unknown |= end_was_pending && error.is_unknown();
                Some(Err(error.into()))
            }
            Err(refusal) => Some(Err(LeaseError::Refused(refusal))),
        }
    }

    /// The error after [`MAX_TRIES`].
    pub(super) fn contended() -> LeaseError {
        let cause = "expected the task unchanged between two tries, got another write every time";
        BackendError::not_applied(cause).into()
    }

    /// Finds out what has happened to the task.
    fn finish_stale(
        &mut self,
        event: &TaskEvent,
        current: Task,
    ) -> Option<Result<Change, LeaseError>> {
        if current.submitted_at() != self.task.submitted_at() {
            self.state = State::Gone;
            return self.check().err().map(Err);
        }
        let is_same_attempt = is_same_attempt(&self.task, &current);
        if is_same_attempt && self.end_is_unknown && has_ended_by(event, &current) {
            let change = Change::new(self.task.status(), event.kind(), current.clone());
            self.update(State::Ended, current);
            return Some(Ok(change));
        }
        let state = match current.status() {
            TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => State::Ended,
            TaskStatus::ProcessingInProgress if is_same_attempt => State::Held,
            _ => State::TakenOver,
        };
        self.update(state, current);
        self.check().err().map(Err)
    }

    /// Records the task's current state. An end that was sent for its former revision, and that the
    /// task doesn't show, can no longer be applied.
    fn update(&mut self, state: State, task: Task) {
        *self = Self { task, state, end_is_pending: false, end_is_unknown: false };
    }

    fn check(&self) -> Result<(), LeaseError> {
        let task = || self.task.clone();
        match self.state {
            State::Held => Ok(()),
            State::TakenOver => Err(LeaseError::TakenOver { task: task() }),
            State::Ended => Err(LeaseError::Ended { task: task() }),
            State::Gone => Err(LeaseError::Gone { task: task() }),
        }
    }
}

/// Whether nobody has claimed the task since it was `held`.
fn is_same_attempt(held: &Task, current: &Task) -> bool {
    current.attempts() == held.attempts() && !shows_lost_writes(held, current)
}

/// Whether the task shows that the store has lost writes that it had acknowledged. The number of
/// attempts then means nothing. Either something is missing that was there, or the revisions go on
/// [beyond those that a store reaches otherwise](Revision::unreached_by).
fn shows_lost_writes(held: &Task, current: &Task) -> bool {
    let unreached = Revision::unreached_by(held.updated_at());
    let has_leapt = held.revision() < unreached && unreached <= current.revision();
    let is_ended = current.status().is_terminal();
    has_leapt
        || current.revision() <= held.revision()
        || current.updated_at() < held.updated_at()
        || current.progress() < held.progress()
        || (held.own_description().is_some() && current.own_description().is_none() && !is_ended)
}

/// Whether the task has ended in the way that the event asks for.
fn has_ended_by(event: &TaskEvent, task: &Task) -> bool {
    event.outcome().is_some()
        && event.outcome() == task.outcome()
        && event.description() == task.own_description()
}
