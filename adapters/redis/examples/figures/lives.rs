//! Whole lives of tasks, on one server and on a cluster of three primaries.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tasklife::{AsyncTaskStore, Claimed, Completion, ListQuery, Scope, Target, TaskEvent};
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::{RedisCluster, RedisServer};

use crate::measure::{CONCURRENCY, Outcome, account, config, now, rate, submission};

pub(crate) async fn measure() -> Outcome<()> {
    const LIVES: u64 = 5_000;
    println!("| nodes | lives a second | server's time for a life, of the busiest node |");
    println!("|---|---|---|");
    let server = RedisServer::start(&[]);
    let redis = Redis::server(&server.address())?;
    measure_on("one", LIVES, redis, &[&server]).await?;
    drop(server);
    let cluster = RedisCluster::start(&[]);
    let nodes: Vec<&RedisServer> = cluster.nodes.iter().collect();
    let addresses = cluster.addresses();
    let redis = Redis::cluster(addresses.iter().map(String::as_str))?;
    measure_on("three primaries, a replica each", LIVES, redis, &nodes).await
}

async fn measure_on(what: &str, count: u64, redis: Redis, nodes: &[&RedisServer]) -> Outcome<()> {
    let store = RedisStore::new(redis, config());
    let attempts = Arc::new(AtomicU64::new(0));
    let live = |number: u64| {
        let (store, attempts) = (store.clone(), attempts.clone());
        async move {
            let own = account(number % 500);
            store.submit(submission(number % 500, number), now(0)).await?;
            let claimed = store.claim(Scope::Account(&own), now(0)).await?;
            let started = claimed.and_then(Claimed::into_work).ok_or("nothing")?;
            let report = TaskEvent::report();
            let task = store.apply(Target::exactly(&started), report, now(0)).await?;
            let end = TaskEvent::complete(Completion::of(77_899));
            let task = store.apply(Target::exactly(task.task()), end, now(0)).await?.into_task();
            store.get(&own, task.id(), now(0)).await?;
            let query = ListQuery::new(NonZeroUsize::MIN.saturating_add(9));
            store.list(&own, &query, now(0)).await?;
            attempts.fetch_add(u64::from(task.attempts()), Ordering::Relaxed);
            Ok(())
        }
    };
    // The first life in an account costs more: leave it out.
    rate(500, CONCURRENCY, live).await?;
    let before: Vec<f64> = nodes.iter().map(|node| processor_seconds(node)).collect();
    let rate = rate(count, CONCURRENCY, |number| live(500 + number)).await?;
    assert_eq!(attempts.load(Ordering::Relaxed), 500 + count);
    let used = nodes.iter().zip(before).map(|(node, before)| processor_seconds(node) - before);
    let busiest = used.fold(0.0, f64::max) / count as f64 * 1e6;
    println!("| {what} | {rate:.0} | {busiest:.0} µs |");
    Ok(())
}

/// The processor time that a server has used.
fn processor_seconds(server: &RedisServer) -> f64 {
    let info = server.call(&["INFO", "cpu"]).unwrap_or_default();
    let seconds = |line: &str| {
        let line = line.trim();
        let used = line.strip_prefix("used_cpu_user:").or(line.strip_prefix("used_cpu_sys:"));
        used?.parse::<f64>().ok()
    };
    info.lines().filter_map(seconds).sum()
}
