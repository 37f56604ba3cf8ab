//! How many round trips a call takes, and that what a process remembers is never taken for more than it is.

use tasklife::{
    ApplyError, AsyncTaskStore, Completion, Scope, StoreConfig, SubmitError, Submitted, Target,
    TaskEvent,
};

use crate::support::{
    CREATE, Connect, RedisServer, account, block_on, calls, fresh, fresh_pair, id, second,
    submission,
};

#[test]
fn calls_take_no_more_round_trips_than_they_need() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default().with_max_tasks(usize::MAX));
    block_on(async {
        for number in [1, 2] {
            store.submit(submission("acme", number), second(0)).await.unwrap();
        }
        let of = |before| calls(&server) - before;
        let before = calls(&server);
        store.submit(submission("acme", 3), second(0)).await.unwrap();
        assert_eq!(of(before), 1, "a submission to an account that this process wrote to last");
        let before = calls(&server);
        let claimed = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
        assert_eq!(of(before), 2, "whose turn it is and what it has, what is written");
        let task = claimed.into_work().unwrap();
        let before = calls(&server);
        let end = TaskEvent::complete(Completion::default());
        store.apply(Target::exactly(&task), end, second(1)).await.unwrap();
        assert_eq!(of(before), 1, "the end of a task that this process started");
    });
}

#[test]
fn what_others_did_is_seen() {
    let server = RedisServer::start(&[]);
    let (one, other) = fresh_pair(&server.redis(), &server.redis(), StoreConfig::default());
    block_on(async {
        let acme = account("acme");
        for number in 0..60 {
            let new = one.submit(submission("acme", number), second(0)).await.unwrap();
            // Once beside what is remembered, once under the very id.
            let at = 100 + number % 2;
            let _ = other.submit(submission("acme", at), second(0)).await.unwrap();
            let again = one.submit(submission("acme", at), second(0)).await.unwrap();
            assert!(matches!(again, Submitted::Existing(_)));
            let again = one.submit(submission("acme", number), second(0)).await.unwrap();
            assert!(matches!(again, Submitted::Existing(_)));
            let conflict = submission("acme", number).with_input(b"another".as_slice());
            let conflict = one.submit(conflict, second(0)).await;
            assert!(matches!(conflict, Err(SubmitError::Conflict)), "{CREATE}: {conflict:?}");

            let started =
                other.apply(Target::exactly(new.task()), TaskEvent::start(), second(1)).await;
            let started = started.unwrap().into_task();
            match one.apply(Target::exactly(new.task()), TaskEvent::start(), second(1)).await {
                Err(ApplyError::Stale { current }) => assert_eq!(current, started),
                other => panic!("{other:?}"),
            }
            let target = Target::latest(&acme, id(number));
            let report = one.apply(target, TaskEvent::report(), second(2)).await.unwrap();
            let end = TaskEvent::complete(Completion::default());
            let end = one.apply(Target::exactly(report.task()), end, second(3)).await.unwrap();
            let found = other.get(&acme, id(number), second(3)).await.unwrap();
            assert_eq!(found.as_ref(), Some(end.task()));
        }
    });
}

/// Accounts of two stores have the same names, and the same revisions.
#[test]
fn what_is_remembered_is_of_one_store() {
    let server = RedisServer::start(&[]);
    let one = fresh(&server.redis(), StoreConfig::default());
    let other = one.clone().with_prefix("another");
    block_on(async {
        let acme = account("acme");
        for store in [&one, &other] {
            store.submit(submission("acme", 1), second(0)).await.unwrap();
        }
        one.submit(submission("acme", 2), second(0)).await.unwrap();
        let target = Target::latest(&acme, id(2));
        let missing = other.apply(target, TaskEvent::start(), second(0)).await;
        assert!(matches!(missing, Err(ApplyError::NotFound)), "{missing:?}");
    });
}

/// A full store says of what is there that it is there, and makes no room for it.
#[test]
fn a_repeat_needs_no_place() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default().with_max_tasks(2));
    block_on(async {
        for number in [1, 2] {
            store.submit(submission("acme", number), second(0)).await.unwrap();
        }
        for _ in 0..2 {
            let again = store.submit(submission("acme", 1), second(0)).await.unwrap();
            assert!(matches!(again, Submitted::Existing(_)));
            let full = store.submit(submission("acme", 3), second(0)).await;
            assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
        }
    });
}
