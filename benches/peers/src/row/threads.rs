//! Two threads, nine reads in ten: our store beside each single lock around the same content.

use std::hint::black_box;
use std::sync::{Barrier, Mutex, RwLock};
use std::thread;

use tasklife::{ListQuery, LocalStore, MemoryStore, Target, TaskEvent, TaskStore};

use super::{Extent, Finding, Findings, Race};
use crate::contest::{Contestant, contest, timed};
use crate::subject::{Subject, Tasklife};
use crate::workload::{Workload, config, scattered};

const TASKS: usize = 10_000;

pub fn measure(extent: Extent, findings: &mut Findings) {
    let ours = MemoryStore::from(filled());
    let locks = (
        Mutex::new(filled()),
        RwLock::new(filled()),
        parking_lot::Mutex::new(filled()),
        parking_lot::RwLock::new(filled()),
    );
    let timings = contest(
        extent.rounds * 3,
        20_000,
        &mut [
            between_threads(Tasklife::NAME, |work| match work {
                Work::Read(read) => read.of_shared(&ours),
                Work::Write(write) => write.to_shared(&ours),
            }),
            between_threads("Mutex of std", |work| match work {
                Work::Read(read) => read.of(&locks.0.lock().expect("sound")),
                Work::Write(write) => write.to(&mut locks.0.lock().expect("sound")),
            }),
            between_threads("RwLock of std", |work| match work {
                Work::Read(read) => read.of(&locks.1.read().expect("sound")),
                Work::Write(write) => write.to(&mut locks.1.write().expect("sound")),
            }),
            between_threads("Mutex of parking_lot", |work| match work {
                Work::Read(read) => read.of(&locks.2.lock()),
                Work::Write(write) => write.to(&mut locks.2.lock()),
            }),
            between_threads("RwLock of parking_lot", |work| match work {
                Work::Read(read) => read.of(&locks.3.read()),
                Work::Write(write) => write.to(&mut locks.3.write()),
            }),
        ],
    );
    let race = Race { operation: "two threads, each call", tasks: TASKS, timings };
    let best = race.timings[1..].iter().min_by(|a, b| a.median().total_cmp(&b.median()));
    if let Some(best) = best {
        let what = format!("two threads, 90 % reads: calls a second / those of the {}", best.name);
        let ratio = best.ratio_to(&race.timings[0]);
        findings.budgets.push(Finding::at_least(&what, "10k".to_owned(), 0.9, "×", ratio));
    }
    findings.races.push(race);
}

fn filled() -> LocalStore {
    let load = Workload::new(1);
    let mut store = LocalStore::new(config());
    for task in 0..TASKS {
        store.submit(load.submission(task), load.submitted_at(task)).expect("a free id");
        let target = Target::latest(load.account(task), load.id(task));
        store.apply(target, TaskEvent::start(), load.today()).expect("a start");
    }
    store
}

/// One call, by one of the threads.
enum Work<'a> {
    Read(Call<'a>),
    Write(Call<'a>),
}

struct Call<'a> {
    load: &'a Workload,
    task: usize,
}

impl Call<'_> {
    fn of_shared(&self, store: &MemoryStore) {
        let Self { load, task } = self;
        let account = load.account(*task);
        if task.is_multiple_of(30) {
            let page = ten();
            black_box(store.list(account, &page, load.today())).expect("a page");
        } else {
            black_box(store.get(account, load.id(*task), load.today())).expect("memory");
        }
    }

    fn of(&self, store: &LocalStore) {
        let Self { load, task } = self;
        let account = load.account(*task);
        if task.is_multiple_of(30) {
            let page = ten();
            black_box(store.list(account, &page, load.today())).expect("a page");
        } else {
            black_box(store.get(account, load.id(*task), load.today())).expect("memory");
        }
    }

    fn to_shared(&self, store: &MemoryStore) {
        let Self { load, task } = self;
        let target = Target::latest(load.account(*task), load.id(*task));
        black_box(store.apply(target, load.report(), load.today())).expect("a running task");
    }

    fn to(&self, store: &mut LocalStore) {
        let Self { load, task } = self;
        let target = Target::latest(load.account(*task), load.id(*task));
        black_box(store.apply(target, load.report(), load.today())).expect("a running task");
    }
}

fn ten() -> ListQuery {
    ListQuery::new(const { std::num::NonZeroUsize::new(10).unwrap() })
}

/// Each of two threads makes the calls; the time is that of both, from when both are ready.
fn between_threads<'a>(name: &'static str, call: impl Fn(Work<'_>) + Sync + 'a) -> Contestant<'a> {
    let load = Workload::new(1);
    Contestant::new(name, move |calls| {
        let barrier = Barrier::new(3);
        let work = |seed| {
            barrier.wait();
            for (number, task) in scattered(TASKS, seed).take(calls).enumerate() {
                let one = Call { load: &load, task };
                call(if number % 10 == 0 { Work::Write(one) } else { Work::Read(one) });
            }
        };
        thread::scope(|scope| {
            let threads = [1, 2].map(|seed| scope.spawn(move || work(seed)));
            barrier.wait();
            timed(|| {
                for thread in threads {
                    thread.join().expect("no call panics");
                }
            })
        })
    })
}
