//! Measures the time from the answer to `submit` to the start of the task in another process.
//!
//! The worker sleeps until the store wakes it.
//!
//! ```text
//! cargo run --release -p tasklife-sqlite --example sqlite_waking
//! ```

#![allow(clippy::disallowed_methods, reason = "this measures time")]

use std::error::Error;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Wake};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime};
use std::{env, iter};

use tasklife::{
    AccountId, Claimed, CommandType, Completion, Notifies, Scope, StoreConfig, Submission, Target,
    TaskEvent, TaskId, TaskStore,
};
use tasklife_sqlite::SqliteStore;

/// The number of tasks, submitted one after the other.
const TASKS: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        Some(path) => work(path.as_ref()),
        None => measure(),
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tasks.db");
    let store = SqliteStore::open(&path, StoreConfig::default())?;
    let mut worker = Command::new(env::current_exe()?).arg(&path).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(worker.stdout.take().ok_or("no output")?).lines();
    let account: AccountId = "acme".parse()?;
    let mut waits = Vec::new();
    for number in 0..=TASKS {
        let id = TaskId::for_key(&account, &number.to_string());
        let create = CommandType::from_static("subscriptionCreateRequest");
        // Give the worker time to fall asleep.
        sleep(Duration::from_millis(20 + number as u64 % 10));
        store.submit(Submission::new(account.clone(), id, create), SystemTime::now().into())?;
        let submitted = SystemTime::UNIX_EPOCH.elapsed()?;
        let line = lines.next().ok_or("the worker ended")??;
        let started = Duration::from_nanos(line.parse()?);
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
fn work(path: &Path) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(path, StoreConfig::default())?;
    loop {
        let notified = store.notified();
        let claims =
            iter::from_fn(|| store.claim(Scope::Any, SystemTime::now().into()).transpose());
        for claimed in claims {
            if let Claimed::Work(started) = claimed? {
                println!("{}", SystemTime::UNIX_EPOCH.elapsed()?.as_nanos());
                let end = TaskEvent::complete(Completion::of(1));
                store.apply(Target::exactly(started.task()), end, SystemTime::now().into())?;
            }
        }
        block_on(notified);
    }
}

/// Runs a future to completion on this thread.
fn block_on(future: impl Future<Output = ()>) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}
