//! Sweeps of several accounts, forgotten accounts, and repairs.

use std::time::Duration;

use tasklife::{AsyncTaskStore, ListQuery, Retention, Scope, StoreConfig, SubmitError, Submitted};
use tasklife_redis::RedisStore;

use crate::support::{
    Connect, RedisCluster, RedisServer, account, block_on, fresh, fresh_pair, id, keys,
    script_calls, second, submission, time_to_live,
};

/// A configuration that keeps tasks for some hours.
fn hours(hours: u64) -> StoreConfig {
    let retention = Retention::since_submission(Duration::from_hours(hours));
    StoreConfig::default().with_retention(retention)
}

#[test]
fn limited_sweeps_drop_every_due_task_once() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1).with_max_tasks(1_000));
    block_on(async {
        for number in 0..300 {
            let name = format!("account {}", number % 50);
            store.submit(submission(&name, number), second(number.cast_signed())).await.unwrap();
        }
        let now = second(3_600 + 149); // the tasks of the first 150 seconds are due
        let mut dropped = Vec::new();
        loop {
            let swept = store.sweep(40, now).await.unwrap();
            dropped.push(swept.dropped);
            if !swept.more {
                break;
            }
        }
        assert_eq!(dropped, [40, 40, 40, 30]);
        // The others are left, and a caller whose clock is behind sees no more than these.
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
fn a_forgotten_account_continues_above_its_revisions() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1));
    block_on(async {
        for number in 0..5 {
            store.submit(submission("acme", number), second(0)).await.unwrap();
        }
        assert_eq!(store.sweep(5, second(3_600)).await.unwrap().dropped, 5);
    });
    let key = &keys(&server, "*:account")[0];
    let left = time_to_live(&server, key);
    assert!(left > 86_000_000, "expected the account to be kept for a day, got {left} ms");

    server.call(&["DEL", key]).unwrap();
    block_on(async {
        let new = store.submit(submission("acme", 1), second(4_000)).await.unwrap();
        assert!(new.task().revision().get() > 5, "{:?}", new.task().revision());
        // A new account begins there too: gaps between revisions mean nothing.
        let other = store.submit(submission("umbrella", 1), second(4_000)).await.unwrap();
        assert!(other.task().revision().get() > 5);
        assert_eq!(
            store.claim(Scope::Any, second(4_000)).await.unwrap().unwrap().change().task().id(),
            id(1)
        );
    });
}

#[test]
fn an_account_that_is_used_again_is_not_forgotten() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1));
    block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        store.sweep(5, second(3_600)).await.unwrap();
        store.submit(submission("acme", 2), second(3_600)).await.unwrap();
    });
    assert_eq!(time_to_live(&server, &keys(&server, "*:account")[0]), -1);
}

/// A failover can lose the whole registry, and keep the accounts.
#[test]
fn a_repair_registers_lost_accounts_again() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1).with_max_tasks(4));
    block_on(async {
        for name in ["acme", "umbrella"] {
            store.submit(submission(name, 1), second(0)).await.unwrap();
            store.submit(submission(name, 2), second(0)).await.unwrap();
        }
        store.sweep(1, second(10)).await.unwrap();
        for key in keys(&server, "*{[*]}*") {
            server.call(&["DEL", &key]).unwrap();
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

/// Submits one task in each of many accounts.
async fn submit_to_each(store: &RedisStore, accounts: u64) {
    let numbers: Vec<u64> = (0..accounts).collect();
    for some in numbers.chunks(100) {
        let submissions = some.iter().map(|number| {
            store.submit(submission(&format!("account {number}"), *number), second(0))
        });
        futures_util::future::try_join_all(submissions).await.unwrap();
    }
}

/// Whether a caller whose clock is behind sees a task in any of a sample of the accounts.
async fn sees_any(store: &RedisStore, accounts: u64) -> bool {
    let mut seen = false;
    for number in (0..accounts).step_by(37) {
        let account = account(&format!("account {number}"));
        seen |= store.get(&account, id(number), second(0)).await.unwrap().is_some();
        let page = store.list(&account, &ListQuery::default(), second(0)).await.unwrap();
        seen |= !page.tasks().is_empty();
    }
    seen
}

#[test]
fn a_limited_sweep_of_a_server_does_not_read_every_account() {
    const ACCOUNTS: u64 = 400;
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), hours(1).with_max_tasks(usize::MAX));
    block_on(async {
        submit_to_each(&store, ACCOUNTS).await;
        let before = script_calls(&server);
        let swept = store.sweep(3, second(3_600)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (3, true));
        let made = script_calls(&server) - before;
        assert!(made < 50, "{made} calls");
        assert!(!sees_any(&store, ACCOUNTS).await);
        let swept = store.sweep(1_000, second(0)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (397, false));
    });
}

/// With more than 1,000 accounts, the sweep writes the horizon to all slots and not to each
/// account.
#[test]
fn a_limited_sweep_of_a_cluster_raises_the_horizon_of_all_slots() {
    const ACCOUNTS: u64 = 1_100;
    let cluster = RedisCluster::start(&[]);
    let store = fresh(&cluster.redis(), hours(1).with_max_tasks(usize::MAX));
    block_on(async {
        submit_to_each(&store, ACCOUNTS).await;
        let swept = store.sweep(3, second(3_600)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (3, true));
        assert!(!sees_any(&store, ACCOUNTS).await);
        let late = store.submit(submission("account 999", 5_000), second(0)).await;
        assert!(matches!(late, Err(SubmitError::Expired)), "{late:?}");
        // The slots have this horizon already.
        let swept = store.sweep(50, second(3_600)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (50, true));
        store.submit(submission("account 999", 5_000), second(10)).await.unwrap();
        let swept = store.sweep(2_000, second(3_600)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (1_047, false));
        // A later horizon is written to each account, as few are left.
        assert_eq!(store.sweep(9, second(3_610)).await.unwrap().dropped, 1);
    });
}

/// The address of a single server turns out to have slots.
#[test]
fn a_cluster_of_one_node_can_be_used_as_a_server() {
    let directory = std::env::temp_dir().join(format!("tasklife-one-node-{}", std::process::id()));
    let nodes = directory.to_string_lossy().into_owned();
    let server = RedisServer::start(&["--cluster-enabled", "yes", "--cluster-config-file", &nodes]);
    server.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).unwrap();
    let (one, other) = fresh_pair(&server.redis(), &server.redis(), hours(1));
    block_on(async {
        submit_to_each(&one, 40).await;
        let swept = other.sweep(3, second(3_600)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (3, true));
        assert!(!sees_any(&one, 40).await);
        check_that_it_works(&one).await;
    });
    let _ = std::fs::remove_file(directory);
}

async fn check_that_it_works(store: &RedisStore) {
    store.submit(submission("acme", 1), second(3_600)).await.unwrap();
    let claimed = store.claim(Scope::Any, second(3_600)).await.unwrap().unwrap();
    assert_eq!(claimed.change().task().id(), id(1));
}
