//! Measures the store on servers of its own, beside bare commands on the same connection.
//!
//! ```text
//! cargo run --release -p tasklife-redis --example figures            everything, in a few minutes
//! cargo run --release -p tasklife-redis --example figures 1000000    so many tasks, instead of 100000
//! cargo run --release -p tasklife-redis --example figures 100000 sweep one   of all, these parts alone
//! ```

#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::TimeDelta;
use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, ListQuery, Now, Scope,
    StoreConfig, Submission, Target, Task, TaskEvent, TaskId,
};
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::{RedisCluster, RedisServer};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
const INPUT: &[u8] = br#"{"name": "My example subscription", "memoryStorage": "ram"}"#;
/// How many calls are on their way at a time, where they are not one after the other.
const AT_ONCE: u64 = 64;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let tasks = std::env::args().nth(1).map_or(Ok(100_000), |number| number.parse())?;
    let parts: Vec<String> = std::env::args().skip(2).collect();
    let wants = |part: &str| parts.is_empty() || parts.iter().any(|one| one == part);
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        if wants("calls") {
            calls(tasks).await?;
        }
        if wants("one") {
            one_account().await?;
        }
        if wants("sweep") {
            sweeps(tasks).await?;
        }
        if wants("memory") {
            memory(tasks).await?;
        }
        if wants("nodes") {
            nodes().await?;
        }
        Ok(())
    })
}

/// As many tasks as are asked for: what a limit costs is told beside the figures.
fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(usize::MAX)
}

/// Ten calls a second: nothing expires before it is swept.
fn now(number: u64) -> Now {
    Now::UNIX_EPOCH + TimeDelta::milliseconds(number.cast_signed() * 100)
}

fn account(number: u64) -> AccountId {
    format!("account-{number}").parse().expect("a name")
}

fn id(number: u64) -> TaskId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().expect("a UUID")
}

fn submission(of: u64, number: u64) -> Submission {
    Submission::new(account(of), id(number), CREATE).with_input(INPUT)
}

/// Makes calls with numbers from 0, so many at once; gives how many a second.
async fn rate<F>(calls: u64, at_once: u64, call: impl Fn(u64) -> F) -> Outcome<f64>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let call = |number| call(number);
    let begin = Instant::now();
    let (mut running, mut next) = (JoinSet::new(), 0);
    while next < calls || !running.is_empty() {
        if next < calls && (running.len() as u64) < at_once {
            running.spawn(call(next));
            next += 1;
        } else if let Some(ended) = running.join_next().await {
            ended??;
        }
    }
    Ok(calls as f64 / begin.elapsed().as_secs_f64())
}

/// How many commands clients have sent, by the server's count.
fn commands(server: &RedisServer) -> u64 {
    let stats = server.call(&["INFO", "commandstats"]).unwrap_or_default();
    let counted = ["cmdstat_evalsha:", "cmdstat_eval:", "cmdstat_ping:"];
    let of = |line: &str| {
        let line = line.trim();
        let rest = counted.iter().find_map(|name| line.strip_prefix(name))?;
        rest.strip_prefix("calls=")?.split(',').next()?.parse::<u64>().ok()
    };
    stats.lines().filter_map(of).sum()
}

/// Prints a line: what, its rate one after the other and many at once, its commands.
async fn line<F>(
    server: &RedisServer,
    what: &str,
    each: u64,
    call: impl Fn(u64) -> F + Copy,
) -> Outcome<()>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let before = commands(server);
    let alone = rate(each, 1, call).await?;
    let many = rate(4 * each, AT_ONCE, |number| call(each + number)).await?;
    let sent = (commands(server) - before) as f64 / (5 * each) as f64;
    let sent = if sent < 0.5 { "1 (itself)".to_owned() } else { format!("{sent:.2}") };
    println!("| {what} | {alone:.0} | {many:.0} | {sent} |");
    Ok(())
}

/// Each call, on one server that holds so many tasks of 1000 accounts.
async fn calls(tasks: u64) -> Outcome<()> {
    const ACCOUNTS: u64 = 1_000;
    const EACH: u64 = 2_000;
    let server = RedisServer::start(&[]);
    let redis = Redis::server(&server.address())?;
    let store = RedisStore::new(redis.clone(), config());
    println!("one server with {tasks} tasks of {ACCOUNTS} accounts\n");
    println!("| call | one at a time, a second | {AT_ONCE} at once, a second | round trips |");
    println!("|---|---|---|---|");
    let value = Arc::new("x".repeat(500));
    let set = |number: u64| {
        let (redis, value) = (redis.clone(), value.clone());
        async move {
            redis.call(&["SET", &format!("bare:{number}"), &value]).await?;
            Ok(())
        }
    };
    let get = |number: u64| {
        let redis = redis.clone();
        async move {
            redis.call(&["GET", &format!("bare:{number}")]).await?;
            Ok(())
        }
    };
    line(&server, "bare `SET` of 500 bytes", EACH, set).await?;
    line(&server, "bare `GET`", EACH, get).await?;

    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(number % ACCOUNTS, number), now(number)).await?;
            Ok(())
        }
    };
    rate(tasks - 5 * EACH, AT_ONCE, |number| submit(5 * EACH + number)).await?;
    line(&server, "`submit`", EACH, submit).await?;
    let read = |number: u64| {
        let store = store.clone();
        async move {
            store.get(&account(number % ACCOUNTS), id(number), now(number)).await?;
            Ok(())
        }
    };
    line(&server, "`get`", EACH, read).await?;
    let list = |number: u64| {
        let store = store.clone();
        async move {
            let query = ListQuery::default();
            let page = store.list(&account(number % ACCOUNTS), &query, now(number)).await?;
            assert!(!page.tasks().is_empty());
            Ok(())
        }
    };
    line(&server, "`list` of 100", EACH / 5, list).await?;

    let started: Arc<[std::sync::Mutex<Option<Task>>]> =
        (0..5 * EACH).map(|_| std::sync::Mutex::new(None)).collect();
    let slot = |number: u64| usize::try_from(number).unwrap_or_default();
    let claim = |number: u64| {
        let (store, started) = (store.clone(), started.clone());
        async move {
            let claimed = store.claim(Scope::Any, now(tasks)).await?.ok_or("nothing waits")?;
            *started[slot(number)].lock().map_err(|_| "poisoned")? = claimed.into_work();
            Ok(())
        }
    };
    line(&server, "`claim` from any account", EACH, claim).await?;
    for (what, complete) in [("`apply` of a report", false), ("`apply` of the end", true)] {
        let apply = |number: u64| {
            let (store, started) = (store.clone(), started.clone());
            async move {
                let task = started[slot(number)].lock().map_err(|_| "poisoned")?.take();
                let task = task.ok_or("not started")?;
                let event = if complete {
                    TaskEvent::complete(Completion::of(77_899))
                } else {
                    TaskEvent::report()
                };
                let change = store.apply(Target::exactly(&task), event, now(tasks)).await?;
                *started[slot(number)].lock().map_err(|_| "poisoned")? = Some(change.into_task());
                Ok(())
            }
        };
        line(&server, what, EACH, apply).await?;
    }
    let begin = Instant::now();
    let before = commands(&server);
    let mut dropped = 0;
    loop {
        let swept = store.sweep(1_000, now(tasks) + TimeDelta::days(10)).await?;
        dropped += swept.dropped;
        if !swept.more {
            break;
        }
    }
    let rate = dropped as f64 / begin.elapsed().as_secs_f64();
    let each = (commands(&server) - before) as f64 / dropped as f64;
    println!("| `sweep`, for each task dropped | | {rate:.0} | {each:.2} |\n");
    Ok(())
}

/// Many callers at once on one account, beside a bare script that does as little as a script can.
async fn one_account() -> Outcome<()> {
    const EACH: u64 = 4_000;
    const BARE: &str = "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1";
    let server = RedisServer::start(&[]);
    let redis = Redis::server(&server.address())?;
    let store = RedisStore::new(redis.clone(), config());
    println!("one account\n");
    println!("| call | one at a time, a second | {AT_ONCE} at once, a second | round trips |");
    println!("|---|---|---|---|");
    let value = Arc::new("x".repeat(500));
    let bare = |number: u64| {
        let (redis, value) = (redis.clone(), value.clone());
        async move {
            redis.call(&["EVAL", BARE, "1", "bare", &number.to_string(), &value]).await?;
            Ok(())
        }
    };
    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(0, number), now(number)).await?;
            Ok(())
        }
    };
    let receive = |number: u64| {
        let store = store.clone();
        async move {
            let (own, id) = (account(0), id(number));
            store.apply(Target::latest(&own, id), TaskEvent::start(), now(number)).await?;
            Ok(())
        }
    };
    // Each beside the others, three times.
    for round in 0..3 {
        let from = round * 5 * EACH;
        line(&server, "bare script that writes 500 bytes", EACH, |number| bare(from + number))
            .await?;
        line(&server, "`submit`", EACH, |number| submit(from + number)).await?;
        line(&server, "`apply` of a start", EACH, |number| receive(from + number)).await?;
    }
    println!();
    Ok(())
}

/// A limited sweep of many accounts, each of which has something that is due.
async fn sweeps(accounts: u64) -> Outcome<()> {
    println!(
        "| `sweep(1000)` with {accounts} accounts due | the first | the next |\n|---|---|---|"
    );
    let one = RedisServer::start(&[]);
    sweep_of(accounts, "one server", Redis::server(&one.address())?).await?;
    drop(one);
    let three = RedisCluster::start(&[]);
    let addresses = three.addresses();
    let redis = Redis::cluster(addresses.iter().map(String::as_str))?;
    sweep_of(accounts, "three primaries, a replica each", redis).await?;
    println!();
    Ok(())
}

async fn sweep_of(accounts: u64, what: &str, redis: Redis) -> Outcome<()> {
    let store = RedisStore::new(redis, config());
    let submit = |number: u64| {
        let store = store.clone();
        async move {
            store.submit(submission(number, number), now(0)).await?;
            Ok(())
        }
    };
    // The first sweep of a cluster looks at every account there is.
    store.sweep(0, now(0)).await?;
    rate(accounts, AT_ONCE, submit).await?;
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

fn used_memory(server: &RedisServer) -> u64 {
    let info = server.call(&["INFO", "memory"]).unwrap_or_default();
    let of = |line: &str| line.trim().strip_prefix("used_memory:")?.parse().ok();
    info.lines().find_map(of).unwrap_or_default()
}

/// What a task takes, in accounts of different sizes.
async fn memory(tasks: u64) -> Outcome<()> {
    println!("| memory of {tasks} tasks | bytes a task |\n|---|---|");
    for accounts in [tasks / 1_000, tasks / 100, tasks / 10, tasks] {
        let server = RedisServer::start(&[]);
        let store = RedisStore::new(Redis::server(&server.address())?, config());
        let before = used_memory(&server);
        let submit = |number: u64| {
            let store = store.clone();
            async move {
                store.submit(submission(number % accounts, number), now(number)).await?;
                Ok(())
            }
        };
        rate(tasks, AT_ONCE, submit).await?;
        let bytes = (used_memory(&server) - before) / tasks;
        println!("| {} in each account | {bytes} |", tasks / accounts);
    }
    println!();
    Ok(())
}

/// The processor time that a server has used, in seconds.
fn processor(server: &RedisServer) -> f64 {
    let info = server.call(&["INFO", "cpu"]).unwrap_or_default();
    let of = |line: &str| {
        let line = line.trim();
        let used = line.strip_prefix("used_cpu_user:").or(line.strip_prefix("used_cpu_sys:"));
        used?.parse::<f64>().ok()
    };
    info.lines().filter_map(of).sum()
}

/// Whole lives of tasks, on one node and on three.
async fn nodes() -> Outcome<()> {
    const LIVES: u64 = 5_000;
    println!("| nodes | lives a second | server's time for a life, of the busiest node |");
    println!("|---|---|---|");
    let one = RedisServer::start(&[]);
    let redis = Redis::server(&one.address())?;
    lives("one", LIVES, redis, &[&one]).await?;
    drop(one);
    let three = RedisCluster::start(&[]);
    let nodes: Vec<&RedisServer> = three.nodes.iter().collect();
    let addresses = three.addresses();
    let redis = Redis::cluster(addresses.iter().map(String::as_str))?;
    lives("three primaries, a replica each", LIVES, redis, &nodes).await
}

async fn lives(what: &str, count: u64, redis: Redis, nodes: &[&RedisServer]) -> Outcome<()> {
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
    // First what every account needs once.
    rate(500, AT_ONCE, live).await?;
    let before: Vec<f64> = nodes.iter().map(|node| processor(node)).collect();
    let rate = rate(count, AT_ONCE, |number| live(500 + number)).await?;
    assert_eq!(attempts.load(Ordering::Relaxed), 500 + count);
    let used = nodes.iter().zip(before).map(|(node, before)| processor(node) - before);
    let busiest = used.fold(0.0, f64::max) / count as f64 * 1e6;
    println!("| {what} | {rate:.0} | {busiest:.0} µs |");
    Ok(())
}
