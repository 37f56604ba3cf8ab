//! Calls that wait for a lock, and calls whose future is dropped meanwhile.

use std::mem::ManuallyDrop;
use std::time::Duration;

use tasklife::{AsyncTaskStore, StoreConfig};
use tasklife_postgres::{PostgresOptions, PostgresStore};

use crate::support::{
    SERVER, Schema, account, block_on, chain, client, id, second, spawn, submission,
};

fn store(schema: &Schema, connections: usize, timeout: Duration) -> PostgresStore {
    let options = PostgresOptions::new()
        .with_schema(&schema.0)
        .unwrap()
        .with_connections(connections)
        .with_timeout(timeout)
        .with_retry_time(timeout * 3);
    let address = format!("{}?application_name={}", SERVER.address(), schema.0);
    block_on(options.connect(&address, StoreConfig::default())).unwrap()
}

/// Returns a schema that is never reused: abandoned writes may still reach it after the test.
fn unshared_schema() -> ManuallyDrop<Schema> {
    ManuallyDrop::new(Schema::new())
}

/// Blocks all writes for as long as the returned connection lives.
async fn block_writes(schema: &Schema) -> tokio_postgres::Client {
    let client = client().await;
    let lock = format!("SELECT pg_advisory_lock('{}.store'::regclass::oid::bigint * 4)", schema.0);
    client.batch_execute(&lock).await.unwrap();
    client
}

/// The store does not reuse the connection of a dropped call, whose statement still waits.
#[test]
fn a_dropped_call_blocks_no_other_call() {
    let schema = unshared_schema();
    let store = store(&schema, 2, Duration::from_secs(20));
    block_on(async {
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        let blocker = block_writes(&schema).await;
        for number in 2..6 {
            let name = format!("account {number}");
            let call = store.submit(submission(&name, number), second(0));
            assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
        }
        let name = account("acme");
        let read =
            tokio::time::timeout(Duration::from_secs(10), store.get(&name, id(1), second(0)));
        assert_eq!(read.await.unwrap().unwrap(), Some(task));
        drop(blocker);
    });
    // Dropping a call outside of a runtime does not panic.
    let call = store.submit(submission("acme", 2), second(0));
    drop(call);
}

#[test]
fn retries_leave_no_statements_behind_that_wait_for_a_lock() {
    let schema = unshared_schema();
    let store = store(&schema, 4, Duration::from_secs(1));
    block_on(async {
        let blocker = block_writes(&schema).await;
        let calls: Vec<_> = (0..4)
            .map(|number| {
                let store = store.clone();
                let name = format!("account {number}");
                spawn(async move { store.submit(submission(&name, number), second(0)).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap_err();
        }
        let left = format!(
            "SELECT count(*) <= 4 FROM pg_stat_activity WHERE application_name = '{}'",
            schema.0
        );
        // The last statements are ending now.
        for _ in 0..50 {
            if SERVER.psql(&left) == "t" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(SERVER.psql(&left), "t");
        drop(blocker);
    });
}

/// A call does not wait for the retries of all earlier calls of its process.
#[test]
fn a_call_to_a_busy_account_fails_when_the_retry_time_is_over() {
    let schema = unshared_schema();
    let store = store(&schema, 4, Duration::from_secs(1));
    block_on(async {
        let blocker = block_writes(&schema).await;
        let calls: Vec<_> = (0..6)
            .map(|number| {
                let store = store.clone();
                spawn(async move { store.submit(submission("acme", number), second(0)).await })
            })
            .collect();
        let mut busy = 0;
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            busy += usize::from(chain(&error).contains(
                "expected earlier writes of this process to the same account to end within 3s",
            ));
        }
        assert!(busy >= 4, "{busy}");
        drop(blocker);
    });
}
