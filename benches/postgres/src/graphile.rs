//! The calls of `graphile_worker`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use graphile_worker::sql::add_job::types::RawJobSpec;
use graphile_worker::worker_utils::WorkerUtils;
use graphile_worker::{IntoTaskHandlerResult, JobSpec, TaskHandler, WorkerContext, WorkerOptions};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bench::CONNECTIONS;
use crate::outcome::Outcome;
use crate::size::{INPUT, new_number};

/// Callers that wait until their job runs.
static WAITING: LazyLock<Mutex<HashMap<u64, oneshot::Sender<()>>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Job {
    number: u64,
    input: String,
}

impl Job {
    fn new(number: u64) -> Self {
        Self { number, input: INPUT.into() }
    }
}

impl TaskHandler for Job {
    const IDENTIFIER: &'static str = "job";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        if let Some(waiting) = waiting {
            let _ = waiting.send(());
        }
        Ok::<(), String>(())
    }
}

/// A handle that adds jobs, and the worker if one was started.
pub struct Graphile {
    pub utils: WorkerUtils,
    worker: Option<JoinHandle<()>>,
}

impl Drop for Graphile {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.abort();
        }
    }
}

pub async fn open(url: &str, works: bool) -> Outcome<Graphile> {
    let worker = WorkerOptions::default()
        .database_url(url)
        .max_pg_conn(CONNECTIONS + 1)
        .concurrency(CONNECTIONS as usize)
        .listen_os_shutdown_signals(false)
        .define_job::<Job>()
        .init()
        .await?;
    let utils = worker.create_utils();
    let worker = works.then(|| {
        tokio::spawn(async move {
            if let Err(error) = worker.run().await {
                eprintln!("graphile_worker: {error}");
            }
        })
    });
    Ok(Graphile { utils, worker })
}

pub async fn submit(utils: WorkerUtils) -> Outcome<bool> {
    utils.add_job(Job::new(new_number()), JobSpec::default()).await?;
    Ok(true)
}

/// Adds a job, and waits until it runs. Its end is written later.
pub async fn life_cycle(utils: WorkerUtils) -> Outcome<bool> {
    let (done, wait) = oneshot::channel();
    let number = new_number();
    WAITING.lock().map_err(|_| "poisoned")?.insert(number, done);
    utils.add_job(Job::new(number), JobSpec::default()).await?;
    wait.await?;
    Ok(true)
}

pub async fn fill(utils: &WorkerUtils, tasks: u64) -> Outcome<()> {
    for begin in (0..tasks).step_by(1_000) {
        let jobs: Vec<RawJobSpec> = (begin..tasks.min(begin + 1_000))
            .map(|number| RawJobSpec {
                identifier: Job::IDENTIFIER.into(),
                payload: serde_json::to_value(Job::new(number)).unwrap_or_default(),
                spec: JobSpec::default(),
            })
            .collect();
        utils.add_raw_jobs(&jobs).await?;
    }
    Ok(())
}
