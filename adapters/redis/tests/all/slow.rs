//! A process that is slow between its read and its write.

use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::{
    AsyncTaskStore, Completion, Retention, Scope, StoreConfig, SubmitError, Target, TaskEvent,
};
use tasklife_redis::RedisStore;

use crate::support::{
    Connect, Loss, Proxy, RedisServer, account, block_on, fresh_pair, id, keys, second, submission,
};

/// Two handles of a store: a slow one, behind a proxy that can delay its next write, and a quick
/// one.
fn slow_and_quick(config: StoreConfig) -> (RedisServer, Proxy, RedisStore, RedisStore) {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::to(server.port);
    let (slow, quick) = fresh_pair(&proxy.redis(), &server.redis(), config);
    (server, proxy, slow, quick)
}

/// Makes a call while the slow store has read and not yet written.
async fn meanwhile<T>(call: impl Future<Output = T>) -> T {
    tokio::time::sleep(Proxy::DELAY / 2).await;
    call.await
}

#[test]
fn an_account_is_not_parked_while_a_write_is_in_flight() {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let (_server, proxy, slow, quick) = slow_and_quick(config);
    block_on(async {
        for number in [1, 2] {
            quick.submit(submission("acme", number), second(0)).await.unwrap();
        }
        let first = quick.claim(Scope::Any, second(0)).await.unwrap().unwrap().into_work().unwrap();
        proxy.lose(Loss::Delay);
        let end = TaskEvent::complete(Completion::default());
        let (ended, claimed) = tokio::join!(
            slow.apply(Target::exactly(&first), end, second(1)),
            meanwhile(quick.claim(Scope::Any, second(1))),
        );
        ended.unwrap();
        assert_eq!(claimed.unwrap(), None, "the lane is full");
        let second_task = quick.claim(Scope::Any, second(2)).await.unwrap().unwrap();
        assert_eq!(second_task.change().task().id(), id(2));
    });
}

#[test]
fn a_submission_in_flight_is_claimed_once_it_is_written() {
    let (_server, proxy, slow, quick) = slow_and_quick(StoreConfig::default());
    block_on(async {
        proxy.lose(Loss::Delay);
        let (submitted, claimed) = tokio::join!(
            slow.submit(submission("acme", 1), second(0)),
            meanwhile(quick.claim(Scope::Any, second(0))),
        );
        submitted.unwrap();
        assert_eq!(claimed.unwrap(), None);
        assert!(quick.claim(Scope::Any, second(0)).await.unwrap().is_some());
    });
}

#[test]
fn a_task_is_swept_though_a_sweep_ran_while_it_was_in_flight() {
    let retention = Retention::since_submission(Duration::from_secs(100));
    let (_server, proxy, slow, quick) =
        slow_and_quick(StoreConfig::default().with_retention(retention));
    block_on(async {
        quick.submit(submission("acme", 1), second(0)).await.unwrap();
        proxy.lose(Loss::Delay);
        let (submitted, swept) = tokio::join!(
            slow.submit(submission("acme", 2), second(90)),
            meanwhile(quick.sweep(10, second(110))),
        );
        submitted.unwrap();
        assert_eq!(swept.unwrap().dropped, 1);
        assert_eq!(quick.sweep(10, second(190)).await.unwrap().dropped, 1);
    });
}

/// The horizon passes the expiry of a task while its submission is in flight: it is refused.
#[test]
fn a_sweep_is_final_for_a_submission_in_flight() {
    let retention = Retention::since_submission(Duration::from_secs(100));
    let (_server, proxy, slow, quick) =
        slow_and_quick(StoreConfig::default().with_retention(retention));
    block_on(async {
        quick.submit(submission("acme", 1), second(0)).await.unwrap();
        proxy.lose(Loss::Delay);
        let (submitted, swept) = tokio::join!(
            slow.submit(submission("acme", 2), second(5)),
            meanwhile(quick.sweep(0, second(1_000))),
        );
        assert!(matches!(submitted, Err(SubmitError::Expired)), "{submitted:?}");
        assert_eq!((swept.as_ref().unwrap().dropped, swept.unwrap().more), (0, true));
        let page = quick.list(&account("acme"), &tasklife::ListQuery::default(), second(5)).await;
        assert!(page.unwrap().tasks().is_empty());
        assert_eq!(quick.sweep(10, second(0)).await.unwrap().dropped, 1);
    });
}

/// A reservation is reclaimed while its submission is in flight: only one of two submissions gets
/// the place.
#[test]
fn a_limit_holds_though_a_live_reservation_was_reclaimed() {
    let (server, proxy, slow, quick) = slow_and_quick(StoreConfig::default().with_max_tasks(2));
    block_on(async {
        quick.submit(submission("acme", 0), second(0)).await.unwrap();
        proxy.lose(Loss::Delay);
        let submit_other = async {
            // The reservation looks as if it were made in 1970.
            let key = keys(&server, "*:reservations").remove(0);
            let tokens = server.call(&["HKEYS", &key]).unwrap();
            let token = tokens.lines().nth(2).unwrap().to_owned();
            server.call(&["HSET", &key, &token, "0 acme"]).unwrap();
            quick.submit(submission("umbrella", 1), second(0)).await
        };
        let (one, other) =
            tokio::join!(slow.submit(submission("acme", 1), second(0)), meanwhile(submit_other));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?}, {other:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(quick.sweep(10, second(10_000_000)).await.unwrap().dropped, 2);
    });
}
