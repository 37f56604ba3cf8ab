//! The store in memory: threads, pointers, futures, snapshots.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use serde_json::json;
use tasklife::{
    ApplyError, AsyncTaskStore, Completion, InProcess, ListQuery, MemoryStore, Revision, Scope,
    Snapshot, StoreConfig, Target, Task, TaskEvent, TaskId, TaskStatus, TaskStore,
};

use crate::support::{account, id, second, submission};

const fn is_send_and_sync<T: Send + Sync + Unpin + 'static>() {}

const _: () = {
    is_send_and_sync::<MemoryStore>();
    is_send_and_sync::<Task>();
    is_send_and_sync::<tasklife::ApplyError>();
    is_send_and_sync::<Arc<dyn TaskStore>>();
    is_send_and_sync::<Box<dyn AsyncTaskStore>>();
};

#[test]
fn concurrent_claims_give_each_task_to_one_worker() {
    let store = MemoryStore::default();
    for number in 0..200 {
        store
            .submit(submission(if number % 3 == 0 { "a" } else { "b" }, number), second(0))
            .unwrap();
    }
    let work = || -> Vec<_> {
        std::iter::from_fn(|| store.claim(Scope::Any, second(1)).unwrap())
            .map(|claimed| {
                let end = TaskEvent::complete(Completion::of(1));
                let started = claimed.into_work().unwrap();
                store.apply(Target::exactly(&started), end, second(1)).unwrap().task().id()
            })
            .collect()
    };
    let mut done = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    done.sort_unstable();
    assert!(done.into_iter().eq((0..200).map(id)));
}

#[test]
fn one_of_several_writers_at_the_same_revision_wins() {
    let store = MemoryStore::default();
    for number in 0..100 {
        let task = store.submit(submission("acme", number), second(0)).unwrap().into_task();
        let write = || store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).is_ok();
        let winners = thread::scope(|scope| {
            let writers: Vec<_> = (0..3).map(|_| scope.spawn(write)).collect();
            writers.into_iter().filter_map(|writer| writer.join().ok()).filter(|won| *won).count()
        });
        assert_eq!(winners, 1);
    }
}

#[test]
fn a_struct_with_a_dyn_store_can_derive_debug() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "what they are is printed")]
    struct Server {
        blocking: Arc<dyn TaskStore>,
        asynchronous: Box<dyn AsyncTaskStore>,
        shared: Arc<dyn AsyncTaskStore + Send + Sync>,
    }

    let server = Server {
        blocking: Arc::new(MemoryStore::default()),
        asynchronous: Box::new(InProcess(MemoryStore::default())),
        shared: Arc::new(InProcess(MemoryStore::default())),
    };
    assert_eq!(
        format!("{server:?}"),
        "Server { blocking: dyn TaskStore, asynchronous: dyn AsyncTaskStore, \
         shared: dyn AsyncTaskStore }"
    );
}

#[test]
fn a_page_iterates_over_its_tasks() {
    let store = MemoryStore::default();
    for number in 1..=3 {
        store.submit(submission("acme", number), second(0)).unwrap();
    }
    let page = store.list(&account("acme"), &ListQuery::default(), second(0)).unwrap();
    let borrowed: Vec<TaskId> = (&page).into_iter().map(Task::id).collect();
    let owned: Vec<TaskId> = page.into_iter().map(|task| task.id()).collect();
    assert_eq!((borrowed, owned), ([3, 2, 1].map(id).into(), [3, 2, 1].map(id).into()));
}

#[test]
fn an_event_can_target_a_task_at_a_revision() {
    let (store, acme) = (MemoryStore::default(), account("acme"));
    let task = store.submit(submission("acme", 1), second(0)).unwrap().into_task();
    let target = Target::at(&acme, task.id(), task.revision());
    assert_eq!(target, Target::exactly(&task));
    store.apply(target, TaskEvent::start(), second(1)).unwrap();
    let again = store.apply(target, TaskEvent::start(), second(1));
    assert!(matches!(again, Err(ApplyError::Stale { .. })));
}

fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an in-process store answers at once"),
    }
}

#[test]
fn an_in_process_store_is_an_asynchronous_store() {
    let store: Arc<dyn AsyncTaskStore> = Arc::new(InProcess(MemoryStore::default()));
    let acme = account("acme");
    let task = now_or_never(store.submit(submission("acme", 1), second(0))).unwrap().into_task();
    assert_eq!(now_or_never(store.get(&acme, id(1), second(0))).unwrap(), Some(task));
    let claimed =
        now_or_never(store.claim(Scope::Any, second(1))).unwrap().unwrap().into_work().unwrap();
    let report = store.apply(Target::exactly(&claimed), TaskEvent::report(), second(2));
    assert_eq!(now_or_never(report).unwrap().task().updated_at(), second(2));
    let page = now_or_never(store.list(&acme, &ListQuery::default(), second(2))).unwrap();
    assert_eq!(page.tasks().len(), 1);
    assert_eq!(now_or_never(store.sweep(9, second(2))).unwrap().dropped, 0);
}

/// A store with a bit of everything.
fn store() -> MemoryStore {
    let store = MemoryStore::default();
    for (name, number) in [("b", 1), ("a", 1), ("a", 2), ("c", 1)] {
        store.submit(submission(name, number).with_input(*b"\xFF"), second(0)).unwrap();
    }
    let started = store.claim(Scope::Any, second(1)).unwrap().unwrap().into_work().unwrap();
    let end = TaskEvent::complete(Completion::of("x").with_resource(&json!({"a": [1]})).unwrap());
    store.apply(Target::exactly(&started), end, second(2)).unwrap();
    store.sweep(0, second(3)).unwrap();
    store
}

/// A snapshot that was serialized and deserialized.
fn saved(store: &MemoryStore) -> Snapshot {
    serde_json::from_str(&serde_json::to_string(&store.snapshot()).unwrap()).unwrap()
}

fn restored(store: &MemoryStore, snapshot: Snapshot, seconds: i64) -> MemoryStore {
    MemoryStore::restore(*store.config(), snapshot, second(seconds)).unwrap()
}

/// The parts of a task that a restoration keeps: not its revision and attempts.
fn facts(task: &Task) -> (TaskId, TaskStatus, tasklife::Timestamp) {
    (task.id(), task.status(), task.updated_at())
}

#[test]
fn s14_a_restored_store_goes_on_as_the_saved_one() {
    let store = store();
    let snapshot = saved(&store);
    assert_eq!(snapshot, store.snapshot());
    let restored = restored(&store, snapshot, 3);
    let list = |store: &MemoryStore, name: &str| {
        store.list(&account(name), &ListQuery::default(), second(3)).unwrap()
    };
    for name in ["a", "b", "c", "d"] {
        assert_eq!(list(&restored, name).tasks(), list(&store, name).tasks());
    }
    for seconds in 4..10 {
        let claims = [&store, &restored].map(|store| {
            let claimed = store.claim(Scope::Any, second(seconds)).unwrap();
            claimed.map(|claimed| facts(claimed.change().task()))
        });
        assert_eq!(claims[0], claims[1]);
    }
    let swept = [&store, &restored].map(|store| store.sweep(9, second(864_000)).unwrap());
    assert_eq!((swept[0], swept[0].dropped), (swept[1], 4));
}

#[test]
fn s14_a_restored_store_gives_out_only_new_revisions() {
    let store = store();
    let snapshot = saved(&store);
    // The lost histories: of the saved store, and of two restored stores that crashed.
    let lost = [restored(&store, snapshot.clone(), 10), restored(&store, snapshot.clone(), 20)];
    let kept = restored(&store, snapshot, 30);
    let mut seen = BTreeSet::new();
    for (number, store) in [&store].into_iter().chain(&lost).chain([&kept]).enumerate() {
        let at = second(10 * i64::try_from(number).unwrap() + 5);
        for name in ["a", "b", "new"] {
            let new = store.submit(submission(name, 50), at).unwrap().into_task();
            let started = store.apply(Target::exactly(&new), TaskEvent::start(), at).unwrap();
            for revision in [new.revision(), started.task().revision()] {
                assert!(seen.insert((name, revision)), "{revision} for the second time");
            }
        }
    }
}

#[test]
fn s14_a_worker_from_a_lost_history_is_refused_as_stale() {
    let store = MemoryStore::default();
    let acme = account("acme");
    store.submit(submission("acme", 1), second(0)).unwrap();
    let snapshot = saved(&store);
    let work = |store: &MemoryStore, at| {
        let started = store.claim(Scope::Any, second(at)).unwrap().unwrap().into_work().unwrap();
        let report = TaskEvent::report().with_description(format!("{at}"));
        store.apply(Target::exactly(&started), report, second(at)).unwrap().into_task()
    };
    let lost = work(&store, 1);
    for start in [100, 200, 300] {
        let again = restored(&store, snapshot.clone(), start);
        let before = again.get(&acme, id(1), second(start)).unwrap();
        let stale = again.apply(Target::exactly(&lost), TaskEvent::report(), second(start));
        assert!(
            matches!(stale, Err(ApplyError::Stale { current }) if Some(&current) == before.as_ref())
        );
        work(&again, start + 1);
        let stale = again.apply(Target::exactly(&lost), TaskEvent::report(), second(start + 2));
        assert!(matches!(stale, Err(ApplyError::Stale { .. })));
    }
}

#[test]
fn s14_since_a_page_from_a_lost_history_every_task_has_changed() {
    let store = MemoryStore::default();
    let acme = account("acme");
    let submit = |store: &MemoryStore, number, at| {
        store.submit(submission("acme", number), second(at)).unwrap();
    };
    let page = |store: &MemoryStore, since: Option<Revision>| {
        let query = since.map_or(ListQuery::default(), |r| ListQuery::default().changed_since(r));
        let page = store.list(&acme, &query, second(900)).unwrap();
        let ids = page.tasks().iter().map(|task| task.id().as_uuid().as_u128()).collect::<Vec<_>>();
        (page.revision(), ids)
    };
    submit(&store, 1, 0);
    let early = page(&store, None).0;
    submit(&store, 2, 0);
    let (good, snapshot) = (page(&store, None).0, saved(&store));
    store.claim(Scope::Any, second(1)).unwrap().unwrap().into_work().unwrap();
    let lost = page(&store, None).0;

    let first = restored(&store, snapshot, 100);
    for (since, changed) in [(early, vec![2]), (good, vec![]), (lost, vec![2, 1])] {
        assert_eq!(page(&first, Some(since)).1, changed, "before anything happens");
    }
    submit(&first, 3, 101);
    let between = page(&first, None).0;
    let snapshot = saved(&first);
    submit(&first, 4, 102);
    let lost_again = page(&first, None).0;

    // A second restoration, and a restoration of its snapshot.
    let second = restored(&first, snapshot, 200);
    submit(&second, 5, 201);
    for store in [&restored(&second, saved(&second), 300), &second] {
        for (since, changed) in [
            (early, vec![5, 3, 2]),
            (good, vec![5, 3]),
            (lost, vec![5, 3, 2, 1]),
            (between, vec![5]),
            (lost_again, vec![5, 3, 2, 1]),
            (page(&second, None).0, vec![]),
        ] {
            assert_eq!(page(store, Some(since)).1, changed, "since {since}");
        }
    }
}

#[test]
fn s14_with_a_stopped_clock_revisions_still_differ_from_the_lost_ones() {
    let store = store();
    let (snapshot, none) = (saved(&store), tasklife::MIN_TIME);
    let again = MemoryStore::restore(*store.config(), snapshot, none).unwrap();
    let lost = store.submit(submission("a", 7), second(9)).unwrap().into_task();
    let new = again.submit(submission("a", 7), second(9)).unwrap().into_task();
    assert!(new.revision().get() > lost.revision().get() + 1_000_000);
}

#[test]
fn a_store_restored_from_an_empty_snapshot_gives_out_new_revisions() {
    let config = StoreConfig::default();
    let before = MemoryStore::new(config);
    let lost = before.submit(submission("acme", 1), second(0)).unwrap().into_task();
    let store = MemoryStore::restore(config, Snapshot::default(), second(1)).unwrap();
    store.submit(submission("acme", 1), second(1)).unwrap();
    let stale = store.apply(Target::exactly(&lost), TaskEvent::start(), second(1));
    assert!(matches!(stale, Err(ApplyError::Stale { .. })));
}

#[test]
fn a_snapshot_that_no_store_made_is_refused() {
    let good = serde_json::to_value(store().snapshot()).unwrap();
    assert_eq!(good["accounts"][0]["account"], "a");
    let refused = |path: &str, value: serde_json::Value, message: &str| {
        let mut altered = good.clone();
        *altered.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = value;
        let error = match serde_json::from_value::<Snapshot>(altered) {
            Ok(snapshot) => {
                let restored = MemoryStore::restore(StoreConfig::default(), snapshot, second(9));
                restored.unwrap_err().to_string()
            }
            Err(error) => error.to_string(),
        };
        assert!(error.contains(message), "{path}: {error}");
    };
    let task = |account: usize, task: usize| good["accounts"][account]["tasks"][task].clone();
    refused("/version", json!(1), "of version 2, got version 1");
    refused("/horizon", json!("never"), "RFC 3339");
    refused("/last_ticket", json!(1), "ticket");
    refused("/last_ticket", json!(u64::MAX), "of at most 4611686018427387904");
    refused("/floor", json!(i64::MAX), "of at most 4611686018427387904");
    refused("/accounts/0/clock/revision", json!(i64::MAX), "of at most 4611686018427387904");
    refused("/accounts/0/gaps", json!([{"after": 5, "before": 4}]), "ascending order");
    refused("/accounts/0/gaps", json!([{"after": 5, "before": 1_000_000}]), "ascending order");
    refused("/accounts/0/gaps", json!([{"after": 0, "before": 2}]), "within a gap");
    refused("/restorations", json!([7]), "none above the floor");
    refused("/accounts/0/ticket", json!(0), "ticket");
    refused("/accounts/0/ticket", good["accounts"][1]["ticket"].clone(), "ticket");
    refused("/accounts/0/account", json!("c"), "expected tasks of this account");
    refused("/accounts/1", good["accounts"][0].clone(), "expected each account once");
    refused("/accounts/0/tasks", json!([]), "at least one task");
    refused("/accounts/0/tasks/0", task(1, 0), "expected tasks of this account");
    refused("/accounts/0/tasks/1", task(0, 0), "expected each task once");
    refused("/accounts/0/tasks/0/revision", json!(2), "out of order");
    refused("/accounts/0/clock/revision", json!(1), "out of order");
    refused("/accounts/0/clock/updated_at", json!("2000-01-01T00:00:00Z"), "out of order");
    refused("/accounts/0/tasks/0/status", json!("processing-error"), "expected an error and no");
    refused("/accounts/0/tasks/0/input", json!({"text": 7}), "expected a string");
}
