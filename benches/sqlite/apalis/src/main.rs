//! The benchmark of apalis-sqlite 1.0.
//!
//! `setup` turns synchronization off on its connection, so that connection is closed afterwards.
//! The measured connections set `synchronous` to `FULL` or `NORMAL`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis::prelude::*;
use apalis_core::backend::{FetchById, Filter, ListTasks};
use apalis_core::task::status::Status;
use apalis_core::task::task_id::TaskId;
use apalis_sqlite::callback::HookCallbackListener;
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqliteStorage};
use harness::{INPUT, MANY, Order, Outcome, Row, name};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

fn main() -> Outcome<()> {
    let order = Order::from_arguments()?;
    let runtime = Runtime::new()?;
    if order.part == "calls" {
        runtime.block_on(fill(&order))?;
        row("bytes a task", "").bytes(&order.file, order.tasks)?;
    }
    let (pool, listener) = runtime.block_on(open(&order.file, order.full))?;
    match order.part.as_str() {
        "calls" => calls(&order, &runtime, &pool),
        "lives" => lives(&order, &runtime, &pool, listener),
        part => Err(format!("expected a known PART, got {part}").into()),
    }
}

const fn row<'a>(call: &'a str, callers: &'a str) -> Row<'a> {
    Row { program: "apalis", call, callers }
}

async fn open(file: &Path, full: bool) -> Outcome<(SqlitePool, HookCallbackListener)> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let setup = SqlitePool::connect_with(options.clone()).await?;
    SqliteStorage::setup(&setup).await?;
    setup.close().await;
    let url = format!("sqlite://{}", file.display());
    let (pool, listener) = SqliteStorage::connect_with_callback(&url)?;
    pool.set_connect_options(options.pragma("synchronous", if full { "FULL" } else { "NORMAL" }));
    Ok((pool, listener))
}

fn queue(pool: &SqlitePool, account: u64) -> SqliteStorage<String> {
    SqliteStorage::new(pool).with_config(Config::default().queue(name(account)))
}

/// Returns an id that apalis accepts as a ULID.
fn task_id(number: u64) -> TaskId {
    TaskId::from_string(format!("{number:026}"))
}

fn task(number: u64) -> Task<String> {
    TaskBuilder::new(INPUT.to_owned()).task_id(task_id(number)).build()
}

/// Adds tasks to one queue per account. No worker runs.
async fn fill(order: &Order) -> Outcome<()> {
    let (pool, _) = open(&order.file, false).await?;
    for account in 0..order.accounts() {
        let own = (account..order.tasks).step_by(usize::try_from(order.accounts())?);
        let tasks = own.map(task).collect::<Vec<_>>();
        queue(&pool, account).push_all(futures::stream::iter(tasks)).await?;
    }
    pool.close().await;
    Ok(())
}

/// Measures reads of the tasks, and pushes of more.
fn calls(order: &Order, runtime: &Runtime, pool: &SqlitePool) -> Outcome<()> {
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (pool, order) = (pool.clone(), order.clone());
        order.clone().clock().futures(&row("get", callers), runtime, futures, move |number| {
            let number = order.any(number);
            let mut queue = queue(&pool, order.account(number));
            async move {
                let found = queue.fetch_by_id(&task_id(number)).await?;
                assert!(found.is_some());
                Ok(true)
            }
        })?;
    }
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (pool, order) = (pool.clone(), order.clone());
        order.clone().clock().futures(
            &row("list of 100", callers),
            runtime,
            futures,
            move |number| {
                let queue = queue(&pool, order.account(order.any(number)));
                let filter =
                    Filter { status: Some(Status::Pending), page: 1, page_size: Some(100) };
                async move {
                    assert_eq!(queue.list_tasks(&filter).await?.len(), 100);
                    Ok(true)
                }
            },
        )?;
    }
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (pool, order) = (pool.clone(), order.clone());
        let first = order.new_tasks();
        order.clone().clock().futures(
            &row("submit", callers),
            runtime,
            futures,
            move |number| {
                let mut queue = queue(&pool, order.account(number));
                async move {
                    queue.push_task(task(first + number)).await?;
                    Ok(true)
                }
            },
        )?;
    }
    Ok(())
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

/// Measures tasks that are pushed and run by a worker.
///
/// A hook of SQLite notifies the worker of each task, sometimes too early, so the worker also polls
/// every 10 ms. A caller continues when its task runs. Apalis records the end of the task later.
fn lives(
    order: &Order,
    runtime: &Runtime,
    pool: &SqlitePool,
    listener: HookCallbackListener,
) -> Outcome<()> {
    let waiting = Waiting::default();
    let strategy = Strategy::new().stream(listener).interval(Duration::from_millis(10));
    let backend = queue(pool, 0).poll_with_strategy(strategy);
    let worker = WorkerBuilder::new("worker").backend(backend).data(waiting.clone()).build(run);
    let worker = runtime.spawn(async move { worker.run().await });
    for (callers, futures) in [("1", 1), ("64", MANY)] {
        let (pool, waiting) = (pool.clone(), waiting.clone());
        let first = order.new_tasks();
        order.clock().futures(&row("life", callers), runtime, futures, move |number| {
            let (mut queue, waiting) = (queue(&pool, 0), waiting.clone());
            async move {
                let (done, wait) = oneshot::channel();
                let number = first + number;
                let input = format!("{number:020}{}", &INPUT[20..]);
                waiting.lock().map_err(|_| "poisoned")?.insert(input[..20].to_owned(), done);
                let id = task_id(number);
                queue.push_task(TaskBuilder::new(input).task_id(id).build()).await?;
                wait.await?;
                Ok(true)
            }
        })?;
    }
    worker.abort();
    Ok(())
}

async fn run(input: String, waiting: Data<Waiting>) -> Result<(), BoxDynError> {
    let done = waiting.lock().map_err(|_| "poisoned")?.remove(&input[..20]);
    if let Some(done) = done {
        let _ = done.send(());
    }
    Ok(())
}
