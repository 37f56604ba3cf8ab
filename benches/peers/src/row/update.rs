//! `Task::apply` without a store, compared with the same update written by hand.

use std::hint::black_box;
use std::sync::Arc;

use tasklife::{AccountClock, Completion, Now, Progress, Retention, Stamp, Task, TaskEvent};

use super::{Extent, Finding, Findings, Race};
use crate::contest::{Candidate, Timing, contest, timed};
use crate::floor::{Happening, Plain};
use crate::workload::Workload;

const WORDS: &str = "2 of 4 nodes are ready.";

/// The arguments of an update, as values that the compiler cannot know.
struct Scene {
    retention: Retention,
    now: Now,
    stamp: Stamp,
}

pub fn measure(extent: Extent, findings: &mut Findings) {
    let load = Workload::new(1);
    let now = load.today();
    let scene =
        Scene { retention: Retention::default(), now, stamp: AccountClock::default().next(now) };
    let received = Task::new(load.submission(0), scene.retention, now, scene.stamp);
    let mut running = received.clone();
    running.apply(TaskEvent::start(), scene.retention, now, scene.stamp).expect("a start");
    let percent = Progress::of(1, 2);
    let report = TaskEvent::report_of(percent);
    let reported =
        |description| Happening::Report { description, progress: Some(percent.percent()) };
    let races = [
        ("`Task::apply`, start", &received, TaskEvent::start(), Happening::Start),
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
            Happening::Complete(Arc::new(Completion::of(77_899))),
        ),
    ];
    for (operation, task, event, by_hand) in races {
        let timings = scene.race(extent, task, &event, &by_hand);
        let race = Race { operation, tasks: 1, timings };
        let what = format!("{operation}: time / floor");
        let ratio = race.ratio("tasklife", "floor");
        findings.budgets.push(Finding::at_most(&what, "–".to_owned(), 2.0, "×", ratio));
        findings.races.push(race);
    }
}

impl Scene {
    /// Measures both candidates. They update copies with events that were created before.
    fn race(
        &self,
        extent: Extent,
        task: &Task,
        event: &TaskEvent,
        by_hand: &Happening,
    ) -> Vec<Timing> {
        let Self { retention, now, stamp } = *self;
        let mut plain = Plain::received(now);
        if task.attempts() > 0 {
            assert!(plain.update(Happening::Start, now, 2));
        }
        contest(
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
                                let _ = black_box(plain.update(with, now, stamp.revision().get()));
                            }
                        }
                    })
                }),
            ],
        )
    }
}
