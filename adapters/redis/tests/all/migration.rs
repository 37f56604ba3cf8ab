//! A cluster whose slots move from node to node under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tasklife::{AsyncTaskStore, Completion, Scope, StoreConfig, Submitted, Target, TaskEvent};
use tasklife_redis::RedisStore;

use crate::support::{
    Connect, RedisCluster, RedisServer, block_on, fresh, id, second, spawn, submission,
};

const ACCOUNTS: u64 = 8;

fn name(account: u64) -> String {
    format!("account-{account}")
}

/// The values in an answer, without the lines that give lengths.
fn words(server: &RedisServer, command: &[&str]) -> Vec<String> {
    let answer = server.call(command).unwrap();
    assert!(!answer.starts_with('-'), "{command:?}: {answer}");
    let is_word = |line: &&str| !line.starts_with(['*', '$']);
    answer
        .lines()
        .filter(is_word)
        .map(|line| line.trim_start_matches([':', '+']).to_owned())
        .collect()
}

/// The owner of a slot according to a node, and the owner's epoch.
fn owner_of(node: &RedisServer, slot: u16) -> Option<(String, String)> {
    let nodes = node.call(&["CLUSTER", "NODES"]).unwrap();
    nodes.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').map(str::trim).collect();
        let owns = words.get(8..)?.iter().any(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let range = from.parse::<u16>().ok().zip(to.parse::<u16>().ok());
            range.is_some_and(|(from, to)| (from..=to).contains(&slot))
        });
        owns.then(|| (words[0].to_owned(), words[6].to_owned()))
    })
}

/// Waits until all nodes agree on the owner of a slot. If the slot moved before, it could be lost.
fn await_agreement(cluster: &RedisCluster, slot: u16) {
    cluster.wait("all nodes to agree", |cluster| {
        let first = owner_of(&cluster.nodes[0], slot);
        first.is_some() && cluster.nodes.iter().all(|node| owner_of(node, slot) == first)
    });
}

/// Moves the slot of a key from its primary to another, key by key.
fn migrate(cluster: &RedisCluster, key: &str) {
    let slot = &words(&cluster.nodes[0], &["CLUSTER", "KEYSLOT", key])[0];
    await_agreement(cluster, slot.parse().unwrap());
    let from = cluster.primary_of(key);
    let topology = cluster.topology();
    let primaries: Vec<usize> = (0..cluster.nodes.len())
        .filter(|at| {
            topology.iter().any(|node| node.primary && node.port == cluster.nodes[*at].port)
        })
        .collect();
    let at = primaries.iter().position(|at| *at == from).unwrap();
    let to = primaries[(at + 1) % primaries.len()];
    let (source, target) = (&cluster.nodes[from], &cluster.nodes[to]);
    let [source_id, target_id] =
        [source, target].map(|node| words(node, &["CLUSTER", "MYID"]).remove(0));
    words(target, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &source_id]);
    words(source, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &target_id]);
    loop {
        let keys = words(source, &["CLUSTER", "GETKEYSINSLOT", slot, "3"]);
        if keys.is_empty() {
            break;
        }
        let port = target.port.to_string();
        let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        command.extend(keys.iter().map(String::as_str));
        words(source, &command);
        // Meanwhile, the keys of an account are on two nodes.
        sleep(Duration::from_millis(3));
    }
    sleep(Duration::from_millis(10));
    for at in [to, from].into_iter().chain(primaries) {
        words(&cluster.nodes[at], &["CLUSTER", "SETSLOT", slot, "NODE", &target_id]);
    }
    await_agreement(cluster, slot.parse().unwrap());
}

async fn submit(store: RedisStore, account: u64, stop: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let submission = submission(&name(account), number);
        let submitted = store.submit(submission, second(0)).await.unwrap();
        assert!(matches!(submitted, Submitted::New(_)), "submitted twice: {submitted:?}");
        number += 1;
    }
    number
}

/// Completes tasks until none is left after `stop`; returns those that it started.
async fn work(store: RedisStore, stop: Arc<AtomicBool>) -> Vec<(String, tasklife::TaskId)> {
    let mut started = Vec::new();
    loop {
        let is_last = stop.load(Ordering::SeqCst);
        match store.claim(Scope::Any, second(1)).await.unwrap() {
            Some(claimed) => {
                let task = claimed.into_work().unwrap();
                assert_eq!(task.attempts(), 1);
                started.push((task.account().to_string(), task.id()));
                let end = TaskEvent::complete(Completion::of(7));
                store.apply(Target::exactly(&task), end, second(2)).await.unwrap();
            }
            None if is_last => return started,
            None => tokio::task::yield_now().await,
        }
    }
}

#[test]
fn nothing_is_lost_while_slots_move_under_load() {
    let cluster = RedisCluster::start(&[]);
    let redis = cluster.redis().with_retry_time(Duration::from_secs(20));
    let store = fresh(&redis, StoreConfig::default().with_max_tasks(1_000_000)).with_prefix("m");
    let (submitted_all, worked_all) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let submitting: Vec<_> = (0..ACCOUNTS)
        .map(|account| spawn(submit(store.clone(), account, submitted_all.clone())))
        .collect();
    let working: Vec<_> = (0..4).map(|_| spawn(work(store.clone(), worked_all.clone()))).collect();

    let accounts = (0..ACCOUNTS).map(|account| format!("m:{{{}}}:account", name(account)));
    let keys: Vec<String> = accounts.chain(["m:{*}:queue".to_owned()]).collect();
    let begin = Instant::now();
    let mut moved = 0;
    while begin.elapsed() < Duration::from_secs(3) {
        migrate(&cluster, &keys[moved % keys.len()]);
        moved += 1;
    }
    block_on(async {
        submitted_all.store(true, Ordering::SeqCst);
        let mut submitted = BTreeSet::new();
        for (account, submitting) in (0..ACCOUNTS).zip(submitting) {
            let count = submitting.await.unwrap();
            submitted.extend((0..count).map(|number| (name(account), id(number))));
        }
        worked_all.store(true, Ordering::SeqCst);
        let mut started = Vec::new();
        for working in working {
            started.extend(working.await.unwrap());
        }
        let once: BTreeSet<_> = started.iter().cloned().collect();
        assert_eq!(once.len(), started.len(), "a task was started twice");
        assert!(once == submitted, "{} were submitted, {} started", submitted.len(), once.len());
        let swept = store.sweep(usize::MAX, second(10_000_000)).await.unwrap();
        assert_eq!(swept.dropped, submitted.len());
    });
    let errors = cluster.nodes.iter().map(|node| node.call(&["INFO", "errorstats"]).unwrap());
    let errors: String = errors.collect();
    assert!(moved > 10 && errors.contains("errorstat_ASK"), "{moved} slots moved: {errors}");
}
