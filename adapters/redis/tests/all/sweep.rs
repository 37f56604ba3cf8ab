//! Sweeps of several accounts, forgotten accounts, and what is registered again.

use std::time::Duration;

use tasklife::{AsyncTaskStore, ListQuery, Retention, Scope, StoreConfig, Submitted};

use crate::support::{Connect, RedisServer, account, block_on, fresh, id, second, submission};

fn hours(hours: u64) -> StoreConfig {
    let retention = Retention::since_submission(Duration::from_hours(hours));
    StoreConfig::default().with_retention(retention)
}

#[test]
fn a_sweep_in_steps_drops_everything_once() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1).with_max_tasks(1_000));
    block_on(async {
        for number in 0..300 {
            let name = format!("account {}", number % 50);
            store.submit(submission(&name, number), second(number.cast_signed())).await.unwrap();
        }
        let now = second(3_600 + 149); // those of the first 150 seconds
        let mut dropped = Vec::new();
        loop {
            let swept = store.sweep(40, now).await.unwrap();
            dropped.push(swept.dropped);
            if !swept.more {
                break;
            }
        }
        assert_eq!(dropped, [40, 40, 40, 30]);
        // What is left is what is visible, however far behind a clock is.
        let mut left = 0;
        for number in 0..50 {
            let account = account(&format!("account {number}"));
            let page = store.list(&account, &ListQuery::default(), second(0)).await.unwrap();
            left += page.tasks().len();
        }
        assert_eq!(left, 150);
        assert_eq!(store.sweep(1_000, second(1_000_000)).await.unwrap().dropped, 150);
    });
}

#[test]
fn a_forgotten_account_goes_on_above_its_revisions() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1));
    block_on(async {
        for number in 0..5 {
            store.submit(submission("acme", number), second(0)).await.unwrap();
        }
        assert_eq!(store.sweep(5, second(3_600)).await.unwrap().dropped, 5);
    });
    let keys = server.call(&["KEYS", "*:account"]).unwrap();
    let key = keys.lines().nth(2).unwrap().to_owned();
    let left = server.call(&["PTTL", &key]).unwrap();
    let left: i64 = left.trim_start_matches(':').trim().parse().unwrap();
    assert!(left > 86_000_000, "it is let go of after a day: {left} ms");

    server.call(&["DEL", &key]).unwrap();
    block_on(async {
        let new = store.submit(submission("acme", 1), second(4_000)).await.unwrap();
        assert!(new.task().revision().get() > 5, "{:?}", new.task().revision());
        // One that no one has seen begins there, too: gaps mean nothing.
        let other = store.submit(submission("umbrella", 1), second(4_000)).await.unwrap();
        assert!(other.task().revision().get() > 5);
        assert_eq!(
            store.claim(Scope::Any, second(4_000)).await.unwrap().unwrap().change().task().id(),
            id(1)
        );
    });
}

#[test]
fn an_account_that_is_used_again_is_not_let_go_of() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1));
    block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        store.sweep(5, second(3_600)).await.unwrap();
        store.submit(submission("acme", 2), second(3_600)).await.unwrap();
    });
    let keys = server.call(&["KEYS", "*:account"]).unwrap();
    let left = server.call(&["PTTL", keys.lines().nth(2).unwrap()]).unwrap();
    assert_eq!(left.trim(), ":-1");
}

/// As a fail-over could leave it: the accounts are there, and nobody knows of them.
#[test]
fn what_was_registered_and_lost_is_registered_again() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1).with_max_tasks(4));
    block_on(async {
        for name in ["acme", "umbrella"] {
            store.submit(submission(name, 1), second(0)).await.unwrap();
            store.submit(submission(name, 2), second(0)).await.unwrap();
        }
        store.sweep(1, second(10)).await.unwrap();
        let registry = server.call(&["KEYS", "*{[*]}*"]).unwrap();
        for key in registry.lines().filter(|line| line.contains(':')) {
            server.call(&["DEL", key]).unwrap();
        }
        assert_eq!(store.claim(Scope::Any, second(20)).await.unwrap(), None);

        store.repair().await.unwrap();
        for _ in 0..4 {
            assert!(store.claim(Scope::Any, second(20)).await.unwrap().is_some());
        }
        assert_eq!(store.claim(Scope::Any, second(20)).await.unwrap(), None);
        assert!(store.submit(submission("acme", 3), second(20)).await.is_err(), "it is full");
        let again = store.submit(submission("acme", 2), second(20)).await.unwrap();
        assert!(matches!(again, Submitted::Existing(_)));
        assert_eq!(store.sweep(10, second(3_600)).await.unwrap().dropped, 4);
        store.submit(submission("acme", 3), second(3_600)).await.unwrap();
    });
}
