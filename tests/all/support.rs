//! What several modules need: short ways to the values that a test is about.

#[cfg(feature = "audit")]
use std::{env::consts::EXE_SUFFIX, path::PathBuf};

use std::sync::{Mutex, MutexGuard};

use tasklife::{
    AccountClock, AccountId, ApplyError, BackendError, Change, Claimed, CommandType, ListError,
    ListQuery, LocalStore, Page, Retention, Scope, StoreConfig, Submission, SubmitError, Submitted,
    Swept, Target, Task, TaskEvent, TaskId, TaskStore, Timestamp,
};

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many seconds after a fixed instant.
pub(crate) fn second(seconds: i64) -> Timestamp {
    at("2019-08-08T00:00:00Z") + chrono::TimeDelta::seconds(seconds)
}

pub(crate) fn nanosecond() -> chrono::TimeDelta {
    chrono::TimeDelta::nanoseconds(1)
}

pub(crate) fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(crate) fn id(number: u128) -> TaskId {
    TaskId::from(uuid::Uuid::from_u128(number))
}

pub(crate) fn submission(name: &str, number: u128) -> Submission {
    Submission::new(account(name), id(number), CREATE)
}

/// A task outside any store, as its first revision.
pub(crate) fn task(submission: Submission, now: Timestamp) -> Task {
    Task::new(submission, Retention::default(), now, AccountClock::default().next(now))
}

/// The path of an example: tests are in `deps`, beside `examples`.
#[cfg(feature = "audit")]
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(
        program.exists(),
        "expected the example at {}: run `cargo build --all-features --example {name}`",
        program.display()
    );
    program
}

/// A store for one thread as one that can be shared, to be tested like others.
pub(crate) struct Local(pub(crate) Mutex<LocalStore>);

impl Local {
    pub(crate) fn new(config: StoreConfig) -> Self {
        LocalStore::new(config).into()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LocalStore> {
        self.0.lock().unwrap()
    }
}

impl From<LocalStore> for Local {
    fn from(store: LocalStore) -> Self {
        Self(Mutex::new(store))
    }
}

impl TaskStore for Local {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        self.lock().submit(submission, now)
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        self.lock().apply(target, event, now)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        self.lock().claim(scope, now)
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        self.lock().get(account, id, now)
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.lock().list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.lock().sweep(limit, now)
    }
}
