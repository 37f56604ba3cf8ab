//! What a worker knows of the task that it claimed, and what a store's answers say about it: the decisions of
//! a lease, without the store.

use core::mem;

use super::LeaseError;
use crate::clock::Revision;
use crate::event::TaskEvent;
use crate::status::TaskStatus;
use crate::store::{ApplyError, BackendError, Change, Claimed, Target};
use crate::task::Task;

/// How often a call is made again because somebody else wrote to the task, though it is still held. Each time
/// another write came in between, so that more is hardly a coincidence.
pub(super) const TRIES: u32 = 16;

#[derive(Debug)]
pub(super) struct Hold {
    task: Task,
    state: State,
    /// Whether an end was asked for, and no answer has come yet. None ever does to a call whose future was
    /// dropped.
    asks_for_end: bool,
    /// Whether an end that was asked for may have been applied, at the revision of the task.
    in_doubt: bool,
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
        let is_held = task.status() == TaskStatus::ProcessingInProgress;
        let (state, asks_for_end, in_doubt) = (State::Held, false, false);
        is_held.then_some(Self { task, state, asks_for_end, in_doubt })
    }

    pub(super) const fn task(&self) -> &Task {
        &self.task
    }

    pub(super) fn is_held(&self) -> bool {
        self.state == State::Held
    }

    /// Begins to ask the store for an event: of which target.
    ///
    /// # Errors
    /// Where the task is no longer held.
    pub(super) fn ask(&mut self, event: &TaskEvent) -> Result<Target<'_>, LeaseError> {
        self.check()?;
        self.in_doubt |= self.asks_for_end;
        self.asks_for_end = event.outcome().is_some();
        Ok(Target::exactly(&self.task))
    }

    /// Hears the store's answer: what it means for the caller, or that the event is to be asked for again.
    pub(super) fn hear(
        &mut self,
        event: &TaskEvent,
        answer: Result<Change, ApplyError>,
    ) -> Option<Result<Change, LeaseError>> {
        let asked_for_end = mem::take(&mut self.asks_for_end);
        match answer {
            Ok(change) => {
                let has_ended = change.task().status().is_terminal();
                let state = if has_ended { State::Ended } else { State::Held };
                self.turn_to(state, change.task().clone());
                Some(Ok(change))
            }
            Err(ApplyError::Stale { current }) => self.compare(event, current),
            Err(ApplyError::NotFound) => {
                self.state = State::Gone;
                self.check().err().map(Err)
            }
            Err(ApplyError::Backend(error)) => {
                self.in_doubt |= asked_for_end && error.is_unknown();
                Some(Err(error.into()))
            }
            Err(refusal) => Some(Err(LeaseError::Refused(refusal))),
        }
    }

    /// The error after so many tries.
    pub(super) fn contended() -> LeaseError {
        let cause =
            "expected the task unchanged between two tries, got it changed by others each time";
        BackendError::not_applied(cause).into()
    }

    /// Finds out what has happened to the task.
    fn compare(&mut self, event: &TaskEvent, current: Task) -> Option<Result<Change, LeaseError>> {
        if current.submitted_at() != self.task.submitted_at() {
            self.state = State::Gone;
            return self.check().err().map(Err);
        }
        let in_same_hands = is_in_same_hands(&self.task, &current);
        if in_same_hands && self.in_doubt && has_ended_by(event, &current) {
            let change = Change::new(self.task.status(), event.kind(), current.clone());
            self.turn_to(State::Ended, current);
            return Some(Ok(change));
        }
        let state = match current.status() {
            TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => State::Ended,
            TaskStatus::ProcessingInProgress if in_same_hands => State::Held,
            _ => State::TakenOver,
        };
        self.turn_to(state, current);
        self.check().err().map(Err)
    }

    /// Takes note of the task as it now is. An end that was asked for at its former revision, and is not what
    /// it now shows, will never be applied.
    fn turn_to(&mut self, state: State, task: Task) {
        *self = Self { task, state, asks_for_end: false, in_doubt: false };
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

/// Whether a task, as it now is, is in the hands that held it as it was: nobody has claimed it since.
fn is_in_same_hands(held: &Task, current: &Task) -> bool {
    current.attempts() == held.attempts() && !is_of_other_history(held, current)
}

/// Whether a task shows that the store has lost what it acknowledged: then the count of attempts means
/// nothing. Some that was there is missing, or revisions go on
/// [where no store comes by itself](Revision::unreached_by).
fn is_of_other_history(held: &Task, current: &Task) -> bool {
    let unreached = Revision::unreached_by(held.updated_at());
    let has_leapt = held.revision() < unreached && unreached <= current.revision();
    let is_ended = current.status().is_terminal();
    has_leapt
        || current.revision() <= held.revision()
        || current.updated_at() < held.updated_at()
        || current.progress() < held.progress()
        || (held.words().is_some() && current.words().is_none() && !is_ended)
}

/// Whether a task has ended as an event asks for.
fn has_ended_by(event: &TaskEvent, task: &Task) -> bool {
    event.outcome().is_some()
        && event.outcome() == task.outcome()
        && event.description() == task.words()
}
