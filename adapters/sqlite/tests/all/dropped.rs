//! Dropping stores and futures while calls are pending.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use tasklife::{Notifies, Scope, StoreConfig, TaskStore};
use tasklife_sqlite::SqliteStore;

use tasklife_test_support::TIMEOUT;

use crate::support::{Place, account, block_on, everything, id, second, submission};

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_dropped_future_does_not_affect_other_calls() {
    let place = Place::new();
    let store = place.open();
    block_on(async {
        for number in 0..100 {
            let mut dropped =
                tasklife::AsyncTaskStore::submit(&store, submission("acme", 2 * number), second(0));
            // Every second submission is never polled.
            if number % 2 == 0 {
                let _ = poll(&mut dropped);
            }
            let mut read = tasklife::AsyncTaskStore::sweep(&store, 1, second(0));
            let _ = poll(&mut read);
            drop(dropped);
            drop(read);
            let other = submission("acme", 2 * number + 1);
            tasklife::AsyncTaskStore::submit(&store, other, second(0)).await.unwrap();
        }
    });
    // A submission that was polled is written before the later ones.
    assert_eq!(everything(&store, "acme", second(0)).len(), 150);
}

#[test]
fn pending_writes_are_completed_when_the_store_is_dropped() {
    let place = Place::new();
    let store = place.open();
    let other = place.connect();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..300 {
        let mut call =
            tasklife::AsyncTaskStore::submit(&store, submission("acme", number), second(0));
        assert!(poll(&mut call).is_pending());
    }
    let dropping = thread::spawn(move || drop(store));
    other.execute_batch("ROLLBACK").unwrap();
    dropping.join().unwrap();
    assert_eq!(everything(&place.open(), "acme", second(0)).len(), 300);
}

#[test]
fn clones_on_other_threads_work_after_the_store_is_dropped() {
    let place = Place::new();
    let store = place.open();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = store.clone();
            thread::spawn(move || {
                for number in 0..25 {
                    let new = submission("acme", thread * 100 + number);
                    let new = tasklife::AsyncTaskStore::submit(&store, new, second(0));
                    let task = block_on(new).unwrap().into_task();
                    let acme = account("acme");
                    let get = tasklife::AsyncTaskStore::get(&store, &acme, task.id(), second(0));
                    assert_eq!(block_on(get).unwrap(), Some(task));
                }
            })
        })
        .collect();
    drop(store);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(everything(&place.open(), "acme", second(0)).len(), 100);
}

/// A task of an executor. It owns its future, and its wakers own it.
struct Spawned {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    /// Dropped with the future, which signals the receiver.
    _end: Sender<()>,
}

impl Wake for Spawned {
    fn wake(self: Arc<Self>) {
        // The executor has ended and never polls the task again.
    }
}

/// An executor ends while calls are pending. The last clone of the store then belongs to the waker
/// of a task, which a thread of the store drops.
#[test]
fn a_store_may_be_dropped_by_its_own_threads() {
    type Begin = fn(SqliteStore) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    let calls: [Begin; 3] = [
        |store| {
            Box::pin(async move {
                let _ = tasklife::AsyncTaskStore::submit(&store, submission("acme", 1), second(0))
                    .await;
            })
        },
        |store| {
            Box::pin(async move {
                let _ =
                    tasklife::AsyncTaskStore::get(&store, &account("acme"), id(1), second(0)).await;
            })
        },
        |store| {
            Box::pin(async move {
                let mut notified = store.notified();
                let mut submitted =
                    tasklife::AsyncTaskStore::submit(&store, submission("acme", 2), second(0));
                poll_fn(|context| {
                    let _ = submitted.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    notified.as_mut().poll(context)
                })
                .await;
            })
        },
    ];
    for begin in calls {
        let place = Place::new();
        let store = place.open();
        let other = place.connect();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let future = begin(store.clone());
        let (end, ended) = channel();
        let spawned = Arc::new(Spawned { future: Mutex::new(Some(future)), _end: end });
        let waker = Waker::from(spawned.clone());
        {
            let mut future = spawned.future.lock().unwrap();
            let _ = future.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
        }
        drop(waker);
        drop(spawned);
        for number in 10..310 {
            let new = submission("acme", number);
            assert!(
                poll(&mut tasklife::AsyncTaskStore::submit(&store, new, second(0))).is_pending()
            );
        }
        let dropping = thread::spawn(move || drop(store));
        other.execute_batch("ROLLBACK").unwrap();
        dropping.join().unwrap();
        // Nothing is sent: the channel closes when the task is gone.
        assert!(ended.recv().is_err());
        // The thread that dropped the store completes the pending writes, too.
        let store = place.open();
        let begin = Instant::now();
        let written =
            |number| store.get(&account("acme"), id(number), second(0)).unwrap().is_some();
        while !(10..310).all(written) {
            assert!(begin.elapsed() < TIMEOUT, "the thread ended before its work did");
            thread::yield_now();
        }
    }
}

/// The file can then be copied or moved.
#[test]
fn a_dropped_store_leaves_a_single_file() {
    for _ in 0..50 {
        let place = Place::new();
        let store = place.open();
        store.submit(submission("acme", 1), second(0)).unwrap();
        everything(&store, "acme", second(0));
        assert!(poll(&mut store.notified()).is_pending());
        drop(store);
        let files = std::fs::read_dir(place.folder()).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["tasks.db"]);
    }
}

#[test]
fn clones_share_a_store_in_memory_until_the_last_is_dropped() {
    let store = SqliteStore::in_memory(StoreConfig::default()).unwrap();
    let other = SqliteStore::in_memory(StoreConfig::default()).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (store, count) = (store.clone(), count.clone());
            thread::spawn(move || {
                for number in 0..25 {
                    store.submit(submission("acme", thread * 100 + number), second(0)).unwrap();
                    let claimed = tasklife::AsyncTaskStore::claim(&store, Scope::Any, second(0));
                    count.fetch_add(block_on(claimed).unwrap().iter().count(), Ordering::SeqCst);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 100);
    let clone = store.clone();
    drop(store);
    assert_eq!(everything(&clone, "acme", second(0)).len(), 100);
    assert_eq!(everything(&other, "acme", second(0)), []);
}
