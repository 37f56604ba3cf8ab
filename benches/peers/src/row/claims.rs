//! A claim over many accounts: with nothing to claim, with every lane full, and with a task to take
//! over in each account.

use crate::label::{count, number};
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use tasklife::{LocalStore, MemoryStore, Scope, StoreConfig, TaskStore, Timestamp};

use super::{Comparison, Extent, Finding, Findings};
use crate::timing::{Candidate, measure_in_turns};
use crate::workload::{Workload, config};

const ACCOUNTS: usize = 100_000;

/// The budget of a claim that finds nothing, in microseconds. Hundreds of workers make one each
/// second.
const IDLE: f64 = 1.0;

/// A state of the store. Each account has one task in progress, and may have one that waits.
struct Scenario {
    operation: &'static str,
    config: StoreConfig,
    tasks_each: usize,
    /// Whether a claim returns a task.
    finds_task: bool,
}

pub fn measure(extent: Extent, findings: &mut Findings) {
    eprintln!("claims, {} accounts …", count(ACCOUNTS));
    let load = Workload::new(ACCOUNTS);
    let scenarios = [
        Scenario {
            operation: "claim over all accounts, nothing to claim",
            config: config(),
            tasks_each: 1,
            finds_task: false,
        },
        Scenario {
            operation: "claim over all accounts, every lane full",
            config: config().with_max_in_progress(NonZeroU32::MIN),
            tasks_each: 2,
            finds_task: false,
        },
        Scenario {
            operation: "claim over all accounts, takeover",
            config: config()
                .with_takeover_after(Duration::from_millis(1))
                .with_max_attempts(NonZeroU32::MAX),
            tasks_each: 1,
            finds_task: true,
        },
    ];
    for scenario in scenarios {
        scenario.measure(&load, extent, findings);
    }
}

impl Scenario {
    fn measure(&self, load: &Workload, extent: Extent, findings: &mut Findings) {
        let ours = MemoryStore::new(self.config);
        let locked = parking_lot::RwLock::new(LocalStore::new(self.config));
        for task in 0..ACCOUNTS * self.tasks_each {
            ours.submit(load.submission(task), load.today()).expect("a free id");
            locked.write().submit(load.submission(task), load.today()).expect("a free id");
        }
        for _ in 0..ACCOUNTS {
            assert!(ours.claim(Scope::Any, load.today()).is_ok_and(|claimed| claimed.is_some()));
            let claimed = locked.write().claim(Scope::Any, load.today());
            assert!(claimed.is_ok_and(|claimed| claimed.is_some()));
        }
        let mut candidates = [
            self.claiming("tasklife", load, |now| {
                black_box(ours.claim(Scope::Any, now)).expect("memory").is_some()
            }),
            self.claiming("one lock", load, |now| {
                black_box(locked.write().claim(Scope::Any, now)).expect("memory").is_some()
            }),
        ];
        let timings = measure_in_turns(extent.rounds * 3, usize::MAX, &mut candidates);
        let at = format!("{} accounts", count(ACCOUNTS));
        let microseconds = timings[0].each_round().scaled(1e-3);
        findings.budgets.push(if self.finds_task {
            let got = format!("{} µs", number(microseconds.median));
            Finding::stated(self.operation, at, got)
        } else {
            Finding::at_most(self.operation, at, IDLE, " µs", microseconds)
        });
        let tasks = ACCOUNTS * self.tasks_each;
        findings.comparisons.push(Comparison { operation: self.operation, tasks, timings });
    }

    /// Each claim is 2 ms later than the last, so that the worker of the next task is silent for
    /// long enough.
    fn claiming<'a>(
        &self,
        name: &'static str,
        load: &Workload,
        mut claim: impl FnMut(Timestamp) -> bool + 'a,
    ) -> Candidate<'a> {
        let (mut now, finds_task) = (load.today(), self.finds_task);
        let pause = TimeDelta::milliseconds(if finds_task { 2 } else { 0 });
        Candidate::calling(name, move || {
            now += pause;
            assert_eq!(claim(now), finds_task);
        })
    }
}
