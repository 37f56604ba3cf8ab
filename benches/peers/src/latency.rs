//! The time of each single call, while a store grows and while its tasks expire.

use std::collections::BTreeMap;
use std::hint::black_box;

use tasklife::{ListQuery, MemoryStore, Scope, Target, TaskStore};

use crate::contest::timed;
use crate::workload::{Workload, config, scattered};

/// The times of the calls of one kind, in nanoseconds, in the order of the calls.
#[derive(Clone, Debug, Default)]
pub struct Calls(Vec<u32>);

impl Calls {
    /// The time that so many of a million calls exceed at the most.
    pub fn quantile(&self, quantile: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
        let place = (sorted.len().saturating_sub(1) as f64 * quantile) as usize;
        sorted.get(place).copied().map_or(f64::NAN, f64::from)
    }

    pub fn longest(&self) -> f64 {
        self.0.iter().max().copied().map_or(f64::NAN, f64::from)
    }

    fn note(&mut self, call: impl FnOnce()) {
        let nanoseconds = timed(call).as_nanos();
        self.0.push(u32::try_from(nanoseconds).unwrap_or(u32::MAX));
    }

    /// Call by call the shorter time: what the machine did meanwhile is in one run only.
    fn least(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).min(*other);
        }
    }
}

/// The times by kind of call.
pub type Latencies = BTreeMap<&'static str, Calls>;

/// How many tasks a sweep drops at the most.
pub const SWEPT: usize = 64;

/// How many tasks come between the start of a task and its end.
const LAG: usize = 10_000;

/// The same calls again and again: the first run's times, and the least times of all runs.
pub fn take(tasks: usize, accounts: usize, runs: usize) -> (Latencies, Latencies) {
    let first = run(tasks, accounts);
    let mut least = first.clone();
    for _ in 1..runs {
        for (kind, calls) in run(tasks, accounts) {
            least.entry(kind).or_default().least(&calls);
        }
    }
    (first, least)
}

/// Grows a store from nothing, lets it idle, and then lets its tasks expire while others come.
fn run(tasks: usize, accounts: usize) -> Latencies {
    let load = Workload::new(accounts);
    let store = MemoryStore::new(config());
    let mut times = Latencies::new();
    let mut time = |kind, call: &mut dyn FnMut()| times.entry(kind).or_default().note(call);
    let mut places = scattered(tasks, 3);
    let mut grow = |number: usize,
                    filled: usize,
                    now,
                    time: &mut dyn FnMut(_, &mut dyn FnMut())| {
        let mut new = Some(load.submission(number));
        time("submit", &mut || {
            black_box(new.take().map(|new| store.submit(new, now))).transpose().expect("a free id");
        });
        time("claim", &mut || {
            black_box(store.claim(Scope::Any, now)).expect("memory");
        });
        let place = number - places.next().unwrap_or(0) % filled;
        let id = load.id(place);
        time("get", &mut || {
            black_box(store.get(load.account(place), id, now)).expect("memory");
        });
        if filled > 8 {
            // Another place, and a task that is in progress and has not expired.
            let near = number - 4 - places.next().unwrap_or(0) % (filled - 8);
            let near = load.running(near);
            let target = Target::latest(load.account(near), load.id(near));
            time("report", &mut || {
                black_box(store.apply(target, load.report(), now)).expect("in progress");
            });
        }
        let earlier = number.checked_sub(LAG);
        if let Some(mut end) = earlier.and_then(|task| load.end(task)).map(Some) {
            let target = Target::latest(load.account(number - LAG), load.id(number - LAG));
            time("end", &mut || {
                let end = end.take().map(|end| store.apply(target, end, now));
                black_box(end).transpose().expect("in progress");
            });
        }
        if number.is_multiple_of(64) {
            time("list of 100", &mut || {
                black_box(store.list(load.account(number), &ListQuery::default(), now))
                    .expect("a page");
            });
        }
    };
    for number in 0..tasks {
        grow(number, number + 1, load.submitted_at(number), &mut time);
    }
    let mut still = scattered(tasks, 4);
    for _ in 0..tasks / 4 {
        let task = load.running(still.next().unwrap_or(0) % (tasks - 1));
        let target = Target::latest(load.account(task), load.id(task));
        time("idle write", &mut || {
            black_box(store.apply(target, load.report(), load.today())).expect("in progress");
        });
    }
    for number in tasks..2 * tasks {
        // Ten days after the first submissions: one task expires as another one comes.
        let now = load.submitted_at(number - tasks) + chrono::TimeDelta::days(10);
        grow(number, tasks - 1, now, &mut time);
        if number.is_multiple_of(SWEPT) {
            time("sweep of 64", &mut || {
                black_box(store.sweep(SWEPT, now)).expect("memory");
            });
        }
    }
    times
}
