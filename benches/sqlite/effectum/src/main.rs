//! The benchmark of effectum 0.7.
//!
//! Effectum sets `synchronous = NORMAL`, and requests a write-ahead log with a pragma that SQLite
//! does not know (`PRAGMA journal`). So its files have a rollback journal, which is synchronized at
//! each commit. This is measured as `full`. For `normal`, the file is switched to a write-ahead log
//! before effectum opens it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use effectum::{Error, Job, JobRunner, Queue, RunningJob, Worker};
use harness::{INPUT, MANY, Order, Outcome, Row, name};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use uuid::Uuid;

fn main() -> Outcome<()> {
    let order = Order::from_arguments()?;
    let runtime = Runtime::new()?;
    let queue = Arc::new(runtime.block_on(open(&order.file, order.full))?);
    match order.part.as_str() {
        "calls" => calls(&order, &runtime, &queue)?,
        "lives" => lives(&order, &runtime, &queue)?,
        part => return Err(format!("expected a known PART, got {part}").into()),
    }
    runtime.block_on(queue.close(Duration::from_secs(10)))?;
    // The runtime closes the connections of the queue.
    let entered = runtime.enter();
    drop(queue);
    drop(entered);
    drop(runtime);
    // With a write-ahead log, some connections may not be closed yet.
    if order.part == "calls" && order.full {
        let connection = rusqlite::Connection::open(&order.file)?;
        let jobs: u64 = connection.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
        row("bytes a task", "").bytes(&order.file, jobs)?;
    }
    Ok(())
}

const fn row<'a>(call: &'a str, callers: &'a str) -> Row<'a> {
    Row { program: "effectum", call, callers }
}

async fn open(file: &Path, full: bool) -> Outcome<Queue> {
    if !full {
        let connection = rusqlite::Connection::open(file)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    }
    Ok(Queue::new(file).await?)
}

fn job(account: String, input: Vec<u8>) -> Job {
    Job::builder("create").name(account).payload(input).build()
}

/// Measures jobs that are added to a queue without a worker, and read.
fn calls(order: &Order, runtime: &Runtime, queue: &Arc<Queue>) -> Outcome<()> {
    let ids: Vec<Uuid> = runtime.block_on(async {
        let mut ids = Vec::new();
        for first in (0..order.tasks).step_by(100) {
            let jobs = (first..first + 100)
                .map(|task| job(name(order.account(task)), INPUT.into()))
                .collect();
            ids.extend(queue.add_jobs(jobs).await?);
        }
        Outcome::Ok(ids)
    })?;
    let ids: Arc<[Uuid]> = ids.into();
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (queue, ids, order) = (queue.clone(), ids.clone(), order.clone());
        order.clone().clock().futures(&row("get", callers), runtime, futures, move |number| {
            let queue = queue.clone();
            let id = ids[usize::try_from(order.any(number)).unwrap_or(0)];
            async move {
                queue.get_job_status(id).await?;
                Ok(true)
            }
        })?;
    }
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (queue, order) = (queue.clone(), order.clone());
        order.clone().clock().futures(
            &row("list of 100", callers),
            runtime,
            futures,
            move |number| {
                let (queue, account) = (queue.clone(), name(order.account(order.any(number))));
                async move {
                    assert_eq!(queue.get_jobs_by_name(account, 100).await?.len(), 100);
                    Ok(true)
                }
            },
        )?;
    }
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (queue, order) = (queue.clone(), order.clone());
        order.clone().clock().futures(
            &row("submit", callers),
            runtime,
            futures,
            move |number| {
                let (queue, account) = (queue.clone(), name(order.account(number)));
                async move {
                    queue.add_job(job(account, INPUT.into())).await?;
                    Ok(true)
                }
            },
        )?;
    }
    Ok(())
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>;

/// Measures jobs that are added and run by a worker, at most 64 at a time. A caller continues when
/// its job runs. Effectum records the end of the job later.
fn lives(order: &Order, runtime: &Runtime, queue: &Arc<Queue>) -> Outcome<()> {
    let waiting = Waiting::default();
    let runner = JobRunner::builder("create", run).build();
    let worker = runtime.block_on(
        Worker::builder(queue, waiting.clone())
            .max_concurrency(64)
            .min_concurrency(32)
            .jobs([runner])
            .build(),
    )?;
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (queue, waiting) = (queue.clone(), waiting.clone());
        order.clock().futures(&row("life", callers), runtime, futures, move |number| {
            let (queue, waiting) = (queue.clone(), waiting.clone());
            async move {
                let (done, wait) = oneshot::channel();
                waiting.lock().map_err(|_| "poisoned")?.insert(number, done);
                let mut input = INPUT.as_bytes()[8..].to_vec();
                input.extend(number.to_be_bytes());
                queue.add_job(job(name(0), input)).await?;
                wait.await?;
                Ok(true)
            }
        })?;
    }
    runtime.block_on(worker.unregister(Some(Duration::from_secs(10))))?;
    Ok(())
}

async fn run(job: RunningJob, waiting: Waiting) -> Result<(), Error> {
    if let Some(number) = job.payload.last_chunk() {
        let done = waiting.lock().ok().and_then(|mut all| all.remove(&u64::from_be_bytes(*number)));
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
    Ok(())
}
