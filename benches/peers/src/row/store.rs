//! `get`, `submit`, `apply` and `list`, at each size, beside the floor and beside the rivals.

use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroUsize;

use tasklife::{ListQuery, TaskId, TaskStore};

use super::{Extent, Finding, Findings, Race, count};
use crate::contest::{Contestant, contest, timed};
use crate::floor::{Lookup, Pages, Writes};
use crate::rival::{A2a, Moka, SortedMap, Sqlite};
use crate::subject::{CURSORS, Event, Part, Subject, Tasklife, fill};
use crate::workload::{Stage, Workload, scattered};

/// The size at which rivals are compared with.
const RIVALRY: usize = 100_000;

pub const LISTS: [(&str, Part); 3] = [
    ("list of 100, first page", Part::First),
    ("list of 100, from a cursor", Part::Continued),
    ("list of 100, a rare status", Part::Rare),
];

pub fn measure(extent: Extent, findings: &mut Findings) {
    for tasks in extent.sizes() {
        eprintln!("stores of {} tasks …", count(tasks));
        let races = at_size(tasks, extent.rounds);
        for race in &races {
            judge(race, extent, findings);
        }
        findings.races.extend(races);
    }
}

fn judge(race: &Race, extent: Extent, findings: &mut Findings) {
    let at = count(race.tasks);
    let writes = matches!(race.operation, "submit" | "apply with reordering");
    if !writes || race.tasks == extent.most {
        let what = format!("{}: time / floor", race.operation);
        let ratio = race.ratio(Tasklife::NAME, "floor");
        findings.budgets.push(Finding::at_most(&what, at.clone(), 2.0, "×", ratio));
    }
    if race.tasks == RIVALRY && race.operation != "get" {
        let what = format!("{}: time of the nearest rival / ours", race.operation);
        let ratio = race.ratio(A2a::NAME, Tasklife::NAME);
        findings.budgets.push(Finding::at_least(&what, at, 3.0, "×", ratio));
    }
}

fn at_size(tasks: usize, rounds: usize) -> Vec<Race> {
    let load = Workload::new(1);
    let mut ours = filled::<Tasklife>(&load, tasks);
    let (lookup, pages) = (lookup(&load, tasks), pages(&load, &ours, tasks));
    let mut writes = writes(&load, tasks);
    let mut a2a = filled::<A2a>(&load, tasks);
    let mut map = filled::<SortedMap>(&load, tasks);
    let mut moka = filled::<Moka>(&load, tasks);
    let mut sqlite = filled::<Sqlite>(&load, tasks);

    let mut races = Vec::new();
    let mut race = |operation, most, contestants: &mut [Contestant<'_>]| {
        races.push(Race { operation, tasks, timings: contest(rounds, most, contestants) });
    };
    let mut places = scattered(tasks, 5);
    race(
        "get",
        usize::MAX,
        &mut [
            getting(&mut ours, &load, tasks),
            Contestant::calling("floor", || {
                let task = lookup.get(load.id(places.next().unwrap_or(0)));
                assert!(black_box(task).is_some());
            }),
            getting(&mut a2a, &load, tasks),
            getting(&mut map, &load, tasks),
            getting(&mut moka, &load, tasks),
            getting(&mut sqlite, &load, tasks),
        ],
    );
    for (operation, part) in LISTS {
        let mut turn = 0;
        race(
            operation,
            1_000,
            &mut [
                listing(&mut ours, &load, part),
                Contestant::calling("floor", || {
                    turn += 1;
                    black_box(pages.page(part, turn));
                }),
                listing(&mut a2a, &load, part),
                listing(&mut map, &load, part),
                listing(&mut moka, &load, part),
                listing(&mut sqlite, &load, part),
            ],
        );
    }
    let mut places = scattered(tasks - 1, 6);
    race(
        "apply with reordering",
        usize::MAX,
        &mut [
            reporting(&mut ours, &load, tasks),
            Contestant::calling("floor", || {
                let id = load.id(load.running(places.next().unwrap_or(0)));
                assert!(black_box(writes.apply(id, load.report(), load.today())).is_some());
            }),
            reporting(&mut a2a, &load, tasks),
            reporting(&mut map, &load, tasks),
            reporting(&mut moka, &load, tasks),
            reporting(&mut sqlite, &load, tasks),
        ],
    );
    let mut next = tasks;
    // A store of this size must not become one of another.
    race(
        "submit",
        (tasks / 50).max(20),
        &mut [
            submitting(&mut ours, &load, tasks),
            Contestant::new("floor", |calls| {
                let new: Vec<_> = (next..next + calls).map(|task| load.submission(task)).collect();
                let now = load.submitted_at(next);
                next += calls;
                timed(|| {
                    for new in new {
                        black_box(writes.submit(new, now));
                    }
                })
            }),
            submitting(&mut a2a, &load, tasks),
            submitting(&mut map, &load, tasks),
            submitting(&mut moka, &load, tasks),
            submitting(&mut sqlite, &load, tasks),
        ],
    );
    races
}

fn filled<S: Subject + Default>(load: &Workload, tasks: usize) -> S {
    let mut subject = S::default();
    fill(&mut subject, load, tasks);
    subject
}

fn getting<'a, S: Subject>(subject: &'a mut S, load: &'a Workload, tasks: usize) -> Contestant<'a> {
    let mut places = scattered(tasks, 5);
    Contestant::calling(S::NAME, move || {
        assert!(subject.get(load, places.next().unwrap_or(0)), "{} has every task", S::NAME);
    })
}

fn listing<'a, S: Subject>(subject: &'a mut S, load: &'a Workload, part: Part) -> Contestant<'a> {
    let mut turn = 0;
    Contestant::calling(S::NAME, move || {
        turn += 1;
        let found = subject.page(load, part, turn);
        assert!(found > 0 || part == Part::Continued, "{} has a page", S::NAME);
    })
}

fn reporting<'a, S: Subject>(
    subject: &'a mut S,
    load: &'a Workload,
    tasks: usize,
) -> Contestant<'a> {
    let mut places = scattered(tasks - 1, 6);
    Contestant::calling(S::NAME, move || {
        let task = load.running(places.next().unwrap_or(0));
        assert!(subject.happen(load, task, Event::Report), "{} has the running task", S::NAME);
    })
}

fn submitting<'a, S: Subject>(
    subject: &'a mut S,
    load: &'a Workload,
    tasks: usize,
) -> Contestant<'a> {
    let mut next = tasks;
    Contestant::new(S::NAME, move |calls| {
        let new: Vec<_> = (next..next + calls).map(|task| subject.prepare(load, task)).collect();
        let now = load.submitted_at(next);
        next += calls;
        timed(|| {
            for new in new {
                subject.submit(new, now);
            }
        })
    })
}

fn lookup(load: &Workload, tasks: usize) -> Lookup {
    let mut lookup = Lookup::default();
    for task in writes(load, tasks).into_tasks() {
        lookup.insert(task);
    }
    lookup
}

/// The floor in the order in which our store lists its tasks.
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

/// The floor after the same history as every store: its tasks share nothing with another's.
pub(super) fn writes(load: &Workload, tasks: usize) -> Writes {
    let mut writes = Writes::default();
    for task in 0..tasks {
        writes.submit(load.submission(task), load.submitted_at(task));
    }
    for task in Workload::order(tasks) {
        writes.apply(load.id(task), tasklife::TaskEvent::start(), load.today());
    }
    for task in Workload::order(tasks).filter(|task| load.stage(*task) != Stage::Running) {
        load.end(task).map(|end| writes.apply(load.id(task), end, load.today()));
    }
    writes
}
