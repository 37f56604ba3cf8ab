//! A primary and its replica, watched by sentinels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tasklife::{AsyncTaskStore, Notifies, Scope, StoreConfig, SubmitError};
use tasklife_redis::Redis;
use tasklife_test_support::RedisSentinel;
use tokio::time::{sleep, timeout};

use crate::support::{account, block_on, causes, fresh, id, second, spawn, submission};

fn offset(sentinel: &RedisSentinel, server: usize, field: &str) -> u64 {
    let info = sentinel.servers[server].call(&["INFO", "replication"]).unwrap_or_default();
    let value = info.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    value.trim().parse().unwrap()
}

#[test]
fn a_failover_is_followed_and_loses_nothing_that_was_replicated() {
    let mut sentinel = RedisSentinel::start();
    let addresses = sentinel.addresses();
    let redis = |name: &str| Redis::sentinel(addresses.iter().map(String::as_str), name).unwrap();

    let nobody = fresh(&redis("nobody"), StoreConfig::default());
    let refused = block_on(nobody.submit(submission("acme", 1), second(0)));
    let Err(SubmitError::Backend(error)) = refused else { panic!("submitted: {refused:?}") };
    assert!(!error.is_unknown());
    assert!(causes(&error).contains("nobody"), "{}", causes(&error));

    let patient = redis(RedisSentinel::NAME).with_retry_time(Duration::from_secs(20));
    let store = fresh(&patient, StoreConfig::default());
    block_on(async { timeout(Duration::from_secs(5), store.notified()).await.unwrap() });
    let (acknowledged, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = {
        let (store, acknowledged, stop) = (store.clone(), acknowledged.clone(), stop.clone());
        spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let number = acknowledged.load(Ordering::SeqCst) + 1;
                store.submit(submission("acme", number), second(0)).await.unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        })
    };
    let until = |number| {
        let acknowledged = acknowledged.clone();
        async move {
            let wait = async {
                while acknowledged.load(Ordering::SeqCst) < number {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(Duration::from_secs(30), wait).await.expect("the load goes on");
        }
    };
    block_on(until(100));
    let replicated = acknowledged.load(Ordering::SeqCst);
    let written = offset(&sentinel, 0, "master_repl_offset:");
    sentinel.wait("the replica to have what was written", |sentinel| {
        offset(sentinel, 1, "slave_repl_offset:") >= written
    });
    sentinel.servers[0].kill();
    sentinel.wait("the replica to be promoted", |sentinel| {
        let role = sentinel.servers[1].call(&["ROLE"]).unwrap_or_default();
        role.contains("master")
    });
    // Tasks that were not yet on the replica may be missing.
    let promoted = acknowledged.load(Ordering::SeqCst) + 1;
    block_on(async {
        until(promoted + 100).await;
        stop.store(true, Ordering::SeqCst);
        load.await.unwrap();
        let last = acknowledged.load(Ordering::SeqCst);
        for number in (1..=replicated).chain(promoted..=last) {
            let found = store.get(&account("acme"), id(number), second(0)).await.unwrap();
            assert!(found.is_some(), "task {number} of {last} was lost");
        }
        assert_eq!(store.sweep(1, second(0)).await.unwrap().dropped, 0);
        assert!(store.claim(Scope::Any, second(0)).await.unwrap().is_some());
    });

    // The old primary returns as a replica. The new one wakes the callers that wait.
    sentinel.servers[0].restart();
    block_on(async {
        let other = fresh(&patient, StoreConfig::default());
        timeout(Duration::from_secs(5), other.notified()).await.unwrap();
        let notified = other.notified();
        other.submit(submission("acme", 1), second(0)).await.unwrap();
        timeout(Duration::from_secs(5), notified).await.unwrap();
    });
}

#[test]
fn invalid_addresses_of_sentinels_and_names_of_primaries_are_refused() {
    assert!(Redis::sentinel([], "mymaster").is_err());
    for name in ["", "two words", "http://mymaster", "unix:///path", "a#b"] {
        assert!(Redis::sentinel(["redis://a"], name).is_err(), "{name}");
    }
    for name in ["mymaster", "my_master.1", "rediss://user:password@mymaster/3"] {
        let redis = Redis::sentinel(["redis://a"], name).unwrap();
        assert!(!format!("{redis:?}").contains("password"));
    }
}
