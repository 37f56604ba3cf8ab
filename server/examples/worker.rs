//! A worker's loop to copy and change: it works on several tasks at once, sends heartbeats while it works,
//! and stops in good order.
//!
//! ```text
//! cargo run -p tasklife-server --example worker
//! ```
//!
//! The example submits 20 tasks to a store in memory. Some of them fail, panic, or take longer than a worker
//! may be silent. It works on all of them and prints what it counted. `Worker::run` is the loop, and
//! `Worker::process` works on one task. Both take any store.
//!
//! What can go wrong, and what happens to the task:
//!
//! - The work panics: the task fails.
//! - The worker dies, stalls, or can't reach the store: another worker takes the task over, after the
//!   silence that the store is configured with. If the first worker still runs, it notices and cancels its
//!   work.
//! - Another worker has taken the task over, or an administrator has ended it: the work is cancelled at its
//!   next `await`.
//! - The worker is asked to stop: it claims nothing more, and waits for a grace period until its tasks are
//!   done. It cancels what is not done by then, and leaves those tasks in progress. The lifecycle has no way
//!   back to received, so another worker takes them over once the silence has passed, as one more attempt.
//!   The worker claims a task only when it can begin it at once, so a stop leaves no claimed task that
//!   nobody has begun.

#![allow(clippy::disallowed_methods, reason = "a worker reads the clock and makes ids")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tasklife::{
    AccountId, AsyncLease, AsyncTaskStore, BackendError, Change, Claimed, CommandType, Completion,
    EventKind, InProcess, LeaseError, MemoryStore, Notifies, Notifying, Progress, Scope,
    StoreConfig, Submission, Task, TaskError, TaskEvent,
};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{
    Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout, timeout_at,
};
use tracing::{Instrument, error, info, info_span, warn};
use uuid::Uuid;

/// How long to wait for work, and after an error of the store, before the next claim.
const PAUSE: Duration = Duration::from_secs(1);
/// A year, in place of an unlimited duration.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// The result of the work on a task.
pub(crate) type Outcome = Result<Completion, TaskError>;

/// Works on tasks of a store.
pub(crate) struct Worker<S, W> {
    pub(crate) store: S,
    /// The configuration of the store. The interval of heartbeats follows from it.
    pub(crate) config: StoreConfig,
    /// Does the work on a task. It may report its progress.
    pub(crate) work: W,
    /// The number of tasks to work on at once.
    pub(crate) at_once: usize,
    /// How long to wait for running tasks after the worker was asked to stop.
    pub(crate) grace: Duration,
    pub(crate) counts: Counts,
}

/// Takes progress reports from the work. Of several reports, only the latest is sent to the store.
pub(crate) struct Reports(watch::Sender<Option<Progress>>);

impl Reports {
    pub(crate) fn send(&self, progress: Progress) {
        self.0.send_replace(Some(progress));
    }
}

/// A lease, and the instant (of the monotonic clock) until which no other worker can take the task over.
/// Each event postpones that instant.
struct Held<S> {
    lease: AsyncLease<S>,
    until: Instant,
}

impl<S, W, F> Worker<S, W>
where
    S: AsyncTaskStore + Notifies + Clone + 'static,
    W: Fn(Task, Reports) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    /// Claims and processes tasks until `stop` resolves. Then it waits for the running tasks, for up to the
    /// grace period.
    pub(crate) async fn run(self: &Arc<Self>, stop: impl Future<Output = ()>) {
        let (mut stop, mut running) = (pin!(stop), JoinSet::new());
        loop {
            // Stops only between two claims: a claim that is dropped may already have started a task.
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = has_room(&mut running, self.at_once) => {}
            }
            // Made before the claim, so that no change between the claim and the wait is missed.
            let notified = self.store.notified();
            let asked = Instant::now();
            match self.store.claim(Scope::Any, Utc::now()).await {
                Ok(Some(claimed)) => {
                    self.counts.count_claim(&claimed);
                    let task = claimed.change().task();
                    let (account, id, attempt) = (task.account(), task.id(), task.attempts());
                    let span = info_span!("task", %account, %id, attempt);
                    if let Some(lease) = AsyncLease::of(self.store.clone(), claimed) {
                        let held = Held { lease, until: asked + self.silence() };
                        running.spawn(self.clone().process(held).instrument(span));
                    } else {
                        span.in_scope(|| warn!("given up: the task used all its attempts"));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => warn!(%error, "no task was claimed"),
            }
            // An expiry or the silence of a worker wakes nobody, so the worker also claims from time to time.
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = timeout(PAUSE, notified) => {}
            }
        }
        let all = async { while one_is_done(&mut running).await {} };
        if timeout(self.grace, all).await.is_err() {
            warn!("{} tasks are left in progress, to be taken over", running.len());
            self.counts.add("left", running.len() as u64);
            running.shutdown().await;
        }
    }

    /// Works on a task until it has ended, or until another worker has it. Dropping this future cancels the
    /// work.
    async fn process(self: Arc<Self>, mut held: Held<S>) {
        let (reports, mut reported) = watch::channel(None);
        let (worker, task) = (self.clone(), held.lease.task().clone());
        // Spawned, so that a panic ends nothing else; in a set, so that it is cancelled with this future.
        let mut working = JoinSet::new();
        let work = async move { (worker.work)(task, Reports(reports)).await };
        working.spawn(work.in_current_span());
        let every = self.config.heartbeat_every().unwrap_or(FOREVER).min(FOREVER);
        let (every, retry) = (every.max(Duration::from_millis(4)), (every / 4).min(PAUSE));
        let mut beat = interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = loop {
            let event = tokio::select! {
                biased;
                Ok(()) = reported.changed() => {
                    let progress = *reported.borrow_and_update();
                    progress.map_or_else(TaskEvent::report, TaskEvent::report_of)
                }
                Some(ended) = working.join_next() => match ended {
                    Ok(outcome) => break outcome,
                    Err(error) if error.is_panic() => break Err(self.log_work_panic(&error)),
                    // The runtime is shutting down.
                    Err(_) => return,
                },
                () = sleep_until(held.until) => return self.log_loss("it was silent for too long"),
                _ = beat.tick() => TaskEvent::report(),
            };
            match self.apply(&mut held, event).await {
                Ok(()) => beat.reset(),
                Err(error) if error.is_lost() || Instant::now() >= held.until => {
                    return self.log_loss(&error);
                }
                Err(error) => {
                    warn!(%error, "a report failed");
                    beat.reset_after(retry);
                }
            }
        };
        let mut end = match outcome {
            Ok(completion) => TaskEvent::complete(completion),
            Err(error) => TaskEvent::fail(error),
        };
        loop {
            match self.apply(&mut held, end.clone()).await {
                Ok(()) => return,
                Err(error) if error.is_lost() || Instant::now() >= held.until => {
                    return self.log_loss(&error);
                }
                // For example because the resource is too large.
                Err(error @ LeaseError::Refused(_)) if end.kind() == EventKind::Complete => {
                    error!(%error, "the end was refused");
                    end = TaskEvent::fail(internal_error());
                }
                Err(error) => {
                    warn!(%error, "the end could not be stored yet");
                    sleep(retry).await;
                }
            }
        }
    }

    /// Applies an event, but only while no other worker can have the task.
    async fn apply(&self, held: &mut Held<S>, event: TaskEvent) -> Result<(), LeaseError> {
        let asked = Instant::now();
        // If the timeout drops the call, it may still have been applied. The lease's next call finds out.
        let answer = timeout_at(held.until, held.lease.apply(event, Utc::now())).await;
        let change = answer.map_err(BackendError::unknown)??;
        held.until = asked + self.silence();
        self.counts.count(&change);
        Ok(())
    }

    /// The silence after which another worker may take the task over.
    fn silence(&self) -> Duration {
        self.config.takeover_after().unwrap_or(FOREVER).min(FOREVER)
    }

    fn log_work_panic(&self, error: &JoinError) -> TaskError {
        error!(%error, "the work panicked");
        self.counts.add("panicked", 1);
        internal_error()
    }

    fn log_loss(&self, why: impl fmt::Display) {
        warn!(%why, "the lease is lost");
        self.counts.add("lost", 1);
    }
}

fn internal_error() -> TaskError {
    TaskError::new("INTERNAL_ERROR", "The operation ended unexpectedly.")
        .with_status("500 INTERNAL_SERVER_ERROR")
}

/// Waits until fewer than `at_once` tasks are running.
async fn has_room(running: &mut JoinSet<()>, at_once: usize) {
    while let Some(ended) = running.try_join_next() {
        log_panic(ended);
    }
    while running.len() >= at_once.max(1) {
        one_is_done(running).await;
    }
}

/// Waits until a running task is done. Returns `false` if none is running.
async fn one_is_done(running: &mut JoinSet<()>) -> bool {
    running.join_next().await.map(log_panic).is_some()
}

/// Logs a panic of the loop itself. Its task stays in progress, for another worker to take over.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a task was left in progress");
    }
}

/// Metrics: counts what the store's answers say has happened.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    fn count_claim(&self, claimed: &Claimed) {
        self.add(
            match claimed {
                Claimed::GivenUp(_) => "given up",
                Claimed::Work(change) if change.event() == EventKind::Start => "started",
                Claimed::Work(_) => "taken over",
            },
            1,
        );
    }

    fn count(&self, change: &Change) {
        self.add(
            match change.event() {
                EventKind::Complete => "completed",
                EventKind::Fail => "failed",
                _ => "reported",
            },
            1,
        );
    }

    fn add(&self, what: &'static str, number: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += number;
    }

    pub(crate) fn get(&self, what: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().try_for_each(|(what, number)| writeln!(f, "{what}: {number}"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let counts = work_on_some(stop_signal()?).await?;
    write!(io::stdout(), "{counts}")?;
    Ok(())
}

/// Listens for ctrl-c and `SIGTERM` from this call on. The future resolves at the first of them.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// The number of tasks that the example submits.
const TASKS: u64 = 20;

/// Submits tasks and works on them until all have ended, or until `stop` resolves. Returns the counts.
pub(crate) async fn work_on_some(stop: impl Future<Output = ()>) -> Result<Counts, Box<dyn Error>> {
    let config = StoreConfig::default().with_takeover_after(Duration::from_secs(2));
    let store = Arc::new(Notifying::new(InProcess(MemoryStore::new(config))));
    let create = CommandType::from_static("subscriptionCreateRequest");
    for number in 0..TASKS {
        let account: AccountId = if number % 8 < 4 { "acme" } else { "umbrella" }.parse()?;
        let input = ["a quick one", "a slow one", "one that fails", "one that panics"];
        let input = input[usize::try_from(number % 4).unwrap_or_default()];
        let submission = Submission::new(account, Uuid::new_v4().into(), create.clone());
        store.submit(submission.with_input(input.as_bytes()), Utc::now()).await?;
    }
    let (at_once, grace) = (4, Duration::from_secs(5));
    let counts = Counts::default();
    let worker = Arc::new(Worker { store, config, work, at_once, grace, counts });
    let all_ended = async {
        let ended = || ["completed", "failed", "given up"].map(|what| worker.counts.get(what));
        while ended().iter().sum::<u64>() < TASKS {
            sleep(Duration::from_millis(20)).await;
        }
    };
    worker
        .run(async {
            tokio::select! { () = stop => {}, () = all_ended => {} }
        })
        .await;
    info!("all is done");
    Ok(Arc::into_inner(worker).map(|worker| worker.counts).unwrap_or_default())
}

/// Does the work. Replace this by your own.
async fn work(task: Task, reports: Reports) -> Outcome {
    match task.input() {
        // Takes longer than a worker may be silent, and reports nothing: only the heartbeats keep the lease.
        b"a slow one" => sleep(Duration::from_millis(2_500)).await,
        _ => {
            for step in 1..=5 {
                sleep(Duration::from_millis(20)).await;
                reports.send(Progress::of(step, 5));
            }
        }
    }
    match task.input() {
        b"one that fails" => Err(TaskError::new("NO_ROOM", "There is no room.")),
        b"one that panics" => panic!("the input asked for a panic"),
        // Named after the task, so that a second attempt creates the same subscription, not another one.
        _ => Ok(Completion::of(format!("subscription-{}", task.id()))),
    }
}
