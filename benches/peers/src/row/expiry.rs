//! `sweep`, of a store all of whose tasks are due.
//!
//! The floor only lets go of the tasks. What they leave is never given back there: no index
//! shrinks, no slot is freed. Ours gives back as it goes.

use tasklife::TaskStore;

use super::{Extent, Finding, Findings, Race, count};
use crate::contest::{Contestant, TURNS, contest, timed};
use crate::subject::{Subject, Tasklife, fill};
use crate::workload::Workload;

pub fn measure(extent: Extent, findings: &mut Findings) {
    for tasks in extent.sizes() {
        let load = Workload::new(1);
        let mut ours = Tasklife::default();
        fill(&mut ours, &load, tasks);
        let mut writes = super::store::writes(&load, tasks);
        // So many rounds, and half a store is left at the end.
        let timings = contest(
            extent.rounds,
            tasks / (2 * extent.rounds * TURNS + 6),
            &mut [
                Contestant::new(Tasklife::NAME, |calls| {
                    timed(|| {
                        let swept = ours.store.sweep(calls, load.doomsday()).expect("memory");
                        assert_eq!(swept.dropped, calls);
                    })
                }),
                Contestant::new("floor", |calls| {
                    timed(|| assert_eq!(writes.sweep(calls, load.doomsday()), calls))
                }),
            ],
        );
        let race = Race { operation: "sweep, each task", tasks, timings };
        let what = "sweep: time of each task / floor";
        let ratio = race.ratio(Tasklife::NAME, "floor");
        findings.budgets.push(Finding::at_most(what, count(tasks), 1.5, "×", ratio));
        findings.races.push(race);
    }
}
