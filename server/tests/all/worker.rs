//! The loop of the example `worker`: its counts, how it stops, and how it loses tasks.

#![allow(clippy::disallowed_methods, reason = "the loop reads the clock")]

#[path = "../../examples/worker.rs"]
#[expect(dead_code, reason = "the tests do not call `main`")]
mod example;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use tasklife::{
    AccountId, AsyncTaskStore, BackendError, Change, Claimed, CommandType, Completion, InProcess,
    ListError, ListQuery, MemoryStore, Notified, Notifies, Notifying, Page, Scope, StoreConfig,
    StoreFuture, Submission, SubmitError, Submitted, Swept, Target, Task, TaskError, TaskEvent,
    TaskId, TaskStatus, TaskStore, Timestamp,
};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use example::{Counts, Outcome, Reports, Worker};

type Store = Arc<Notifying<InProcess<Arc<MemoryStore>>>>;

const TAKEOVER_AFTER: Duration = Duration::from_millis(1_200);

fn config() -> StoreConfig {
    StoreConfig::default().with_takeover_after(TAKEOVER_AFTER)
}

/// Creates a store with this many tasks.
fn store(tasks: u128) -> (Store, Arc<MemoryStore>) {
    let memory = Arc::new(MemoryStore::new(config()));
    for number in 0..tasks {
        let create = CommandType::from_static("subscriptionCreateRequest");
        memory.submit(Submission::new(acme(), id(number), create), Utc::now()).unwrap();
    }
    (Arc::new(Notifying::new(InProcess(memory.clone()))), memory)
}

fn acme() -> AccountId {
    "acme".parse().unwrap()
}

fn id(number: u128) -> TaskId {
    uuid::Uuid::from_u128(number).into()
}

fn read(memory: &MemoryStore, number: u128) -> Task {
    memory.get(&acme(), id(number), Utc::now()).unwrap().unwrap()
}

fn worker<S, W>(store: S, work: W, at_once: usize) -> Arc<Worker<S, W>> {
    let (config, grace, counts) = (config(), TAKEOVER_AFTER / 2, Counts::default());
    Arc::new(Worker { store, config, work, at_once, grace, counts })
}

/// Counts how often work ends or is cancelled, by its drop.
struct DropCounter(Arc<AtomicUsize>);

impl Drop for DropCounter {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs a worker until `condition` completes, and then stops it.
async fn run_until(
    worker: &Arc<
        Worker<
            impl AsyncTaskStore + Notifies + Clone + 'static,
            impl Fn(Task, Reports) -> Work + Send + Sync + 'static,
        >,
    >,
    condition: impl Future<Output = ()>,
) {
    let (stop, stopped) = oneshot::channel::<()>();
    let stop_signal = async { stopped.await.unwrap() };
    let stop_on_condition = async {
        condition.await;
        stop.send(()).unwrap();
    };
    let both = async { tokio::join!(worker.run(stop_signal), stop_on_condition) };
    timeout(Duration::from_secs(20), both).await.expect("the worker to stop in time");
}

type Work = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

async fn until(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(15), holds).await.expect("the condition to hold in time");
}

#[tokio::test]
async fn a_worker_works_on_every_task_and_counts_outcomes() {
    let counts = example::work_on_some(sleep(Duration::from_secs(30))).await.unwrap();
    for (what, number) in [("started", 20), ("completed", 10), ("failed", 10), ("panicked", 5)] {
        assert_eq!(counts.get(what), number, "{what} of {counts}");
    }
    for what in ["taken over", "given up", "lost", "left"] {
        assert_eq!(counts.get(what), 0, "{what} of {counts}");
    }
    // Five tasks take longer than the take-over time, with a heartbeat at each third of it.
    assert!(counts.get("reported") >= 5 * 3, "{counts}");
}

#[tokio::test]
async fn a_stopped_worker_claims_no_more_and_leaves_open_tasks_to_another() {
    let (store, memory) = store(3);
    let dropped = Arc::new(AtomicUsize::new(0));
    // The first task ends within the worker's grace time, the second never ends.
    let work = {
        let dropped = dropped.clone();
        move |task: Task, _| {
            let counter = DropCounter(dropped.clone());
            Box::pin(async move {
                let _counter = counter;
                if task.id() != id(0) {
                    pending::<()>().await;
                }
                sleep(TAKEOVER_AFTER / 4).await;
                Ok(Completion::of(1))
            }) as Work
        }
    };
    let stopped = worker(store.clone(), work, 2);
    run_until(&stopped, until(|| stopped.counts.get("started") == 2)).await;
    for (what, number) in [("started", 2), ("completed", 1), ("left", 1), ("lost", 0)] {
        assert_eq!(stopped.counts.get(what), number, "{what} of {}", stopped.counts);
    }
    let statuses = [0, 1, 2].map(|number| read(&memory, number).status());
    assert_eq!(
        statuses,
        [TaskStatus::ProcessingCompleted, TaskStatus::ProcessingInProgress, TaskStatus::Received]
    );
    until(|| dropped.load(Ordering::SeqCst) == 2).await;

    // Another worker starts the third task at once, and takes over the second.
    let next = worker(store, |_, _| Box::pin(async { Ok(Completion::of(2)) }) as Work, 2);
    run_until(&next, until(|| next.counts.get("completed") == 2)).await;
    assert_eq!((next.counts.get("started"), next.counts.get("taken over")), (1, 1));
    assert_eq!([1, 2].map(|number| read(&memory, number).attempts()), [2, 1]);
}

#[tokio::test]
async fn a_stalled_worker_learns_that_its_task_was_taken_over() {
    let (store, memory) = store(1);
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let stalled = worker(
        store.clone(),
        // Blocks the only thread, so that no heartbeats are sent.
        move |_: Task, _: Reports| {
            released.lock().unwrap().recv().unwrap();
            Box::pin(async { Ok(Completion::of("stalled")) }) as Work
        },
        1,
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::spawn({
        let stalled = stalled.clone();
        move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(stalled.run(async { stopped.await.unwrap() }));
        }
    });
    until(|| stalled.counts.get("started") == 1).await;
    let other = worker(store, |_, _| Box::pin(async { Ok(Completion::of("other")) }) as Work, 1);
    run_until(&other, until(|| other.counts.get("completed") == 1)).await;
    assert_eq!(other.counts.get("taken over"), 1);
    let ended = read(&memory, 0);

    release.send(()).unwrap();
    until(|| stalled.counts.get("lost") == 1).await;
    stop.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(stalled.counts.get("completed"), 0, "{}", stalled.counts);
    assert_eq!(read(&memory, 0), ended);
    assert_eq!(ended.outcome(), Some(Ok(&Completion::of("other"))));
}

/// Creates work that never ends, and a counter of how often it was cancelled.
fn endless() -> (impl Fn(Task, Reports) -> Work + Send + Sync + 'static, Arc<AtomicUsize>) {
    let cancelled = Arc::new(AtomicUsize::new(0));
    let count = cancelled.clone();
    let work = move |_: Task, _: Reports| {
        let counter = DropCounter(count.clone());
        Box::pin(async move {
            let _counter = counter;
            pending().await
        }) as Work
    };
    (work, cancelled)
}

#[tokio::test]
async fn work_is_cancelled_if_its_task_is_ended_by_someone_else() {
    let (store, memory) = store(1);
    let (work, cancelled) = endless();
    let mut worker = worker(store, work, 1);
    let takeover_after = TAKEOVER_AFTER * 5;
    Arc::get_mut(&mut worker).unwrap().config = config().with_takeover_after(takeover_after);
    run_until(&worker, async {
        until(|| worker.counts.get("reported") > 0).await;
        let error = TaskError::new("STOPPED", "An administrator has stopped it.");
        memory.apply(Target::latest(&acme(), id(0)), TaskEvent::fail(error), Utc::now()).unwrap();
        // The next heartbeat cancels the work, well before the take-over time.
        let soon = until(|| cancelled.load(Ordering::SeqCst) == 1);
        timeout(takeover_after * 9 / 10, soon).await.unwrap();
    })
    .await;
    assert_eq!((worker.counts.get("lost"), worker.counts.get("left")), (1, 0));
}

#[tokio::test]
async fn work_is_cancelled_once_its_task_may_be_taken_over() {
    let (store, memory) = store(1);
    let is_unreachable = Arc::new(AtomicBool::new(false));
    let (work, cancelled) = endless();
    let worker = worker(Unreachable { store, is_unreachable: is_unreachable.clone() }, work, 1);
    run_until(&worker, async {
        until(|| worker.counts.get("reported") > 0).await;
        // An outage that is shorter than the take-over time does no harm.
        is_unreachable.store(true, Ordering::SeqCst);
        sleep(TAKEOVER_AFTER / 2).await;
        is_unreachable.store(false, Ordering::SeqCst);
        let before = worker.counts.get("reported");
        until(|| worker.counts.get("reported") > before + 2).await;
        assert_eq!(cancelled.load(Ordering::SeqCst), 0);

        is_unreachable.store(true, Ordering::SeqCst);
        let last_heartbeat = read(&memory, 0).updated_at();
        until(|| cancelled.load(Ordering::SeqCst) == 1).await;
        let silent = Utc::now() - last_heartbeat;
        assert!(
            silent.to_std().unwrap() >= TAKEOVER_AFTER * 9 / 10,
            "cancelled too early: {silent}"
        );
        is_unreachable.store(false, Ordering::SeqCst);
        until(|| worker.counts.get("taken over") == 1).await;
    })
    .await;
    assert_eq!((worker.counts.get("lost"), worker.counts.get("left")), (1, 1));
}

/// A store that can be made unreachable. It then applies no event and reports an unknown outcome.
#[derive(Clone)]
struct Unreachable {
    store: Store,
    is_unreachable: Arc<AtomicBool>,
}

impl Notifies for Unreachable {
    fn notified(&self) -> Notified<'_> {
        self.store.notified()
    }
}

impl AsyncTaskStore for Unreachable {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        self.store.submit(submission, now)
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, tasklife::ApplyError> {
        Box::pin(async move {
            if self.is_unreachable.load(Ordering::SeqCst) {
                sleep(TAKEOVER_AFTER / 20).await;
                return Err(BackendError::unknown("no route to host").into());
            }
            self.store.apply(target, event, now).await
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        self.store.claim(scope, now)
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.store.get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        self.store.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        self.store.sweep(limit, now)
    }
}
