//! Several processes that share a file.

mod killed;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, process, thread};

use tasklife::{Notifies, Scope, StoreConfig, TaskStore};
use tasklife_sqlite::{Durability, SqliteStore};

use crate::support::{Place, account, block_on, everything, id, options, second, submission};

/// The environment variable that names the file in a started process.
const FILE: &str = "TASKLIFE_SQLITE_TEST_FILE";
/// The time after which a silent worker's task is taken over.
const TAKEOVER_AFTER: Duration = Duration::from_secs(50);

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

    /// Returns what follows `word` on the next line that contains it.
    fn next(&mut self, word: &str) -> Option<String> {
        next_line(&mut self.stdout, word)
    }

    /// Lets the process continue after `await_signal`.
    fn signal(&mut self) {
        self.child.stdin = None;
    }

    /// Returns what follows `word` on the remaining lines, and asserts that the process succeeds.
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

/// Returns what follows `word` on the next line that contains it. The test harness may print
/// something before `word`.
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
    StoreConfig::default().with_max_tasks(10_000).with_takeover_after(TAKEOVER_AFTER)
}

fn store(path: PathBuf) -> SqliteStore {
    options().open(path, config()).unwrap()
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
                let notified = store.notified();
                let claimed = tasklife::AsyncTaskStore::claim(&store, Scope::Any, second(0)).await;
                match claimed.unwrap() {
                    Some(claimed) => break claimed.into_work().unwrap(),
                    None => println!("waiting"),
                }
                notified.await;
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
        .with_busy_timeout(Duration::from_secs(1))
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
    // Synchronized transactions take long, and the next one begins immediately.
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
