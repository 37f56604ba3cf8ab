//! The limit of all tasks, and its quota shares.

use tasklife::{AsyncTaskStore, StoreConfig, SubmitError};

use crate::support::{SERVER, account, block_on, client, fresh, id, second, spawn, submission};

/// Asserts that the quota taken equals the number of tasks, and that the quota granted is within
/// the limit.
fn assert_quota(schema: &str, max_tasks: usize) {
    let sql = format!(
        "SELECT sum(taken) = (SELECT count(*) FROM {schema}.tasks), greatest(sum(granted), sum(taken)) <= {max_tasks}
         FROM {schema}.places"
    );
    assert_eq!(SERVER.psql(&sql), "t|t");
}

/// While the store holds more tasks than a new, lower limit, a sweep makes no room.
#[test]
fn a_lower_limit_holds_when_the_store_is_opened() {
    let (store, schema) = fresh(StoreConfig::default().with_max_tasks(100));
    block_on(async {
        for number in 0..100 {
            let name = format!("account {}", number % 40);
            store.submit(submission(&name, number), second(i64::from(number >= 50))).await.unwrap();
        }
        let store =
            store.in_schema(&schema.0, StoreConfig::default().with_max_tasks(10)).await.unwrap();
        let retention = 10 * 24 * 3600;
        assert_eq!(store.sweep(50, second(retention)).await.unwrap().dropped, 50);
        for number in 200..240 {
            let name = format!("account {}", number % 40);
            let full = store.submit(submission(&name, number), second(retention)).await;
            assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
        }
        assert_eq!(store.sweep(100, second(retention + 1)).await.unwrap().dropped, 50);
        for number in 200..240 {
            let name = format!("account {}", number % 40);
            let full = store.submit(submission(&name, number), second(retention + 1)).await;
            assert_eq!(full.is_ok(), number < 210, "{full:?}");
        }
    });
    assert_quota(&schema.0, 10);
}

/// Accounts compete for the last room while a sweep and submissions to the full store drop the same
/// tasks.
#[test]
fn concurrent_submissions_to_a_full_store_keep_the_limit_without_deadlocks() {
    const MAX_TASKS: usize = 20;
    let (store, schema) = fresh(StoreConfig::default().with_max_tasks(MAX_TASKS));
    let before = SERVER.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'tasklife'");
    block_on(async {
        let retention = 10 * 24 * 3600;
        let running: Vec<_> = (0..8_u64)
            .map(|caller| {
                let store = store.clone();
                spawn(async move {
                    for round in 0..25 {
                        // In each round, the tasks of the previous one have expired.
                        let now = second(i64::try_from(round).unwrap() * (retention + 1));
                        let name = format!("account {caller}");
                        for number in 0..4 {
                            let number = 1_000 * caller + 10 * round + number;
                            match store.submit(submission(&name, number), now).await {
                                Ok(_) | Err(SubmitError::StoreFull | SubmitError::Expired) => {}
                                Err(other) => panic!("{other:?}"),
                            }
                        }
                        if caller == 0 {
                            store.sweep(3, now).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        for running in running {
            running.await.unwrap();
        }
    });
    assert_quota(&schema.0, MAX_TASKS);
    let after = SERVER.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'tasklife'");
    assert_eq!(before, after, "deadlocks");
}

/// An account whose row is locked when it loses its last task is forgotten by the next sweep.
#[test]
fn a_locked_empty_account_is_forgotten_later() {
    let (store, schema) = fresh(StoreConfig::default());
    block_on(async {
        let (name, late) = (&schema.0, second(10_000_000));
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        let other = client().await;
        let hold = format!("BEGIN; SELECT FROM {name}.accounts FOR UPDATE");
        other.batch_execute(&hold).await.unwrap();
        assert_eq!(store.sweep(10, late).await.unwrap().dropped, 1);
        let all = std::num::NonZeroUsize::MAX;
        assert_eq!(store.accounts(None, all).await.unwrap(), [account("acme")]);
        other.batch_execute("COMMIT").await.unwrap();
        assert_eq!(store.sweep(10, late).await.unwrap().dropped, 0);
        assert_eq!(store.accounts(None, all).await.unwrap(), []);
        assert_eq!(store.get(&account("acme"), id(1), late).await.unwrap(), None);
    });
}
