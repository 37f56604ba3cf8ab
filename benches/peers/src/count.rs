//! Instructions, counted by callgrind, a tool of valgrind. They decide where times are too noisy.
//!
//! The program runs itself under valgrind. Callgrind collects only within `measured`, and writes
//! one part of its output after each return from it.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};

use tasklife::{ListQuery, Scope, TaskStatus, TaskStore};

use crate::floor;
use crate::row;
use crate::subject::{Event, Part, Subject, Tasklife, fill};
use crate::workload::{Workload, links, scattered};

/// The number of counted calls of each kind.
const CALLS: usize = 200;

/// The number of tasks that a sweep drops. One call of `sweep` counts as this many calls.
const SWEPT: usize = 100;

/// The name of [`measured`].
const MEASURED: &str = "tasklife_peers::count::measured";

/// The counted operations, in the order in which they run.
pub const COUNTED: [&str; 16] = [
    "get",
    "apply",
    "apply, floor",
    "list, first page",
    "list, from a cursor",
    "list, rare status, 1 task",
    "submit",
    "submit, floor",
    "claim, any account",
    "claim, one account",
    "JSON, one task",
    "JSON, one task, floor",
    "JSON, page of 100",
    "JSON, page of 100, floor",
    "sweep of 100, each task",
    "sweep of 100, each task, floor",
];

/// The instructions per call, in the order of [`COUNTED`].
#[derive(Clone, Debug)]
pub struct Counts {
    pub tasks: usize,
    pub accounts: usize,
    pub each: Vec<f64>,
}

impl Counts {
    pub fn of(&self, what: &str) -> f64 {
        let place = COUNTED.iter().position(|counted| *counted == what);
        place.and_then(|place| self.each.get(place)).copied().unwrap_or(f64::NAN)
    }
}

/// Returns whether valgrind is installed.
pub fn is_possible() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Counts the instructions in a store with these numbers of tasks and accounts.
pub fn take(tasks: usize, accounts: usize) -> Option<Counts> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?.join(format!("callgrind-{tasks}-{accounts}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).ok()?;
    let status = Command::new("valgrind")
        .arg("--tool=callgrind")
        .args(["--toggle-collect", "--dump-after"].map(|option| format!("{option}={MEASURED}")))
        .arg(format!("--callgrind-out-file={}", folder.join("part").display()))
        .arg(program)
        .args(["count", &tasks.to_string(), &accounts.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return None;
    }
    let each = (1..=COUNTED.len())
        .map(|part| total(&folder.join(format!("part.{part}"))).map(|sum| sum / CALLS as f64));
    Some(Counts { tasks, accounts, each: each.collect::<Option<_>>()? })
}

/// Reads the total of one part of callgrind's output.
fn total(part: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(part).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    line?.trim().parse().ok()
}

#[inline(never)]
fn measured(work: &mut dyn FnMut(usize)) {
    for call in 0..CALLS {
        work(call);
    }
}

/// Makes the calls that are counted. Runs under valgrind.
pub fn run(tasks: usize, accounts: usize) {
    let load = Workload::new(accounts);
    let mut subject = Tasklife::default();
    fill(&mut subject, &load, tasks);
    let places: Vec<usize> = scattered(tasks - 1, 2).take(CALLS).collect();
    let running: Vec<usize> = places.iter().map(|near| load.running(*near)).collect();
    let today = load.today();

    measured(&mut |call| assert!(black_box(subject.get(&load, places[call]))));
    measured(&mut |call| {
        assert!(black_box(subject.apply_event(&load, running[call], Event::Report)));
    });
    let mut floor = row::store::writes(&load, tasks);
    measured(&mut |call| {
        let (account, id) = (load.account(running[call]), load.id(running[call]));
        assert!(black_box(floor.apply(account, id, load.report(), today)).is_some());
    });
    measured(&mut |call| {
        let query = subject.query(Part::First, call);
        let _ = black_box(subject.store.list(load.account(places[call]), &query, today));
    });
    measured(&mut |call| {
        let query = subject.query(Part::Continued, call);
        let _ = black_box(subject.store.list(load.account(0), &query, today));
    });
    let rare = ListQuery::new(NonZeroUsize::MIN).with_status(TaskStatus::ProcessingError);
    measured(&mut |_| {
        let _ = black_box(subject.store.list(load.account(7), &rare, today));
    });
    let mut new: Vec<_> = (0..2 * CALLS).map(|n| Some(load.submission(tasks + n))).collect();
    measured(&mut |call| {
        if let Some(new) = new[call].take() {
            subject.submit(new, today);
        }
    });
    let mut same: Vec<_> = (0..CALLS).map(|n| Some(load.submission(tasks + n))).collect();
    measured(&mut |call| {
        if let Some(new) = same[call].take() {
            black_box(floor.submit(new, today));
        }
    });
    measured(&mut |_| assert!(black_box(subject.store.claim(Scope::Any, today)).is_ok()));
    for (number, new) in new.iter_mut().enumerate() {
        if let Some(new) = new.take() {
            subject.submit(new, load.submitted_at(tasks + number));
        }
    }
    measured(&mut |call| {
        let account = load.account(tasks + CALLS + call);
        let claimed = black_box(subject.store.claim(Scope::Account(account), today));
        assert!(claimed.is_ok_and(|change| change.is_some()));
    });
    documents();
    measured(&mut |call| {
        if call % SWEPT == 0 {
            assert!(black_box(subject.store.sweep(SWEPT, load.all_expired_at())).is_ok());
        }
    });
    measured(&mut |call| {
        if call % SWEPT == 0 {
            assert_eq!(black_box(floor.sweep(SWEPT, load.all_expired_at())), SWEPT);
        }
    });
}

fn documents() {
    let page = page_of_documents();
    let links = links();
    let mut out = Vec::with_capacity(1 << 20);
    measured(&mut |call| {
        out.clear();
        links.polled(&page.tasks()[call % 100]).write_to(&mut out);
        black_box(&out);
    });
    measured(&mut |call| {
        out.clear();
        floor::write_task(&page.tasks()[call % 100], &mut out);
        black_box(&out);
    });
    measured(&mut |_| {
        out.clear();
        links.list(&page).write_to(&mut out);
        black_box(&out);
    });
    measured(&mut |_| {
        out.clear();
        floor::write_page(page.tasks(), &mut out);
        black_box(&out);
    });
}

/// Returns a typical page with completed, failed and running tasks.
pub fn page_of_documents() -> tasklife::Page {
    let load = Workload::new(1);
    let mut subject = Tasklife::default();
    fill(&mut subject, &load, 100);
    subject.store.list(load.account(0), &ListQuery::default(), load.today()).expect("a page")
}
