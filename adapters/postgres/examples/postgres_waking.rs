//! Measures the time from the answer to `submit` to the start of the task in another process.
//!
//! The worker sleeps until the store wakes it. The example starts its own server, with `fsync=on`.
//!
//! ```text
//! cargo run --release -p tasklife-postgres --example postgres_waking
//! ```

#![allow(clippy::disallowed_methods, reason = "this measures time")]

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, Notifies, Scope, StoreConfig,
    Submission, Target, TaskEvent, TaskId,
};
use tasklife_postgres::PostgresStore;
use tasklife_test_support::PostgresServer;

/// The number of tasks, submitted one after the other.
const TASKS: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        Some(address) => work(&address).await,
        None => measure().await,
    }
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let server = PostgresServer::start(&["fsync=on"]);
    let address = server.address();
    let store = PostgresStore::connect(&address, StoreConfig::default()).await?;
    let mut worker =
        Command::new(env::current_exe()?).arg(&address).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(worker.stdout.take().ok_or("no output")?).lines();
    let account: AccountId = "acme".parse()?;
    let mut waits = Vec::new();
    for number in 0..=TASKS {
        let id = TaskId::for_key(&account, &number.to_string());
        let create = CommandType::from_static("subscriptionCreateRequest");
        // Give the worker time to fall asleep.
        tokio::time::sleep(Duration::from_millis(20 + number as u64 % 10)).await;
        store
            .submit(Submission::new(account.clone(), id, create), SystemTime::now().into())
            .await?;
        let submitted = SystemTime::UNIX_EPOCH.elapsed()?;
        // Don't block this thread: it sends the notification after the answer.
        let (line, rest) = tokio::task::spawn_blocking(move || (lines.next(), lines)).await?;
        lines = rest;
        let started = Duration::from_nanos(line.ok_or("the worker ended")??.parse()?);
        waits.push(started.saturating_sub(submitted));
    }
    worker.kill()?;
    worker.wait()?;
    waits.remove(0); // includes the start of the worker
    waits.sort_unstable();
    let [median, most, longest] = [TASKS / 2, TASKS * 99 / 100, TASKS - 1].map(|at| waits[at]);
    println!("from the answer to `submit` to the start in another process, {TASKS} times:");
    println!("median {median:.1?}, 99 of 100 within {most:.1?}, longest {longest:.1?}");
    Ok(())
}

/// Claims and completes tasks, and prints the instant of each start.
async fn work(address: &str) -> Result<(), Box<dyn Error>> {
    let store = PostgresStore::connect(address, StoreConfig::default()).await?;
    loop {
        let notified = store.notified();
        while let Some(claimed) = store.claim(Scope::Any, SystemTime::now().into()).await? {
            if let Claimed::Work(started) = claimed {
                println!("{}", SystemTime::UNIX_EPOCH.elapsed()?.as_nanos());
                let end = TaskEvent::complete(Completion::of(1));
                store.apply(Target::exactly(started.task()), end, SystemTime::now().into()).await?;
            }
        }
        // Poll after a second in case a hint was lost.
        let _ = tokio::time::timeout(Duration::from_secs(1), notified).await;
    }
}
