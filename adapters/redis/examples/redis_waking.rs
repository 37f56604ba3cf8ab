//! Measures how long a submitted task waits until a worker in another process starts it. The worker
//! sleeps until the store reports a change.
//!
//! ```text
//! cargo run --release -p tasklife-redis --example redis_waking
//! ```

#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, Notifies, Scope, StoreConfig,
    Submission, Target, TaskEvent, TaskId,
};
use tasklife_redis::{Redis, RedisStore};
use tasklife_test_support::{RedisCluster, RedisServer};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// The number of tasks, submitted one after the other.
const TASKS: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let addresses: Vec<String> = env::args().skip(1).collect();
    if !addresses.is_empty() {
        return runtime.block_on(work(&addresses));
    }
    let server = RedisServer::start(&[]);
    println!("one server:");
    runtime.block_on(measure(&[server.address()]))?;
    let cluster = RedisCluster::start(&[]);
    println!("a cluster of three primaries with a replica each:");
    runtime.block_on(measure(&cluster.addresses()))
}

fn store(addresses: &[String]) -> Result<RedisStore, Box<dyn Error>> {
    let redis = match addresses {
        [server] => Redis::server(server)?,
        nodes => Redis::cluster(nodes.iter().map(String::as_str))?,
    };
    Ok(RedisStore::new(redis, StoreConfig::default()))
}

async fn measure(addresses: &[String]) -> Result<(), Box<dyn Error>> {
    let store = store(addresses)?;
    let mut worker =
        Command::new(env::current_exe()?).args(addresses).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(worker.stdout.take().ok_or("no output")?).lines();
    let account: AccountId = "acme".parse()?;
    let mut waits = Vec::new();
    for number in 0..=TASKS {
        let id = TaskId::for_key(&account, &number.to_string());
        let create = CommandType::from_static("subscriptionCreateRequest");
        // Until the worker sleeps.
        sleep(Duration::from_millis(20 + number as u64 % 10)).await;
        let submission = Submission::new(account.clone(), id, create);
        store.submit(submission, SystemTime::now().into()).await?;
        let submitted = SystemTime::UNIX_EPOCH.elapsed()?;
        let line = lines.next().ok_or("the worker ended")??;
        let started = Duration::from_nanos(line.parse()?);
        waits.push(started.saturating_sub(submitted));
    }
    worker.kill()?;
    worker.wait()?;
    waits.remove(0); // it includes the start of the worker process
    waits.sort_unstable();
    let [median, p99, longest] = [TASKS / 2, TASKS * 99 / 100, TASKS - 1].map(|at| waits[at]);
    println!("from the answer to `submit` to the start in another process, {TASKS} times:");
    println!("median {median:.1?}, 99 of 100 within {p99:.1?}, longest {longest:.1?}");
    Ok(())
}

/// The worker process: completes tasks, and prints when it started each.
async fn work(addresses: &[String]) -> Result<(), Box<dyn Error>> {
    let store = store(addresses)?;
    loop {
        let notified = store.notified();
        while let Some(claimed) = store.claim(Scope::Any, SystemTime::now().into()).await? {
            if let Claimed::Work(started) = claimed {
                println!("{}", SystemTime::UNIX_EPOCH.elapsed()?.as_nanos());
                let end = TaskEvent::complete(Completion::of(1));
                store.apply(Target::exactly(started.task()), end, SystemTime::now().into()).await?;
            }
        }
        notified.await;
    }
}
