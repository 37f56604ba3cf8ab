//! `get`, `submit`, `apply` and `list` at each size, compared with the floor and the rivals.

use crate::label::count;
use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroUsize;

use tasklife::{ListQuery, TaskId, TaskStore};

use super::{Comparison, Extent, Finding, Findings};
use crate::floor::{Lookup, Pages, Writes};
use crate::rival::{A2a, Moka, SortedMap, Sqlite};
use crate::subject::{CURSORS, Event, Part, Subject, Tasklife, fill};
use crate::timing::{Candidate, TURNS, measure_in_turns, timed};
use crate::workload::{Stage, Workload, scattered};

/// The size at which the budgets compare tasklife with a rival.
const COMPARED: usize = 100_000;

pub const LISTS: [(&str, Part); 3] = [
    ("list of 100, first page", Part::First),
    ("list of 100, from a cursor", Part::Continued),
    ("list of 100, a rare status", Part::Rare),
];

pub fn measure(extent: Extent, findings: &mut Findings) {
    for tasks in extent.sizes() {
        eprintln!("stores of {} tasks …", count(tasks));
        let comparisons = at_size(tasks, extent);
        for comparison in &comparisons {
            judge(comparison, extent, findings);
        }
        findings.comparisons.extend(comparisons);
    }
}

fn judge(comparison: &Comparison, extent: Extent, findings: &mut Findings) {
    let at = count(comparison.tasks);
    let what = format!("{}: time / floor", comparison.operation);
    let ratio = comparison.ratio(Tasklife::NAME, "floor");
    findings.budgets.push(Finding::at_most(&what, at.clone(), 1.5, "×", ratio));
    if extent.rivals && comparison.tasks == COMPARED && comparison.operation != "get" {
        let what = format!("{}: time of {} / tasklife", comparison.operation, A2a::NAME);
        let ratio = comparison.ratio(A2a::NAME, Tasklife::NAME);
        findings.budgets.push(Finding::at_least(&what, at, 3.0, "×", ratio));
    }
}

fn at_size(tasks: usize, extent: Extent) -> Vec<Comparison> {
    let load = Workload::new(1);
    let mut ours = filled::<Tasklife>(&load, tasks);
    let (lookup, pages) = (lookup(&load, tasks), pages(&load, &ours, tasks));
    let mut writes = writes(&load, tasks);
    let mut rivals: Vec<Box<dyn Contender>> = Vec::new();
    if extent.rivals {
        rivals.push(Box::new(filled::<A2a>(&load, tasks)));
        rivals.push(Box::new(filled::<SortedMap>(&load, tasks)));
        rivals.push(Box::new(filled::<Moka>(&load, tasks)));
        rivals.push(Box::new(filled::<Sqlite>(&load, tasks)));
    }

    let mut comparisons = Vec::new();
    let mut comparison = |operation, act, most, floor: Candidate<'_>| {
        let rivals = rivals.iter_mut().map(|rival| rival.candidate(act, &load, tasks));
        let mut all: Vec<_> = [ours.candidate(act, &load, tasks), floor].into();
        all.extend(rivals);
        comparisons.push(Comparison {
            operation,
            tasks,
            timings: measure_in_turns(extent.rounds, most, &mut all),
        });
    };
    let mut places = scattered(tasks, 5);
    let floor = Candidate::calling("floor", || {
        let task = places.next().unwrap_or(0);
        let task = lookup.get(load.account(task), load.id(task));
        assert!(black_box(task).is_some());
    });
    comparison("get", Act::Get, usize::MAX, floor);
    for (operation, part) in LISTS {
        let mut turn = 0;
        let floor = Candidate::calling("floor", || {
            turn += 1;
            black_box(pages.page(load.account(0), part, turn));
        });
        comparison(operation, Act::List(part), 1_000, floor);
    }
    let mut places = scattered(tasks - 1, 6);
    let floor = Candidate::calling("floor", || {
        let task = load.running(places.next().unwrap_or(0));
        let (account, id) = (load.account(task), load.id(task));
        assert!(black_box(writes.apply(account, id, load.report(), load.today())).is_some());
    });
    comparison("apply with reordering", Act::Report, usize::MAX, floor);
    let mut next = tasks;
    let floor = Candidate::new("floor", |calls| {
        let new: Vec<_> = (next..next + calls).map(|task| load.submission(task)).collect();
        let now = load.submitted_at(next);
        next += calls;
        timed(|| {
            for new in new {
                black_box(writes.submit(new, now));
            }
        })
    });
    // So few calls that the size of the store hardly changes.
    comparison("submit", Act::Submit, (tasks / 50 / TURNS).max(8), floor);
    comparisons
}

fn filled<S: Subject + Default>(load: &Workload, tasks: usize) -> S {
    let mut subject = S::default();
    fill(&mut subject, load, tasks);
    subject
}

/// The call that a measurement repeats.
#[derive(Clone, Copy, Debug)]
enum Act {
    Get,
    List(Part),
    Report,
    Submit,
}

/// A store of any type that takes part in each comparison.
trait Contender {
    fn candidate<'a>(&'a mut self, act: Act, load: &'a Workload, tasks: usize) -> Candidate<'a>;
}

impl<S: Subject> Contender for S {
    fn candidate<'a>(&'a mut self, act: Act, load: &'a Workload, tasks: usize) -> Candidate<'a> {
        match act {
            Act::Get => {
                let mut places = scattered(tasks, 5);
                Candidate::calling(S::NAME, move || {
                    let task = places.next().unwrap_or(0);
                    assert!(self.get(load, task), "{} has every task", S::NAME);
                })
            }
            Act::List(part) => {
                let mut turn = 0;
                Candidate::calling(S::NAME, move || {
                    turn += 1;
                    let found = self.page(load, part, turn);
                    assert!(found > 0 || part == Part::Continued, "{} has a page", S::NAME);
                })
            }
            Act::Report => {
                let mut places = scattered(tasks - 1, 6);
                Candidate::calling(S::NAME, move || {
                    let task = load.running(places.next().unwrap_or(0));
                    let done = self.apply_event(load, task, Event::Report);
                    assert!(done, "{} has the running task", S::NAME);
                })
            }
            Act::Submit => {
                let mut next = tasks;
                Candidate::new(S::NAME, move |calls| {
                    let new: Vec<_> =
                        (next..next + calls).map(|task| self.prepare(load, task)).collect();
                    let now = load.submitted_at(next);
                    next += calls;
                    timed(|| {
                        for new in new {
                            self.submit(new, now);
                        }
                    })
                })
            }
        }
    }
}

fn lookup(load: &Workload, tasks: usize) -> Lookup {
    let mut lookup = Lookup::default();
    for task in writes(load, tasks).into_tasks() {
        lookup.insert(task);
    }
    lookup
}

/// Returns the floor of `list`, with the tasks in the order in which tasklife lists them.
fn pages(load: &Workload, ours: &Tasklife, tasks: usize) -> Pages {
    let number = |task| u32::try_from(task).expect("fewer than 2³² tasks");
    let numbers: HashMap<TaskId, u32> =
        (0..tasks).map(|task| (load.id(task), number(task))).collect();
    let all = ListQuery::new(NonZeroUsize::MAX);
    let list = ours.store.list(load.account(0), &all, load.today()).expect("the whole list");
    let order: Vec<u32> = list.tasks().iter().map(|task| numbers[&task.id()]).collect();
    assert!(order.len() == tasks && CURSORS > 0);
    Pages::new(writes(load, tasks).into_tasks(), &order)
}

/// Returns the floor of writes, after the same history as every store. Its tasks share no memory
/// with those of another store.
pub(crate) fn writes(load: &Workload, tasks: usize) -> Writes {
    let mut writes = Writes::default();
    for task in 0..tasks {
        writes.submit(load.submission(task), load.submitted_at(task));
    }
    for task in Workload::order(tasks) {
        let start = tasklife::TaskEvent::start();
        writes.apply(load.account(task), load.id(task), start, load.today());
    }
    for task in Workload::order(tasks).filter(|task| load.stage(*task) != Stage::Running) {
        let (account, id) = (load.account(task), load.id(task));
        load.end(task).map(|end| writes.apply(account, id, end, load.today()));
    }
    writes
}
