//! Several processes that share a file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::str::{FromStr, Split};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use std::{env, process, thread};

use tasklife::{
    AccountId, ApplyError, Changes, Completion, Now, Revision, Scope, StoreConfig, Submitted,
    Target, Task, TaskEvent, TaskId, TaskStatus, TaskStore,
};
use tasklife_sqlite::{Durability, SqliteStore};

use crate::support::{Place, account, block_on, everything, id, options, second, submission};

const FILE: &str = "TASKLIFE_SQLITE_TEST_FILE";
const ACCOUNTS: [&str; 4] = ["acme", "umbrella", "initech", "}{"];
const TASKS: u64 = 50;
const WORKERS: usize = 3;
/// The number of tasks that each process completes before one is killed.
const BEFORE_THE_KILL: usize = 40;
/// The second at which the tasks of a silent worker can be taken over.
const LATE: i64 = 100;

/// Another process that runs one of the ignored tests below on a test's file. Dropping this kills
/// it.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(test: &str, place: &Place) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", &format!("processes::{test}")]);
        command.env(FILE, place.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Returns the rest of its next line with a word.
    fn next(&mut self, word: &str) -> Option<String> {
        next_line(&mut self.stdout, word)
    }

    /// Lets the process continue after `await_signal`.
    fn signal(&mut self) {
        self.child.stdin = None;
    }

    /// Returns the rest of its remaining lines with a word, and asserts that it succeeds.
    fn rest(mut self, word: &str) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.next(word)).collect();
        assert!(self.child.wait().unwrap().success());
        lines
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns what follows a word on the next line that contains it. The test harness may print
/// something before it.
fn next_line(stdout: &mut BufReader<ChildStdout>, word: &str) -> Option<String> {
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some((_, rest)) = line.split_once(word) {
            return Some(rest.trim().to_owned());
        }
    }
}

/// Returns the file in a process that a test started, or `None` if the ignored test was run
/// directly.
fn file() -> Option<PathBuf> {
    let path = env::var_os(FILE)?;
    // A failed test could leave this process waiting for ever.
    thread::spawn(|| {
        thread::sleep(Duration::from_mins(2));
        process::exit(1);
    });
    Some(path.into())
}

/// Waits until the test signals this process.
fn await_signal() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_max_tasks(10_000)
        .with_takeover_after(Duration::from_secs(LATE.unsigned_abs() / 2))
}

fn store(path: PathBuf) -> SqliteStore {
    options().open(path, config()).unwrap()
}

/// Three processes submit the same tasks, work on them and print each acknowledged change. One
/// process is killed while all of them write, and the others take over its tasks. All printed
/// changes must form one history.
#[test]
fn a_killed_process_loses_nothing() {
    let place = Place::new();
    let mut processes = [0, 1, 2].map(|_| Process::start("worker_process", &place));
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

fn claim(store: &SqliteStore, now: Now) -> Option<Task> {
    let task = TaskStore::claim(store, Scope::Any, now).unwrap()?.into_work()?;
    print_change(if task.attempts() == 1 { "start" } else { "takeover" }, &task);
    Some(task)
}

/// Reports on a task. Returns `None` if another worker has taken it over.
fn report(store: &SqliteStore, task: &Task, now: Now) -> Option<Task> {
    match TaskStore::apply(store, Target::exactly(task), TaskEvent::report(), now) {
        Ok(reported) => {
            print_change("report", reported.task());
            Some(reported.into_task())
        }
        Err(ApplyError::Stale { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn end(store: &SqliteStore, task: &Task, now: Now) {
    let end = TaskEvent::complete(Completion::default());
    match TaskStore::apply(store, Target::exactly(task), end, now) {
        Ok(ended) => print_change("complete", ended.task()),
        Err(ApplyError::Stale { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

/// Each process finds no file, or one that another process is creating.
#[test]
fn concurrent_opens_create_the_file_once() {
    const PROCESSES: u64 = 8;
    for _ in 0..20 {
        let place = Place::new();
        let mut processes: Vec<_> =
            (0..PROCESSES).map(|_| Process::start("opening_process", &place)).collect();
        for process in &mut processes {
            process.next("ready").unwrap();
        }
        assert!(!place.path().exists());
        processes.iter_mut().for_each(Process::signal);
        for process in processes {
            assert_eq!(process.rest("opened").len(), 1);
        }
        let tasks = everything(&store(place.path()), "acme", second(0));
        assert_eq!(tasks.len() as u64, PROCESSES);
        let count = |sql| place.connect().query_one(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM store"), 1);
        assert_eq!(count("SELECT tasks FROM store"), PROCESSES.cast_signed());
        assert_eq!(count("PRAGMA user_version"), 1);
    }
}

#[test]
#[ignore = "a process that the test above starts"]
fn opening_process() {
    let Some(path) = file() else { return };
    println!("ready");
    await_signal();
    let store = store(path);
    let number = u64::from(process::id());
    TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    println!("opened");
}

/// The worker waits without polling, so a lost hint would make this test hang.
#[test]
fn a_submission_wakes_a_worker_in_another_process() {
    let place = Place::new();
    let store = store(place.path());
    let mut worker = Process::start("waiting_process", &place);
    for number in 0..WOKEN {
        worker.next("waiting").expect("it waits");
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
        assert_eq!(worker.next("started").as_deref(), Some(id(number).to_string().as_str()));
    }
    assert_eq!(worker.rest("started").len(), 0);
}

/// The number of tasks that wake the worker.
const WOKEN: u64 = 5;

#[test]
#[ignore = "a process that the test above starts"]
fn waiting_process() {
    let Some(path) = file() else { return };
    let store = store(path);
    block_on(async {
        for _ in 0..WOKEN {
            let task = loop {
                let changed = store.changed();
                let claimed = tasklife::AsyncTaskStore::claim(&store, Scope::Any, second(0)).await;
                match claimed.unwrap() {
                    Some(claimed) => break claimed.into_work().unwrap(),
                    None => println!("waiting"),
                }
                changed.await;
            };
            println!("started {}", task.id());
        }
    });
}

/// The store opens connections for reads later, after the working directory has changed.
#[test]
fn a_relative_path_keeps_its_meaning_when_the_working_directory_changes() {
    let place = Place::new();
    let moved = Process::start("moving_process", &place).rest("found");
    assert_eq!(moved, [id(1).to_string()]);
}

#[test]
#[ignore = "a process that the test above starts"]
fn moving_process() {
    let Some(path) = file() else { return };
    env::set_current_dir(path.parent().unwrap()).unwrap();
    let store = store(path.file_name().unwrap().into());
    TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap();
    env::set_current_dir("/").unwrap();
    let found = TaskStore::get(&store, &account("acme"), id(1), second(0)).unwrap();
    println!("found {}", found.unwrap().id());
}

#[test]
fn a_process_that_always_writes_does_not_starve_others() {
    let place = Place::new();
    let store = options()
        .with_patience(Duration::from_secs(1))
        .open(place.path(), config().with_max_tasks(usize::MAX))
        .unwrap();
    let mut busy = Process::start("busy_process", &place);
    busy.next("writing").expect("it writes");
    for number in 0..500 {
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    }
    busy.signal();
    assert_eq!(busy.rest("refusal:"), [""; 0]);
}

#[test]
#[ignore = "a process that the test above starts"]
fn busy_process() {
    let Some(path) = file() else { return };
    // Synchronised transactions take long, and the next one begins immediately.
    let options = options().with_durability(Durability::Disk);
    let store = options.open(path, config().with_max_tasks(usize::MAX)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..16_u64 {
            let (store, is_over) = (&store, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let submission = submission("busy", number * 16 + thread);
                    if let Err(error) = TaskStore::submit(store, submission, second(0)) {
                        println!("refusal: {error}");
                    }
                }
            });
        }
        println!("writing");
        await_signal();
        is_over.store(true, Ordering::Relaxed);
    });
}
