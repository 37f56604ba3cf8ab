//! Failovers in a cluster.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tasklife::testing::{BlockOn, Law, Suite};
use tasklife::{AsyncTaskStore, Completion, Scope, StoreConfig, Target, TaskEvent};
use tasklife_redis::RedisStore;

use crate::support::{
    Client, Connect, RedisCluster, account, block_on, fresh, id, second, spawn, submission,
};

const ACCOUNTS: u64 = 30;

/// Kills the primary of a key while a client works. Then every task is there, and every call works.
fn survive_the_loss_of(key: &str) {
    let mut cluster = RedisCluster::start(&[]);
    let redis = cluster.redis().with_retry_time(Duration::from_secs(20));
    let store = fresh(&redis, StoreConfig::default().with_max_tasks(10_000)).with_prefix("p");
    block_on(submit_one_each(&store, 1));
    assert_eq!(block_on(store.sweep(1, second(0))).unwrap().dropped, 0);
    cluster.wait_for_replicas();

    let lost = cluster.primary_of(key);
    let mut client = Client::new(store.clone(), account("account 7"));
    let working = spawn(async move {
        for number in 100..130 {
            client.live(number, second(1)).await;
        }
        client
    });
    sleep(Duration::from_millis(30));
    cluster.nodes[lost].kill();
    cluster.wait("a replica to be promoted", |cluster| {
        let topology = cluster.topology();
        let primaries = topology.iter().filter(|node| node.primary && !node.failed);
        primaries.count() == 3
    });
    // The client's retry time is longer than the failover.
    let client = block_on(working).unwrap();
    assert_eq!((client.not_applied, client.unknown), (0, 0));
    assert_eq!(client.tasks.len(), 30);

    block_on(async {
        client.check(second(1)).await;
        submit_one_each(&store, 2).await;
        // As if the registrations had not reached the replica. The sweep notices the new primary,
        // and registers all accounts again.
        for key in ["queue", "ready", "bounds", "expiry"] {
            redis.call(&["DEL", &format!("p:{{*}}:{key}")]).await.unwrap();
        }
        assert_eq!(store.claim(Scope::Any, second(2)).await.unwrap(), None);
        assert_eq!(store.sweep(1, second(2)).await.unwrap().dropped, 0);
        let mut started = BTreeSet::new();
        while let Some(claimed) = store.claim(Scope::Any, second(3)).await.unwrap() {
            let task = claimed.change().task();
            started.insert((task.account().to_string(), task.id()));
            let end = TaskEvent::complete(Completion::of(7));
            store.apply(Target::exactly(task), end, second(3)).await.unwrap();
        }
        let of_account = |name| [1, 2].map(|number| (format!("account {name}"), id(number)));
        let submitted: BTreeSet<_> = (0..ACCOUNTS).flat_map(of_account).collect();
        let lost: Vec<_> = submitted.difference(&started).collect();
        assert!(lost.is_empty(), "never claimed: {lost:?}");
        assert_eq!(started, submitted);
        let swept = store.sweep(usize::MAX, second(10_000_000)).await.unwrap();
        assert_eq!(swept.dropped as u64, 2 * ACCOUNTS + 30);
    });
}

/// The conformance suite runs while a primary is killed, returns as a replica, and another is
/// killed.
#[test]
fn the_laws_hold_during_failovers() {
    let mut cluster = RedisCluster::start(&[]);
    let redis = cluster.redis().with_retry_time(Duration::from_secs(20));
    let stop = Arc::new(AtomicBool::new(false));
    let checking = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let mut seed = 0;
            while !stop.load(Ordering::SeqCst) {
                for law in [Law::Methods, Law::S5, Law::S6, Law::S7, Law::S10, Law::S12, Law::S13] {
                    let suite = Suite::new().with_cases(6).with_seed(seed);
                    let checked = suite.check(law, |config| fresh(&redis, config), &Runtime);
                    if let Err(violation) = checked {
                        panic!("{violation}");
                    }
                }
                seed += 1;
            }
            seed
        })
    };
    for slot in ["1", "2"] {
        sleep(Duration::from_millis(500));
        // Replicas that are in step receive every write at once.
        cluster.wait_for_replicas();
        let lost = cluster.primary_of(slot);
        cluster.nodes[lost].kill();
        cluster.wait("a replica to be promoted", |cluster| {
            let topology = cluster.topology();
            let primaries = topology.iter().filter(|node| node.primary && !node.failed);
            primaries.count() == 3 && cluster.primary_of(slot) != lost
        });
        sleep(Duration::from_millis(500));
        cluster.nodes[lost].restart();
        cluster.wait("every replica to be in step", RedisCluster::is_whole);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(checking.join().unwrap() > 0);
}

struct Runtime;

impl BlockOn for Runtime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }
}

async fn submit_one_each(store: &RedisStore, number: u64) {
    for name in 0..ACCOUNTS {
        let submission = submission(&format!("account {name}"), number);
        store.submit(submission, second(0)).await.unwrap();
    }
}

#[test]
fn the_store_survives_the_loss_of_an_accounts_primary() {
    survive_the_loss_of("p:{account%207}:account");
}

#[test]
fn the_store_survives_the_loss_of_the_registrys_primary() {
    survive_the_loss_of("p:{*}:queue");
}
