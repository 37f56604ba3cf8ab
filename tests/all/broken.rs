//! Stores that are broken in one way each: the conformance suite catches every one, by the law that
//! it breaks, with a history of a handful of calls.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use tasklife::testing::{Breach, Law, Park, Suite};
use tasklife::{
    AccountClock, AccountId, ApplyError, BackendError, Change, Claimed, EventKind, InProcess,
    ListError, ListQuery, MAX_TIME, MIN_TIME, Now, Page, Retention, Revision, Scope, StoreConfig,
    Submission, SubmitError, Submitted, Swept, Target, Task, TaskError, TaskEvent, TaskId,
    TaskStatus, TaskStore, TransitionError,
};

/// In what way a store is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    ConflictIgnored,
    InputIgnored,
    JsonComparedAsText,
    LimitsInAnotherOrder,
    OneAccountStarves,
    SilentWorkerForgotten,
    TiesLost,
    TimeGoesBack,
    CursorOnTheLastPage,
    PageTooShort,
    CursorRepeats,
    CursorSkipsAfterUpdate,
    FilterAfterTheLimit,
    CursorOfAnyone,
    ChangedSinceItself,
    ExpiryOffByANanosecond,
    KeptTooShort,
    HorizonForgotten,
    ExpiredIdStaysTaken,
    SweepDropsTheVisible,
    FullStoreEvicts,
    FullStoreRefuses,
    FullStoreSweeps,
    LastExpiredGoesFirst,
    PlaceWithoutHorizon,
    PlaceMadeForTheRefused,
    ReadTouches,
    EndOverwritten,
    RefusedEventLeavesATrace,
    RevisionsRestart,
    PageAheadOfItself,
    OtherAccountsRead,
    OpenTasksCountedTogether,
    LaneLetsOneMoreIn,
    ExpiredTaskHoldsTheLane,
    NewestClaimedFirst,
    LostUpdate,
    SweepDropsTheReplacement,
    TakenOverAtTheInstant,
    TakenOverForEver,
    GivenUpTooEarly,
    GivenUpInSilence,
    TakenOverAfterTheReceived,
    OwnClaimIsATurn,
    RevisionsSortedAsText,
    SeveralStatusesAsOne,
    HorizonMovesBack,
    HalfAnIdIsEnough,
    ClaimedTwice,
    ReplacementWakesNobody,
    ParkedByOwnClock,
    LongPagesLoseTheirTail,
    ListsEndAtFifty,
    ListsEndAtThousand,
    RevisionsOfAByte,
    SinceLostOnLaterPages,
    TakeoverNoTurn,
    SilentBySubmission,
    LaneBeforeStale,
    AttemptsOutlive,
    GivenUpStillOpen,
    FailedAtOnceStillOpen,
    TakeoverNeedsLane,
    SameEndAccepted,
    SecondSweepCountsItsLimit,
    EndedIsKept,
    EndByItsOwnClock,
    AnyOutputTaken,
    LetGoInputIsAnyInput,
}

use Fault as F;

/// Each fault, what it is, and the law that it breaks.
const FAULTS: [(Fault, &str, Law); 69] = [
    (
        F::ConflictIgnored,
        "the same id with another request gives the task that is there",
        Law::Methods,
    ),
    (F::InputIgnored, "another input makes no other request", Law::Methods),
    (F::JsonComparedAsText, "JSON that is spelled otherwise makes another request", Law::Methods),
    (F::LimitsInAnotherOrder, "an input too large is refused after a full account", Law::Methods),
    (
        F::OneAccountStarves,
        "`claim` serves the same account as long as it has something",
        Law::Methods,
    ),
    (
        F::SilentWorkerForgotten,
        "a task whose worker fell silent is never handed out again",
        Law::Methods,
    ),
    (F::TiesLost, "a list is sorted by update time, ties by id", Law::S1),
    (F::TimeGoesBack, "the update time is the caller's, even if that is earlier", Law::S1),
    (F::CursorOnTheLastPage, "a full page has a cursor though nothing follows", Law::S2),
    (F::PageTooShort, "a page ends one task early", Law::S2),
    (F::CursorRepeats, "a page begins with the last task of the one before", Law::S3),
    (F::CursorSkipsAfterUpdate, "a cursor whose task has moved skips the next one", Law::S4),
    (F::FilterAfterTheLimit, "a page is cut before it is filtered", Law::S2),
    (F::CursorOfAnyone, "a cursor from elsewhere is taken", Law::S5),
    (
        F::ChangedSinceItself,
        "\"changed since\" a revision gives the task of that revision too",
        Law::S5,
    ),
    (F::ExpiryOffByANanosecond, "a task is still there at the instant it expires", Law::S6),
    (F::KeptTooShort, "a task is kept a nanosecond less after an update", Law::S6),
    (F::HorizonForgotten, "what a sweep left is visible to clocks that are behind", Law::S6),
    (F::ExpiredIdStaysTaken, "an expired task is found by the submission of its id", Law::S6),
    (F::SweepDropsTheVisible, "a sweep drops what will expire within two seconds", Law::S7),
    (F::FullStoreEvicts, "a full store drops its oldest task to make room", Law::S7),
    (F::FullStoreRefuses, "a full store refuses, though it has what expired", Law::S7),
    (F::FullStoreSweeps, "a full store hides all that is expired for the caller", Law::S6),
    (F::LastExpiredGoesFirst, "a full store drops the task that expired last", Law::S6),
    (F::PlaceWithoutHorizon, "a task that made room hides no other", Law::S6),
    (F::PlaceMadeForTheRefused, "a full store makes room for what it then refuses", Law::S7),
    (F::ReadTouches, "a read counts as an update", Law::S8),
    (F::EndOverwritten, "a late failure overwrites a completion", Law::S9),
    (F::RefusedEventLeavesATrace, "a refused event is counted as an attempt", Law::S9),
    (F::RevisionsRestart, "an account that comes back counts from 1 again", Law::S10),
    (F::PageAheadOfItself, "a page's revision is that of the event to come", Law::S10),
    (F::OtherAccountsRead, "a task is found by its id alone", Law::S11),
    (F::OpenTasksCountedTogether, "the limit of open tasks counts all accounts'", Law::S11),
    (F::LaneLetsOneMoreIn, "a lane lets in one more than it is wide", Law::S12),
    (F::ExpiredTaskHoldsTheLane, "an expired task keeps its place in the lane", Law::S12),
    (F::NewestClaimedFirst, "`claim` starts the task that was received last", Law::S12),
    (
        F::TakenOverAtTheInstant,
        "a task is taken over at the instant its silence ends",
        Law::Methods,
    ),
    (F::TakenOverForEver, "a task is taken over, however often it was", Law::Methods),
    (F::GivenUpTooEarly, "a task is given up an attempt early", Law::Methods),
    (F::GivenUpInSilence, "a task that is given up is said to be work", Law::Methods),
    (
        F::TakenOverAfterTheReceived,
        "received tasks come before those to be taken over",
        Law::Methods,
    ),
    (F::OwnClaimIsATurn, "a claim of one account counts as its turn", Law::Methods),
    (F::RevisionsSortedAsText, "a list is sorted by revision, as text", Law::S1),
    (F::SeveralStatusesAsOne, "of several statuses only the first is asked for", Law::S5),
    (F::HorizonMovesBack, "a sweep with an earlier time brings the horizon back", Law::S6),
    (F::HalfAnIdIsEnough, "a task is found by the second half of its id", Law::S6),
    (
        F::ReplacementWakesNobody,
        "who waits for an expired task in progress hears nothing of an initialized one in its place",
        Law::S12,
    ),
    (
        F::ParkedByOwnClock,
        "who waits for a task to expire hears of the caller's clock, and not of the horizon",
        Law::S12,
    ),
    (F::LongPagesLoseTheirTail, "a page of more than 40 tasks loses the others", Law::S6),
    (F::ListsEndAtFifty, "a list ends after 50 tasks", Law::S6),
    (F::ListsEndAtThousand, "a list ends after 1,000 tasks", Law::S6),
    (F::RevisionsOfAByte, "after revision 255 comes 1", Law::S10),
    (
        F::SinceLostOnLaterPages,
        "of changes in a status, the second page has more than changes",
        Law::S5,
    ),
    (F::TakeoverNoTurn, "a takeover counts as no turn", Law::Methods),
    (F::SilentBySubmission, "of silent tasks, the one submitted first is first", Law::Methods),
    (F::LaneBeforeStale, "a full lane is refused before a stale revision", Law::S12),
    (F::AttemptsOutlive, "attempts of an expired task count for its replacement", Law::Methods),
    (F::GivenUpStillOpen, "a task that was given up still counts as open", Law::Methods),
    (F::FailedAtOnceStillOpen, "a task that failed before its start counts as open", Law::Methods),
    (F::TakeoverNeedsLane, "a lane of two that is full keeps off a takeover", Law::Methods),
    (F::SameEndAccepted, "the same end is accepted once more", Law::S9),
    (F::SecondSweepCountsItsLimit, "what a second sweep drops is its limit", Law::Methods),
    (F::EndedIsKept, "what has ended never expires, where the retention begins there", Law::S6),
    (
        F::EndByItsOwnClock,
        "what a clock ends that is behind the horizon may be gone at once",
        Law::S7,
    ),
    (F::AnyOutputTaken, "words and outcomes of any length are taken", Law::Methods),
    (
        F::LetGoInputIsAnyInput,
        "where an input was let go, another makes no other request",
        Law::Methods,
    ),
    (F::ClaimedTwice, "a task is claimed after the lock was let go", Law::S13),
    (F::LostUpdate, "a task is written after the lock was let go", Law::S13),
    (
        F::SweepDropsTheReplacement,
        "a sweep drops what took the place of a task that was due",
        Law::S13,
    ),
];

/// A plain store, correct but for its fault.
struct Broken {
    fault: Fault,
    config: StoreConfig,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    horizon: Option<Now>,
    tasks: Vec<Task>,
    clocks: Vec<(AccountId, AccountClock)>,
    /// The accounts that were served, the last one last.
    served: Vec<AccountId>,
    /// The accounts whose lane is full, and until when by expiry: only for the faults about that.
    parked: Vec<(AccountId, Now)>,
    /// How often what they replaced had been attempted: only for the fault about that.
    outlived: Vec<(AccountId, TaskId, u32)>,
    /// Whether a sweep has left something.
    is_partly_swept: bool,
}

impl State {
    fn clock(&self, account: &AccountId) -> AccountClock {
        let known = self.clocks.iter().find(|(id, _)| id == account);
        known.map(|(_, clock)| *clock).unwrap_or_default()
    }

    fn put(&mut self, task: Task) {
        let mut clock = self.clock(task.account());
        clock.advance_to(&task);
        self.clocks.retain(|(id, _)| id != task.account());
        self.clocks.push((task.account().clone(), clock));
        self.remove(task.account(), task.id());
        self.tasks.push(task);
    }

    /// Drops a task, if it is still there, and hides what expired when it did.
    fn make_place(&mut self, dropped: Option<&Task>) {
        if let Some(task) = dropped {
            self.horizon = self.horizon.max(Some(task.expires_at()));
            self.remove(task.account(), task.id());
        }
    }

    fn unpark(&mut self, account: &AccountId) {
        self.parked.retain(|(parked, _)| parked != account);
    }

    fn remove(&mut self, account: &AccountId, id: TaskId) {
        self.tasks.retain(|task| (task.account(), task.id()) != (account, id));
    }
}

impl Broken {
    fn new(fault: Fault, config: StoreConfig) -> Self {
        Self { fault, config, state: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn instant(&self, state: &State, now: Now) -> Now {
        let early = TimeDelta::nanoseconds(i64::from(self.is(F::ExpiryOffByANanosecond)));
        now.max(state.horizon.unwrap_or(MIN_TIME)) - early
    }

    fn visible<'a>(&self, state: &'a State, now: Now) -> impl Iterator<Item = &'a Task> {
        let instant = self.instant(state, now);
        state.tasks.iter().filter(move |task| task.is_visible_at(instant))
    }

    fn find(&self, state: &State, account: &AccountId, id: TaskId, now: Now) -> Option<Task> {
        let anyone = self.is(F::OtherAccountsRead);
        let mut tasks = self.visible(state, now);
        let half = |id: TaskId| id.as_uuid().as_u64_pair().1;
        let found = |task: &&Task| {
            let same =
                task.id() == id || self.is(F::HalfAnIdIsEnough) && half(task.id()) == half(id);
            same && (anyone || task.account() == account)
        };
        tasks.find(found).cloned()
    }

    fn stamp(&self, state: &State, account: &AccountId, now: Now) -> tasklife::Stamp {
        let clock = state.clock(account);
        if self.is(F::TimeGoesBack) {
            AccountClock::new(clock.revision(), MIN_TIME).next(now)
        } else if self.is(F::RevisionsOfAByte) && clock.revision().get() >= 255 {
            AccountClock::default().next(now)
        } else {
            clock.next(now)
        }
    }

    fn lane_is_full(&self, state: &State, account: &AccountId, now: Now) -> bool {
        let Some(width) = self.config.max_in_progress() else { return false };
        let expired_count = self.is(F::ExpiredTaskHoldsTheLane);
        let instant = self.instant(state, now);
        let running = state.tasks.iter().filter(|task| {
            task.account() == account
                && task.status() == TaskStatus::ProcessingInProgress
                && (expired_count || task.is_visible_at(instant))
        });
        running.count() >= width.get() as usize + usize::from(self.is(F::LaneLetsOneMoreIn))
    }

    fn claimable(&self, state: &State, account: &AccountId, now: Now) -> Option<Task> {
        let own = || self.visible(state, now).filter(|task| task.account() == account);
        let early = TimeDelta::nanoseconds(i64::from(self.is(F::TakenOverAtTheInstant)));
        let silent = own().filter(|task| self.config.takeover_due(task, now + early));
        let silent = silent.filter(|_| !self.is(F::SilentWorkerForgotten));
        let received = || own().filter(|task| task.status() == TaskStatus::Received);
        let first = if self.is(F::NewestClaimedFirst) {
            received().max_by_key(|task| task.revision())
        } else {
            received().min_by_key(|task| task.revision())
        };
        let first = first.filter(|_| !self.lane_is_full(state, account, now));
        let wide = self.config.max_in_progress().is_some_and(|width| width.get() > 1);
        let keeps_off = self.is(F::TakeoverNeedsLane) && wide;
        let silent = silent.filter(|_| !keeps_off || !self.lane_is_full(state, account, now));
        let silent = if self.is(F::SilentBySubmission) {
            silent.min_by_key(|task| (task.submitted_at(), task.id()))
        } else {
            silent.min_by_key(|task| task.revision())
        };
        let chosen =
            if self.is(F::TakenOverAfterTheReceived) { first.or(silent) } else { silent.or(first) };
        chosen.cloned()
    }

    /// Whether claims over all accounts pass this one over.
    fn is_parked(&self, state: &State, account: &AccountId, now: Now) -> bool {
        let clock = if self.is(F::ParkedByOwnClock) { now } else { self.instant(state, now) };
        state.parked.iter().any(|(parked, until)| parked == account && clock < *until)
    }

    /// Parks an account that a claim over all accounts found with a full lane, until there is room.
    fn park(&self, state: &mut State, account: &AccountId, now: Now) {
        if !self.is(F::ParkedByOwnClock) && !self.is(F::ReplacementWakesNobody) {
            return;
        }
        let running = self.visible(state, now).filter(|task| {
            task.account() == account && task.status() == TaskStatus::ProcessingInProgress
        });
        let until = running.map(Task::expires_at).min();
        if let Some(until) = until.filter(|_| self.lane_is_full(state, account, now)) {
            state.unpark(account);
            state.parked.push((account.clone(), until));
        }
    }

    fn changed(
        &self,
        state: &mut State,
        mut task: Task,
        event: TaskEvent,
        now: Now,
    ) -> Result<Change, TransitionError> {
        let (from, kind) = (task.status(), event.kind());
        let stamp = self.stamp(state, task.account(), now);
        let mut retention = self.config.retention();
        let period = retention.period();
        if self.is(F::KeptTooShort) && retention == Retention::since_update(period) {
            retention = Retention::since_update(period.saturating_sub(Duration::from_nanos(1)));
        }
        let is_from_end = retention.after_submission(MIN_TIME) == MAX_TIME;
        if self.is(F::EndedIsKept) && is_from_end {
            retention = Retention::since_end(Duration::MAX);
        }
        let behind = is_from_end && !self.is(F::EndByItsOwnClock);
        let counted_from = if behind { now.max(state.horizon.unwrap_or(MIN_TIME)) } else { now };
        task.apply(event, retention, counted_from, stamp)?;
        state.unpark(task.account());
        state.put(task.clone());
        Ok(Change::new(from, kind, task))
    }
}

impl TaskStore for Broken {
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        let mut state = self.lock();
        let account = submission.account().clone();
        let stored = |task: &&Task| task.account() == &account && task.id() == submission.id();
        let there = state.tasks.iter().find(stored).cloned();
        let visible = self.find(&state, &account, submission.id(), now);
        let found = if self.is(F::ExpiredIdStaysTaken) { there.clone() } else { visible };
        if let Some(task) = found {
            let same_command = submission.command_type() == task.command_type();
            let is_repeat = match self.fault {
                F::ConflictIgnored => true,
                F::InputIgnored => same_command,
                F::LetGoInputIsAnyInput if task.is_input_dropped() => same_command,
                F::JsonComparedAsText if !task.is_input_dropped() => {
                    same_command && submission.input() == task.input()
                }
                _ => submission.is_repeat_of(&task),
            };
            return if is_repeat {
                Ok(Submitted::Existing(task))
            } else {
                Err(SubmitError::Conflict)
            };
        }
        let limit = self.config.max_input();
        let too_large = submission.input().len() > limit;
        if too_large && !self.is(F::LimitsInAnotherOrder) {
            return Err(SubmitError::InputTooLarge { limit });
        }
        let instant = self.instant(&state, now);
        if self.config.retention().after_submission(now) <= instant {
            return Err(SubmitError::Expired);
        }
        let is_full = there.is_none() && state.tasks.len() >= self.config.max_tasks();
        let expired = |task: &&Task| !task.is_visible_at(instant) && !self.is(F::FullStoreRefuses);
        let mut first =
            state.tasks.iter().filter(expired).min_by_key(|task| task.expires_at()).cloned();
        if self.is(F::FullStoreEvicts) {
            first = first.or(state.tasks.first().cloned());
        }
        if self.is(F::LastExpiredGoesFirst) {
            first = state.tasks.iter().filter(expired).max_by_key(|t| t.expires_at()).cloned();
        }
        if is_full && first.is_none() {
            return Err(SubmitError::StoreFull);
        }
        let first = first.filter(|_| is_full);
        if self.is(F::PlaceMadeForTheRefused) {
            state.make_place(first.as_ref());
        }
        let together = self.is(F::OpenTasksCountedTogether);
        let still_open = |task: &Task| match (self.fault, task.outcome()) {
            (F::GivenUpStillOpen, Some(Err(error))) => error.code() == "TOO_MANY_ATTEMPTS",
            (F::FailedAtOnceStillOpen, Some(Err(_))) => task.attempts() == 0,
            (_, outcome) => outcome.is_none(),
        };
        let open = self
            .visible(&state, now)
            .filter(|task| still_open(task) && (together || task.account() == &account));
        if open.count() >= self.config.max_open() {
            return Err(SubmitError::AccountFull);
        }
        if too_large {
            return Err(SubmitError::InputTooLarge { limit });
        }
        if self.is(F::FullStoreSweeps) && first.is_some() {
            state.horizon = Some(instant);
        }
        let horizon = state.horizon;
        state.make_place(first.as_ref());
        if self.is(F::PlaceWithoutHorizon) {
            state.horizon = horizon;
        }
        if let Some(there) = there.filter(|_| self.is(F::AttemptsOutlive)) {
            state.outlived.push((account.clone(), there.id(), there.attempts()));
        }
        let stamp = self.stamp(&state, &account, now);
        if !self.is(F::ReplacementWakesNobody) || submission.status() == TaskStatus::Received {
            state.unpark(&account);
        }
        let task = Task::new(submission, self.config.retention(), now, stamp);
        state.put(task.clone());
        Ok(Submitted::New(task))
    }

    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
        let mut state = self.lock();
        let task = self.find(&state, target.account(), target.id(), now);
        let task = task.ok_or(ApplyError::NotFound)?;
        let starts =
            task.status().after(event.kind()).is_some() && event.kind() == EventKind::Start;
        if self.is(F::LaneBeforeStale) && starts && self.lane_is_full(&state, task.account(), now) {
            return Err(ApplyError::LaneBusy);
        }
        if !target.is_met_by(&task) {
            return Err(ApplyError::Stale { current: task });
        }
        if self.is(F::EndOverwritten)
            && task.status() == TaskStatus::ProcessingCompleted
            && event.kind() == EventKind::Fail
        {
            let stamp = self.stamp(&state, task.account(), now);
            let submission =
                Submission::new(task.account().clone(), task.id(), task.command_type().clone());
            let retention = Retention::since_submission(
                (task.expires_at() - task.submitted_at()).to_std().unwrap(),
            );
            let begin = AccountClock::default().next(task.submitted_at());
            let mut failed = Task::new(submission, retention, task.submitted_at(), begin);
            failed.apply(event, retention, now, stamp)?;
            state.put(failed.clone());
            return Ok(Change::new(task.status(), EventKind::Fail, failed));
        }
        let start = event.kind() == EventKind::Start;
        if task.status().after(event.kind()).is_none() {
            if self.is(F::RefusedEventLeavesATrace)
                && task.status() == TaskStatus::ProcessingInProgress
            {
                self.changed(&mut state, task.clone(), TaskEvent::report(), now)?;
            }
            let is_same_end = task.outcome().is_some() && task.outcome() == event.outcome();
            if self.is(F::SameEndAccepted) && is_same_end {
                return Ok(Change::new(task.status(), event.kind(), task));
            }
            return Err(TransitionError::new(task.status(), event.kind()).into());
        }
        let limit = self.config.max_output();
        if event.output_len() > limit && !self.is(F::AnyOutputTaken) {
            return Err(ApplyError::OutputTooLarge { limit });
        }
        if start && self.lane_is_full(&state, target.account(), now) {
            return Err(ApplyError::LaneBusy);
        }
        if self.is(F::LostUpdate) {
            let mut before = state.clone();
            drop(state);
            for _ in 0..50 {
                thread::yield_now();
            }
            let change = self.changed(&mut before, task, event, now)?;
            self.lock().put(change.task().clone());
            return Ok(change);
        }
        Ok(self.changed(&mut state, task, event, now)?)
    }

    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        let mut state = self.lock();
        let mut accounts: Vec<AccountId> = state.clocks.iter().map(|(id, _)| id.clone()).collect();
        accounts.sort();
        let last_turn =
            |account: &AccountId| state.served.iter().rposition(|other| other == account);
        if !self.is(F::OneAccountStarves) {
            accounts.sort_by_key(last_turn);
        }
        accounts.retain(|account| match scope {
            Scope::Any => !self.is_parked(&state, account, now),
            Scope::Account(only) => account == only,
        });
        let found = accounts.iter().find_map(|account| self.claimable(&state, account, now));
        let Some(mut task) = found else {
            for account in accounts.iter().filter(|_| scope == Scope::Any) {
                self.park(&mut state, account, now);
            }
            return Ok(None);
        };
        let is_turn = !self.is(F::TakeoverNoTurn) || task.status() == TaskStatus::Received;
        if scope == Scope::Any && is_turn || self.is(F::OwnClaimIsATurn) {
            state.served.push(task.account().clone());
        }
        let from = task.status();
        if from == TaskStatus::Received && self.is(F::ClaimedTwice) {
            drop(state);
            for _ in 0..50 {
                thread::yield_now();
            }
            let change = self.changed(&mut self.lock(), task, TaskEvent::start(), now);
            return change.map(Claimed::from).map(Some).map_err(BackendError::not_applied);
        }
        if from == TaskStatus::Received {
            let change = self.changed(&mut state, task, TaskEvent::start(), now);
            return change.map(Claimed::from).map(Some).map_err(BackendError::not_applied);
        }
        let early = u32::from(self.is(F::GivenUpTooEarly));
        let of_this = |(account, id, _): &&(AccountId, TaskId, u32)| {
            (account, *id) == (task.account(), task.id())
        };
        let outlived = state.outlived.iter().rev().find(of_this).map_or(0, |(_, _, count)| *count);
        let is_given_up = task.attempts() + early + outlived >= self.config.max_attempts().get();
        if is_given_up && !self.is(F::TakenOverForEver) {
            let end = TaskEvent::fail(TaskError::too_many_attempts(task.attempts()));
            let change = self.changed(&mut state, task, end, now);
            let change = change.map_err(BackendError::not_applied)?;
            let silent = self.is(F::GivenUpInSilence);
            let claimed = if silent { Claimed::Work(change) } else { Claimed::from(change) };
            return Ok(Some(claimed));
        }
        let stamp = self.stamp(&state, task.account(), now);
        task.take_over(self.config.retention(), now, stamp).map_err(BackendError::not_applied)?;
        state.put(task.clone());
        Ok(Some(Claimed::from(Change::new(from, EventKind::Report, task))))
    }

    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let mut state = self.lock();
        let found = self.find(&state, account, id, now);
        if self.is(F::ReadTouches)
            && let Some(task) = &found
            && task.status() == TaskStatus::ProcessingInProgress
        {
            let _ = self.changed(&mut state, task.clone(), TaskEvent::report(), now);
        }
        Ok(found)
    }

    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
        let state = self.lock();
        let position = match query.position(account) {
            Err(_) if self.is(F::CursorOfAnyone) => None,
            position => position?,
        };
        let own = self.visible(&state, now).filter(|task| task.account() == account);
        let mut all: Vec<Task> = own.cloned().collect();
        all.sort_by_key(|task| std::cmp::Reverse(task.revision()));
        if self.is(F::RevisionsSortedAsText) {
            all.sort_by_key(|task| std::cmp::Reverse(task.revision().to_string()));
        }
        if self.is(F::ListsEndAtFifty) {
            all.truncate(50);
        }
        if self.is(F::ListsEndAtThousand) {
            all.truncate(1_000);
        }
        let one_status = query.statuses().next();
        let moved = position.is_some_and(|at| all.iter().all(|task| task.revision() != at));
        let is_after = |task: &Task| {
            position.is_none_or(|at| {
                task.revision() < at || self.is(F::CursorRepeats) && task.revision() == at
            })
        };
        let late_filter = self.is(F::FilterAfterTheLimit);
        let itself = self.is(F::ChangedSinceItself);
        let fits = |task: &Task| {
            let later_page = position.is_some() && query.statuses().count() < TaskStatus::ALL.len();
            let forgets = self.is(F::SinceLostOnLaterPages) && later_page;
            let asked = query.statuses().any(|status| status == task.status());
            let matches = query.matches(task)
                || forgets && asked
                || itself && query.since() == Some(task.revision());
            let one = !self.is(F::SeveralStatusesAsOne)
                || query.statuses().count() == TaskStatus::ALL.len()
                || Some(task.status()) == one_status;
            is_after(task) && one && (late_filter || matches)
        };
        let mut tasks: Vec<Task> = all.into_iter().filter(|task| fits(task)).collect();
        if moved && self.is(F::CursorSkipsAfterUpdate) && !tasks.is_empty() {
            tasks.remove(0);
        }
        let limit = query.limit().get();
        let more = tasks.len() > limit || self.is(F::CursorOnTheLastPage) && tasks.len() == limit;
        tasks.truncate(if self.is(F::PageTooShort) && limit > 1 { limit - 1 } else { limit });
        let next = tasks.last().filter(|_| more).map(|last| query.cursor(account, last.revision()));
        if self.is(F::LongPagesLoseTheirTail) {
            tasks.truncate(40);
        }
        tasks.retain(|task| !late_filter || query.matches(task));
        if self.is(F::TiesLost) {
            tasks.sort_by_key(|task| (std::cmp::Reverse(task.updated_at()), task.id()));
        }
        let clock = state.clock(account);
        let ahead = self.is(F::PageAheadOfItself);
        let revision: Revision = if ahead { clock.next(now).revision() } else { clock.revision() };
        Ok(Page::new(tasks, next, revision))
    }

    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        let mut state = self.lock();
        if !self.is(F::HorizonForgotten) {
            let back = self.is(F::HorizonMovesBack);
            state.horizon = if back { Some(now) } else { state.horizon.max(Some(now)) };
        }
        let early = if self.is(F::SweepDropsTheVisible) { 2 } else { 0 };
        let instant = self.instant(&state, now) + TimeDelta::seconds(early);
        let mut due: Vec<Task> =
            state.tasks.iter().filter(|task| !task.is_visible_at(instant)).cloned().collect();
        due.sort_by_key(|task| (task.expires_at(), task.account().clone(), task.id()));
        let more = due.len() > limit;
        due.truncate(limit);
        if self.is(F::SweepDropsTheReplacement) {
            drop(state);
            for _ in 0..50 {
                thread::yield_now();
            }
            state = self.lock();
        }
        for task in &due {
            state.remove(task.account(), task.id());
        }
        if self.is(F::RevisionsRestart) {
            let State { tasks, clocks, .. } = &mut *state;
            clocks.retain(|(id, _)| tasks.iter().any(|task| task.account() == id));
        }
        let counts_limit = self.is(F::SecondSweepCountsItsLimit) && state.is_partly_swept;
        state.is_partly_swept = more;
        Ok(Swept { dropped: if counts_limit { limit } else { due.len() }, more })
    }
}

fn check(fault: Fault, law: Law) -> Result<(), Box<Breach>> {
    Suite::new().check(law, |config| InProcess(Broken::new(fault, config)), &Park)
}

#[test]
fn the_store_that_the_faults_are_put_into_is_sound() {
    for law in Law::ALL {
        if let Err(breach) = check(Fault::None, law) {
            panic!("{breach}");
        }
    }
}

#[test]
fn every_broken_store_is_caught_by_its_law_with_a_short_history() {
    let halves = FAULTS.chunks(FAULTS.len().div_ceil(2));
    let found = thread::scope(|scope| {
        let half = |faults: &'static [(Fault, &str, Law)]| {
            faults.iter().map(|(fault, _, law)| check(*fault, *law).err()).collect::<Vec<_>>()
        };
        let halves: Vec<_> = halves.map(|faults| scope.spawn(move || half(faults))).collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<Vec<_>>()
    });
    let mut table = String::from("| broken in that | law | calls |\n|---|---|---|\n");
    let mut missed = Vec::new();
    for ((fault, what, law), breach) in FAULTS.iter().zip(found) {
        let Some(breach) = breach else {
            missed.push(format!("{law} does not catch {fault:?}"));
            continue;
        };
        if breach.law() != *law {
            missed.push(format!("{law} does not catch {fault:?}, but finds: {breach}"));
            continue;
        }
        let calls = breach.history().len();
        let handful = match fault {
            F::RevisionsSortedAsText => 12,  // it takes ten revisions
            F::LongPagesLoseTheirTail => 42, // it takes so many tasks
            F::ListsEndAtFifty => 52,
            F::ListsEndAtThousand => 1_006,
            F::RevisionsOfAByte => 256,
            _ if law.is_concurrent() => 15, // threads differ from run to run
            _ => 8,
        };
        if calls > handful {
            missed.push(format!("{fault:?} takes {calls} calls to be caught:\n{breach}"));
        }
        let calls = if law.is_concurrent() { "differs".into() } else { calls.to_string() };
        writeln!(table, "| {what} | {law} | {calls} |").unwrap();
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let documented = include_str!("../../src/testing/broken.md");
    assert_eq!(documented, table, "src/testing/broken.md is to be:\n{table}");
}

#[test]
fn small_worlds_catch_what_takes_two_calls() {
    for fault in [
        F::ConflictIgnored,
        F::ExpiredIdStaysTaken,
        F::ExpiryOffByANanosecond,
        F::FullStoreEvicts,
        F::FullStoreRefuses,
        F::OpenTasksCountedTogether,
        F::OtherAccountsRead,
        F::SweepDropsTheVisible,
    ] {
        let found = Suite::exhaust(2, |config| InProcess(Broken::new(fault, config)), &Park);
        let breach = found.expect_err(&format!("{fault:?}"));
        assert!(breach.history().len() <= 3, "{fault:?}: {breach}");
    }
}

/// Histories that are made for one law come upon breaches of others.
#[test]
fn a_breach_of_another_law_is_reported_unless_that_law_is_left_out() {
    let make = |config| InProcess(Broken::new(F::ExpiryOffByANanosecond, config));
    let breach = Suite::new().check(Law::S1, make, &Park).unwrap_err();
    assert_ne!(breach.law(), Law::S1, "{breach}");
    let law = breach.law();
    assert!(breach.to_string().starts_with(&format!("law {law} is broken")), "{breach}");

    let others: Vec<Law> = Law::ALL.into_iter().filter(|law| *law != Law::S1).collect();
    Suite::new().without(others.clone()).check(Law::S1, make, &Park).unwrap();
    // A law that is asked for is not passed over.
    let breach = Suite::new().without(others).check(Law::S6, make, &Park).unwrap_err();
    assert_eq!(breach.law(), Law::S6);
}
