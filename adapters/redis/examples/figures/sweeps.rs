//! Limited sweeps of many accounts, each with one due task.

use std::time::Instant;

use chrono::TimeDelta;
use tasklife::AsyncTaskStore;
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::{RedisCluster, RedisServer};

use crate::measure::{CONCURRENCY, Outcome, config, now, rate, submission};

pub(crate) async fn measure(accounts: u64) -> Outcome<()> {
    println!(
        "| `sweep(1000)` with {accounts} accounts due | the first | the next |\n|---|---|---|"
    );
    let server = RedisServer::start(&[]);
    measure_on(accounts, "one server", Redis::server(&server.address())?).await?;
    drop(server);
    let cluster = RedisCluster::start(&[]);
    let addresses = cluster.addresses();
    let redis = Redis::cluster(addresses.iter().map(String::as_str))?;
    measure_on(accounts, "three primaries, a replica each", redis).await?;
    println!();
    Ok(())
}

async fn measure_on(accounts: u64, what: &str, redis: Redis) -> Outcome<()> {
    let store = RedisStore::new(redis, config());
    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(number, number), now(0)).await?;
            Ok(())
        }
    };
    // The first sweep in a cluster repairs every account: leave that out.
    store.sweep(0, now(0)).await?;
    rate(accounts, CONCURRENCY, submit).await?;
    let mut took = Vec::new();
    for second in 0..5 {
        let begin = Instant::now();
        let later = now(0) + TimeDelta::days(11) + TimeDelta::seconds(second);
        let swept = store.sweep(1_000, later).await?;
        took.push(begin.elapsed().as_secs_f64() * 1e3);
        assert_eq!((swept.dropped, swept.more), (1_000, accounts > 1_000 * took.len() as u64));
    }
    let next: Vec<String> = took[1..].iter().map(|took| format!("{took:.0} ms")).collect();
    println!("| {what} | {:.0} ms | {} |", took[0], next.join(", "));
    Ok(())
}
