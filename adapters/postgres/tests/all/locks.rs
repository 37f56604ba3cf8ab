//! Calls that have to wait for a lock, and those that nobody waits for any more.

use std::mem::ManuallyDrop;
use std::time::Duration;

use tasklife::{AsyncTaskStore, StoreConfig};
use tasklife_postgres::{PostgresOptions, PostgresStore};

use crate::support::{
    SERVER, Schema, account, block_on, client, id, second, spawn, submission, words,
};

fn store(schema: &Schema, connections: usize, timeout: Duration) -> PostgresStore {
    let options = PostgresOptions::new()
        .with_schema(&schema.0)
        .unwrap()
        .with_connections(connections)
        .with_timeout(timeout)
        .with_patience(timeout * 3);
    let address = format!("{}?application_name={}", SERVER.address(), schema.0);
    block_on(options.connect(&address, StoreConfig::default())).unwrap()
}

/// A schema that no other test has afterwards: what was given up may still be written there.
fn own_schema() -> ManuallyDrop<Schema> {
    ManuallyDrop::new(Schema::new())
}

/// Keeps everybody from writing.
async fn hold(schema: &Schema) -> tokio_postgres::Client {
    let client = client().await;
    let lock = format!("SELECT pg_advisory_lock('{}.store'::regclass::oid::bigint * 4)", schema.0);
    client.batch_execute(&lock).await.unwrap();
    client
}

/// The connection of a call that was given up is not used again, while its statement waits.
#[test]
fn a_call_that_is_dropped_stands_in_nobodys_way() {
    let schema = own_schema();
    let store = store(&schema, 2, Duration::from_secs(20));
    block_on(async {
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        let holder = hold(&schema).await;
        for number in 2..6 {
            let name = format!("account {number}");
            let call = store.submit(submission(&name, number), second(0));
            assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
        }
        let name = account("acme");
        let read =
            tokio::time::timeout(Duration::from_secs(10), store.get(&name, id(1), second(0)));
        assert_eq!(read.await.unwrap().unwrap(), Some(task));
        drop(holder);
    });
    // Nor is there a panic where no runtime is.
    let call = store.submit(submission("acme", 2), second(0));
    drop(call);
}

/// Statements that wait for a lock are not left behind, one more with each try.
#[test]
fn what_can_not_be_locked_is_given_up() {
    let schema = own_schema();
    let store = store(&schema, 4, Duration::from_secs(1));
    block_on(async {
        let holder = hold(&schema).await;
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
        // The last ones end at this moment.
        for _ in 0..50 {
            if SERVER.psql(&left) == "t" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(SERVER.psql(&left), "t");
        drop(holder);
    });
}

/// No call waits for the tries of all that came before it in its process.
#[test]
fn a_busy_account_is_told() {
    let schema = own_schema();
    let store = store(&schema, 4, Duration::from_secs(1));
    block_on(async {
        let holder = hold(&schema).await;
        let calls: Vec<_> = (0..6)
            .map(|number| {
                let store = store.clone();
                spawn(async move { store.submit(submission("acme", number), second(0)).await })
            })
            .collect();
        let mut busy = 0;
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            busy += usize::from(words(&error).contains("in this process, to be done within 3s"));
        }
        assert!(busy >= 4, "{busy}");
        drop(holder);
    });
}
