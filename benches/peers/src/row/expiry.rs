//! `sweep` of a store in which all tasks are due.
//!
//! The floor only drops the tasks. It never shrinks an index or releases a slot, as tasklife does.

use tasklife::TaskStore;

use super::{Extent, Finding, Findings, Race, count};
use crate::contest::{Candidate, TURNS, contest, timed};
use crate::subject::{Subject, Tasklife, fill};
use crate::workload::Workload;

pub fn measure(extent: Extent, findings: &mut Findings) {
    for tasks in extent.sizes() {
        let load = Workload::new(1);
        let mut ours = Tasklife::default();
        fill(&mut ours, &load, tasks);
        let mut writes = super::store::writes(&load, tasks);
        // With this many calls per turn, half of the store is left at the end.
        let timings = contest(
            extent.rounds,
            tasks / (2 * extent.rounds * TURNS + 6),
            &mut [
                Candidate::new(Tasklife::NAME, |calls| {
                    timed(|| {
                        let swept = ours.store.sweep(calls, load.doomsday()).expect("memory");
                        assert_eq!(swept.dropped, calls);
                    })
                }),
                Candidate::new("floor", |calls| {
                    timed(|| assert_eq!(writes.sweep(calls, load.doomsday()), calls))
                }),
            ],
        );
        let race = Race { operation: "sweep, each task", tasks, timings };
        let what = "sweep: time per task / floor";
        let ratio = race.ratio(Tasklife::NAME, "floor");
        findings.budgets.push(Finding::at_most(what, count(tasks), 1.5, "×", ratio));
        findings.races.push(race);
    }
}
