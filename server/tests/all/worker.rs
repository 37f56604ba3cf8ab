//! The loop of the example `worker`: what it counts, how it stops, and what becomes of a task that it can't keep.

#![allow(clippy::disallowed_methods, reason = "the loop reads the clock")]

#[path = "../../examples/worker.rs"]
#[expect(dead_code, reason = "the program itself is not run")]
mod example;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use tasklife::{
    AccountId, AsyncTaskStore, BackendError, Change, Changed, Changes, Claimed, CommandType,
    Completion, InProcess, ListError, ListQuery, MemoryStore, Notifying, Now, Page, Scope,
    StoreConfig, StoreFuture, Submission, SubmitError, Submitted, Swept, Target, Task, TaskError,
    TaskEvent, TaskId, TaskStatus, TaskStore,
};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use example::{Counts, Outcome, Reports, Worker};

type Store = Arc<Notifying<InProcess<Arc<MemoryStore>>>>;

const SILENCE: Duration = Duration::from_millis(1_200);

fn config() -> StoreConfig {
    StoreConfig::default().with_takeover_after(SILENCE)
}

/// A store with so many tasks.
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
    let (config, grace, counts) = (config(), SILENCE / 2, Counts::default());
    Arc::new(Worker { store, config, work, at_once, grace, counts })
}

/// Tells when the work is cancelled.
struct Cancelled(Arc<AtomicUsize>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs a worker beside something else, which ends by asking it to stop.
async fn run_until(
    worker: &Arc<
        Worker<
            impl AsyncTaskStore + Changes + Clone + 'static,
            impl Fn(Task, Reports) -> Work + Send + Sync + 'static,
        >,
    >,
    beside: impl Future<Output = ()>,
) {
    let (ask, asked) = oneshot::channel::<()>();
    let stop = async { asked.await.unwrap() };
    let beside = async {
        beside.await;
        ask.send(()).unwrap();
    };
    let both = async { tokio::join!(worker.run(stop), beside) };
    timeout(Duration::from_secs(20), both).await.expect("the worker to stop in time");
}

type Work = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

async fn until(mut is_so: impl FnMut() -> bool) {
    let so = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(15), so).await.expect("it to happen in time");
}

#[tokio::test]
async fn it_works_on_all_and_counts_what_has_happened() {
    let counts = example::work_on_some(sleep(Duration::from_secs(30))).await.unwrap();
    for (what, number) in [("started", 20), ("completed", 10), ("failed", 10), ("panicked", 5)] {
        assert_eq!(counts.get(what), number, "{what} of {counts}");
    }
    for what in ["taken over", "given up", "lost", "left"] {
        assert_eq!(counts.get(what), 0, "{what} of {counts}");
    }
    // Each of five is silent for longer than a worker may be, with heartbeats at each third.
    assert!(counts.get("reported") >= 5 * 3, "{counts}");
}

#[tokio::test]
async fn asked_to_stop_it_claims_no_more_and_leaves_what_is_not_done_to_another() {
    let (store, memory) = store(3);
    let cancelled = Arc::new(AtomicUsize::new(0));
    // The first is done within the time that it has left, the second never.
    let work = {
        let cancelled = cancelled.clone();
        move |task: Task, _| {
            let cancelled = Cancelled(cancelled.clone());
            Box::pin(async move {
                let _cancelled = cancelled;
                if task.id() != id(0) {
                    pending::<()>().await;
                }
                sleep(SILENCE / 4).await;
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
    until(|| cancelled.load(Ordering::SeqCst) == 2).await;

    // Another has both: the one at once, the other after the silence.
    let next = worker(store, |_, _| Box::pin(async { Ok(Completion::of(2)) }) as Work, 2);
    run_until(&next, until(|| next.counts.get("completed") == 2)).await;
    assert_eq!((next.counts.get("started"), next.counts.get("taken over")), (1, 1));
    assert_eq!([1, 2].map(|number| read(&memory, number).attempts()), [2, 1]);
}

#[tokio::test]
async fn a_worker_that_stalls_finds_out_that_its_task_is_anothers() {
    let (store, memory) = store(1);
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let stalled = worker(
        store.clone(),
        // Holds up the one thread on which also the heartbeats would be sent.
        move |_: Task, _: Reports| {
            released.lock().unwrap().recv().unwrap();
            Box::pin(async { Ok(Completion::of("stalled")) }) as Work
        },
        1,
    );
    let (ask, asked) = oneshot::channel::<()>();
    let thread = thread::spawn({
        let stalled = stalled.clone();
        move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(stalled.run(async { asked.await.unwrap() }));
        }
    });
    until(|| stalled.counts.get("started") == 1).await;
    let other = worker(store, |_, _| Box::pin(async { Ok(Completion::of("other")) }) as Work, 1);
    run_until(&other, until(|| other.counts.get("completed") == 1)).await;
    assert_eq!(other.counts.get("taken over"), 1);
    let ended = read(&memory, 0);

    release.send(()).unwrap();
    until(|| stalled.counts.get("lost") == 1).await;
    ask.send(()).unwrap();
    thread.join().unwrap();
    assert_eq!(stalled.counts.get("completed"), 0, "{}", stalled.counts);
    assert_eq!(read(&memory, 0), ended);
    assert_eq!(ended.outcome(), Some(Ok(&Completion::of("other"))));
}

/// Work that never ends, and what counts how often it was cancelled.
fn endless() -> (impl Fn(Task, Reports) -> Work + Send + Sync + 'static, Arc<AtomicUsize>) {
    let cancelled = Arc::new(AtomicUsize::new(0));
    let count = cancelled.clone();
    let work = move |_: Task, _: Reports| {
        let cancelled = Cancelled(count.clone());
        Box::pin(async move {
            let _cancelled = cancelled;
            pending().await
        }) as Work
    };
    (work, cancelled)
}

#[tokio::test]
async fn work_on_a_task_that_was_ended_by_another_is_cancelled() {
    let (store, memory) = store(1);
    let (work, cancelled) = endless();
    let mut worker = worker(store, work, 1);
    let silence = SILENCE * 5;
    Arc::get_mut(&mut worker).unwrap().config = config().with_takeover_after(silence);
    run_until(&worker, async {
        until(|| worker.counts.get("reported") > 0).await;
        let error = TaskError::new("STOPPED", "An administrator has stopped it.");
        memory.apply(Target::latest(&acme(), id(0)), TaskEvent::fail(error), Utc::now()).unwrap();
        // By the next heartbeat, and not only where the silence would have been over.
        let soon = until(|| cancelled.load(Ordering::SeqCst) == 1);
        timeout(silence * 9 / 10, soon).await.unwrap();
    })
    .await;
    assert_eq!((worker.counts.get("lost"), worker.counts.get("left")), (1, 0));
}

#[tokio::test]
async fn work_is_cancelled_once_another_may_have_its_task() {
    let (store, memory) = store(1);
    let away = Arc::new(AtomicBool::new(false));
    let (work, cancelled) = endless();
    let worker = worker(Unreachable { store, away: away.clone() }, work, 1);
    run_until(&worker, async {
        until(|| worker.counts.get("reported") > 0).await;
        // For a while that is shorter than the silence, it does no harm.
        away.store(true, Ordering::SeqCst);
        sleep(SILENCE / 2).await;
        away.store(false, Ordering::SeqCst);
        let before = worker.counts.get("reported");
        until(|| worker.counts.get("reported") > before + 2).await;
        assert_eq!(cancelled.load(Ordering::SeqCst), 0);

        away.store(true, Ordering::SeqCst);
        let heard_of = read(&memory, 0).updated_at();
        until(|| cancelled.load(Ordering::SeqCst) == 1).await;
        let silent = Utc::now() - heard_of;
        assert!(silent.to_std().unwrap() >= SILENCE * 9 / 10, "not before: {silent}");
        away.store(false, Ordering::SeqCst);
        until(|| worker.counts.get("taken over") == 1).await;
    })
    .await;
    assert_eq!((worker.counts.get("lost"), worker.counts.get("left")), (1, 1));
}

/// A store that can't be reached now and then: no event is applied, and no answer comes.
#[derive(Clone)]
struct Unreachable {
    store: Store,
    away: Arc<AtomicBool>,
}

impl Changes for Unreachable {
    fn changed(&self) -> Changed<'_> {
        self.store.changed()
    }
}

impl AsyncTaskStore for Unreachable {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        self.store.submit(submission, now)
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, tasklife::ApplyError> {
        Box::pin(async move {
            if self.away.load(Ordering::SeqCst) {
                sleep(SILENCE / 20).await;
                return Err(BackendError::unknown("no route to host").into());
            }
            self.store.apply(target, event, now).await
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        self.store.claim(scope, now)
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.store.get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        self.store.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        self.store.sweep(limit, now)
    }
}
