//! `sweep` of a store in which all tasks are due.
//!
//! The floor only drops the tasks. It never shrinks an index or releases a slot, as tasklife does.

use crate::label::count;
use tasklife::TaskStore;

use super::{Comparison, Extent, Finding, Findings};
use crate::subject::{Subject, Tasklife, fill};
use crate::timing::{Candidate, TURNS, measure_in_turns, timed};
use crate::workload::Workload;

pub fn measure(extent: Extent, findings: &mut Findings) {
    for tasks in extent.sizes() {
        let load = Workload::new(1);
        let mut ours = Tasklife::default();
        fill(&mut ours, &load, tasks);
        let mut writes = super::store::writes(&load, tasks);
        // With this many calls per turn, half of the store is left at the end.
        let timings = measure_in_turns(
            extent.rounds,
            tasks / (2 * extent.rounds * TURNS + 6),
            &mut [
                Candidate::new(Tasklife::NAME, |calls| {
                    timed(|| {
                        let swept = ours.store.sweep(calls, load.all_expired_at()).expect("memory");
                        assert_eq!(swept.dropped, calls);
                    })
                }),
                Candidate::new("floor", |calls| {
                    timed(|| assert_eq!(writes.sweep(calls, load.all_expired_at()), calls))
                }),
            ],
        );
        let comparison = Comparison { operation: "sweep, each task", tasks, timings };
        let what = "sweep: time per task / floor";
        let ratio = comparison.ratio(Tasklife::NAME, "floor");
        findings.budgets.push(Finding::at_most(what, count(tasks), 1.5, "×", ratio));
        findings.comparisons.push(comparison);
    }
}
