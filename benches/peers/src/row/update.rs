//! `Task::apply` without a store, compared with the same update written by hand.

use std::hint::black_box;
use std::sync::Arc;

use tasklife::{AccountClock, Completion, Progress, Retention, Stamp, Task, TaskEvent, Timestamp};

use super::{Comparison, Extent, Finding, Findings};
use crate::floor::{Event, Plain};
use crate::timing::{Candidate, Timing, measure_in_turns, timed};
use crate::workload::Workload;

const WORDS: &str = "2 of 4 nodes are ready.";

/// The arguments of an update, as values that the compiler cannot know.
struct Scenario {
    retention: Retention,
    now: Timestamp,
    stamp: Stamp,
}

pub fn measure(extent: Extent, findings: &mut Findings) {
    let load = Workload::new(1);
    let now = load.today();
    let scenario =
        Scenario { retention: Retention::default(), now, stamp: AccountClock::default().next(now) };
    let received = Task::new(load.submission(0), scenario.retention, now, scenario.stamp);
    let mut running = received.clone();
    running.apply(TaskEvent::start(), scenario.retention, now, scenario.stamp).expect("a start");
    let percent = Progress::of(1, 2);
    let report = TaskEvent::report_of(percent);
    let reported = |description| Event::Report { description, progress: Some(percent.percent()) };
    let comparisons = [
        ("`Task::apply`, start", &received, TaskEvent::start(), Event::Start),
        ("`Task::apply`, report", &running, report.clone(), reported(None)),
        (
            "`Task::apply`, report with description",
            &running,
            report.with_description(WORDS.to_owned()),
            reported(Some(WORDS.into())),
        ),
        (
            "`Task::apply`, completion",
            &running,
            TaskEvent::complete(Completion::of(77_899)),
            Event::Complete(Arc::new(Completion::of(77_899))),
        ),
    ];
    for (operation, task, event, by_hand) in comparisons {
        let timings = scenario.comparison(extent, task, &event, &by_hand);
        let comparison = Comparison { operation, tasks: 1, timings };
        let what = format!("{operation}: time / floor");
        let ratio = comparison.ratio("tasklife", "floor");
        findings.budgets.push(Finding::at_most(&what, "–".to_owned(), 2.0, "×", ratio));
        findings.comparisons.push(comparison);
    }
}

impl Scenario {
    /// Measures both candidates. They update copies with events that were created before.
    fn comparison(
        &self,
        extent: Extent,
        task: &Task,
        event: &TaskEvent,
        by_hand: &Event,
    ) -> Vec<Timing> {
        let Self { retention, now, stamp } = *self;
        let mut plain = Plain::received(now);
        if task.attempts() > 0 {
            assert!(plain.apply(Event::Start, now, 2));
        }
        measure_in_turns(
            extent.rounds * 10,
            // So few tasks that they stay in the first-level cache.
            100,
            &mut [
                Candidate::new("tasklife", |calls| {
                    let mut copies: Vec<_> =
                        (0..calls).map(|_| (task.clone(), Some(event.clone()))).collect();
                    timed(|| {
                        for (task, event) in &mut copies {
                            if let Some(event) = event.take() {
                                let _ = black_box(task.apply(event, retention, now, stamp));
                            }
                        }
                    })
                }),
                Candidate::new("floor", |calls| {
                    let mut copies: Vec<_> =
                        (0..calls).map(|_| (plain.clone(), Some(by_hand.clone()))).collect();
                    timed(|| {
                        for (plain, with) in &mut copies {
                            if let Some(with) = with.take() {
                                let _ = black_box(plain.apply(with, now, stamp.revision().get()));
                            }
                        }
                    })
                }),
            ],
        )
    }
}
