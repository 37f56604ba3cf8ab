//! The shared store: threads, pointers, futures, snapshots.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use serde_json::json;
use tasklife::{
    AsyncTaskStore, Completion, InProcess, ListQuery, MemoryStore, Scope, Snapshot, StoreConfig,
    Target, Task, TaskEvent, TaskStore,
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
fn of_many_claims_each_task_goes_to_one_worker() {
    let store = MemoryStore::default();
    for number in 0..200 {
        store
            .submit(submission(if number % 3 == 0 { "a" } else { "b" }, number), second(0))
            .unwrap();
    }
    let work = || -> Vec<_> {
        std::iter::from_fn(|| store.claim(Scope::Any, second(1)).unwrap())
            .map(|change| {
                let end = TaskEvent::complete(Completion::of(1));
                store
                    .apply(Target::exactly(change.task()), end, second(1))
                    .unwrap()
                    .into_task()
                    .id()
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
fn of_several_writers_at_one_revision_one_wins() {
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

fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an in-process store answers at once"),
    }
}

#[test]
fn a_store_in_process_is_an_asynchronous_one() {
    let store: Arc<dyn AsyncTaskStore> = Arc::new(InProcess(MemoryStore::default()));
    let acme = account("acme");
    let task = now_or_never(store.submit(submission("acme", 1), second(0))).unwrap().into_task();
    assert_eq!(now_or_never(store.get(&acme, id(1), second(0))).unwrap(), Some(task));
    let claimed = now_or_never(store.claim(Scope::Any, second(1))).unwrap().unwrap().into_task();
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
    let started = store.claim(Scope::Any, second(1)).unwrap().unwrap().into_task();
    let end = TaskEvent::complete(Completion::of("x").with_resource(&json!({"a": [1]})).unwrap());
    store.apply(Target::exactly(&started), end, second(2)).unwrap();
    store.sweep(0, second(3)).unwrap();
    store
}

#[test]
fn s14_a_restored_store_goes_on_as_the_saved_one() {
    let store = store();
    let saved = serde_json::to_string(&store.snapshot()).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&saved).unwrap();
    assert_eq!(snapshot, store.snapshot());
    let restored = MemoryStore::restore(*store.config(), snapshot).unwrap();
    for seconds in 4..10 {
        let claims = [&store, &restored].map(|s| s.claim(Scope::Any, second(seconds)).unwrap());
        assert_eq!(claims[0], claims[1]);
    }
    assert_eq!(restored.snapshot(), store.snapshot());
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
                MemoryStore::restore(StoreConfig::default(), snapshot).unwrap_err().to_string()
            }
            Err(error) => error.to_string(),
        };
        assert!(error.contains(message), "{path}: {error}");
    };
    let task = |account: usize, task: usize| good["accounts"][account]["tasks"][task].clone();
    refused("/version", json!(2), "of version 1, got version 2");
    refused("/horizon", json!("never"), "RFC 3339");
    refused("/last_ticket", json!(1), "ticket");
    refused("/last_ticket", json!(u64::MAX), "of at most 4611686018427387904");
    refused("/floor", json!(i64::MAX), "of at most 4611686018427387904");
    refused("/accounts/0/clock/revision", json!(i64::MAX), "of at most 4611686018427387904");
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
    refused("/accounts/0/tasks/0/status", json!("processing-error"), "expected a completion in");
    refused("/accounts/0/tasks/0/input", json!({"text": 7}), "expected a string");
}
