//! A failover to a standby.

use std::time::Duration;

use tasklife::{AsyncTaskStore, Scope, StoreConfig};
use tasklife_postgres::PostgresOptions;

use crate::support::{PostgresServer, account, block_on, id, second, spawn, submission};

const TASKS: u64 = 600;

/// If the retries last longer than the failover, callers see only a delay.
#[test]
fn a_failover_to_a_synchronous_standby_loses_nothing_acknowledged() {
    let mut primary = PostgresServer::start(&[]);
    let standby = PostgresServer::standby_of(&primary);
    primary.psql_in("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql_in("postgres", "SELECT pg_reload_conf()");
    while primary.psql_in("postgres", "SELECT sync_state FROM pg_stat_replication") != "sync" {
        std::thread::sleep(Duration::from_millis(10));
    }
    let address = format!(
        "postgres://tasklife@127.0.0.1:{},127.0.0.1:{}/tasklife?target_session_attrs=read-write",
        primary.port, standby.port
    );
    let options = PostgresOptions::new().with_retry_time(Duration::from_secs(30));
    let store = block_on(options.connect(&address, StoreConfig::default())).unwrap();
    block_on(async {
        let submitting = {
            let store = store.clone();
            spawn(async move {
                for number in 0..TASKS {
                    store.submit(submission("acme", number), second(0)).await.unwrap();
                }
            })
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        primary.kill();
        standby.psql_in("postgres", "SELECT pg_promote()");
        submitting.await.unwrap();
        for number in 0..TASKS {
            let found = store.get(&account("acme"), id(number), second(0)).await.unwrap();
            assert!(found.is_some(), "{number} was acknowledged");
        }
        assert!(store.claim(Scope::Any, second(0)).await.unwrap().is_some());
        assert_eq!(
            store.sweep(usize::MAX, second(10_000_000)).await.unwrap().dropped as u64,
            TASKS
        );
    });
}
