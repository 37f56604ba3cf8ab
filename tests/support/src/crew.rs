//! Processes that work on the same tasks, one of which is killed in the middle: nothing is lost, nothing done twice.

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
    AccountId, AsyncLease, AsyncTaskStore, CommandType, Completion, LeaseError, ListQuery, Now,
    Revision, Scope, StoreConfig, Submission, SubmitError, Submitted, Task, TaskEvent, TaskId,
    TaskStatus,
};

/// Where the store is, for the processes.
const PLACE: &str = "TASKLIFE_TEST_STORE";

/// After how many ends that are known to the test something is killed.
const BEFORE_THE_KILL: usize = 60;

/// How many workers a process has.
pub const WORKERS: usize = 4;

const ACCOUNTS: [&str; 4] = ["acme", "umbrella", "initech", "}{"];
const TASKS: u64 = 50;

/// The configuration of the crew: a task of which nothing was heard for a second is handed out again.
#[must_use]
pub fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(10_000).with_takeover_after(Duration::from_secs(1))
}

/// In a process of the crew: where the store is. Nothing, where somebody runs the ignored tests.
pub fn place() -> Option<String> {
    env::var(PLACE).ok()
}

/// What is killed in the middle, by `kill -9`.
#[expect(missing_debug_implementations, reason = "a closure has none")]
pub enum Kill<'a> {
    /// The first of the processes.
    AProcess,
    /// What the store runs on, which is then started again.
    TheServer(Box<dyn FnOnce() + Send + 'a>),
}

/// Starts three processes, each of which runs a test that is ignored and calls [`work`] and [`submit_all`]; kills what is
/// to be killed while all of them work; and waits for the others. Gives what was acknowledged to them.
pub fn run(test: &str, place: &str, kill: Kill<'_>) -> Vec<Written> {
    let mut processes = [0, 1, 2].map(|_| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", test]);
        command.env(PLACE, place).stdout(Stdio::piped()).spawn().unwrap()
    });
    let changes = thread::scope(|scope| {
        let (ended, ends) = channel();
        let reading: Vec<_> = processes
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
                            // Later ends matter to nobody.
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
        reading.into_iter().flat_map(|reading| reading.join().unwrap()).collect()
    });
    for process in &mut processes {
        let _ = process.wait();
    }
    changes
}

/// In a process: submits all tasks, as the other processes do.
pub async fn submit_all(store: &dyn AsyncTaskStore, now: fn() -> Now) {
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
                    // Applied or not: under the same id it is the same submission.
                    Err(SubmitError::Backend(_)) => continue,
                    Err(other) => panic!("{other}"),
                }
                break;
            }
        }
    }
}

/// In a process: works until all tasks have ended. It blocks its thread now and then.
pub async fn work(store: &dyn AsyncTaskStore, now: fn() -> Now) {
    loop {
        match store.claim(Scope::Any, now()).await {
            Ok(Some(claimed)) => {
                if let Some(lease) = AsyncLease::of(store, claimed) {
                    process(lease, now).await;
                }
            }
            Ok(None) if are_all_done(store, now).await => return,
            // What was in the hands of another that is gone is taken over in time.
            Ok(None) | Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Gives a task up where it is lost, or the store fails: it is handed out again.
async fn process(mut lease: AsyncLease<&dyn AsyncTaskStore>, now: fn() -> Now) {
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

async fn are_all_done(store: &dyn AsyncTaskStore, now: fn() -> Now) -> bool {
    all(store, now()).await.is_some_and(|tasks| {
        tasks.len() as u64 == TASKS * ACCOUNTS.len() as u64
            && tasks.iter().all(|task| task.status() == TaskStatus::ProcessingCompleted)
    })
}

async fn all(store: &dyn AsyncTaskStore, now: Now) -> Option<Vec<Task>> {
    let mut tasks = Vec::new();
    for name in ACCOUNTS {
        let query = ListQuery::new(NonZeroUsize::MAX);
        let page = store.list(&name.parse().unwrap(), &query, now).await.ok()?;
        tasks.extend_from_slice(page.tasks());
    }
    Some(tasks)
}

/// Judges what is in the store by what was acknowledged.
pub async fn judge(store: &dyn AsyncTaskStore, changes: &[Written], now: Now) {
    let tasks = all(store, now).await.expect("the store to answer");
    // None is lost, and each has ended.
    assert_eq!(tasks.len() as u64, ACCOUNTS.len() as u64 * TASKS);
    for task in &tasks {
        assert_eq!(task.status(), TaskStatus::ProcessingCompleted, "{task:?}");
    }
    let tasks: BTreeMap<(AccountId, TaskId), Task> =
        tasks.into_iter().map(|task| ((task.account().clone(), task.id()), task)).collect();
    // Each acknowledged write is there: none comes after the end of its task, and each end is the last.
    for change in changes {
        let task = &tasks[&(change.account.clone(), change.id)];
        assert!(change.revision <= task.revision(), "{change:?} was lost");
        if change.event == "complete" {
            assert_eq!(change.revision, task.revision(), "{change:?} was lost");
        }
    }
    // None was submitted or ended twice, and no revision was given out twice.
    for event in ["submit", "complete"] {
        let of = changes.iter().filter(|change| change.event == event);
        let distinct: BTreeSet<_> = of.clone().map(|change| (&change.account, change.id)).collect();
        assert_eq!(of.count(), distinct.len(), "{event}");
    }
    let revisions: BTreeSet<_> =
        changes.iter().map(|change| (&change.account, change.revision)).collect();
    assert_eq!(revisions.len(), changes.len());
    // Nor has the number of tasks been lost.
    let late = now + chrono::TimeDelta::days(100);
    assert_eq!(store.sweep(usize::MAX, late).await.unwrap().dropped, tasks.len());
}

/// A change as a process writes it down, once it is acknowledged.
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

/// The change of a line. What the test harness prints may stand before it, and the last line of a process that was killed
/// may be cut off.
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

/// Ends a process of the crew that a test has left waiting for what never comes.
pub fn watch() {
    thread::spawn(|| {
        thread::sleep(Duration::from_mins(2));
        std::process::exit(1);
    });
}
