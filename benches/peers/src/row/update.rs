//! `Task::apply` without a store, beside the same update by hand.

use std::hint::black_box;
use std::sync::Arc;

use tasklife::{AccountClock, Completion, Now, Progress, Retention, Stamp, Task, TaskEvent};

use super::{Extent, Finding, Findings};
use crate::contest::{Contestant, contest};
use crate::floor::{Plain, Report};
use crate::workload::Workload;

const WORDS: &str = "2 of 4 nodes are ready.";

/// Everything that an update needs, in values that the compiler can't foresee.
struct Scene {
    retention: Retention,
    now: Now,
    stamp: Stamp,
    words: Arc<str>,
    completion: Arc<Completion>,
}

pub fn measure(extent: Extent, findings: &mut Findings) {
    let load = Workload::new(1);
    let now = load.today();
    let scene = Scene {
        retention: Retention::default(),
        now,
        stamp: AccountClock::default().next(now),
        words: WORDS.into(),
        completion: Arc::new(Completion::of(77_899)),
    };
    let received = Task::new(load.submission(0), scene.retention, now, scene.stamp);
    let mut running = received.clone();
    running.apply(TaskEvent::start(), scene.retention, now, scene.stamp).expect("a start");
    let end = TaskEvent::complete(Completion::of(77_899));

    race(
        "start",
        extent,
        findings,
        &scene,
        &received,
        |_| TaskEvent::start(),
        |plain, scene| plain.start(scene.now, scene.stamp.revision().get()),
    );
    let percent = Progress::of(1, 2);
    let report = TaskEvent::report().with_progress(percent);
    race(
        "report",
        extent,
        findings,
        &scene,
        &running,
        |_| report.clone(),
        |plain, scene| {
            let report = Report { description: None, progress: Some(percent.percent()) };
            plain.report(report, scene.now, scene.stamp.revision().get())
        },
    );
    let spoken = report.clone().with_description(WORDS.to_owned());
    race(
        "report in words",
        extent,
        findings,
        &scene,
        &running,
        |_| spoken.clone(),
        |plain, scene| {
            let description = Some(Arc::clone(&scene.words));
            let report = Report { description, progress: Some(percent.percent()) };
            plain.report(report, scene.now, scene.stamp.revision().get())
        },
    );
    race(
        "completion",
        extent,
        findings,
        &scene,
        &running,
        |_| end.clone(),
        |plain, scene| {
            let completion = Arc::clone(&scene.completion);
            plain.complete(completion, scene.now, scene.stamp.revision().get())
        },
    );
}

/// Both update a copy that is made outside the measured time. The events are made outside, too.
fn race(
    what: &'static str,
    extent: Extent,
    findings: &mut Findings,
    scene: &Scene,
    task: &Task,
    event: impl Fn(&Scene) -> TaskEvent,
    by_hand: impl Fn(&mut Plain, &Scene) -> bool,
) {
    let mut plain = Plain::received(scene.now);
    if task.attempts() > 0 {
        assert!(plain.start(scene.now, 2));
    }
    let timings = contest(
        extent.rounds * 50,
        // So few that they stay in the nearest cache.
        100,
        &mut [
            Contestant::new("tasklife", |calls| {
                let mut copies: Vec<_> =
                    (0..calls).map(|_| (task.clone(), Some(event(scene)))).collect();
                crate::contest::timed(|| {
                    for (task, event) in &mut copies {
                        if let Some(event) = event.take() {
                            let done = task.apply(event, scene.retention, scene.now, scene.stamp);
                            let _ = black_box(done);
                        }
                    }
                })
            }),
            Contestant::new("floor", |calls| {
                let mut copies: Vec<_> = (0..calls).map(|_| plain.clone()).collect();
                crate::contest::timed(|| {
                    for plain in &mut copies {
                        assert!(black_box(by_hand(plain, scene)));
                    }
                })
            }),
        ],
    );
    let ratio = timings[0].ratio_to(&timings[1]);
    let what = format!("`Task::apply`, {what}: time / floor");
    findings.budgets.push(Finding::at_most(&what, "–".to_owned(), 2.0, "×", ratio));
}
