//! The round trips of each call, and the cache of each account in a process, which must never hide
//! the changes of another process.

use tasklife::{
    ApplyError, AsyncTaskStore, Completion, Scope, StoreConfig, SubmitError, Submitted, Target,
    TaskEvent,
};

use crate::support::{
    CREATE, Connect, RedisServer, account, block_on, fresh, fresh_pair, id, script_calls, second,
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
        let calls_since = |before| script_calls(&server) - before;
        let before = script_calls(&server);
        store.submit(submission("acme", 3), second(0)).await.unwrap();
        assert_eq!(
            calls_since(before),
            1,
            "a submission to an account that this process wrote to last"
        );
        let before = script_calls(&server);
        let claimed = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
        assert_eq!(
            calls_since(before),
            2,
            "one that takes the turn and reads the account, and one that writes"
        );
        let task = claimed.into_work().unwrap();
        let before = script_calls(&server);
        let end = TaskEvent::complete(Completion::default());
        store.apply(Target::exactly(&task), end, second(1)).await.unwrap();
        assert_eq!(calls_since(before), 1, "the end of a task that this process started");
    });
}

#[test]
fn changes_of_another_process_are_seen() {
    let server = RedisServer::start(&[]);
    let (one, other) = fresh_pair(&server.redis(), &server.redis(), StoreConfig::default());
    block_on(async {
        let acme = account("acme");
        for number in 0..60 {
            let new = one.submit(submission("acme", number), second(0)).await.unwrap();
            // The other process submits a new task in the first two rounds, and repeats it later.
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

/// The accounts of two stores have the same names and the same revisions.
#[test]
fn a_store_with_another_prefix_has_a_cache_of_its_own() {
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

/// A full store returns the existing task and makes no room for it.
#[test]
fn a_repeat_needs_no_room() {
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
