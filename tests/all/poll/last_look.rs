//! The last look, when the time is over.

use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::poll::{PollError, RequestLimit, Step, TaskPoller};

use super::{answer, asked, document, outcome, poller, started};
use crate::support::second;

fn is_timed_out(task: &mut TaskPoller, at: i64) -> bool {
    matches!(outcome(task, second(at)), Some(Err(PollError::TimedOut(_))))
}

#[test]
fn who_slept_over_the_end_looks_once_more() {
    for at in [86_400, 25 * 3_600] {
        let mut task = started(&poller(), &[]);
        assert!(matches!(task.next(second(at)), Step::Send(_)));
        let mut ended = task.clone();
        ended.answered(&answer(200, &[], &document("processing-completed")), second(at));
        assert!(outcome(&mut ended, second(at)).unwrap().is_ok());
        task.answered(&answer(200, &[], &document("received")), second(at));
        assert!(is_timed_out(&mut task, at), "once, and no more");
    }
}

#[test]
fn the_last_look_does_not_wait_for_the_back_off_but_for_all_else() {
    let poller = poller().with_time_limit(Duration::from_secs(10));
    for (poller, headers, is_asked) in [
        (poller.clone(), &[][..], true),
        (poller.clone(), &[("retry-after", "4")], true),
        (poller.clone(), &[("retry-after", "20")], false),
        (poller.clone(), &[("x-rate-limit-remaining", "0")], false),
        (poller.clone().with_least_wait(Duration::from_secs(4)), &[], true),
        (poller.clone().with_least_wait(Duration::from_secs(5)), &[], false),
    ] {
        let mut task = started(&poller, &[]);
        let mut now = second(0);
        while now < second(3) {
            asked(&mut task, &mut now);
            task.answered(&answer(200, &[], &document("received")), now);
        }
        task.answered(&answer(200, headers, &document("received")), second(6));
        assert!(matches!(task.next(second(6)), Step::Wait(until) if until == second(10)));
        let step = task.next(second(10));
        assert_eq!(matches!(step, Step::Send(_)), is_asked, "{headers:?} {step:?}");
        assert_eq!(matches!(step, Step::Done(Err(PollError::TimedOut(_)))), !is_asked);
    }
    // It takes its place in the rate limit, and there has to be one.
    let limit = RequestLimit::new(NonZeroU32::MIN, Duration::from_mins(1));
    let limited = poller.with_request_limit(limit.clone());
    assert!(matches!(started(&limited, &[]).next(second(10)), Step::Send(_)));
    assert_eq!(limit.take(second(10)), Err(second(70)));
    assert!(is_timed_out(&mut started(&limited, &[]), 20));
}

#[test]
fn an_answer_that_comes_after_the_end_is_the_last_look() {
    let poller = poller().with_time_limit(Duration::from_secs(10));
    let mut task = started(&poller, &[]);
    asked(&mut task, &mut second(0));
    task.answered(&answer(200, &[], &document("received")), second(10));
    assert!(is_timed_out(&mut task, 10));
    // One that is lost is none.
    let mut task = started(&poller, &[]);
    asked(&mut task, &mut second(0));
    assert!(matches!(task.next(second(10)), Step::Send(_)));
    assert!(is_timed_out(&mut task, 10), "nor is the last one tried again");
}
