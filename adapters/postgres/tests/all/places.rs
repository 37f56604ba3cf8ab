//! The places of a limited store.

use tasklife::{AsyncTaskStore, StoreConfig, SubmitError};

use crate::support::{SERVER, account, block_on, client, fresh, id, second, spawn, submission};

/// As many places are taken as there are tasks, and no more are granted than there are.
fn check(schema: &str, max_tasks: usize) {
    let sql = format!(
        "SELECT sum(taken) = (SELECT count(*) FROM {schema}.tasks), greatest(sum(granted), sum(taken)) <= {max_tasks}
         FROM {schema}.places"
    );
    assert_eq!(SERVER.psql(&sql), "t|t");
}

/// Where there are more tasks than there may be, what a sweep drops makes no room before there are fewer.
#[test]
fn fewer_places_hold_from_then_on() {
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
    check(&schema.0, 10);
}

/// Many submissions of many accounts to the last places, while a sweep and whoever makes room take the same tasks away.
#[test]
fn the_last_places_are_fought_for() {
    const PLACES: usize = 20;
    let (store, schema) = fresh(StoreConfig::default().with_max_tasks(PLACES));
    let before = SERVER.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'tasklife'");
    block_on(async {
        let retention = 10 * 24 * 3600;
        let running: Vec<_> = (0..8_u64)
            .map(|caller| {
                let store = store.clone();
                spawn(async move {
                    for round in 0..25 {
                        // Each round, what was there before has expired.
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
    check(&schema.0, PLACES);
    let after = SERVER.psql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'tasklife'");
    assert_eq!(before, after, "deadlocks");
}

/// An account that lost its last task while somebody held it is forgotten by the next sweep.
#[test]
fn an_account_that_was_held_is_forgotten_later() {
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
