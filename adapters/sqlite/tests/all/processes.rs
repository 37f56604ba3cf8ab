//! Processes that share a file, one of which is killed.

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
/// How many tasks each process ends before one is killed.
const BEFORE_THE_KILL: usize = 40;
/// When nothing was heard of a worker for long enough.
const LATE: i64 = 100;

/// Another process that runs one of the tests below, on the file of a test. Dropped, it ends.
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

    /// The next thing that it writes down.
    fn next(&mut self, word: &str) -> Option<String> {
        next_line(&mut self.stdout, word)
    }

    /// Lets it go on, where it waits for that.
    fn go(&mut self) {
        self.child.stdin = None;
    }

    /// What else it writes down until it ends, as it should.
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

/// What follows a word on the next line that has it: what the test harness prints may stand before it.
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

/// In one of those processes: the file. Nothing, where somebody runs the ignored tests.
fn file() -> Option<PathBuf> {
    let path = env::var_os(FILE)?;
    // A test that fails may leave this process waiting for what never comes.
    thread::spawn(|| {
        thread::sleep(Duration::from_mins(2));
        process::exit(1);
    });
    Some(path.into())
}

/// Waits until the test lets this process go on.
fn await_go() {
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

/// Three processes submit the same tasks and work on them, and write down each change that was
/// acknowledged. One is killed while all write. When nothing has been heard of its tasks for long enough,
/// the others take them over. Together that is one history.
#[test]
fn a_killed_process_loses_nothing() {
    let place = Place::new();
    let mut processes = [0, 1, 2].map(|_| Process::start("one_of_three", &place));
    let changes: Vec<Written> = thread::scope(|scope| {
        let (busy, are_busy) = channel();
        let (mut children, mut reading) = (Vec::new(), Vec::new());
        for Process { child, stdout } in &mut processes {
            let busy = busy.clone();
            children.push(child);
            reading.push(scope.spawn(move || journal(stdout, &busy)));
        }
        drop(busy);
        for _ in &children {
            are_busy.recv().expect("a process ended early");
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
    // None is lost, and each has ended.
    assert_eq!(tasks.len() as u64, ACCOUNTS.len() as u64 * TASKS);
    for task in tasks.values() {
        assert_eq!(task.status(), TaskStatus::ProcessingCompleted);
    }
    // Each acknowledged write is there: none comes after the end of its task, and each end is the last.
    for change in &changes {
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
    // What the killed one had in hand was taken over.
    let taken_over = tasks.values().filter(|task| task.attempts() > 1).count();
    assert!(taken_over >= WORKERS, "only {taken_over}");
    // Nor has the number of tasks been lost.
    let swept = TaskStore::sweep(&store, usize::MAX, second(10_000_000)).unwrap();
    assert_eq!(swept.dropped, tasks.len());
}

/// All that a process writes down until it ends. Tells when each of its workers is in the middle of a task, on
/// which it goes on reporting.
fn journal(stdout: &mut BufReader<ChildStdout>, busy: &Sender<()>) -> Vec<Written> {
    let (mut changes, mut ended, mut reports) = (Vec::new(), 0, 0);
    while let Some(line) = next_line(stdout, "change ") {
        // The last line of one that was killed may be cut off.
        let Some(change) = parsed(&line) else { continue };
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

/// A change as a process writes it down, once it is acknowledged.
#[derive(Debug)]
struct Written {
    event: String,
    account: AccountId,
    id: TaskId,
    revision: Revision,
}

fn write(event: &str, task: &Task) {
    println!("change {event} {} {} {}.", task.account(), task.id(), task.revision());
}

fn parsed(line: &str) -> Option<Written> {
    let mut words = line.strip_suffix('.')?.split(' ');
    Some(Written {
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
#[ignore = "one of the processes of the test above"]
fn one_of_three() {
    let Some(path) = file() else { return };
    let (store, ended, go) = (store(path), AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| submit_all(&store));
        for _ in 0..WORKERS {
            scope.spawn(|| work(&store, &ended, &go));
        }
        await_go();
        go.store(true, Ordering::SeqCst);
    });
    // All tasks are there now, and nobody but the other that is left works on them.
    while let Some(task) = claim(&store, second(LATE)) {
        end(&store, &task, second(LATE));
    }
}

/// Takes tasks to their ends, and is then for long in the middle of one.
fn work(store: &SqliteStore, ended: &AtomicUsize, go: &AtomicBool) {
    while !go.load(Ordering::SeqCst) {
        let Some(task) = claim(store, second(0)) else {
            thread::yield_now();
            continue;
        };
        let mut known = report(store, &task, second(0));
        if ended.fetch_add(1, Ordering::SeqCst) >= BEFORE_THE_KILL {
            while let Some(task) = known.take_if(|_| !go.load(Ordering::SeqCst)) {
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
                write("submit", &task);
            }
        }
    }
}

fn claim(store: &SqliteStore, now: Now) -> Option<Task> {
    let task = TaskStore::claim(store, Scope::Any, now).unwrap()?.into_work()?;
    write(if task.attempts() == 1 { "start" } else { "takeover" }, &task);
    Some(task)
}

/// A report, unless another has taken the task over.
fn report(store: &SqliteStore, task: &Task, now: Now) -> Option<Task> {
    match TaskStore::apply(store, Target::exactly(task), TaskEvent::report(), now) {
        Ok(reported) => {
            write("report", reported.task());
            Some(reported.into_task())
        }
        Err(ApplyError::Stale { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn end(store: &SqliteStore, task: &Task, now: Now) {
    let end = TaskEvent::complete(Completion::default());
    match TaskStore::apply(store, Target::exactly(task), end, now) {
        Ok(ended) => write("complete", ended.task()),
        Err(ApplyError::Stale { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

/// All find no file, or one that another is making.
#[test]
fn a_file_is_made_once() {
    const PROCESSES: u64 = 8;
    for _ in 0..20 {
        let place = Place::new();
        let mut processes: Vec<_> =
            (0..PROCESSES).map(|_| Process::start("one_that_opens", &place)).collect();
        for process in &mut processes {
            process.next("ready").unwrap();
        }
        assert!(!place.path().exists());
        processes.iter_mut().for_each(Process::go);
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
#[ignore = "one of the processes of the test above"]
fn one_that_opens() {
    let Some(path) = file() else { return };
    println!("ready");
    await_go();
    let store = store(path);
    let number = u64::from(process::id());
    TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    println!("opened");
}

/// The worker waits in one process, the server submits in another. The worker hears of each task, however
/// long it takes.
#[test]
fn a_worker_hears_what_another_process_submits() {
    let place = Place::new();
    let store = store(place.path());
    let mut worker = Process::start("one_that_waits", &place);
    for number in 0..HEARD {
        worker.next("waiting").expect("it waits");
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
        assert_eq!(worker.next("started").as_deref(), Some(id(number).to_string().as_str()));
    }
    assert_eq!(worker.rest("started").len(), 0);
}

const HEARD: u64 = 5;

#[test]
#[ignore = "the process of the test above that waits"]
fn one_that_waits() {
    let Some(path) = file() else { return };
    let store = store(path);
    block_on(async {
        for _ in 0..HEARD {
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

/// Readers are opened when they are needed, wherever the process is by then.
#[test]
fn a_process_that_moves_reads_the_file_that_it_opened() {
    let place = Place::new();
    let moved = Process::start("one_that_moves", &place).rest("found");
    assert_eq!(moved, [id(1).to_string()]);
}

#[test]
#[ignore = "the process of the test above"]
fn one_that_moves() {
    let Some(path) = file() else { return };
    env::set_current_dir(path.parent().unwrap()).unwrap();
    let store = store(path.file_name().unwrap().into());
    TaskStore::submit(&store, submission("acme", 1), second(0)).unwrap();
    env::set_current_dir("/").unwrap();
    let found = TaskStore::get(&store, &account("acme"), id(1), second(0)).unwrap();
    println!("found {}", found.unwrap().id());
}

/// Between its transactions, there is time for those of others.
#[test]
fn a_process_that_always_writes_starves_no_other() {
    let place = Place::new();
    let store = options()
        .with_patience(Duration::from_secs(1))
        .open(place.path(), config().with_max_tasks(usize::MAX))
        .unwrap();
    let mut busy = Process::start("one_that_always_writes", &place);
    busy.next("writing").expect("it writes");
    for number in 0..500 {
        TaskStore::submit(&store, submission("acme", number), second(0)).unwrap();
    }
    busy.go();
    assert_eq!(busy.rest("refusal:"), [""; 0]);
}

#[test]
#[ignore = "the process of the test above"]
fn one_that_always_writes() {
    let Some(path) = file() else { return };
    // Synchronised, its transactions take long, and the next one begins at once.
    let options = options().with_durability(Durability::Disk);
    let store = options.open(path, config().with_max_tasks(usize::MAX)).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..16_u64 {
            let (store, is_over) = (&store, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(std::sync::atomic::Ordering::Relaxed) {
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
        await_go();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
