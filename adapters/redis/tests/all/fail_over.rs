//! A cluster that loses a primary.

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

/// Loses the primary of a key, while clients go on; then everything is there, and everything works.
fn survive_the_loss_of(key: &str) {
    let mut cluster = RedisCluster::start(&[]);
    let redis = cluster.redis().with_patience(Duration::from_secs(20));
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
    // It was patient enough to notice nothing but a delay.
    let client = block_on(working).unwrap();
    assert_eq!((client.not_applied, client.unknown), (0, 0));
    assert_eq!(client.tasks.len(), 30);

    block_on(async {
        client.check(second(1)).await;
        submit_one_each(&store, 2).await;
        // As if the registrations had not reached the replica in time. The sweep finds out that a
        // primary is another, and registers everyone again.
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
        assert!(lost.is_empty(), "no longer handed out: {lost:?}");
        assert_eq!(started, submitted);
        let swept = store.sweep(usize::MAX, second(10_000_000)).await.unwrap();
        assert_eq!(swept.dropped as u64, 2 * ACCOUNTS + 30);
    });
}

/// The conformance suite goes on while a primary is lost, comes back as a replica, and another is lost.
#[test]
fn the_laws_hold_while_primaries_are_lost() {
    let mut cluster = RedisCluster::start(&[]);
    let redis = cluster.redis().with_patience(Duration::from_secs(20));
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
        // From then on, a replica gets what is written at once.
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
fn the_loss_of_an_accounts_primary_is_survived() {
    survive_the_loss_of("p:{account%207}:account");
}

#[test]
fn the_loss_of_the_registrys_primary_is_survived() {
    survive_the_loss_of("p:{*}:queue");
}
