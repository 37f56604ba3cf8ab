//! Clocks that jump.

use chrono::TimeDelta;
use proptest::prelude::*;
use tasklife::poll::{PollError, Step};
use tasklife::{MAX_TIME, Timestamp};

use super::{answer, asked, document, poller, started};
use crate::support::second;

#[test]
fn setting_the_clock_back_does_not_lengthen_a_wait() {
    for back in [2, 60, 86_400, 10_000_000_000] {
        let mut task = started(&poller(), &[("retry-after", "10")]);
        assert!(matches!(task.next(second(4)), Step::Wait(until) if until == second(10)));
        let mut now = second(4 - back);
        assert!(matches!(task.next(now), Step::Wait(until) if until == second(10 - back)));
        asked(&mut task, &mut now);
        assert_eq!(now, second(10 - back), "expected the remaining 6 seconds");
    }
}

#[test]
fn no_time_passes_until_a_clock_that_is_slightly_behind_catches_up() {
    let mut task = started(&poller(), &[("retry-after", "10")]);
    for (at, _) in (0..9).flat_map(|at| [(at, 0), (at, 1)]) {
        let ahead = second(at) + TimeDelta::milliseconds(900);
        // Without the slack each of these steps would count for 900 ms more.
        assert!(matches!(task.next(ahead), Step::Wait(until) if until == second(10)));
        assert!(matches!(task.next(second(at)), Step::Wait(until) if until == second(10)));
    }
}

#[test]
fn a_clock_that_was_far_off_for_a_moment_causes_no_long_wait() {
    for far in [MAX_TIME, Timestamp::MAX_UTC, Timestamp::MIN_UTC, second(-1_000_000_000)] {
        let poller = poller().with_time_limit(std::time::Duration::MAX);
        let mut task = started(&poller, &[("retry-after", "10")]);
        let mut now = match task.next(far) {
            Step::Send(_) => {
                task.answered(&answer(200, &[("retry-after", "10")], &document("received")), far);
                assert!(matches!(task.next(far), Step::Wait(_)));
                second(5)
            }
            _ => second(5),
        };
        asked(&mut task, &mut now);
        assert!(now <= second(15), "{far}: {now}");
    }
}

#[test]
fn no_time_passes_while_the_clock_stands_still() {
    let mut task = started(&poller(), &[]);
    for _ in 0..1_000 {
        assert!(matches!(task.next(second(0)), Step::Wait(until) if until == second(1)));
    }
    let end_of_time = MAX_TIME;
    let accepted = answer(202, &[], &document("received"));
    let mut task = poller().started_by(&accepted, Timestamp::MAX_UTC).unwrap();
    assert!(matches!(task.next(Timestamp::MAX_UTC), Step::Wait(until) if until == end_of_time));
}

fn nows() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        4 => 0..20_000_i64,
        2 => -20_000..20_000_i64,
        1 => Just(0_i64),
        1 => any::<i64>().prop_map(|millis| millis / 1_000_000),
    ];
    prop::collection::vec(step, 1..100)
}

proptest! {
    #[test]
    fn p1_no_read_comes_before_its_wait_is_over(steps in nows(), waits in prop::collection::vec(0..90_u64, 100)) {
        let poller = poller().with_time_limit(std::time::Duration::MAX).with_max_failures(u32::MAX);
        let mut task = started(&poller, &[("retry-after", &waits[0].to_string())]);
        let (mut now, mut forward, mut due) = (second(0), 0_u64, waits[0] * 1_000);
        for (step, wait) in steps.iter().zip(&waits) {
            let before = now;
            now = now.checked_add_signed(TimeDelta::milliseconds(*step)).unwrap_or(now);
            let passed = now.signed_duration_since(before).num_milliseconds().max(0);
            forward = forward.saturating_add(passed.unsigned_abs());
            match task.next(now) {
                Step::Send(_) => {
                    prop_assert!(forward >= due, "asked {} ms early", due - forward);
                    let wait = wait.to_string();
                    task.answered(&answer(200, &[("retry-after", &wait)], &document("received")), now);
                    due = forward.saturating_add(wait.parse::<u64>().unwrap() * 1_000);
                }
                Step::Wait(until) => prop_assert!(until > now || now >= MAX_TIME),
                Step::Done(outcome) => prop_assert!(false, "{outcome:?}"),
            }
        }
    }

    /// Whatever the clock did before, a caller that then waits as told reaches the time limit.
    #[test]
    fn p3_polling_always_ends(steps in nows(), answers in prop::collection::vec(0..5_u8, 1..50)) {
        let mut task = started(&poller(), &[]);
        let mut now = second(0);
        for (step, what) in steps.iter().zip(answers.iter().cycle()) {
            now = now.checked_add_signed(TimeDelta::milliseconds(*step)).unwrap_or(now);
            if let Step::Send(_) = task.next(now) {
                match what {
                    0 => {}
                    1 => task.unanswered(now),
                    2 => task.answered(&answer(503, &[("retry-after", "1000000")], ""), now),
                    _ => task.answered(&answer(200, &[], &document("received")), now),
                }
            }
        }
        now = second(7);
        let begun = now;
        for _ in 0..10_000 {
            match task.next(now) {
                Step::Wait(until) => now = until,
                Step::Send(_) => task.answered(&answer(200, &[], &document("received")), now),
                Step::Done(Err(PollError::TimedOut(_) | PollError::ReadFailed(_))) => break,
                Step::Done(outcome) => prop_assert!(false, "{outcome:?}"),
            }
        }
        prop_assert!(matches!(task.next(now), Step::Done(_)), "expected an end");
        prop_assert!(now - begun <= TimeDelta::seconds(86_402), "{now}");
    }
}
