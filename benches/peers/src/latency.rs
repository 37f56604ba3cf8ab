//! The time of each call while a store grows, and while its tasks expire.

use std::collections::BTreeMap;
use std::hint::black_box;

use tasklife::{ListQuery, MemoryStore, Scope, Target, TaskStore};

use crate::timing::timed;
use crate::workload::{Workload, config, scattered};

/// The times of all calls of one kind, in nanoseconds, in the order of the calls.
#[derive(Clone, Debug, Default)]
pub struct Calls(Vec<u32>);

impl Calls {
    /// Returns a quantile of the times, such as the median for 0.5.
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

    fn record(&mut self, call: impl FnOnce()) {
        let nanoseconds = timed(call).as_nanos();
        self.0.push(u32::try_from(nanoseconds).unwrap_or(u32::MAX));
    }

    /// Keeps the shorter time of each call. A disturbance by the machine is in one run only.
    fn keep_minimum(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).min(*other);
        }
    }
}

/// The times by kind of call.
pub type Latencies = BTreeMap<&'static str, Calls>;

/// The limit of a sweep.
pub const SWEPT: usize = 64;

/// The number of tasks that are submitted between the start of a task and its end.
const LAG: usize = 10_000;

/// Makes the same calls in several runs. Returns the times of the first run, and the minimum of all
/// runs for each call.
pub fn take(tasks: usize, accounts: usize, runs: usize) -> (Latencies, Latencies) {
    let first = run(tasks, accounts);
    let mut least = first.clone();
    for _ in 1..runs {
        for (kind, calls) in run(tasks, accounts) {
            least.entry(kind).or_default().keep_minimum(&calls);
        }
    }
    (first, least)
}

/// Fills an empty store, then only updates tasks, and then submits new tasks while the others
/// expire.
fn run(tasks: usize, accounts: usize) -> Latencies {
    let load = Workload::new(accounts);
    let store = MemoryStore::new(config());
    let mut times = Latencies::new();
    let mut time = |kind, call: &mut dyn FnMut()| times.entry(kind).or_default().record(call);
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
            // Another task, which is in progress and has not expired.
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
        // Ten days after the first submissions, so that one task expires for each new one.
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
