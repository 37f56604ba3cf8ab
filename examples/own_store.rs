//! A store on your own tables, as explained in "Implementing a store" (`tasklife::kit`).
//!
//! The tables are maps behind a lock, so that the example needs no database. With a database, the
//! lock becomes a transaction, each map a table or an index, and each small function of `Tables` a
//! statement. The crate's tests run the whole conformance suite on this store.
//!
//! ```text
//! cargo run --example own_store
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tasklife::kit::{Call, ClaimCandidates, Lane, Parked, SubmitDecision};
use tasklife::{
    AccountClock, AccountId, ApplyError, BackendError, Change, Claimed, CommandType, Completion,
    Lease, ListError, ListQuery, MIN_TIME, Page, Revision, Scope, StoreConfig, Submission,
    SubmitError, Submitted, Swept, Target, Task, TaskEvent, TaskId, TaskStatus, TaskStore,
    Timestamp,
};

/// The row of an account, kept for as long as it has tasks.
#[derive(Debug)]
struct AccountRow {
    clock: AccountClock,
    /// Its place in the queue of a claim over all accounts.
    ticket: u64,
    /// When a claim over all accounts has to look at it again; `None` if it is ready.
    parked: Option<Parked>,
}

/// The tables.
#[derive(Debug)]
struct Tables {
    horizon: Timestamp,
    /// The highest revision of the accounts that were forgotten.
    floor: Revision,
    last_ticket: u64,
    accounts: BTreeMap<AccountId, AccountRow>,
    tasks: BTreeMap<(AccountId, TaskId), Task>,
}

/// The statements. With a database, most of them use an index.
impl Tables {
    fn task(&self, account: &AccountId, id: TaskId) -> Option<&Task> {
        self.tasks.get(&(account.clone(), id))
    }

    fn of_account<'a>(&'a self, account: &'a AccountId) -> impl Iterator<Item = &'a Task> {
        self.tasks.values().filter(move |task| task.account() == account)
    }

    /// Returns the account's clock. A new or forgotten account begins after the floor.
    fn clock(&self, account: &AccountId) -> AccountClock {
        let known = self.accounts.get(account).map(|row| row.clock);
        known.unwrap_or_else(|| AccountClock::after(self.floor))
    }

    fn count(&self, account: &AccountId, is_counted: impl Fn(&Task) -> bool) -> usize {
        self.of_account(account).filter(|task| is_counted(task)).count()
    }

    fn expires_first(&self) -> Option<&Task> {
        self.tasks.values().min_by_key(|task| task.expires_at())
    }

    /// Reads the tasks from which a claim chooses.
    fn candidates(&self, account: &AccountId, call: &Call<'_>) -> ClaimCandidates {
        let is_in_progress = |task: &&Task| task.status() == TaskStatus::ProcessingInProgress;
        let is_received = |task: &&Task| task.status() == TaskStatus::Received;
        let visible = || self.of_account(account).filter(|task| call.is_visible(task));
        let in_progress = || visible().filter(is_in_progress);
        let hidden = self.of_account(account).filter(|task| !call.is_visible(task));
        let lane = match call.check_lane(in_progress().count()) {
            Ok(()) => Lane::Room,
            Err(_) => Lane::FullUntil(in_progress().map(Task::expires_at).min()),
        };
        ClaimCandidates {
            in_progress: in_progress().min_by_key(|task| task.revision()).cloned(),
            received: visible().filter(is_received).min_by_key(|task| task.revision()).cloned(),
            lane,
            hidden_until: hidden
                .filter(|task| is_in_progress(task) || is_received(task))
                .map(Task::expires_at)
                .max(),
        }
    }

    /// Returns the ready account that has waited longest for its turn.
    fn next_ready(&self, call: &Call<'_>) -> Option<AccountId> {
        let is_ready = |row: &AccountRow| row.parked.is_none_or(|parked| parked.should_wake(call));
        let ready = self.accounts.iter().filter(|(_, row)| is_ready(row));
        ready.min_by_key(|(_, row)| row.ticket).map(|(account, _)| account.clone())
    }

    fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Writes a task, advances its account's clock, and makes the account ready.
    fn write(&mut self, task: &Task) {
        if !self.accounts.contains_key(task.account()) {
            let (clock, ticket) = (self.clock(task.account()), self.next_ticket());
            let row = AccountRow { clock, ticket, parked: None };
            self.accounts.insert(task.account().clone(), row);
        }
        if let Some(row) = self.accounts.get_mut(task.account()) {
            row.clock.advance_to(task);
            row.parked = None;
        }
        self.tasks.insert((task.account().clone(), task.id()), task.clone());
    }

    /// Drops the task that expires first, and forgets its account if that was the last one.
    fn drop_first(&mut self) {
        let Some(task) = self.expires_first().cloned() else { return };
        self.tasks.remove(&(task.account().clone(), task.id()));
        if self.of_account(task.account()).next().is_none() {
            self.floor = self.floor.max(self.clock(task.account()).revision());
            self.accounts.remove(task.account());
        }
    }
}

/// A store on tables.
#[derive(Debug)]
pub struct OwnStore {
    config: StoreConfig,
    tables: Mutex<Tables>,
}

impl OwnStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        let tables = Tables {
            horizon: MIN_TIME,
            floor: Revision::default(),
            last_ticket: 0,
            accounts: BTreeMap::new(),
            tasks: BTreeMap::new(),
        };
        Self { config, tables: Mutex::new(tables) }
    }

    /// Begins a transaction.
    fn begin(&self, now: Timestamp) -> (MutexGuard<'_, Tables>, Call<'_>) {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let call = Call::new(&self.config, tables.horizon, now);
        (tables, call)
    }
}

impl TaskStore for OwnStore {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        let (mut tables, call) = self.begin(now);
        let account = submission.account();
        let proposal =
            match call.check_submit(&submission, tables.task(account, submission.id()))? {
                SubmitDecision::New(proposal) => proposal,
                SubmitDecision::Existing(task) => return Ok(Submitted::Existing(task)),
            };
        let mut room = None;
        if call.is_full_for(&proposal, tables.tasks.len()) {
            room = Some(call.make_room(tables.expires_first().map(Task::expires_at))?);
        }
        if call.needs_open_count() {
            let is_open = |task: &Task| call.is_visible(task) && !task.status().is_terminal();
            call.check_open(tables.count(account, is_open))?;
        }
        if let Some(horizon) = room {
            tables.drop_first();
            tables.horizon = horizon;
        }
        let clock = tables.clock(account);
        let task = call.accept(&proposal, submission, clock);
        tables.write(&task);
        Ok(Submitted::New(task))
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let (mut tables, call) = self.begin(now);
        let (account, kind) = (target.account(), event.kind());
        let task = call.permit(target, &event, tables.task(account, target.id()).cloned())?;
        if call.needs_lane(kind) {
            let is_in_progress = |task: &Task| task.status() == TaskStatus::ProcessingInProgress;
            let is_counted = |task: &Task| call.is_visible(task) && is_in_progress(task);
            call.check_lane(tables.count(account, is_counted))?;
        }
        let change = call.apply(task, event, tables.clock(account))?;
        tables.write(change.task());
        Ok(change)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        let (mut tables, call) = self.begin(now);
        let is_any = matches!(scope, Scope::Any);
        let next = |tables: &Tables| match scope {
            Scope::Any => tables.next_ready(&call),
            Scope::Account(account) => Some(account.clone()),
        };
        while let Some(account) = next(&tables) {
            match call.next_claim(tables.candidates(&account, &call)) {
                Ok(planned) => {
                    let clock = tables.clock(&account);
                    let claimed = call.claim(planned, clock).map_err(BackendError::not_applied)?;
                    tables.write(claimed.change().task());
                    let ticket = tables.next_ticket();
                    if let Some(row) = tables.accounts.get_mut(&account).filter(|_| is_any) {
                        row.ticket = ticket; // it goes to the end of the queue
                    }
                    return Ok(Some(claimed));
                }
                Err(parked) => {
                    if let Some(row) = tables.accounts.get_mut(&account) {
                        row.parked = Some(parked);
                    }
                    if !is_any {
                        break;
                    }
                }
            }
        }
        Ok(None)
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let (tables, call) = self.begin(now);
        Ok(tables.task(account, id).filter(|task| call.is_visible(task)).cloned())
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        let (tables, call) = self.begin(now);
        let is_on_page = |task: &&Task| {
            call.is_visible(task)
                && query.matches(task)
                && position.is_none_or(|position| task.revision() < position)
        };
        let mut tasks: Vec<_> = tables.of_account(account).filter(is_on_page).cloned().collect();
        tasks.sort_unstable_by_key(|task| std::cmp::Reverse(task.revision()));
        tasks.truncate(query.limit().get().saturating_add(1));
        Ok(call.page(account, query, tasks, tables.clock(account).revision()))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        let (mut tables, call) = self.begin(now);
        tables.horizon = call.horizon_after_sweep();
        let is_due =
            |tables: &Tables| tables.expires_first().is_some_and(|task| !call.is_visible(task));
        let mut dropped = 0;
        while dropped < limit && is_due(&tables) {
            tables.drop_first();
            dropped += 1;
        }
        Ok(Swept { dropped, more: is_due(&tables) })
    }
}

#[allow(dead_code, reason = "the tests have no use for it")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = OwnStore::new(StoreConfig::default());
    let now = "2026-01-01T12:00:00Z".parse()?;
    let account: AccountId = "acme".parse()?;
    let create = CommandType::from_static("subscriptionCreateRequest");
    for key in ["order-1", "order-2", "order-1"] {
        let id = TaskId::for_key(&account, key);
        let submitted = store.submit(Submission::new(account.clone(), id, create.clone()), now)?;
        println!("{key}: {}", submitted.task().status());
    }
    while let Some(claimed) = store.claim(Scope::Any, now)? {
        let Some(mut lease) = Lease::of(&store, claimed) else { continue };
        let change = lease.complete(Completion::of(1), now)?;
        println!("{}: {}", change.task().id(), change.task().status());
    }
    Ok(())
}
