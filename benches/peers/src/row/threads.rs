//! Several threads on one store: tasklife, a single lock around the same structure, and the closest
//! rival.

use crate::label::{account_count, count, number};
use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::TimeDelta;
use tasklife::{
    ApplyError, Change, Completion, ListQuery, LocalStore, MemoryStore, Scope, Submission,
    SubmitError, Submitted, Target, TaskEvent, TaskStore, Timestamp,
};

use super::{Extent, Finding, Findings, Scaling};
use crate::rival::A2aShared;
use crate::timing::{Candidate, measure_in_turns, timed};
use crate::workload::{Workload, config, scattered};

const TASKS: usize = 100_000;

/// The larger number of accounts.
const MANY: usize = 1_000;

/// The calls that each thread repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    Get,
    /// Nine calls in ten are reads and one is a report. One call in thirty is a list of 10.
    MostlyReads,
    HalfReports,
    /// A task is submitted, claimed from its account, and completed.
    Lifecycle,
}

impl Mix {
    const ALL: [Self; 4] = [Self::Get, Self::MostlyReads, Self::HalfReports, Self::Lifecycle];

    const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::MostlyReads => "90 % reads, some of them lists of 10",
            Self::HalfReports => "half get, half report",
            Self::Lifecycle => "submit, claim, complete",
        }
    }

    /// Returns the number of calls in one repetition.
    const fn calls(self) -> f64 {
        if matches!(self, Self::Lifecycle) { 3.0 } else { 1.0 }
    }
}

/// Tasks that a turn submits and drops again, so that the store has the same size after it.
#[derive(Debug)]
pub struct NewTasks {
    next: AtomicUsize,
    /// The time of submission, long before all other tasks, so that these expire first.
    submitted_at: Timestamp,
}

impl NewTasks {
    fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// A store that threads share, filled with running tasks.
pub trait Shared: Sync {
    const NAME: &'static str;

    fn get(&self, load: &Workload, task: usize);
    fn list_of_ten(&self, load: &Workload, task: usize);
    fn report(&self, load: &Workload, task: usize);
    /// Submits, claims and completes a new task.
    fn run_lifecycle(&self, load: &Workload, task: usize, submitted_at: Timestamp);
    /// Drops these tasks, which were submitted at `submitted_at`.
    fn drop_tasks(&self, load: &Workload, tasks: Range<usize>, submitted_at: Timestamp);

    /// Makes the next calls of a thread.
    fn work(&self, load: &Workload, mix: Mix, turn: usize, task: usize, new_tasks: &NewTasks) {
        match mix {
            Mix::MostlyReads if turn.is_multiple_of(10) => self.report(load, task),
            Mix::MostlyReads if turn % 30 == 1 => self.list_of_ten(load, task),
            Mix::HalfReports if turn.is_multiple_of(2) => self.report(load, task),
            Mix::Get | Mix::MostlyReads | Mix::HalfReports => self.get(load, task),
            Mix::Lifecycle => self.run_lifecycle(load, new_tasks.next(), new_tasks.submitted_at),
        }
    }
}

impl Shared for MemoryStore {
    const NAME: &'static str = "tasklife";

    fn get(&self, load: &Workload, task: usize) {
        let found = TaskStore::get(self, load.account(task), load.id(task), load.today());
        assert!(black_box(found).is_ok_and(|found| found.is_some()));
    }

    fn list_of_ten(&self, load: &Workload, task: usize) {
        black_box(self.list(load.account(task), &ten(), load.today())).expect("a page");
    }

    fn report(&self, load: &Workload, task: usize) {
        let target = Target::latest(load.account(task), load.id(task));
        black_box(self.apply(target, load.report(), load.today())).expect("a running task");
    }

    fn run_lifecycle(&self, load: &Workload, task: usize, now: Timestamp) {
        let account = load.account(task);
        black_box(self.submit(load.submission(task), now)).expect("a free id");
        let claimed = self.claim(Scope::Account(account), now).expect("memory");
        let work = claimed.expect("a task waits").into_work().expect("a first attempt");
        let end = TaskEvent::complete(Completion::of(load.resource(task)));
        black_box(self.apply(Target::exactly(&work), end, now)).expect("a running task");
    }

    fn drop_tasks(&self, _: &Workload, tasks: Range<usize>, submitted_at: Timestamp) {
        let swept = self.sweep(usize::MAX, submitted_at + TimeDelta::days(10)).expect("memory");
        assert_eq!(swept.dropped, tasks.len());
    }
}

/// A single-threaded store behind a lock.
struct OneLock(parking_lot::RwLock<LocalStore>);

impl Shared for OneLock {
    const NAME: &'static str = "one lock";

    fn get(&self, load: &Workload, task: usize) {
        let found = self.0.read().get(load.account(task), load.id(task), load.today());
        assert!(black_box(found).is_ok_and(|found| found.is_some()));
    }

    fn list_of_ten(&self, load: &Workload, task: usize) {
        let page = self.0.read().list(load.account(task), &ten(), load.today());
        black_box(page).expect("a page");
    }

    fn report(&self, load: &Workload, task: usize) {
        let target = Target::latest(load.account(task), load.id(task));
        let change = self.0.write().apply(target, load.report(), load.today());
        black_box(change).expect("a running task");
    }

    fn run_lifecycle(&self, load: &Workload, task: usize, now: Timestamp) {
        let account = load.account(task);
        let new = load.submission(task);
        black_box(self.0.write().submit(new, now)).expect("a free id");
        let claimed = self.0.write().claim(Scope::Account(account), now).expect("memory");
        let work = claimed.expect("a task waits").into_work().expect("a first attempt");
        let end = TaskEvent::complete(Completion::of(load.resource(task)));
        black_box(self.0.write().apply(Target::exactly(&work), end, now)).expect("a running task");
    }

    fn drop_tasks(&self, _: &Workload, tasks: Range<usize>, submitted_at: Timestamp) {
        let swept =
            self.0.write().sweep(usize::MAX, submitted_at + TimeDelta::days(10)).expect("memory");
        assert_eq!(swept.dropped, tasks.len());
    }
}

fn ten() -> ListQuery {
    ListQuery::new(const { NonZeroUsize::new(10).unwrap() })
}

pub fn measure(extent: Extent, findings: &mut Findings) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let doubled = |threads: &usize| Some(threads * 2).filter(|threads| *threads <= cores);
    let threads: Vec<usize> = std::iter::successors(Some(1), doubled).collect();
    let turns = Cell::new(0);
    for accounts in [MANY, 1] {
        let load = Workload::new(accounts);
        let (ours, locked) = (filled_shards(&load), filled_lock(&load));
        let rival = extent.rivals.then(|| A2aShared::filled(&load, TASKS));
        for mix in Mix::ALL {
            eprintln!("threads, {}, {} …", mix.name(), account_count(accounts));
            let mut all: Vec<Candidate<'_>> = Vec::new();
            all.extend(threads.iter().map(|number| together(&ours, &load, mix, *number, &turns)));
            all.extend(threads.iter().map(|number| together(&locked, &load, mix, *number, &turns)));
            if let Some(rival) = &rival {
                all.extend(
                    threads.iter().map(|number| together(rival, &load, mix, *number, &turns)),
                );
            }
            let timings = measure_in_turns(extent.rounds * 3, 20_000, &mut all);
            let stores = timings.chunks(threads.len()).map(<[_]>::to_vec).collect();
            let scaling = Scaling { mix: mix.name(), accounts, threads: threads.clone(), stores };
            judge(mix, &scaling, findings);
            findings.scalings.push(scaling);
        }
    }
    findings.notes.push(("Threads".to_owned(), table(&findings.scalings)));
}

fn judge(mix: Mix, scaling: &Scaling, findings: &mut Findings) {
    let Scaling { accounts, stores, .. } = scaling;
    let at = format!("{} tasks, {}", count(TASKS), account_count(*accounts));
    let one = stores[0][0].ratio_to(&stores[1][0]);
    let what = format!("one thread, {}: time / one lock", mix.name());
    findings.budgets.push(Finding::at_most(&what, at.clone(), 1.1, "×", one));
    for threads in [2, 16] {
        let least = match (mix, threads, *accounts) {
            (_, 2, MANY) => 1.7,
            (Mix::Lifecycle, _, MANY) => 6.0,
            (_, _, MANY) => 10.0,
            (Mix::Get | Mix::MostlyReads, 2, _) => 0.9,
            (Mix::HalfReports, 2, _) => 0.6,
            // All calls are writes of one account, so they cannot scale.
            (Mix::Lifecycle, ..) => continue,
            _ => 0.5,
        };
        let what = format!("{threads} threads, {}: calls per second / one thread", mix.name());
        findings.budgets.push(match scaling.speed_up(threads) {
            Some(times) => Finding::at_least(&what, at.clone(), least, "×", times),
            None => Finding::not_measured(&what, at.clone(), &format!("≥ {least}×"), "fewer cores"),
        });
    }
}

fn table(scalings: &[Scaling]) -> Vec<String> {
    let mut lines = vec![
        "Million calls per second of all threads together, in a store of 100,000 tasks in progress."
            .to_owned(),
        "Tasks that a measurement submits are dropped again after it.".to_owned(),
        String::new(),
        "| | accounts | threads | tasklife | one lock | a2a-protocol-server |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for Scaling { mix, accounts, threads, stores } in scalings {
        for (at, threads) in threads.iter().enumerate() {
            let cells =
                stores.iter().map(|store| format!(" {} |", number(1e3 / store[at].median())));
            let cells: String = cells.collect();
            lines.push(format!("| {mix} | {} | {threads} |{cells}", count(*accounts)));
        }
    }
    lines.extend([
        String::new(),
        "![calls per second by number of threads](threads.svg)".to_owned(),
    ]);
    lines
}

fn filled_shards(load: &Workload) -> MemoryStore {
    let store = MemoryStore::new(config());
    let start = |target: Target<'_>| store.apply(target, TaskEvent::start(), load.today());
    fill(load, |new, now| store.submit(new, now), start);
    store
}

fn filled_lock(load: &Workload) -> OneLock {
    let lock = parking_lot::RwLock::new(LocalStore::new(config()));
    let start = |target: Target<'_>| lock.write().apply(target, TaskEvent::start(), load.today());
    fill(load, |new, now| lock.write().submit(new, now), start);
    OneLock(lock)
}

fn fill(
    load: &Workload,
    submit: impl Fn(Submission, Timestamp) -> Result<Submitted, SubmitError>,
    start: impl Fn(Target<'_>) -> Result<Change, ApplyError>,
) {
    for task in 0..TASKS {
        submit(load.submission(task), load.submitted_at(task)).expect("a free id");
        start(Target::latest(load.account(task), load.id(task))).expect("a start");
    }
}

/// Runs several threads at the same time. The time of a call is the time from when all threads are
/// ready until the last has ended, divided by the number of calls of all threads.
fn together<'a, S: Shared>(
    store: &'a S,
    load: &'a Workload,
    mix: Mix,
    threads: usize,
    turns: &'a Cell<i64>,
) -> Candidate<'a> {
    Candidate::new(S::NAME, move |calls| {
        let turns = turns.replace(turns.get() + 1);
        let submitted_at = load.submitted_at(0) - TimeDelta::days(30) + TimeDelta::seconds(turns);
        let new_tasks = NewTasks { next: AtomicUsize::new(TASKS), submitted_at };
        let barrier = Barrier::new(threads + 1);
        let work = |seed| {
            barrier.wait();
            for (turn, task) in scattered(TASKS, seed).take(calls).enumerate() {
                store.work(load, mix, turn, task, &new_tasks);
            }
        };
        let (work, seed) = (&work, turns.unsigned_abs() * 1_000);
        let took = thread::scope(|scope| {
            let all: Vec<_> =
                (0..threads).map(|at| scope.spawn(move || work(seed + at as u64))).collect();
            barrier.wait();
            timed(|| all.into_iter().for_each(|thread| thread.join().expect("no call panics")))
        });
        store.drop_tasks(load, TASKS..new_tasks.next.into_inner(), submitted_at);
        took.div_f64(threads as f64 * mix.calls())
    })
}
