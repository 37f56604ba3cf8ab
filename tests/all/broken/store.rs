//! A store with a fault.

use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use tasklife::{
    AccountClock, AccountId, ApplyError, BackendError, Change, Claimed, EventKind, ListError,
    ListQuery, MAX_TIME, MIN_TIME, Page, Retention, Revision, Scope, StoreConfig, Submission,
    SubmitError, Submitted, Swept, Target, Task, TaskError, TaskEvent, TaskId, TaskStatus,
    TaskStore, Timestamp, TransitionError,
};

use super::fault::Fault;
use Fault as F;

/// A simple store that is correct except for its fault.
pub(super) struct Broken {
    fault: Fault,
    config: StoreConfig,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    horizon: Option<Timestamp>,
    tasks: Vec<Task>,
    clocks: Vec<(AccountId, AccountClock)>,
    /// The accounts that had a turn, the latest last.
    served: Vec<AccountId>,
    /// The accounts whose lane is full, each with the instant at which a task of it expires. Used
    /// only by the faults about parked accounts.
    parked: Vec<(AccountId, Timestamp)>,
    /// The attempts of tasks that were replaced. Used only by the fault about them.
    replaced_attempts: Vec<(AccountId, TaskId, u32)>,
    /// Whether the last sweep left due tasks.
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

    /// Drops a task, if there is one, and moves the horizon to its expiry.
    fn make_room(&mut self, dropped: Option<&Task>) {
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
    pub(super) fn new(fault: Fault, config: StoreConfig) -> Self {
        Self { fault, config, state: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn instant(&self, state: &State, now: Timestamp) -> Timestamp {
        let early = TimeDelta::nanoseconds(i64::from(self.is(F::ExpiresTooLate)));
        now.max(state.horizon.unwrap_or(MIN_TIME)) - early
    }

    fn visible<'a>(&self, state: &'a State, now: Timestamp) -> impl Iterator<Item = &'a Task> {
        let instant = self.instant(state, now);
        state.tasks.iter().filter(move |task| task.is_visible_at(instant))
    }

    fn find(&self, state: &State, account: &AccountId, id: TaskId, now: Timestamp) -> Option<Task> {
        let anyone = self.is(F::ForeignTaskVisible);
        let mut tasks = self.visible(state, now);
        let half = |id: TaskId| id.as_uuid().as_u64_pair().1;
        let found = |task: &&Task| {
            let same =
                task.id() == id || self.is(F::HalfOfIdCompared) && half(task.id()) == half(id);
            same && (anyone || task.account() == account)
        };
        tasks.find(found).cloned()
    }

    fn stamp(&self, state: &State, account: &AccountId, now: Timestamp) -> tasklife::Stamp {
        let clock = state.clock(account);
        if self.is(F::UpdateTimeGoesBack) {
            AccountClock::new(clock.revision(), MIN_TIME).next(now)
        } else if self.is(F::RevisionsWrapAt255) && clock.revision().get() >= 255 {
            AccountClock::default().next(now)
        } else {
            clock.next(now)
        }
    }

    fn lane_is_full(&self, state: &State, account: &AccountId, now: Timestamp) -> bool {
        let Some(width) = self.config.max_in_progress() else { return false };
        let expired_count = self.is(F::ExpiredTaskFillsLane);
        let instant = self.instant(state, now);
        let running = state.tasks.iter().filter(|task| {
            task.account() == account
                && task.status() == TaskStatus::ProcessingInProgress
                && (expired_count || task.is_visible_at(instant))
        });
        running.count() >= width.get() as usize + usize::from(self.is(F::LaneTooWide))
    }

    fn claimable(&self, state: &State, account: &AccountId, now: Timestamp) -> Option<Task> {
        let own = || self.visible(state, now).filter(|task| task.account() == account);
        let early = TimeDelta::nanoseconds(i64::from(self.is(F::TakenOverTooEarly)));
        let silent = own().filter(|task| self.config.takeover_due(task, now + early));
        let silent = silent.filter(|_| !self.is(F::NoTakeover));
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
        let silent = if self.is(F::TakeoverInOrderOfSubmission) {
            silent.min_by_key(|task| (task.submitted_at(), task.id()))
        } else {
            silent.min_by_key(|task| task.revision())
        };
        let chosen =
            if self.is(F::ReceivedBeforeTakeover) { first.or(silent) } else { silent.or(first) };
        chosen.cloned()
    }

    /// Returns whether claims over all accounts skip this account.
    fn is_parked(&self, state: &State, account: &AccountId, now: Timestamp) -> bool {
        let clock = if self.is(F::ParkedByCallersClock) { now } else { self.instant(state, now) };
        state.parked.iter().any(|(parked, until)| parked == account && clock < *until)
    }

    /// Parks an account with a full lane until a task in progress expires.
    fn park(&self, state: &mut State, account: &AccountId, now: Timestamp) {
        if !self.is(F::ParkedByCallersClock) && !self.is(F::ReplacementDoesNotUnpark) {
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

    /// Applies a permitted event.
    fn change(
        &self,
        state: &mut State,
        mut task: Task,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, TransitionError> {
        let (from, kind) = (task.status(), event.kind());
        let stamp = self.stamp(state, task.account(), now);
        let mut retention = self.config.retention();
        let period = retention.period();
        if self.is(F::ExpiresTooEarlyAfterUpdate) && retention == Retention::since_update(period) {
            retention = Retention::since_update(period.saturating_sub(Duration::from_nanos(1)));
        }
        let is_from_end = retention.after_submission(MIN_TIME) == MAX_TIME;
        if self.is(F::EndedNeverExpires) && is_from_end {
            retention = Retention::since_end(Duration::MAX);
        }
        let behind = is_from_end && !self.is(F::EndCountedByCallersClock);
        let counted_from = if behind { now.max(state.horizon.unwrap_or(MIN_TIME)) } else { now };
        task.apply(event, retention, counted_from, stamp)?;
        state.unpark(task.account());
        state.put(task.clone());
        Ok(Change::new(from, kind, task))
    }
}

impl TaskStore for Broken {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        let mut state = self.lock();
        let account = submission.account().clone();
        let stored = |task: &&Task| task.account() == &account && task.id() == submission.id();
        let there = state.tasks.iter().find(stored).cloned();
        let visible = self.find(&state, &account, submission.id(), now);
        let found = if self.is(F::ExpiredIdNotReusable) { there.clone() } else { visible };
        if let Some(task) = found {
            let same_command = submission.command_type() == task.command_type();
            let is_repeat = match self.fault {
                F::ConflictIgnored => true,
                F::InputNotCompared => same_command,
                F::DroppedInputNotCompared if task.is_input_dropped() => same_command,
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
        if too_large && !self.is(F::InputLimitCheckedLast) {
            return Err(SubmitError::InputTooLarge { limit });
        }
        let instant = self.instant(&state, now);
        if self.config.retention().after_submission(now) <= instant {
            return Err(SubmitError::Expired);
        }
        let is_full = there.is_none() && state.tasks.len() >= self.config.max_tasks();
        let expired =
            |task: &&Task| !task.is_visible_at(instant) && !self.is(F::FullStoreKeepsExpired);
        let mut first =
            state.tasks.iter().filter(expired).min_by_key(|task| task.expires_at()).cloned();
        if self.is(F::FullStoreDropsVisible) {
            first = first.or(state.tasks.first().cloned());
        }
        if self.is(F::FullStoreDropsLastExpired) {
            first = state.tasks.iter().filter(expired).max_by_key(|t| t.expires_at()).cloned();
        }
        if is_full && first.is_none() {
            return Err(SubmitError::StoreFull);
        }
        let first = first.filter(|_| is_full);
        if self.is(F::RefusedSubmissionDropsTask) {
            state.make_room(first.as_ref());
        }
        let together = self.is(F::OpenTasksCountedOverAllAccounts);
        let still_open = |task: &Task| match (self.fault, task.outcome()) {
            (F::GivenUpCountsAsOpen, Some(Err(error))) => error.code() == "TOO_MANY_ATTEMPTS",
            (F::FailedBeforeStartCountsAsOpen, Some(Err(_))) => task.attempts() == 0,
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
        if self.is(F::FullStoreMovesHorizonToNow) && first.is_some() {
            state.horizon = Some(instant);
        }
        let horizon = state.horizon;
        state.make_room(first.as_ref());
        if self.is(F::FullStoreKeepsHorizon) {
            state.horizon = horizon;
        }
        if let Some(there) = there.filter(|_| self.is(F::AttemptsKeptForReplacement)) {
            state.replaced_attempts.push((account.clone(), there.id(), there.attempts()));
        }
        let stamp = self.stamp(&state, &account, now);
        if !self.is(F::ReplacementDoesNotUnpark) || submission.status() == TaskStatus::Received {
            state.unpark(&account);
        }
        let task = Task::new(submission, self.config.retention(), now, stamp);
        state.put(task.clone());
        Ok(Submitted::New(task))
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let mut state = self.lock();
        let task = self.find(&state, target.account(), target.id(), now);
        let task = task.ok_or(ApplyError::NotFound)?;
        let starts =
            task.status().after(event.kind()).is_some() && event.kind() == EventKind::Start;
        if self.is(F::LaneCheckedBeforeStale)
            && starts
            && self.lane_is_full(&state, task.account(), now)
        {
            return Err(ApplyError::LaneFull);
        }
        if !target.is_met_by(&task) {
            return Err(ApplyError::Stale { current: task });
        }
        if self.is(F::EndedTaskOverwritten)
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
            if self.is(F::RefusedEventChangesTask)
                && task.status() == TaskStatus::ProcessingInProgress
            {
                self.change(&mut state, task.clone(), TaskEvent::report(), now)?;
            }
            let is_same_end = task.outcome().is_some() && task.outcome() == event.outcome();
            if self.is(F::SameEndAcceptedAgain) && is_same_end {
                return Ok(Change::new(task.status(), event.kind(), task));
            }
            return Err(TransitionError::new(task.status(), event.kind()).into());
        }
        let limit = self.config.max_output();
        if event.output_len() > limit && !self.is(F::OutputNotLimited) {
            return Err(ApplyError::OutputTooLarge { limit });
        }
        if start && self.lane_is_full(&state, target.account(), now) {
            return Err(ApplyError::LaneFull);
        }
        if self.is(F::LostUpdate) {
            let mut before = state.clone();
            drop(state);
            for _ in 0..50 {
                thread::yield_now();
            }
            let change = self.change(&mut before, task, event, now)?;
            self.lock().put(change.task().clone());
            return Ok(change);
        }
        Ok(self.change(&mut state, task, event, now)?)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        let mut state = self.lock();
        let mut accounts: Vec<AccountId> = state.clocks.iter().map(|(id, _)| id.clone()).collect();
        accounts.sort();
        let last_turn =
            |account: &AccountId| state.served.iter().rposition(|other| other == account);
        if !self.is(F::NoTurns) {
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
        let is_turn = !self.is(F::TakeoverIsNoTurn) || task.status() == TaskStatus::Received;
        if scope == Scope::Any && is_turn || self.is(F::ClaimOfAccountCountsAsTurn) {
            state.served.push(task.account().clone());
        }
        let from = task.status();
        if from == TaskStatus::Received && self.is(F::ClaimedTwice) {
            drop(state);
            for _ in 0..50 {
                thread::yield_now();
            }
            let change = self.change(&mut self.lock(), task, TaskEvent::start(), now);
            return change.map(Claimed::from).map(Some).map_err(BackendError::not_applied);
        }
        if from == TaskStatus::Received {
            let change = self.change(&mut state, task, TaskEvent::start(), now);
            return change.map(Claimed::from).map(Some).map_err(BackendError::not_applied);
        }
        let early = u32::from(self.is(F::GivenUpTooEarly));
        let of_this = |(account, id, _): &&(AccountId, TaskId, u32)| {
            (account, *id) == (task.account(), task.id())
        };
        let replaced_attempts =
            state.replaced_attempts.iter().rev().find(of_this).map_or(0, |(_, _, count)| *count);
        let is_given_up =
            task.attempts() + early + replaced_attempts >= self.config.max_attempts().get();
        if is_given_up && !self.is(F::NeverGivenUp) {
            let end = TaskEvent::fail(TaskError::too_many_attempts(task.attempts()));
            let change = self.change(&mut state, task, end, now);
            let change = change.map_err(BackendError::not_applied)?;
            let silent = self.is(F::GivenUpReportedAsWork);
            let claimed = if silent { Claimed::Work(change) } else { Claimed::from(change) };
            return Ok(Some(claimed));
        }
        let stamp = self.stamp(&state, task.account(), now);
        task.take_over(self.config.retention(), now, stamp).map_err(BackendError::not_applied)?;
        state.put(task.clone());
        Ok(Some(Claimed::from(Change::new(from, EventKind::Report, task))))
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let mut state = self.lock();
        let found = self.find(&state, account, id, now);
        if self.is(F::ReadUpdatesTask)
            && let Some(task) = &found
            && task.status() == TaskStatus::ProcessingInProgress
        {
            let _ = self.change(&mut state, task.clone(), TaskEvent::report(), now);
        }
        Ok(found)
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let state = self.lock();
        let position = match query.position(account) {
            Err(_) if self.is(F::ForeignCursorAccepted) => None,
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
                task.revision() < at || self.is(F::CursorRepeatsTask) && task.revision() == at
            })
        };
        let late_filter = self.is(F::FilterAfterLimit);
        let itself = self.is(F::ChangedSinceInclusive);
        let fits = |task: &Task| {
            let later_page = position.is_some() && query.statuses().count() < TaskStatus::ALL.len();
            let forgets = self.is(F::ChangedSinceLostOnLaterPages) && later_page;
            let asked = query.statuses().any(|status| status == task.status());
            let matches = query.matches(task)
                || forgets && asked
                || itself && query.since() == Some(task.revision());
            let one = !self.is(F::OnlyFirstStatusMatched)
                || query.statuses().count() == TaskStatus::ALL.len()
                || Some(task.status()) == one_status;
            is_after(task) && one && (late_filter || matches)
        };
        let mut tasks: Vec<Task> = all.into_iter().filter(|task| fits(task)).collect();
        if moved && self.is(F::CursorSkipsAfterUpdate) && !tasks.is_empty() {
            tasks.remove(0);
        }
        let limit = query.limit().get();
        let more = tasks.len() > limit || self.is(F::CursorOnLastPage) && tasks.len() == limit;
        tasks.truncate(if self.is(F::PageTooShort) && limit > 1 { limit - 1 } else { limit });
        let next = tasks.last().filter(|_| more).map(|last| query.cursor(account, last.revision()));
        if self.is(F::PagesEndAtForty) {
            tasks.truncate(40);
        }
        tasks.retain(|task| !late_filter || query.matches(task));
        if self.is(F::SortedByUpdateTime) {
            tasks.sort_by_key(|task| (std::cmp::Reverse(task.updated_at()), task.id()));
        }
        let clock = state.clock(account);
        let ahead = self.is(F::PageRevisionTooHigh);
        let revision: Revision = if ahead { clock.next(now).revision() } else { clock.revision() };
        Ok(Page::new(tasks, next, revision))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        let mut state = self.lock();
        if !self.is(F::HorizonIgnored) {
            let back = self.is(F::HorizonMovesBack);
            state.horizon = if back { Some(now) } else { state.horizon.max(Some(now)) };
        }
        let early = if self.is(F::SweepDropsVisible) { 2 } else { 0 };
        let instant = self.instant(&state, now) + TimeDelta::seconds(early);
        let mut due: Vec<Task> =
            state.tasks.iter().filter(|task| !task.is_visible_at(instant)).cloned().collect();
        due.sort_by_key(|task| (task.expires_at(), task.account().clone(), task.id()));
        let more = due.len() > limit;
        due.truncate(limit);
        if self.is(F::SweepDropsReplacement) {
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
        let counts_limit = self.is(F::SecondSweepReportsLimit) && state.is_partly_swept;
        state.is_partly_swept = more;
        Ok(Swept { dropped: if counts_limit { limit } else { due.len() }, more })
    }
}
