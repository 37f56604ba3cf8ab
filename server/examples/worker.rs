//! The loop of a worker, to copy and change: it works on so many tasks at once, is heard of while it works,
//! and stops in good order.
//!
//! ```text
//! cargo run -p tasklife-server --example worker
//! ```
//!
//! By itself it submits 20 tasks to a store in memory, of which some fail, panic, or take longer than a worker
//! may be silent; works on them, and prints what it has counted. Read from the top: `Worker::run` is the loop,
//! `Worker::process` is what it does with each task. Both take any store.
//!
//! What can go wrong, and what becomes of the task then:
//!
//! - The work panics: the task fails.
//! - The worker dies, stalls, or can't reach the store: another takes the task over, after the silence that the
//!   store is configured with. Where this one is still there, it finds out and cancels its work.
//! - The task was taken over, or ended by an administrator: its work is cancelled at its next `await`.
//! - The worker is asked to stop: it claims nothing more, and waits a while for what it has begun. What isn't
//!   done by then is cancelled, and left as it is. It can't be given back, as no task in progress becomes
//!   received again; so it waits for the silence to be over, and the next worker's is an attempt more.
//!   Nothing is claimed that is not begun at once.

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
    AccountId, AsyncLease, AsyncTaskStore, BackendError, Change, Changes, Claimed, CommandType,
    Completion, EventKind, InProcess, LeaseError, MemoryStore, Notifying, Progress, Scope,
    StoreConfig, Submission, Task, TaskError, TaskEvent,
};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{
    Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout, timeout_at,
};
use tracing::{Instrument, error, info, info_span, warn};
use uuid::Uuid;

/// How long to wait where nothing tells that there is work, and where the store can't be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// What stands for no end: a year.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// What a piece of work ends with.
pub(crate) type Outcome = Result<Completion, TaskError>;

/// Works on tasks of a store.
pub(crate) struct Worker<S, W> {
    pub(crate) store: S,
    /// The configuration of the store, from which follows how often a worker has to be heard of.
    pub(crate) config: StoreConfig,
    /// What is done with a task. It may report how far it has come.
    pub(crate) work: W,
    /// How many tasks are worked on at once.
    pub(crate) at_once: usize,
    /// How long, when asked to stop, it waits for what it has begun.
    pub(crate) grace: Duration,
    pub(crate) counts: Counts,
}

/// Where a piece of work reports how far it has come: of several reports, the latest.
pub(crate) struct Reports(watch::Sender<Option<Progress>>);

impl Reports {
    pub(crate) fn send(&self, progress: Progress) {
        self.0.send_replace(Some(progress));
    }
}

/// A lease, and until when nobody else can have the task. By the clock that never leaps; each event moves it.
struct Held<S> {
    lease: AsyncLease<S>,
    until: Instant,
}

impl<S, W, F> Worker<S, W>
where
    S: AsyncTaskStore + Changes + Clone + 'static,
    W: Fn(Task, Reports) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    /// Works, until it is asked to stop and what it has begun is done or given up.
    pub(crate) async fn run(self: &Arc<Self>, stop: impl Future<Output = ()>) {
        let (mut stop, mut running) = (pin!(stop), JoinSet::new());
        loop {
            // It stops between two claims only: one that is dropped half way may have started a task.
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = has_room(&mut running, self.at_once) => {}
            }
            // What happens from here on, it hears of, also while it asks.
            let changed = self.store.changed();
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
                        span.in_scope(|| warn!("given up: each of its workers fell silent"));
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => warn!(%error, "no task was claimed"),
            }
            // Of an expiry or a silence it hears nothing, so it looks now and then, too.
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = timeout(PAUSE, changed) => {}
            }
        }
        let all = async { while has_one_less(&mut running).await {} };
        if timeout(self.grace, all).await.is_err() {
            warn!("{} tasks are left in progress, to be taken over", running.len());
            self.counts.add("left", running.len() as u64);
            running.shutdown().await;
        }
    }

    /// Works on a task, until it has ended or is no longer this worker's. The work is cancelled where this is.
    async fn process(self: Arc<Self>, mut held: Held<S>) {
        let (reports, mut reported) = watch::channel(None);
        let (worker, task) = (self.clone(), held.lease.task().clone());
        // On its own, so that a panic ends nothing else; in a set, so that it ends with this.
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
                    Err(error) if error.is_panic() => break Err(self.panicked(&error)),
                    // The runtime is shutting down.
                    Err(_) => return,
                },
                () = sleep_until(held.until) => return self.lose("it was silent for too long"),
                _ = beat.tick() => TaskEvent::report(),
            };
            match self.apply(&mut held, event).await {
                Ok(()) => beat.reset(),
                Err(error) if error.is_lost() || Instant::now() >= held.until => {
                    return self.lose(&error);
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
                    return self.lose(&error);
                }
                // Such as a resource that is too large.
                Err(error @ LeaseError::Refused(_)) if end.kind() == EventKind::Complete => {
                    error!(%error, "the end was refused");
                    end = TaskEvent::fail(internal_error());
                }
                Err(error) => {
                    warn!(%error, "the end is still to be told");
                    sleep(retry).await;
                }
            }
        }
    }

    /// Applies an event, as long as nobody else can have the task.
    async fn apply(&self, held: &mut Held<S>, event: TaskEvent) -> Result<(), LeaseError> {
        let asked = Instant::now();
        // A call that is dropped here may have been applied: the next one finds out.
        let answer = timeout_at(held.until, held.lease.apply(event, Utc::now())).await;
        let change = answer.map_err(BackendError::unknown)??;
        held.until = asked + self.silence();
        self.counts.count(&change);
        Ok(())
    }

    /// After what silence another worker may have the task.
    fn silence(&self) -> Duration {
        self.config.takeover_after().unwrap_or(FOREVER).min(FOREVER)
    }

    fn panicked(&self, error: &JoinError) -> TaskError {
        error!(%error, "the work panicked");
        self.counts.add("panicked", 1);
        internal_error()
    }

    fn lose(&self, why: impl fmt::Display) {
        warn!(%why, "the task is no longer this worker's");
        self.counts.add("lost", 1);
    }
}

fn internal_error() -> TaskError {
    TaskError::new("INTERNAL_ERROR", "The operation ended unexpectedly.")
        .with_status("500 INTERNAL_SERVER_ERROR")
}

/// Waits until fewer tasks than so many are being worked on.
async fn has_room(running: &mut JoinSet<()>, at_once: usize) {
    while let Some(ended) = running.try_join_next() {
        note(ended);
    }
    while running.len() >= at_once.max(1) {
        has_one_less(running).await;
    }
}

/// Waits until a task is done, if any is still being worked on.
async fn has_one_less(running: &mut JoinSet<()>) -> bool {
    running.join_next().await.map(note).is_some()
}

/// A panic here is a fault of the loop, not of the work. The task waits to be taken over.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a task was left in progress");
    }
}

/// How often something has happened: metrics, made from what the store answers.
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

/// What ends when the process is asked to stop, from this call on: by ctrl-c, or where there is one by
/// `SIGTERM`.
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

/// How many tasks there are to work on.
const TASKS: u64 = 20;

/// Submits tasks, and works on them until all have ended or it is asked to stop. Gives what was counted.
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

/// The work, which would be here.
async fn work(task: Task, reports: Reports) -> Outcome {
    match task.input() {
        // Longer than a worker may be silent, and with nothing to report: the heartbeats keep the task.
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
        b"one that panics" => panic!("it was asked to"),
        // Named after its task: a second attempt makes the same subscription, not another.
        _ => Ok(Completion::of(format!("subscription-{}", task.id()))),
    }
}
