//! Races at an `.await`: found in every run, printed as histories that replay.

use std::collections::HashMap;
use std::sync::Mutex;

use tasklife::testing::{Breach, Law, Park, Suite, Yielding};
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, BackendError, Change, Claimed, InProcess, ListError,
    ListQuery, MemoryStore, Now, Page, Scope, StoreConfig, StoreFuture, Submission, SubmitError,
    Submitted, Swept, Target, Task, TaskEvent, TaskId, TaskStore,
};

tasklife::conformance! {
    mod yielding;
    store = |config| Yielding(InProcess(MemoryStore::new(config)));
}

// A cache without the race passes every law.
tasklife::conformance! {
    mod checked_cache;
    store = |config| Cache::new(Kind::Checked, config);
}

#[test]
fn a_store_in_process_does_nothing_until_its_future_is_polled() {
    let store = InProcess(MemoryStore::default());
    let (account, now) = ("acme".parse::<AccountId>().unwrap(), tasklife::MIN_TIME);
    let id = TaskId::from(tasklife::uuid::Uuid::from_u128(1));
    let command = "subscriptionCreateRequest".parse().unwrap();
    drop(store.submit(Submission::new(account.clone(), id, command), now));
    assert_eq!(store.0.get(&account, id, now).unwrap(), None);
}

/// In what way a cache is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With what is newer than what it has.
    Checked,
    /// With whatever was written last.
    Written,
    /// With whatever was read last; what is written is taken out.
    Read,
}

/// A cache of one task at a time in front of a store that is a network away.
struct Cache {
    kind: Kind,
    inner: Yielding<InProcess<MemoryStore>>,
    tasks: Mutex<HashMap<(AccountId, TaskId), Task>>,
}

impl Cache {
    fn new(kind: Kind, config: StoreConfig) -> Self {
        let inner = Yielding(InProcess(MemoryStore::new(config)));
        Self { kind, inner, tasks: Mutex::default() }
    }

    fn written(&self, task: &Task) {
        let key = (task.account().clone(), task.id());
        let mut tasks = self.tasks.lock().unwrap();
        match self.kind {
            Kind::Written => drop(tasks.insert(key, task.clone())),
            Kind::Read => drop(tasks.remove(&key)),
            Kind::Checked => {
                let newest = tasks.entry(key).or_insert_with(|| task.clone());
                if newest.revision() < task.revision() {
                    *newest = task.clone();
                }
            }
        }
    }
}

impl AsyncTaskStore for Cache {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move {
            let submitted = self.inner.submit(submission, now).await?;
            if let Submitted::New(task) = &submitted {
                self.written(task);
            }
            Ok(submitted)
        })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move {
            let change = self.inner.apply(target, event, now).await?;
            self.written(change.task());
            Ok(change)
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            let claimed = self.inner.claim(scope, now).await?;
            if let Some(claimed) = &claimed {
                self.written(claimed.change().task());
            }
            Ok(claimed)
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move {
            let found = self.inner.get(account, id, now).await?;
            // Whether it is there is the store's to say; what it looks like, the cache's.
            let mut tasks = self.tasks.lock().unwrap();
            let key = (account.clone(), id);
            Ok(found.map(|task| match (tasks.get(&key), self.kind) {
                (Some(cached), Kind::Checked) if cached.revision() < task.revision() => task,
                (Some(cached), _) => cached.clone(),
                (None, Kind::Read) => tasks.entry(key).or_insert(task).clone(),
                (None, _) => task,
            }))
        })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        self.inner.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        self.inner.sweep(limit, now)
    }
}

fn check(suite: Suite, kind: Kind) -> Result<(), Box<Breach>> {
    suite.check(Law::S13, |config| Cache::new(kind, config), &Park)
}

#[test]
fn a_cache_that_is_filled_after_the_lock_is_caught_whatever_the_seed() {
    for seed in 0..20 {
        for kind in [Kind::Written, Kind::Read] {
            let Err(breach) = check(Suite::new().with_seed(seed), kind) else {
                panic!("{kind:?} is not caught with seed {seed}");
            };
            assert_eq!(breach.law(), Law::S13);
            assert!(breach.history().len() <= 10, "{kind:?}, seed {seed}: {breach}");
        }
    }
}

#[test]
fn what_is_found_is_found_again() {
    let found = check(Suite::new(), Kind::Written).unwrap_err();
    assert_eq!(check(Suite::new(), Kind::Written).unwrap_err(), found);
    for _ in 0..20 {
        let again = found.history().check(|config| Cache::new(Kind::Written, config), &Park);
        assert_eq!(again.unwrap_err(), found);
    }
}

/// As a failed test printed it: a reader that came before a writer fills the cache after it.
#[test]
fn a_history_says_in_which_order_its_calls_go_on() {
    use tasklife::testing::{Event, Guard, History, Request};

    let history = |schedule: &[u8]| {
        History::new()
            .submit(0, 0, 1, Request::Plain)
            .thread(History::new().get(0, 0, 1))
            .thread(History::new().apply(0, 0, 1, Guard::Latest, Event::Start))
            .interleaved(schedule)
    };
    let make = |config| Cache::new(Kind::Read, config);
    // The reader has its answer, the writer begins and ends, and the reader goes on.
    let stale = history(&[0, 0, 1, 1, 1, 0]);
    let breach = stale.check(make, &Park).unwrap_err();
    assert!(breach.to_string().ends_with(".interleaved([0, 0, 1, 1, 1, 0])"), "{breach}");
    // The one after the other.
    history(&[0, 0, 0, 1, 1, 1]).check(make, &Park).unwrap();
    history(&[1, 1, 1, 0, 0, 0]).check(make, &Park).unwrap();
}

/// The same on threads: the cache's lock is let go, and then it is filled.
struct OnThreads<S> {
    inner: S,
    tasks: Mutex<HashMap<(AccountId, TaskId), Task>>,
}

impl<S: TaskStore> OnThreads<S> {
    fn new(inner: S) -> Self {
        Self { inner, tasks: Mutex::default() }
    }

    fn written(&self, task: &Task) {
        let key = (task.account().clone(), task.id());
        self.tasks.lock().unwrap().insert(key, task.clone());
    }
}

impl<S: TaskStore> TaskStore for OnThreads<S> {
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        let submitted = self.inner.submit(submission, now)?;
        self.written(submitted.task());
        Ok(submitted)
    }

    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
        let change = self.inner.apply(target, event, now)?;
        self.written(change.task());
        Ok(change)
    }

    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        let claimed = self.inner.claim(scope, now)?;
        if let Some(claimed) = &claimed {
            self.written(claimed.change().task());
        }
        Ok(claimed)
    }

    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        let found = self.inner.get(account, id, now)?;
        let cached = self.tasks.lock().unwrap().get(&(account.clone(), id)).cloned();
        Ok(found.map(|task| cached.unwrap_or(task)))
    }

    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
        self.inner.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        self.inner.sweep(limit, now)
    }
}

/// Threads differ from run to run: one seed of several is enough, also where there is a single core.
#[test]
fn such_a_cache_on_threads_is_caught() {
    let make = |config| InProcess(OnThreads::new(Yielding(MemoryStore::new(config))));
    let caught =
        (0..5).find_map(|seed| Suite::new().with_seed(seed).check(Law::S13, make, &Park).err());
    assert_eq!(caught.unwrap().law(), Law::S13);
}
