//! Waking the workers that wait when any process makes work.

use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::{
    AsyncTaskStore, Completion, Notifies, Scope, StoreConfig, Target, Task, TaskError, TaskEvent,
};
use tasklife_redis::{Redis, RedisStore};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::support::{
    Connect, RedisCluster, RedisServer, account, block_on, fresh, fresh_pair, id, second,
    submission,
};

/// Much longer than a hint takes, or a subscription takes to be opened again.
const LONG: Duration = Duration::from_secs(10);
/// Longer than a hint takes.
const SHORT: Duration = Duration::from_millis(100);

/// Two handles of a store, as two processes have them. The first one listens.
async fn listening(connections: [&Redis; 2]) -> (RedisStore, RedisStore) {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let (listener, writer) = fresh_pair(connections[0], connections[1], config);
    timeout(LONG, listener.notified()).await.expect("expected a hint when the subscription began");
    (listener, writer)
}

/// Whether a caller that waits is woken by an action; and the action's result.
async fn is_woken_by<T>(listener: &RedisStore, done: impl Future<Output = T>) -> (bool, T) {
    let notified = listener.notified();
    let done = done.await;
    (timeout(SHORT, notified).await.is_ok(), done)
}

/// Checks that an action wakes a caller that waits; returns the action's result.
async fn wakes<T>(listener: &RedisStore, what: &str, done: impl Future<Output = T>) -> T {
    let notified = listener.notified();
    let done = done.await;
    timeout(LONG, notified).await.unwrap_or_else(|_| panic!("nobody was woken by {what}"));
    done
}

async fn check_what_wakes(connections: [&Redis; 2]) {
    let (listener, writer) = listening(connections).await;
    let submit = |number| writer.submit(submission("acme", number), second(0));
    let claim = || async {
        writer.claim(Scope::Any, second(0)).await.unwrap().unwrap().into_work().unwrap()
    };
    let apply = |task: Task, event| {
        let writer = &writer;
        async move { writer.apply(Target::exactly(&task), event, second(0)).await.unwrap() }
    };

    wakes(&listener, "a submission", submit(1)).await.unwrap();
    let (woken, one) = is_woken_by(&listener, async {
        let one = claim().await;
        let initialized = submission("acme", 2).initialized();
        writer.submit(initialized, second(0)).await.unwrap();
        let reported = apply(one, TaskEvent::report()).await;
        let other =
            RedisStore::new(connections[1].clone(), *writer.config()).with_prefix("another");
        other.submit(submission("acme", 1), second(0)).await.unwrap();
        reported.into_task()
    })
    .await;
    assert!(!woken, "expected no hint without new work");
    let end = TaskEvent::complete(Completion::default());
    let (woken, _) = is_woken_by(&listener, apply(one, end.clone())).await;
    assert!(!woken, "expected no hint when nothing waits for the room");

    let acme = account("acme");
    let receive = writer.apply(Target::latest(&acme, id(2)), TaskEvent::receive(), second(0));
    wakes(&listener, "a task that is received", receive).await.unwrap();
    let two = claim().await;
    wakes(&listener, "a submission to a full lane", submit(3)).await.unwrap();
    wakes(&listener, "an end that makes room", apply(two, end)).await;
    let three = claim().await;
    submit(4).await.unwrap();
    let failure = TaskEvent::fail(TaskError::new("BROKEN", "It broke."));
    wakes(&listener, "a failure that makes room", apply(three, failure)).await;
}

#[test]
fn a_waiting_worker_is_woken_by_another_process() {
    let server = RedisServer::start(&[]);
    block_on(check_what_wakes([&server.redis(), &server.redis()]));
}

/// The listener subscribes on each node in turn.
#[test]
fn a_waiting_worker_is_woken_by_another_process_on_a_cluster() {
    let cluster = RedisCluster::start(&[]);
    let writer = cluster.redis();
    for address in cluster.addresses() {
        block_on(check_what_wakes([&Redis::cluster([&*address]).unwrap(), &writer]));
    }
}

/// The number of subscribed connections of a server; waits up to 2 seconds for the expected number.
async fn subscriptions(server: &RedisServer, expected: usize) -> usize {
    let count = || {
        let clients = server.call(&["CLIENT", "LIST", "TYPE", "PUBSUB"]).unwrap();
        clients.matches("addr=127").count() / 2
    };
    for _ in 0..200 {
        if count() == expected {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    count()
}

#[test]
fn the_subscription_begins_with_the_first_wait_and_ends_with_the_last_clone() {
    let server = RedisServer::start(&[]);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let store = fresh(&server.redis(), StoreConfig::default());
    let clone = store.clone();
    // Without an await, this needs no runtime.
    let unawaited = clone.notified();
    runtime.block_on(async {
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        sleep(SHORT).await;
        assert_eq!(subscriptions(&server, 0).await, 0);
        timeout(LONG, unawaited).await.unwrap();
    });
    // Clones share the subscription.
    runtime.block_on(async {
        let _ = timeout(SHORT, store.notified()).await;
        assert_eq!(subscriptions(&server, 1).await, 1);
        drop(store);
        wakes(&clone, "a submission", clone.submit(submission("acme", 2), second(0)))
            .await
            .unwrap();
        drop(clone);
        assert_eq!(subscriptions(&server, 0).await, 0);
    });
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
}

#[test]
fn a_lost_subscription_is_opened_again() {
    let mut server = RedisServer::start(&[]);
    let redis = server.redis();
    block_on(async {
        let (listener, writer) = listening([&redis, &redis]).await;
        for number in 0..3 {
            let kill = async { server.call(&["CLIENT", "KILL", "TYPE", "PUBSUB"]) };
            let killed = wakes(&listener, "the return of its subscription", kill).await.unwrap();
            assert_eq!(killed, ":1\r\n");
            assert_eq!(subscriptions(&server, 1).await, 1);
            let submitted = writer.submit(submission("acme", number), second(0));
            wakes(&listener, "a submission", submitted).await.unwrap();
        }
        wakes(&listener, "the return of the server", async { server.restart() }).await;
        let submitted = writer.submit(submission("acme", 9), second(0));
        wakes(&listener, "a submission", submitted).await.unwrap();
    });
}

/// The first caller waited on a runtime that has ended since.
#[test]
fn the_subscription_moves_to_another_runtime() {
    let server = RedisServer::start(&[]);
    let store = fresh(&server.redis(), StoreConfig::default());
    let first = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    first.block_on(async { timeout(LONG, store.notified()).await.unwrap() });
    block_on(async {
        wakes(&store, "the end of its subscription", async { first.shutdown_background() }).await;
        wakes(&store, "a submission", store.submit(submission("acme", 1), second(0)))
            .await
            .unwrap();
    });
}
