//! What is certain after a failure: locked files and full files.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tasklife::{
    ApplyError, BackendError, Completion, Scope, StoreConfig, SubmitError, Submitted, Target,
    TaskEvent, TaskStatus, TaskStore,
};
use tasklife_sqlite::SqliteStore;

use crate::support::{
    Place, account, block_on, chain, everything, id, options, second, submission,
};

fn backend_error<T: std::fmt::Debug>(result: Result<T, SubmitError>) -> BackendError {
    match result {
        Err(SubmitError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    }
}

/// Asserts that an error says that nothing was applied, and why.
#[track_caller]
fn assert_not_applied(error: &BackendError, why: &str) {
    assert!(!error.is_unknown(), "{error:?}");
    assert!(chain(error).contains(why), "{}", chain(error));
}

#[test]
fn nothing_is_applied_while_another_process_locks_the_file() {
    let place = Place::new();
    let impatient = options().with_busy_timeout(Duration::from_millis(20));
    let store = impatient.open(place.path(), StoreConfig::default()).unwrap();
    let task = store.submit(submission("acme", 1), second(0)).unwrap().into_task();
    let store: &dyn TaskStore = &store;

    let other = place.connect();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = "expected the file to be free, got it locked";
    assert_not_applied(&backend_error(store.submit(submission("acme", 2), second(1))), locked);
    match store.apply(Target::exactly(&task), TaskEvent::start(), second(1)) {
        Err(ApplyError::Backend(error)) => assert_not_applied(&error, locked),
        other => panic!("expected the backend to fail, got {other:?}"),
    }
    assert_not_applied(&store.claim(Scope::Any, second(1)).unwrap_err(), locked);
    assert_not_applied(&store.sweep(1, second(1)).unwrap_err(), locked);
    // Reads don't wait.
    assert_eq!(store.get(&account("acme"), id(1), second(1)).unwrap(), Some(task.clone()));
    assert_eq!(store.get(&account("acme"), id(2), second(1)).unwrap(), None);
    other.execute_batch("ROLLBACK").unwrap();

    let started = store.claim(Scope::Any, second(1)).unwrap().unwrap().into_work().unwrap();
    assert_eq!((started.id(), started.attempts()), (task.id(), 1));
    let new = store.submit(submission("acme", 2), second(1)).unwrap();
    assert!(matches!(new, Submitted::New(_)), "{new:?}");
}

#[test]
fn a_new_file_that_another_process_locks_is_not_opened() {
    let place = Place::new();
    let other = place.connect();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let impatient = options().with_busy_timeout(Duration::from_millis(20));
    let error = impatient.open(place.path(), StoreConfig::default()).unwrap_err();
    let message = chain(&error);
    assert!(message.contains("expected the file to be free, got it locked"), "{message}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(everything(&place.open(), "acme", second(0)), []);
}

#[test]
fn the_longest_possible_patience_is_accepted() {
    let place = Place::new();
    let patient = options().with_busy_timeout(Duration::MAX);
    let store = patient.open(place.path(), StoreConfig::default()).unwrap();
    let other = place.connect();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let submitting = thread::spawn(move || store.submit(submission("acme", 1), second(0)));
    thread::sleep(Duration::from_millis(50));
    other.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(submitting.join().unwrap(), Ok(Submitted::New(_))));
}

const ROOM: &str = "expected room";

/// Opens a store in a file of at most 64 pages.
fn open_small(place: &Place) -> SqliteStore {
    options().with_max_bytes(64 * 4096).open(place.path(), StoreConfig::default()).unwrap()
}

/// Submits tasks until the file has no room for another, and returns their number.
fn fill(store: &SqliteStore, bytes: usize) -> u64 {
    for number in 0..10_000 {
        let large = submission("acme", number).with_input(vec![b'x'; bytes]);
        match store.submit(large, second(0)) {
            Ok(_) => {}
            failed => {
                assert_not_applied(&backend_error(failed), ROOM);
                return number;
            }
        }
    }
    panic!("expected the file to be full by now");
}

#[test]
fn a_full_file_keeps_what_it_has_and_a_sweep_makes_room() {
    let place = Place::new();
    let store = open_small(&place);
    let tasks = fill(&store, 3_000);
    assert!(tasks > 10, "only {tasks} tasks");
    let before = everything(&store, "acme", second(0));
    assert_eq!(before.len() as u64, tasks);
    let again = submission("acme", 7).with_input(vec![b'x'; 3_000]);
    let again = store.submit(again, second(0)).unwrap();
    assert!(matches!(again, Submitted::Existing(_)), "{again:?}");

    // An event that makes a task much larger is refused like a new task.
    let resource = BTreeMap::from([("text", "x".repeat(9_000))]);
    let end = TaskEvent::complete(Completion::default().with_resource(&resource).unwrap());
    let started = store.claim(Scope::Any, second(0)).unwrap().unwrap().into_work().unwrap();
    match store.apply(Target::exactly(&started), end.clone(), second(0)) {
        Err(ApplyError::Backend(error)) => assert_not_applied(&error, ROOM),
        other => panic!("expected the backend to fail, got {other:?}"),
    }
    let found = store.get(&account("acme"), started.id(), second(0)).unwrap();
    assert_eq!(found.as_ref(), Some(&started));

    // A reopened store finds the same.
    drop(store);
    let store = open_small(&place);
    assert_eq!(everything(&store, "acme", second(0)).len(), before.len());
    let late = second(10_000_000);
    let swept = store.sweep(usize::MAX, late).unwrap();
    assert_eq!((swept.dropped as u64, swept.more), (tasks, false));
    store.submit(submission("acme", 1).with_input(vec![b'x'; 3_000]), late).unwrap();
    let started = store.claim(Scope::Any, late).unwrap().unwrap().into_work().unwrap();
    let ended = store.apply(Target::exactly(&started), end, late).unwrap();
    assert_eq!(ended.task().status(), TaskStatus::ProcessingCompleted);
}

#[test]
fn a_full_file_that_may_grow_accepts_tasks_again() {
    let place = Place::new();
    let tasks = {
        let store = open_small(&place);
        fill(&store, 3_000)
    };
    let store = place.open();
    store.submit(submission("acme", tasks), second(0)).unwrap();
    assert_eq!(everything(&store, "acme", second(0)).len() as u64, tasks + 1);
}

#[test]
fn a_file_without_room_for_the_tables_is_not_opened() {
    let place = Place::new();
    let tiny = options().with_max_bytes(0);
    let error = tiny.open(place.path(), StoreConfig::default()).unwrap_err();
    assert!(chain(&error).contains(ROOM), "{}", chain(&error));
    assert_eq!(everything(&place.open(), "acme", second(0)), []);
}

/// Another process locks the file until all calls wait, so that they are committed together. One of
/// them has no room.
#[test]
fn a_failed_call_does_not_undo_acknowledged_calls_of_its_group() {
    let place = Place::new();
    let store = open_small(&place);
    let sizes = [10, 20, 400_000, 30, 40];
    let submit = |number: usize| {
        let submission = submission("acme", number as u64).with_input(vec![b'x'; sizes[number]]);
        store.submit(submission, second(0))
    };
    let other = place.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut calls: Vec<_> = (0..sizes.len())
        .map(|number| {
            let submission =
                submission("acme", number as u64).with_input(vec![b'x'; sizes[number]]);
            tasklife::AsyncTaskStore::submit(&store, submission, second(0))
        })
        .collect();
    for call in &mut calls {
        assert!(is_pending(call));
    }
    other.execute_batch("ROLLBACK").unwrap();
    for (number, call) in calls.into_iter().enumerate() {
        let found = || {
            let found = store.get(&account("acme"), id(number as u64), second(0));
            found.unwrap()
        };
        match block_on(call) {
            Ok(submitted) => assert_eq!(found().as_ref(), Some(submitted.task())),
            failed => {
                assert_not_applied(&backend_error(failed), "");
                assert_eq!(found(), None);
            }
        }
    }
    for number in 0..sizes.len() {
        assert_eq!(submit(number).is_ok(), number != 2);
    }
}

/// Polls a call once, which sends it to the thread that writes.
fn is_pending<F: Future + ?Sized>(call: &mut Pin<Box<F>>) -> bool {
    matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

/// Calls are committed together while the file fills up.
#[test]
fn exactly_the_acknowledged_tasks_of_concurrent_threads_are_stored() {
    const THREADS: u64 = 8;
    let place = Place::new();
    let store = open_small(&place);
    let start = Barrier::new(usize::try_from(THREADS).unwrap());
    let answers: Vec<(u64, Option<tasklife::Task>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (store, start) = (&store, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut answers = Vec::new();
                    let mut refused = 0;
                    for number in 0.. {
                        let number = number * THREADS + thread;
                        // When one size has no room, a smaller one may still have.
                        let bytes = [100, 5_000, 1_000, 12_000][(number % 7 % 4) as usize];
                        let new = submission("acme", number).with_input(vec![b'x'; bytes]);
                        match store.submit(new, second(0)) {
                            Ok(submitted) => answers.push((number, Some(submitted.into_task()))),
                            failed => {
                                assert!(!backend_error(failed).is_unknown());
                                answers.push((number, None));
                                refused += 1;
                            }
                        }
                        if refused == 20 {
                            break;
                        }
                    }
                    answers
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    drop(store);
    let store = place.open();
    for (number, task) in &answers {
        let found = store.get(&account("acme"), id(*number), second(0)).unwrap();
        assert_eq!(found, *task);
    }
    let acknowledged = answers.iter().filter(|(_, task)| task.is_some()).count();
    assert_eq!(everything(&store, "acme", second(0)).len(), acknowledged);
    let swept = store.sweep(usize::MAX, second(10_000_000)).unwrap();
    assert_eq!(swept.dropped, acknowledged);
}
