//! Races at an `.await`. The suite finds them in every run and prints them as histories that
//! replay.

use std::collections::HashMap;
use std::sync::Mutex;

use tasklife::testing::{CurrentThread, Law, Suite, Violation, YieldingStore};
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, InProcess, ListError,
    ListQuery, MemoryStore, Page, Scope, StoreConfig, StoreFuture, Submission, SubmitError,
    Submitted, Swept, Target, Task, TaskEvent, TaskId, TaskStore, Timestamp,
};

tasklife::conformance! {
    mod yielding_store;
    store = |config| YieldingStore(InProcess(MemoryStore::new(config)));
}

// A cache without a race passes every law.
tasklife::conformance! {
    mod cache_without_race;
    store = |config| Cache::new(Fill::IfNewer, config);
}

#[test]
fn an_in_process_store_does_nothing_until_its_future_is_polled() {
    let store = InProcess(MemoryStore::default());
    let (account, now) = ("acme".parse::<AccountId>().unwrap(), tasklife::MIN_TIME);
    let id = TaskId::from(tasklife::uuid::Uuid::from_u128(1));
    let command = "subscriptionCreateRequest".parse().unwrap();
    drop(store.submit(Submission::new(account.clone(), id, command), now));
    assert_eq!(store.0.get(&account, id, now).unwrap(), None);
}

/// How a cache is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// A write stores its task if it is newer than the cached one. No race.
    IfNewer,
    /// A write stores its task. A race: two writes can finish in another order than in the store.
    OnWrite,
    /// A read stores its task, and a write removes it. A race: a read can finish after the write.
    OnRead,
}

/// A cache in front of a store that is a network away.
struct Cache {
    fill: Fill,
    inner: YieldingStore<InProcess<MemoryStore>>,
    tasks: Mutex<HashMap<(AccountId, TaskId), Task>>,
}

impl Cache {
    fn new(fill: Fill, config: StoreConfig) -> Self {
        let inner = YieldingStore(InProcess(MemoryStore::new(config)));
        Self { fill, inner, tasks: Mutex::default() }
    }

    fn cache_written(&self, task: &Task) {
        let key = (task.account().clone(), task.id());
        let mut tasks = self.tasks.lock().unwrap();
        match self.fill {
            Fill::OnWrite => drop(tasks.insert(key, task.clone())),
            Fill::OnRead => drop(tasks.remove(&key)),
            Fill::IfNewer => {
                let newest = tasks.entry(key).or_insert_with(|| task.clone());
                if newest.revision() < task.revision() {
                    *newest = task.clone();
                }
            }
        }
    }
}

impl AsyncTaskStore for Cache {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move {
            let submitted = self.inner.submit(submission, now).await?;
            if let Submitted::New(task) = &submitted {
                self.cache_written(task);
            }
            Ok(submitted)
        })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move {
            let change = self.inner.apply(target, event, now).await?;
            self.cache_written(change.task());
            Ok(change)
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            let claimed = self.inner.claim(scope, now).await?;
            if let Some(claimed) = &claimed {
                self.cache_written(claimed.change().task());
            }
            Ok(claimed)
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move {
            let found = self.inner.get(account, id, now).await?;
            // The store says whether the task exists. The cache says which version it has.
            let mut tasks = self.tasks.lock().unwrap();
            let key = (account.clone(), id);
            Ok(found.map(|task| match (tasks.get(&key), self.fill) {
                (Some(cached), Fill::IfNewer) if cached.revision() < task.revision() => task,
                (Some(cached), _) => cached.clone(),
                (None, Fill::OnRead) => tasks.entry(key).or_insert(task).clone(),
                (None, _) => task,
            }))
        })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        self.inner.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        self.inner.sweep(limit, now)
    }
}

fn check(suite: Suite, fill: Fill) -> Result<(), Box<Violation>> {
    suite.check(Law::S13, |config| Cache::new(fill, config), &CurrentThread)
}

#[test]
fn a_cache_that_is_filled_after_the_call_is_caught_with_every_seed() {
    for seed in 0..20 {
        for fill in [Fill::OnWrite, Fill::OnRead] {
            let Err(violation) = check(Suite::new().with_seed(seed), fill) else {
                panic!("{fill:?} is not caught with seed {seed}");
            };
            assert_eq!(violation.law(), Law::S13);
            assert!(violation.history().len() <= 10, "{fill:?}, seed {seed}: {violation}");
        }
    }
}

#[test]
fn a_violation_is_found_again_and_replays() {
    let found = check(Suite::new(), Fill::OnWrite).unwrap_err();
    assert_eq!(check(Suite::new(), Fill::OnWrite).unwrap_err(), found);
    for _ in 0..20 {
        let again =
            found.history().check(|config| Cache::new(Fill::OnWrite, config), &CurrentThread);
        assert_eq!(again.unwrap_err(), found);
    }
}

/// A reader that reads before a writer fills the cache after it. The history is as a failing test
/// prints it.
#[test]
fn a_schedule_determines_the_order_in_which_threads_run() {
    use tasklife::testing::{Event, ExpectedRevision, History, Request};

    let history = |schedule: &[u8]| {
        History::new()
            .submit(0, 0, 1, Request::NoInput)
            .thread(History::new().get(0, 0, 1))
            .thread(History::new().apply(0, 0, 1, ExpectedRevision::Any, Event::Start))
            .interleaved(schedule)
    };
    let make = |config| Cache::new(Fill::OnRead, config);
    // The reader gets its answer, the writer begins and ends, and then the reader fills the cache.
    let stale = history(&[0, 0, 1, 1, 1, 0]);
    let violation = stale.check(make, &CurrentThread).unwrap_err();
    assert!(violation.to_string().ends_with(".interleaved([0, 0, 1, 1, 1, 0])"), "{violation}");
    // One thread after the other.
    history(&[0, 0, 0, 1, 1, 1]).check(make, &CurrentThread).unwrap();
    history(&[1, 1, 1, 0, 0, 0]).check(make, &CurrentThread).unwrap();
}

/// The same kind of cache for OS threads. It is filled after the inner store has released its lock.
struct ThreadedCache<S> {
    inner: S,
    tasks: Mutex<HashMap<(AccountId, TaskId), Task>>,
}

impl<S: TaskStore> ThreadedCache<S> {
    fn new(inner: S) -> Self {
        Self { inner, tasks: Mutex::default() }
    }

    fn cache_written(&self, task: &Task) {
        let key = (task.account().clone(), task.id());
        self.tasks.lock().unwrap().insert(key, task.clone());
    }
}

impl<S: TaskStore> TaskStore for ThreadedCache<S> {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        let submitted = self.inner.submit(submission, now)?;
        self.cache_written(submitted.task());
        Ok(submitted)
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let change = self.inner.apply(target, event, now)?;
        self.cache_written(change.task());
        Ok(change)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        let claimed = self.inner.claim(scope, now)?;
        if let Some(claimed) = &claimed {
            self.cache_written(claimed.change().task());
        }
        Ok(claimed)
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        let found = self.inner.get(account, id, now)?;
        let cached = self.tasks.lock().unwrap().get(&(account.clone(), id)).cloned();
        Ok(found.map(|task| cached.unwrap_or(task)))
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.inner.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.inner.sweep(limit, now)
    }
}

/// Threads differ from run to run, above all on a single core. So one of several seeds is enough.
#[test]
fn a_racing_cache_is_caught_on_threads() {
    let make = |config| InProcess(ThreadedCache::new(YieldingStore(MemoryStore::new(config))));
    let caught = (0..5)
        .find_map(|seed| Suite::new().with_seed(seed).check(Law::S13, make, &CurrentThread).err());
    assert_eq!(caught.unwrap().law(), Law::S13);
}
