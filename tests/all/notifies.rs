//! Hints that there may be work: which calls notify, and which futures are woken.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, InProcess, MIN_TIME, MemoryStore,
    Notified, Notifier, Notifies, Notifying, Scope, StoreConfig, Submission, Target, Task,
    TaskError, TaskEvent, TaskId, Timestamp,
};

/// A waker that counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn is_ready<F: Future + ?Sized>(future: Pin<&mut F>, count: &Arc<Count>) -> bool {
    let waker = Waker::from(count.clone());
    future.poll(&mut Context::from_waker(&waker)).is_ready()
}

fn now<T, E: std::fmt::Debug>(
    mut future: Pin<Box<dyn Future<Output = Result<T, E>> + Send + '_>>,
) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("expected a store that answers at once"),
    }
}

#[test]
fn a_notification_wakes_every_future_created_before_it() {
    let (notifier, count) = (Notifier::default(), Arc::new(Count::default()));
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(notifier.notified())).collect();
    assert!(!notifier.has_waiters(), "a future that was not polled doesn't count");
    for future in &mut waiting {
        // Polling a future twice doesn't wake it twice.
        assert!(!is_ready(future.as_mut(), &count) && !is_ready(future.as_mut(), &count));
    }
    assert!(notifier.has_waiters());
    let unpolled = &mut Box::pin(notifier.notified());
    notifier.notify();
    assert_eq!(count.0.load(Ordering::SeqCst), 3);
    assert!(!notifier.has_waiters());
    for future in waiting.iter_mut().chain([unpolled]) {
        assert!(is_ready(future.as_mut(), &count));
    }
    let mut later = Box::pin(notifier.notified());
    assert!(!is_ready(later.as_mut(), &count), "created after the notification");
}

#[test]
fn a_dropped_future_is_not_woken() {
    let (notifier, count) = (Notifier::default(), Arc::new(Count::default()));
    let mut dropped = Box::pin(notifier.notified());
    let mut kept = Box::pin(notifier.notified());
    assert!(!is_ready(dropped.as_mut(), &count) && !is_ready(kept.as_mut(), &count));
    drop(dropped);
    assert!(notifier.has_waiters());
    notifier.notify();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
}

#[test]
fn the_waker_of_the_last_poll_is_woken() {
    let (notifier, counts) = (Notifier::default(), [0, 1].map(|_| Arc::new(Count::default())));
    let mut future = Box::pin(notifier.notified());
    for count in &counts {
        assert!(!is_ready(future.as_mut(), count));
    }
    notifier.notify();
    assert_eq!(counts.map(|count| count.0.load(Ordering::SeqCst)), [0, 1]);
}

#[test]
fn a_notification_crosses_threads() {
    let notifier = Notifier::default();
    for _ in 0..200 {
        let heard = notifier.notified();
        let notifying = thread::spawn({
            let notifier = notifier.clone();
            move || notifier.notify()
        });
        block_on(heard);
        notifying.join().unwrap();
    }
}

/// Blocks this thread until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = Box::pin(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

fn submission(account: &AccountId, key: &str) -> Submission {
    Submission::new(account.clone(), TaskId::for_key(account, key), CREATE)
}

#[test]
fn a_store_notifies_only_of_changes_that_may_make_work() {
    let config = StoreConfig::default()
        .with_takeover_after(std::time::Duration::from_mins(1))
        .with_max_attempts(std::num::NonZeroU32::MIN);
    let store = Notifying::new(InProcess(MemoryStore::new(config)));
    let count = Arc::new(Count::default());
    let account: AccountId = "acme".parse().unwrap();
    let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let heard = |what: &str, expected: bool, call: &mut dyn FnMut()| {
        let mut notified: Notified<'_> = store.notified();
        call();
        assert_eq!(is_ready(notified.as_mut(), &count), expected, "{what}");
    };
    let get = |key: &str| now(store.get(&account, TaskId::for_key(&account, key), noon)).unwrap();
    let apply = |task: &Task, event| now(store.apply(Target::exactly(task), event, noon));
    let submit = |key: &str| drop(now(store.submit(submission(&account, key), noon)));

    heard("a submission", true, &mut || submit("1"));
    heard("a repeat", false, &mut || submit("1"));
    heard("an initialized submission", true, &mut || {
        drop(now(store.submit(submission(&account, "2").initialized(), noon)));
    });
    heard("a receive", true, &mut || drop(apply(&get("2"), TaskEvent::receive())));
    heard("a claim", false, &mut || drop(now(store.claim(Scope::Any, noon))));
    heard("a start", false, &mut || drop(apply(&get("2"), TaskEvent::start())));
    heard("a report", false, &mut || drop(apply(&get("1"), TaskEvent::report())));
    heard("a completion", true, &mut || {
        drop(apply(&get("1"), TaskEvent::complete(Completion::of(1))));
    });
    heard("a refusal", false, &mut || {
        let refused =
            store.apply(Target::latest(&account, get("1").id()), TaskEvent::start(), noon);
        let mut refused = refused;
        let polled = refused.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Err(_))));
    });
    heard("a read", false, &mut || drop(get("1")));
    heard("a sweep", false, &mut || {
        let _ = now(store.sweep(10, MIN_TIME));
    });
    heard("a task given up", true, &mut || {
        let later = "2026-01-01T13:00:00Z".parse().unwrap();
        let given_up = now(store.claim(Scope::Any, later)).unwrap();
        assert!(matches!(given_up, Claimed::GivenUp(_)));
    });
    submit("3");
    heard("a failure", true, &mut || {
        drop(apply(&get("3"), TaskEvent::fail(TaskError::new("NOT_CREATED", "It failed."))));
    });
    assert_eq!(store.get_ref().0.len(), 3);
}
