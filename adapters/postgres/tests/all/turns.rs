//! The turns of claims over all accounts.

use std::time::Duration;

use tasklife::{AsyncTaskStore, Retention, Scope, StoreConfig, Target, TaskEvent};

use crate::support::{account, at, block_on, fresh, id, second, submission};

/// Retention is 10 s since the last update. At 11 s the task has expired, and the account is
/// parked. A worker whose clock is behind reports at 9.9 s, which extends the task. At 13.5 s its
/// takeover is due.
#[test]
fn a_report_by_a_clock_that_is_behind_makes_the_account_ready() {
    let config = StoreConfig::default()
        .with_retention(Retention::since_update(Duration::from_secs(10)))
        .with_takeover_after(Duration::from_secs(3));
    let (store, _schema) = fresh(config);
    block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        let started = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
        assert!(store.claim(Scope::Any, second(11)).await.unwrap().is_none());
        let name = account("acme");
        let behind = at("2019-08-08T00:00:09.9Z");
        let target = Target::latest(&name, id(1));
        store.apply(target, TaskEvent::report(), behind).await.unwrap();
        let taken = store.claim(Scope::Any, at("2019-08-08T00:00:13.5Z")).await.unwrap().unwrap();
        assert_eq!(taken.change().task().id(), started.change().task().id());
    });
}

#[test]
fn accounts_take_turns() {
    let (store, _schema) = fresh(StoreConfig::default());
    block_on(async {
        for name in ["acme", "umbrella", "initech"] {
            for number in 0..3 {
                store.submit(submission(name, number), second(0)).await.unwrap();
            }
        }
        let mut turns = Vec::new();
        while let Some(claimed) = store.claim(Scope::Any, second(1)).await.unwrap() {
            turns.push(claimed.change().task().account().to_string());
        }
        let expected = ["acme", "umbrella", "initech"].repeat(3);
        assert_eq!(turns, expected);
    });
}
