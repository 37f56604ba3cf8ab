//! Hints: `notified()` wakes workers when there may be work.

use std::time::Duration;

use tasklife::{AsyncTaskStore, Completion, Notifies, Scope, StoreConfig, Target, TaskEvent};
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tasklife_test_support::Proxy;

use crate::support::{SERVER, Schema, block_on, second, submission};

const SOON: Duration = Duration::from_secs(20);

fn store(port: u16, schema: &Schema) -> PostgresStore {
    let options = PostgresOptions::new().with_schema(&schema.0).unwrap();
    let config = StoreConfig::default().with_max_in_progress(1.try_into().unwrap());
    let address = format!("postgres://tasklife@127.0.0.1:{port}/tasklife");
    block_on(options.connect(&address, config)).unwrap()
}

/// Waits until a store listens: it then wakes its waiters once.
async fn await_listening(store: &PostgresStore) {
    tokio::time::timeout(SOON, store.notified()).await.unwrap();
}

/// Returns whether no hint arrives for a while.
async fn is_quiet(store: &PostgresStore) -> bool {
    tokio::time::timeout(Duration::from_millis(200), store.notified()).await.is_err()
}

#[test]
fn a_change_by_another_process_wakes_workers() {
    let schema = Schema::new();
    let (here, there) = (store(SERVER.port, &schema), store(SERVER.port, &schema));
    block_on(async {
        await_listening(&here).await;
        assert!(is_quiet(&here).await);

        let notified = here.notified();
        there.submit(submission("acme", 1), second(0)).await.unwrap();
        there.submit(submission("acme", 2), second(0)).await.unwrap();
        tokio::time::timeout(SOON, notified).await.unwrap();
        let first = here.claim(Scope::Any, second(0)).await.unwrap().unwrap().into_work().unwrap();
        assert!(here.claim(Scope::Any, second(0)).await.unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(100)).await;

        // A report makes no work. The completion frees the lane.
        let notified = here.notified();
        let reported = there.apply(Target::exactly(&first), TaskEvent::report(), second(1)).await;
        let reported = reported.unwrap().into_task();
        assert!(is_quiet(&here).await);
        let end = TaskEvent::complete(Completion::default());
        there.apply(Target::exactly(&reported), end, second(2)).await.unwrap();
        tokio::time::timeout(SOON, notified).await.unwrap();
        assert!(here.claim(Scope::Any, second(2)).await.unwrap().is_some());
    });
}

/// After reconnecting, the store wakes its workers, because it may have missed a hint.
#[test]
fn a_lost_connection_is_reopened() {
    let (schema, other_schema) = (Schema::new(), Schema::new());
    let here = store(SERVER.port, &schema);
    let there = store(SERVER.port, &schema);
    let elsewhere = store(SERVER.port, &other_schema);
    block_on(async {
        await_listening(&here).await;
        let notified = here.notified();
        let listens = format!("query LIKE 'LISTEN%tasklife.{}\"%'", schema.0);
        crate::support::run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listens} AND pid <> pg_backend_pid()"
        ))
        .await;
        tokio::time::timeout(SOON, notified).await.unwrap();
        let notified = here.notified();
        elsewhere.submit(submission("acme", 1), second(0)).await.unwrap();
        assert!(is_quiet(&here).await, "the change was in another store");
        there.submit(submission("acme", 1), second(0)).await.unwrap();
        tokio::time::timeout(SOON, notified).await.unwrap();
    });
}

/// The connection closes with the last clone of the store.
#[test]
fn a_store_listens_only_once_a_caller_waits() {
    let (schema, proxy) = (Schema::new(), Proxy::to(SERVER.port));
    let options = PostgresOptions::new()
        .with_schema(&schema.0)
        .unwrap()
        .with_listen_address(&format!("postgres://tasklife@127.0.0.1:{}/tasklife", proxy.port))
        .unwrap();
    let address = SERVER.address();
    let store = block_on(options.connect(&address, StoreConfig::default())).unwrap();
    block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        // The store's own changes wake its waiters without a connection.
        let notified = store.notified();
        store.submit(submission("acme", 2), second(0)).await.unwrap();
        assert_eq!(proxy.open(), 0);
        tokio::time::timeout(SOON, notified).await.unwrap();
        await_listening(&store).await;
        assert_eq!(proxy.open(), 1);
        drop(store);
        for _ in 0..100 {
            if proxy.open() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("expected the connection to close with the store");
    });
}
