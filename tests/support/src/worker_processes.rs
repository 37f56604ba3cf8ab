//! A test with several worker processes on a shared store. One of them, or the store, is killed.
//!
//! [`check`] checks that no task and no acknowledged change is lost, and that none is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tasklife::{
    AccountId, AsyncLease, AsyncTaskStore, CommandType, Completion, LeaseError, ListQuery,
    Revision, Scope, StoreConfig, Submission, SubmitError, Submitted, Task, TaskEvent, TaskId,
    TaskStatus, Timestamp,
};

/// The environment variable with the location of the store.
const PLACE: &str = "TASKLIFE_TEST_STORE";

/// The number of completed tasks after which a process or the server is killed.
const BEFORE_THE_KILL: usize = 60;

/// The number of workers in each process.
pub const WORKERS: usize = 4;

const ACCOUNTS: [&str; 4] = ["acme", "umbrella", "initech", "}{"];
const TASKS: u64 = 50;

/// Returns the configuration of the store: a task is taken over after one second of silence.
#[must_use]
pub fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(10_000).with_takeover_after(Duration::from_secs(1))
}

/// Returns the location of the store in a worker process, or `None` if the ignored test runs by
/// itself.
pub fn store_address() -> Option<String> {
    env::var(PLACE).ok()
}

/// What to kill with `kill -9` while all processes work.
#[expect(missing_debug_implementations, reason = "a closure has none")]
pub enum Kill<'a> {
    /// The first process.
    AProcess,
    /// The server of the store. The closure kills it and starts it again.
    TheServer(Box<dyn FnOnce() + Send + 'a>),
}

/// Starts three worker processes, kills one of them or the server, and waits for the others.
/// Returns the changes that the store acknowledged.
///
/// Each process runs the ignored test `test`, which has to call [`submit_all`] and [`work`].
pub fn run(test: &str, place: &str, kill: Kill<'_>) -> Vec<Written> {
    let mut processes = [0, 1, 2].map(|_| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", test]);
        command.env(PLACE, place).stdout(Stdio::piped()).spawn().unwrap()
    });
    let changes = thread::scope(|scope| {
        let (ended, ends) = channel();
        let readers: Vec<_> = processes
            .iter_mut()
            .map(|process| {
                let (stdout, ended) =
                    (BufReader::new(process.stdout.take().unwrap()), ended.clone());
                scope.spawn(move || {
                    let changes =
                        stdout.lines().map_while(Result::ok).filter_map(|line| parsed(&line));
                    let mut known = Vec::new();
                    for change in changes {
                        if change.event == "complete" {
                            // After the kill, nobody receives this.
                            let _ = ended.send(());
                        }
                        known.push(change);
                    }
                    known
                })
            })
            .collect();
        drop(ended);
        for _ in 0..BEFORE_THE_KILL {
            ends.recv().expect("the processes ended early");
        }
        match kill {
            Kill::AProcess => processes[0].kill().unwrap(),
            Kill::TheServer(kill) => kill(),
        }
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    for process in &mut processes {
        let _ = process.wait();
    }
    changes
}

/// Submits all tasks. Every worker process calls this, so most submissions are repeats.
pub async fn submit_all(store: &dyn AsyncTaskStore, now: fn() -> Timestamp) {
    for number in 0..TASKS {
        for name in ACCOUNTS {
            let account: AccountId = name.parse().unwrap();
            let id = TaskId::for_key(&account, &number.to_string());
            let create = CommandType::from_static("subscriptionCreateRequest");
            let submission = Submission::new(account, id, create);
            loop {
                match store.submit(submission.clone(), now()).await {
                    Ok(Submitted::New(task)) => write("submit", &task),
                    Ok(Submitted::Existing(_)) => {}
                    // It may have been applied. The same id makes a retry safe.
                    Err(SubmitError::Backend(_)) => continue,
                    Err(other) => panic!("{other}"),
                }
                break;
            }
        }
    }
}

/// Works in a worker process until all tasks have ended. This blocks the thread at times.
pub async fn work(store: &dyn AsyncTaskStore, now: fn() -> Timestamp) {
    loop {
        match store.claim(Scope::Any, now()).await {
            Ok(Some(claimed)) => {
                if let Some(lease) = AsyncLease::of(store, claimed) {
                    process(lease, now).await;
                }
            }
            Ok(None) if are_all_done(store, now).await => return,
            // The tasks of a process that was killed are taken over after a while.
            Ok(None) | Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Processes a task. Abandons it if the lease is lost or the store fails; the task is taken over
/// then.
async fn process(mut lease: AsyncLease<&dyn AsyncTaskStore>, now: fn() -> Timestamp) {
    write("start", lease.task());
    let end = TaskEvent::complete(Completion::of(7));
    for (event, name) in
        [(TaskEvent::report(), "report"), (TaskEvent::report(), "report"), (end, "complete")]
    {
        match lease.apply(event, now()).await {
            Ok(change) => write(name, change.task()),
            Err(LeaseError::Refused(refusal)) => panic!("{refusal}"),
            Err(_) => return,
        }
    }
}

async fn are_all_done(store: &dyn AsyncTaskStore, now: fn() -> Timestamp) -> bool {
    all_tasks(store, now()).await.is_some_and(|tasks| {
        tasks.len() as u64 == TASKS * ACCOUNTS.len() as u64
            && tasks.iter().all(|task| task.status() == TaskStatus::ProcessingCompleted)
    })
}

async fn all_tasks(store: &dyn AsyncTaskStore, now: Timestamp) -> Option<Vec<Task>> {
    let mut tasks = Vec::new();
    for name in ACCOUNTS {
        let query = ListQuery::new(NonZeroUsize::MAX);
        let page = store.list(&name.parse().unwrap(), &query, now).await.ok()?;
        tasks.extend_from_slice(page.tasks());
    }
    Some(tasks)
}

/// Checks the tasks in the store against the changes that it acknowledged.
pub async fn check(store: &dyn AsyncTaskStore, changes: &[Written], now: Timestamp) {
    let tasks = all_tasks(store, now).await.expect("an answer of the store");
    // No task is lost, and each has ended.
    assert_eq!(tasks.len() as u64, ACCOUNTS.len() as u64 * TASKS);
    for task in &tasks {
        assert_eq!(task.status(), TaskStatus::ProcessingCompleted, "{task:?}");
    }
    let tasks: BTreeMap<(AccountId, TaskId), Task> =
        tasks.into_iter().map(|task| ((task.account().clone(), task.id()), task)).collect();
    // No acknowledged change is lost. A completion is the last change of its task.
    for change in changes {
        let task = &tasks[&(change.account.clone(), change.id)];
        assert!(change.revision <= task.revision(), "{change:?} was lost");
        if change.event == "complete" {
            assert_eq!(change.revision, task.revision(), "{change:?} was lost");
        }
    }
    // No task was submitted or completed twice, and no revision was given out twice.
    for event in ["submit", "complete"] {
        let matching = changes.iter().filter(|change| change.event == event);
        let distinct: BTreeSet<_> =
            matching.clone().map(|change| (&change.account, change.id)).collect();
        assert_eq!(matching.count(), distinct.len(), "{event}");
    }
    let revisions: BTreeSet<_> =
        changes.iter().map(|change| (&change.account, change.revision)).collect();
    assert_eq!(revisions.len(), changes.len());
    // A sweep drops exactly these tasks.
    let late = now + chrono::TimeDelta::days(100);
    assert_eq!(store.sweep(usize::MAX, late).await.unwrap().dropped, tasks.len());
}

/// An acknowledged change, as a worker process prints it.
#[derive(Debug)]
pub struct Written {
    event: String,
    account: AccountId,
    id: TaskId,
    revision: Revision,
}

fn write(event: &str, task: &Task) {
    println!("change {event} {} {} {}.", task.account(), task.id(), task.revision());
}

/// Parses a printed change. Output of the test harness may come before it. The last line of a
/// killed process may be incomplete.
fn parsed(line: &str) -> Option<Written> {
    let mut words = line.split_once("change ")?.1.strip_suffix('.')?.split(' ');
    Some(Written {
        event: next(&mut words)?,
        account: next(&mut words)?,
        id: next(&mut words)?,
        revision: next(&mut words)?,
    })
}

fn next<'a, T: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<T> {
    words.next()?.parse().ok()
}

/// Ends this worker process after two minutes, in case the test has left it waiting.
pub fn watch() {
    thread::spawn(|| {
        thread::sleep(Duration::from_mins(2));
        std::process::exit(1);
    });
}
