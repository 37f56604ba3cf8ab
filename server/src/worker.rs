//! Workers that process tasks one after the other, and the sweep of expired tasks.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::Value;
use tasklife::{
    AsyncLease, Change, Completion, LeaseError, Progress, Scope, Swept, TaskError, TaskEvent,
};
use tokio::time::{interval, sleep, timeout};

use crate::chain::Chain;
use crate::store::Store;

/// Claims tasks and processes them, one at a time, forever.
pub(crate) async fn work(store: Arc<dyn Store>) {
    loop {
        // Made before the claim, so that no change between the claim and the wait is missed.
        let notified = store.notified();
        match store.claim(Scope::Any, Utc::now()).await {
            Ok(Some(claimed)) => {
                let id = claimed.change().task().id();
                let Some(lease) = AsyncLease::of(&*store, claimed) else {
                    eprintln!("task {id} was given up: it used all its attempts");
                    continue;
                };
                match process(lease).await {
                    // The store failed, or refused an event. This small worker leaves the task in
                    // progress for another attempt; `examples/worker.rs` tries again instead.
                    Err(error) if !error.is_lost() => {
                        eprintln!("task {id} was left in progress: {}", Chain(&error));
                    }
                    // The task has ended, or another worker has it.
                    _ => continue,
                }
            }
            Ok(None) => {}
            Err(error) => eprintln!("no task was claimed: {}", Chain(&error)),
        }
        // A submission or the end of a task wakes this worker. An expiry or the silence of a worker does
        // not, and a change by another server not always; so the worker claims again after a second.
        let _ = timeout(Duration::from_secs(1), notified).await;
    }
}

/// Works on a task until it has ended, or until the lease reports that another worker has it.
async fn process(mut lease: AsyncLease<&dyn Store>) -> Result<Change, LeaseError> {
    const STEPS: u64 = 5;
    for step in 1..=STEPS {
        // Spawned, so that a panic fails this task and nothing else.
        let work = tokio::spawn(work_on(step == STEPS, lease.task().input().to_vec()));
        let result = work.await.unwrap_or_else(|panic| {
            eprintln!("the work on task {} panicked: {panic}", lease.task().id());
            Err(TaskError::new("INTERNAL_ERROR", "The subscription could not be created.")
                .with_status("500 INTERNAL_SERVER_ERROR"))
        });
        if let Err(error) = result {
            return lease.fail(error, Utc::now()).await;
        }
        let report = TaskEvent::report_of(Progress::of(step, STEPS))
            .with_description(format!("Step {step} of {STEPS} is done."));
        lease.apply(report, Utc::now()).await?;
    }
    // Named after the task, so that a second attempt creates the same subscription and not another one.
    let subscription = format!("subscription-{}", lease.task().id());
    lease.complete(Completion::of(subscription), Utc::now()).await
}

/// Does one step. Replace this by your own work, but keep each step shorter than `--takeover-after`:
/// between two steps the worker is silent, and a task whose worker is silent for longer is taken over and
/// done twice. For longer steps, `examples/worker.rs` sends heartbeats beside the work.
async fn work_on(is_last: bool, input: Vec<u8>) -> Result<(), TaskError> {
    sleep(Duration::from_millis(200)).await;
    let input: Value = serde_json::from_slice(&input).unwrap_or_default();
    assert!(!is_last || input["panic"] != true, "the request asked for a panic");
    if is_last && input["fail"] == true {
        let description = "The request asked for a failure.";
        return Err(TaskError::new("SUBSCRIPTION_NOT_CREATED", description));
    }
    Ok(())
}

/// Drops expired tasks every minute. No store has a clock to do that on its own.
pub(crate) async fn sweep(store: Arc<dyn Store>) {
    let mut minutes = interval(Duration::from_mins(1));
    loop {
        minutes.tick().await;
        // A thousand at a time, so that requests don't wait long for the store. After a failure the next
        // minute tries again.
        while let Ok(Swept { more: true, .. }) = store.sweep(1_000, Utc::now()).await {}
    }
}
