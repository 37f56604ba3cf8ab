//! The last read, when the time is over.

use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::poll::{PollError, RequestLimit, Step, TaskPoller};

use super::{answer, asked, document, outcome, poller, started};
use crate::support::second;

fn is_timed_out(task: &mut TaskPoller, at: i64) -> bool {
    matches!(outcome(task, second(at)), Some(Err(PollError::TimedOut(_))))
}

#[test]
fn a_caller_that_slept_past_the_limit_reads_once_more() {
    for at in [86_400, 25 * 3_600] {
        let mut task = started(&poller(), &[]);
        assert!(matches!(task.next(second(at)), Step::Send(_)));
        let mut ended = task.clone();
        ended.answered(&answer(200, &[], &document("processing-completed")), second(at));
        assert!(outcome(&mut ended, second(at)).unwrap().is_ok());
        task.answered(&answer(200, &[], &document("received")), second(at));
        assert!(is_timed_out(&mut task, at), "expected no second read");
    }
}

#[test]
fn the_last_read_waits_for_everything_except_the_backoff() {
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
    // The last read counts in the rate limit, and needs room in it.
    let limit = RequestLimit::new(NonZeroU32::MIN, Duration::from_mins(1));
    let limited = poller.with_request_limit(limit.clone());
    assert!(matches!(started(&limited, &[]).next(second(10)), Step::Send(_)));
    assert_eq!(limit.take(second(10)), Err(second(70)));
    assert!(is_timed_out(&mut started(&limited, &[]), 20));
}

#[test]
fn an_answer_after_the_time_limit_counts_as_the_last_read() {
    let poller = poller().with_time_limit(Duration::from_secs(10));
    let mut task = started(&poller, &[]);
    asked(&mut task, &mut second(0));
    task.answered(&answer(200, &[], &document("received")), second(10));
    assert!(is_timed_out(&mut task, 10));
    // A lost answer does not count as the last read.
    let mut task = started(&poller, &[]);
    asked(&mut task, &mut second(0));
    assert!(matches!(task.next(second(10)), Step::Send(_)));
    assert!(is_timed_out(&mut task, 10), "expected the last read not to be repeated");
}
