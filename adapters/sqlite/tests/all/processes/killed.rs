//! Three processes share a file, and one of them is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::process::ChildStdout;
use std::str::{FromStr, Split};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tasklife::{
    AccountId, ApplyError, Completion, Revision, Scope, Submitted, Target, Task, TaskEvent, TaskId,
    TaskStatus, TaskStore, Timestamp,
};
use tasklife_sqlite::SqliteStore;

use super::{Process, await_signal, file, next_line, store};
use crate::support::{Place, everything, second, submission};

const ACCOUNTS: [&str; 4] = ["acme", "umbrella", "initech", "}{"];
const TASKS: u64 = 50;
const WORKERS: usize = 3;
/// The number of tasks that each process completes before one is killed.
const BEFORE_THE_KILL: usize = 40;
/// The second at which the tasks of a silent worker can be taken over.
const LATE: i64 = 100;

/// Three processes submit the same tasks, work on them and print each acknowledged change. One
/// process is killed while all of them write, and the others take over its tasks. All printed
/// changes must form one history.
#[test]
fn a_killed_process_loses_nothing() {
    let place = Place::new();
    let mut processes = [0, 1, 2].map(|_| Process::start("killed::worker_process", &place));
    let changes: Vec<PrintedChange> = thread::scope(|scope| {
        let (busy, busy_processes) = channel();
        let (mut children, mut reading) = (Vec::new(), Vec::new());
        for Process { child, stdout } in &mut processes {
            let busy = busy.clone();
            children.push(child);
            reading.push(scope.spawn(move || read_changes(stdout, &busy)));
        }
        drop(busy);
        for _ in &children {
            busy_processes.recv().expect("a process ended early");
        }
        children[0].kill().unwrap();
        for child in &mut children {
            child.stdin = None;
        }
        reading.into_iter().flat_map(|reading| reading.join().unwrap()).collect()
    });
    for process in &mut processes[1..] {
        assert!(process.child.wait().unwrap().success());
    }

    let store = store(place.path());
    let tasks: BTreeMap<(AccountId, TaskId), Task> = ACCOUNTS
        .iter()
        .flat_map(|name| everything(&store, name, second(LATE)))
        .map(|task| ((task.account().clone(), task.id()), task))
        .collect();
    // No task is lost, and each has ended.
    assert_eq!(tasks.len() as u64, ACCOUNTS.len() as u64 * TASKS);
    for task in tasks.values() {
        assert_eq!(task.status(), TaskStatus::ProcessingCompleted);
    }
    // Each acknowledged write is stored. None follows the completion of its task.
    for change in &changes {
        let task = &tasks[&(change.account.clone(), change.id)];
        assert!(change.revision <= task.revision(), "{change:?} was lost");
        if change.event == "complete" {
            assert_eq!(change.revision, task.revision(), "{change:?} was lost");
        }
    }
    // No task was submitted or completed twice, and no revision was given out twice.
    for event in ["submit", "complete"] {
        let of = changes.iter().filter(|change| change.event == event);
        let distinct: BTreeSet<_> = of.clone().map(|change| (&change.account, change.id)).collect();
        assert_eq!(of.count(), distinct.len(), "{event}");
    }
    let revisions: BTreeSet<_> =
        changes.iter().map(|change| (&change.account, change.revision)).collect();
    assert_eq!(revisions.len(), changes.len());
    // The tasks of the killed process were taken over.
    let taken_over = tasks.values().filter(|task| task.attempts() > 1).count();
    assert!(taken_over >= WORKERS, "only {taken_over}");
    // The stored number of tasks is right.
    let swept = TaskStore::sweep(&store, usize::MAX, second(10_000_000)).unwrap();
    assert_eq!(swept.dropped, tasks.len());
}

/// Reads the changes that a process prints until it ends.
///
/// It sends on `busy` once each worker is in the middle of a task, on which it keeps reporting.
fn read_changes(stdout: &mut BufReader<ChildStdout>, busy: &Sender<()>) -> Vec<PrintedChange> {
    let (mut changes, mut ended, mut reports) = (Vec::new(), 0, 0);
    while let Some(line) = next_line(stdout, "change ") {
        // The last line of a killed process may be incomplete.
        let Some(change) = parse_change(&line) else { continue };
        ended += usize::from(change.event == "complete");
        reports += usize::from(change.event == "report" && ended >= BEFORE_THE_KILL);
        if reports == 20 * WORKERS {
            busy.send(()).unwrap();
            reports += 1;
        }
        changes.push(change);
    }
    changes
}

/// An acknowledged change, as a process prints it.
#[derive(Debug)]
struct PrintedChange {
    event: String,
    account: AccountId,
    id: TaskId,
    revision: Revision,
}

fn print_change(event: &str, task: &Task) {
    println!("change {event} {} {} {}.", task.account(), task.id(), task.revision());
}

fn parse_change(line: &str) -> Option<PrintedChange> {
    let mut words = line.strip_suffix('.')?.split(' ');
    Some(PrintedChange {
        event: next(&mut words)?,
        account: next(&mut words)?,
        id: next(&mut words)?,
        revision: next(&mut words)?,
    })
}

fn next<T: FromStr>(words: &mut Split<'_, char>) -> Option<T> {
    words.next()?.parse().ok()
}

#[test]
#[ignore = "a process that the test above starts"]
fn worker_process() {
    let Some(path) = file() else { return };
    let (store, ended, is_over) = (store(path), AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| submit_all(&store));
        for _ in 0..WORKERS {
            scope.spawn(|| work(&store, &ended, &is_over));
        }
        await_signal();
        is_over.store(true, Ordering::SeqCst);
    });
    // All tasks are submitted now, and two processes are left to work on them.
    while let Some(task) = claim(&store, second(LATE)) {
        end(&store, &task, second(LATE));
    }
}

/// Claims and completes tasks, and then keeps reporting on one until `is_over`.
fn work(store: &SqliteStore, ended: &AtomicUsize, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let Some(task) = claim(store, second(0)) else {
            thread::yield_now();
            continue;
        };
        let mut known = report(store, &task, second(0));
        if ended.fetch_add(1, Ordering::SeqCst) >= BEFORE_THE_KILL {
            while let Some(task) = known.take_if(|_| !is_over.load(Ordering::SeqCst)) {
                known = report(store, &task, second(0));
            }
        }
        if let Some(task) = known {
            end(store, &task, second(0));
        }
    }
}

fn submit_all(store: &SqliteStore) {
    for number in 0..TASKS {
        for name in ACCOUNTS {
            let submitted = TaskStore::submit(store, submission(name, number), second(0)).unwrap();
            if let Submitted::New(task) = submitted {
                print_change("submit", &task);
            }
        }
    }
}

fn claim(store: &SqliteStore, now: Timestamp) -> Option<Task> {
    let task = TaskStore::claim(store, Scope::Any, now).unwrap()?.into_work()?;
    print_change(if task.attempts() == 1 { "start" } else { "takeover" }, &task);
    Some(task)
}

/// Reports on a task. Returns `None` if another worker has taken it over.
fn report(store: &SqliteStore, task: &Task, now: Timestamp) -> Option<Task> {
    match TaskStore::apply(store, Target::exactly(task), TaskEvent::report(), now) {
        Ok(reported) => {
            print_change("report", reported.task());
            Some(reported.into_task())
        }
        Err(ApplyError::Stale { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn end(store: &SqliteStore, task: &Task, now: Timestamp) {
    let end = TaskEvent::complete(Completion::default());
    match TaskStore::apply(store, Target::exactly(task), end, now) {
        Ok(ended) => print_change("complete", ended.task()),
        Err(ApplyError::Stale { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}
