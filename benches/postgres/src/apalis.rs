//! The calls of `apalis-postgres`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use apalis::prelude::*;
use apalis_core::backend::{FetchById, Filter, ListTasks};
use apalis_core::task::status::Status;
use apalis_core::task::task_id::TaskId;
use apalis_postgres::{Config, PgPool, PostgresStorage};
use sqlx::postgres::PgPoolOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bench::{CONNECTIONS, MANY};
use crate::outcome::Outcome;
use crate::size::{INPUT, Size, mix, new_number};

/// Callers that wait until their task runs.
static WAITING: LazyLock<Mutex<HashMap<String, oneshot::Sender<()>>>> =
    LazyLock::new(Mutex::default);

pub async fn open(url: &str) -> Outcome<PgPool> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS + 1).connect(url).await?;
    PostgresStorage::setup(&pool).await?;
    Ok(pool)
}

/// Returns the queue of an account.
fn queue(pool: &PgPool, account: u64) -> PostgresStorage<String> {
    let config = Config::default().queue(format!("account-{account}")).batch_size(MANY);
    PostgresStorage::new(pool).with_config(config)
}

/// Returns an id in the form of a ULID.
fn task_id(number: u64) -> TaskId {
    TaskId::from_string(format!("{number:026}"))
}

fn task(number: u64) -> Task<String> {
    TaskBuilder::new(INPUT.to_owned()).task_id(task_id(number)).build()
}

/// Fills the queues with tasks, without a worker.
pub async fn fill(pool: &PgPool, size: Size) -> Outcome<()> {
    for account in 0..size.accounts() {
        let own = (account..size.tasks).step_by(usize::try_from(size.accounts())?);
        let tasks = own.map(task).collect::<Vec<_>>();
        queue(pool, account).push_all(futures::stream::iter(tasks)).await?;
    }
    Ok(())
}

pub async fn submit(pool: PgPool, size: Size) -> Outcome<bool> {
    let number = new_number();
    queue(&pool, size.account(number)).push_task(task(size.tasks + number)).await?;
    Ok(true)
}

pub async fn get(pool: PgPool, size: Size, number: u64) -> Outcome<bool> {
    let number = mix(number) % size.tasks;
    let found = queue(&pool, size.account(number)).fetch_by_id(&task_id(number)).await?;
    assert!(found.is_some());
    Ok(true)
}

pub async fn list(pool: PgPool, size: Size, number: u64) -> Outcome<bool> {
    let filter = Filter { status: Some(Status::Pending), page: 1, page_size: Some(100) };
    let queue = queue(&pool, size.account(mix(number)));
    assert_eq!(queue.list_tasks(&filter).await?.len(), 100);
    Ok(true)
}

/// Starts a worker that listens for tasks and also polls every 100 ms.
pub fn work(pool: &PgPool) -> JoinHandle<()> {
    let backend = queue(pool, 0).with_pubsub().poll_with_interval(Duration::from_millis(100));
    let worker = WorkerBuilder::new(format!("worker-{}", new_number())).backend(backend).build(run);
    tokio::spawn(async move {
        if let Err(error) = worker.run().await {
            eprintln!("apalis-postgres: {error}");
        }
    })
}

/// Adds a task, and waits until it runs. Its end is written later.
pub async fn life_cycle(pool: PgPool) -> Outcome<bool> {
    let (done, wait) = oneshot::channel();
    let number = new_number();
    let input = format!("{number:020}{}", &INPUT[20..]);
    WAITING.lock().map_err(|_| "poisoned")?.insert(input[..20].to_owned(), done);
    let task = TaskBuilder::new(input).task_id(task_id(number)).build();
    queue(&pool, 0).push_task(task).await?;
    wait.await?;
    Ok(true)
}

async fn run(input: String) -> Result<(), BoxDynError> {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner).remove(&input[..20]);
    if let Some(waiting) = waiting {
        let _ = waiting.send(());
    }
    Ok(())
}
