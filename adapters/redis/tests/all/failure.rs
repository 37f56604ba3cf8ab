//! What an error leaves certain after a failure.

use std::time::Duration;

use tasklife::{
    ApplyError, AsyncTaskStore, BackendError, Completion, ListQuery, Scope, StoreConfig,
    SubmitError, Submitted, Target, TaskEvent, TaskStatus,
};
use tasklife_redis::Redis;

use crate::support::{
    Connect, Loss, Proxy, RedisServer, account, block_on, causes, fresh, fresh_pair, id, keys,
    second, spawn, submission,
};

const LOSSES: [Loss; 3] = [Loss::OfRequest, Loss::OfAnswer, Loss::Silence];

fn impatient(proxy: &Proxy) -> Redis {
    proxy.redis().with_timeout(Duration::from_millis(200)).with_retry_time(Duration::ZERO)
}

fn patient(proxy: &Proxy) -> Redis {
    proxy.redis().with_timeout(Duration::from_millis(200)).with_retry_time(Duration::from_secs(10))
}

fn backend<T: std::fmt::Debug>(result: Result<T, SubmitError>) -> BackendError {
    match result {
        Err(SubmitError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    }
}

#[test]
fn without_a_server_nothing_is_applied() {
    let mut server = RedisServer::start(&[]);
    let store =
        fresh(&server.redis().with_retry_time(Duration::from_millis(50)), StoreConfig::default());
    block_on(async {
        let acme = account("acme");
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        server.kill();
        // The first call after the kill may have been sent; later ones can't connect.
        let _ = store.get(&acme, id(1), second(0)).await;
        let error = backend(store.submit(submission("acme", 2), second(0)).await);
        assert!(!error.is_unknown(), "{error:?}");
        let event = TaskEvent::start();
        match store.apply(Target::exactly(&task), event, second(0)).await {
            Err(ApplyError::Backend(error)) => assert!(!error.is_unknown(), "{error:?}"),
            other => panic!("expected the backend to fail, got {other:?}"),
        }
        assert!(!store.claim(Scope::Any, second(0)).await.unwrap_err().is_unknown());
        assert!(!store.sweep(1, second(0)).await.unwrap_err().is_unknown());
    });
}

#[test]
fn a_lost_write_is_unknown_and_its_retry_is_safe() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port);
    for loss in LOSSES {
        let store = fresh(&impatient(&proxy), StoreConfig::default());
        block_on(async {
            proxy.lose(loss);
            let error = backend(store.submit(submission("acme", 1), second(0)).await);
            assert!(error.is_unknown(), "{loss:?}");

            let again = store.submit(submission("acme", 1), second(0)).await.unwrap();
            assert_eq!(
                matches!(again, Submitted::Existing(_)),
                loss != Loss::OfRequest,
                "{loss:?}: {again:?}"
            );
            let task = again.into_task();
            assert_eq!(task.status(), TaskStatus::Received);

            proxy.lose(loss);
            let failed = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
            assert!(matches!(failed, Err(ApplyError::Backend(error)) if error.is_unknown()));
            // It is applied once, by the first call or by the second.
            let again = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
            let task = match again {
                Ok(change) => change.into_task(),
                Err(ApplyError::Stale { current }) => current,
                Err(other) => panic!("{loss:?}: {other}"),
            };
            assert_eq!((task.status(), task.attempts()), (TaskStatus::ProcessingInProgress, 1));
        });
    }
    assert_eq!(proxy.lost(), 2 * LOSSES.len());
}

#[test]
fn with_retry_time_a_call_finds_out_whether_its_write_arrived() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port);
    for loss in LOSSES {
        let config = StoreConfig::default().with_max_tasks(10);
        let store = fresh(&patient(&proxy), config);
        block_on(async {
            proxy.lose(loss);
            let new = store.submit(submission("acme", 1), second(0)).await.unwrap();
            assert!(matches!(new, Submitted::New(_)), "{loss:?}");
            proxy.lose(loss);
            let started = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
            let started = started.into_work().unwrap();
            assert_eq!(started.attempts(), 1, "{loss:?}");
            proxy.lose(loss);
            let end = TaskEvent::complete(Completion::of(7));
            let target = Target::exactly(&started);
            let ended = store.apply(target, end, second(2)).await.unwrap().into_task();
            let page = store.list(ended.account(), &ListQuery::default(), second(3)).await.unwrap();
            assert_eq!(page.tasks(), [ended], "{loss:?}");
        });
    }
    assert_eq!(proxy.lost(), 3 * LOSSES.len());
}

/// Another writer changes the account while the first does not know whether its own write arrived.
#[test]
fn a_lost_write_is_not_mistaken_for_another_writers_change() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port);
    for loss in LOSSES {
        let (first, other_store) =
            fresh_pair(&patient(&proxy), &server.redis(), StoreConfig::default());
        block_on(async {
            let task = first.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
            proxy.lose(loss);
            let race = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let event = TaskEvent::start().with_description("the other");
                other_store.apply(Target::exactly(&task), event, second(2)).await
            };
            let event = TaskEvent::start().with_description("the first");
            let target = Target::exactly(&task);
            let (one, other) = tokio::join!(first.apply(target, event, second(1)), race);
            assert_ne!(one.is_ok(), other.is_ok(), "{loss:?}: {one:?}, {other:?}");
            let found = first.get(task.account(), task.id(), second(3)).await.unwrap().unwrap();
            let winner = if one.is_ok() { "the first" } else { "the other" };
            assert_eq!((found.description(), found.attempts()), (Some(winner), 1), "{loss:?}");
        });
    }
}

#[test]
fn scripts_are_loaded_again_if_the_server_forgot_them() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        for number in 0..20 {
            server.call(&["SCRIPT", "FLUSH"]).unwrap();
            let task =
                store.submit(submission("acme", number), second(0)).await.unwrap().into_task();
            server.call(&["SCRIPT", "FLUSH"]).unwrap();
            let started = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
            assert_eq!(started.change().task().id(), task.id());
        }
        server.call(&["SCRIPT", "FLUSH"]).unwrap();
        assert_eq!(store.sweep(30, second(10_000_000)).await.unwrap().dropped, 20);
    });
    let info = server.call(&["INFO", "errorstats"]).unwrap();
    assert!(info.contains("errorstat_NOSCRIPT"), "{info}");
}

#[test]
fn a_server_out_of_memory_applies_nothing_and_a_sweep_makes_room() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let store = fresh(&server.redis(), StoreConfig::default());
    block_on(async {
        let acme = account("acme");
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        server.call(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
        let error = backend(store.submit(submission("acme", 2), second(0)).await);
        assert!(!error.is_unknown());
        let failed = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
        assert!(matches!(failed, Err(ApplyError::Backend(error)) if !error.is_unknown()));
        let page = store.list(&acme, &ListQuery::default(), second(1)).await.unwrap();
        assert_eq!(page.tasks(), [task]);

        let swept = store.sweep(10, second(10_000_000)).await.unwrap();
        assert_eq!((swept.dropped, swept.more), (1, false));
        server.call(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
        let later = second(10_000_001);
        store.submit(submission("acme", 2), later).await.unwrap();
        assert_eq!(
            store.claim(Scope::Any, later).await.unwrap().unwrap().change().task().id(),
            id(2)
        );
    });
}

#[test]
fn a_replica_refuses_writes_until_it_is_promoted() {
    let primary = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &primary.port.to_string()]);
    let redis = replica.redis().with_retry_time(Duration::from_millis(50));
    let store = fresh(&redis, StoreConfig::default());
    block_on(async {
        let error = backend(store.submit(submission("acme", 1), second(0)).await);
        assert!(!error.is_unknown());
        replica.call(&["REPLICAOF", "NO", "ONE"]).unwrap();
        store.submit(submission("acme", 1), second(0)).await.unwrap();
    });
}

/// A process reserved a place and died.
#[test]
fn a_stale_reservation_is_reclaimed() {
    let server = RedisServer::start(&[]);
    let config = StoreConfig::default().with_max_tasks(1);
    let store = fresh(&server.redis(), config);
    block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        let full = store.submit(submission("acme", 2), second(0)).await;
        assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
        assert_eq!(store.sweep(1, second(10_000_000)).await.unwrap().dropped, 1);

        // A reservation from 1970, by the server's clock.
        let total = &keys(&server, "*:total")[0];
        let reservations = total.replace(":total", ":reservations");
        server.call(&["HSET", &reservations, "17", "0 acme"]).unwrap();
        let later = second(10_000_001);
        store.submit(submission("acme", 3), later).await.unwrap();
        let full = store.submit(submission("acme", 4), later).await;
        assert!(matches!(full, Err(SubmitError::StoreFull)), "{full:?}");
    });
}

/// A call does not wait until all earlier calls to its account have ended their retries.
#[test]
fn a_call_to_a_busy_account_fails_when_its_retry_time_ends() {
    let server = RedisServer::start(&[]);
    let redis = server.redis().with_timeout(Duration::from_millis(200));
    let store = fresh(&redis.with_retry_time(Duration::from_millis(600)), StoreConfig::default());
    block_on(async {
        store.submit(submission("acme", 0), second(0)).await.unwrap();
        server.call(&["CLIENT", "PAUSE", "5000", "ALL"]).unwrap();
        let calls: Vec<_> = (1..7)
            .map(|number| {
                let store = store.clone();
                spawn(async move { store.submit(submission("acme", number), second(0)).await })
            })
            .collect();
        let mut busy = 0;
        for call in calls {
            let error = backend(call.await.unwrap());
            busy += usize::from(causes(&error).contains("earlier writes of this process"));
        }
        assert!(busy >= 4, "{busy}");
    });
}
