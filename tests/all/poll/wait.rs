//! When the poller asks.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use tasklife::poll::{Backoff, RequestLimit, Step};

use super::{ID, answer, asked, document, outcome, poller, started, waits};
use crate::support::second;

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn the_longest_wait_counts_between_reads_and_before_the_first() {
    let limit = || {
        let limit = RequestLimit::new(NonZeroU32::MIN, seconds(40));
        limit.take(second(0)).unwrap();
        limit
    };
    for (server, least, first, limit, expected) in [
        ("7", 3, 5, None, 7),
        ("7", 9, 5, None, 9),
        ("7", 3, 11, None, 11),
        ("7", 3, 5, Some(limit()), 40),
    ] {
        let mut poller = poller()
            .with_least_wait(seconds(least))
            .with_backoff(Backoff::new(seconds(first), seconds(first)));
        if let Some(limit) = limit {
            poller = poller.with_request_limit(limit);
        }
        let mut task = started(&poller, &[("retry-after", server)]);
        let mut now = second(0);
        assert_eq!(waits(&mut task, &mut now), seconds(expected), "before the first read");
        task.answered(&answer(200, &[("retry-after", server)], &document("received")), now);
        assert_eq!(waits(&mut task, &mut now), seconds(expected), "between two reads");
    }
}

#[test]
fn each_answer_replaces_the_wait_of_the_previous_one() {
    let mut now = second(0);
    let mut task = started(&poller(), &[("retry-after", "100")]);
    assert_eq!(waits(&mut task, &mut now), seconds(100));
    for (status, said) in [(200, "50"), (503, "300"), (429, "60"), (202, "80")] {
        task.answered(&answer(status, &[("retry-after", said)], &document("received")), now);
        assert_eq!(waits(&mut task, &mut now).as_secs().to_string(), said, "{status}");
    }
    task.answered(&answer(200, &[], &document("received")), now);
    assert_eq!(waits(&mut task, &mut now), seconds(30), "expected the backoff");
}

#[test]
fn a_server_can_ask_for_a_wait_in_seconds_or_with_a_date() {
    let date = ("date", "Thu, 08 Aug 2019 06:49:15 GMT"); // some hours ahead of the client
    for (header, value, expected) in [
        ("retry-after", "20", 20_000),
        ("retry-after", " 20 ", 20_000),
        ("retry-after", "20.25", 20_250),
        ("retry-after", "Thu, 08 Aug 2019 06:49:35 GMT", 20_000),
        ("retry-after", "Thursday, 08-Aug-19 06:49:35 GMT", 20_000),
        ("retry-after", "Thu Aug  8 06:49:35 2019", 20_000),
        ("retry-after-ms", "20250", 20_250),
        ("x-ms-retry-after-ms", "20250", 20_250),
        ("ratelimit-remaining", "0", 60_000),
        ("x-rate-limit-remaining", "0", 60_000),
        ("x-ratelimit-remaining", "0", 60_000),
    ] {
        let mut task = started(&poller(), &[(header, value), date]);
        let wait = waits(&mut task, &mut second(0));
        assert_eq!(wait, Duration::from_millis(expected), "{header}: {value}");
    }
    // Without a `Date`, the client's clock counts.
    let mut task = started(&poller(), &[("retry-after", "Thu, 08 Aug 2019 00:00:20 GMT")]);
    assert_eq!(waits(&mut task, &mut second(0)), seconds(20));
    // The longer of two waits counts. In a 429, `Retry-After` overrides the rate limit header.
    let mut task = started(&poller(), &[("retry-after", "5"), ("retry-after", "8")]);
    assert_eq!(waits(&mut task, &mut second(0)), seconds(8));
    let none_left = ("x-rate-limit-remaining", "0");
    let mut now = second(0);
    let mut task = started(&poller(), &[none_left, ("retry-after", "8")]);
    assert_eq!(waits(&mut task, &mut now), seconds(60));
    task.answered(&answer(429, &[none_left, ("retry-after", "8")], ""), now);
    assert_eq!(waits(&mut task, &mut now), seconds(8));
    let mut task = started(&poller(), &[("x-rate-limit-remaining", "1")]);
    assert_eq!(waits(&mut task, &mut second(0)), seconds(1));
}

#[test]
fn unreadable_waits_are_ignored_and_long_ones_are_bounded() {
    for value in [
        "",
        "-1",
        "+5",
        "soon",
        "1e3",
        "0x10",
        "1.",
        ".5",
        "1,5",
        "२०",
        "\u{ff}",
        "NaN",
        "Infinity",
        "Thu, 08 Aug 1999 06:49:35 GMT",
        "Thu, 32 Aug 2019 06:49:35 GMT",
        "0",
    ] {
        let mut task =
            started(&poller(), &[("retry-after", value), ("ratelimit-remaining", value)]);
        let expected = if value == "0" { 60 } else { 1 };
        assert_eq!(waits(&mut task, &mut second(0)).as_secs(), expected, "{value}");
    }
    for value in [
        "3601",
        "99999999999999999999999999999999",
        "18446744073709551615.999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 31 Dec 9999 23:59:59 GMT", // the wrong weekday
    ] {
        let mut task = started(&poller(), &[("retry-after", value)]);
        let wait = waits(&mut task, &mut second(0));
        let expected = if value.starts_with("Mon") { 1 } else { 3_600 };
        assert_eq!(wait, seconds(expected), "{value}");
        let poller = poller().with_longest_wait(seconds(3));
        let mut task = started(&poller, &[("retry-after", value)]);
        assert!(waits(&mut task, &mut second(0)) <= seconds(3), "{value}");
    }
}

#[test]
fn the_backoff_grows_up_to_its_maximum() {
    let grows = |backoff: Backoff| {
        let mut now = second(0);
        let mut task = started(&poller().with_backoff(backoff), &[]);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(waits(&mut task, &mut now).as_millis());
            task.answered(&answer(200, &[], &document("received")), now);
        }
        seen
    };
    let usual = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
    assert_eq!(grows(Backoff::default()), usual);
    let by = |factor| Backoff::new(seconds(1), seconds(4)).with_factor(factor);
    assert_eq!(grows(by(1.5)), [1_000, 1_500, 2_250, 3_375, 4_000, 4_000, 4_000, 4_000]);
    for factor in [1.0, 0.0, -2.0, f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(grows(by(factor)), [1_000; 8], "{factor}");
    }
    assert_eq!(grows(by(f64::INFINITY))[..3], [1_000, 4_000, 4_000]);
    assert_eq!(grows(Backoff::new(seconds(9), seconds(4)))[..2], [4_000, 4_000]);
}

#[test]
fn pollers_with_clones_of_a_rate_limit_share_it() {
    let limit = RequestLimit::new(NonZeroU32::new(2).unwrap(), seconds(60));
    let one = poller().with_request_limit(limit.clone());
    let other = poller().with_request_limit(limit.clone());
    let mut tasks = [started(&one, &[]), started(&one, &[]), started(&other, &[])];
    let at = second(1);
    assert!(matches!(tasks[0].next(at), Step::Send(_)));
    assert!(matches!(tasks[1].next(at), Step::Send(_)));
    assert!(matches!(tasks[2].next(at), Step::Wait(until) if until == second(61)));
    assert_eq!(
        limit.take(at),
        Err(second(61)),
        "expected the limit to apply to other requests too"
    );
    // After a 429 to one task, all wait.
    tasks[0].answered(&answer(429, &[("retry-after", "100")], ""), at);
    assert!(matches!(tasks[2].next(second(61)), Step::Wait(until) if until == second(101)));
    assert!(matches!(tasks[2].next(second(101)), Step::Send(_)));
    // After an answer without requests left, all wait for the period of the limit.
    let none_left =
        answer(200, &[("x-rate-limit-remaining", "0")], &document("processing-completed"));
    tasks[1].answered(&none_left, second(102));
    assert!(outcome(&mut tasks[1], second(102)).unwrap().is_ok());
    assert_eq!(limit.take(second(161)), Err(second(162)));
    assert_eq!(limit.take(second(162)), Ok(()));
}

#[test]
fn wait_until_restores_the_wait_of_another_process() {
    let mut now = second(0);
    let mut task = poller().following(&format!("/v1/tasks/{ID}"), now).unwrap();
    assert!(matches!(task.clone().next(now), Step::Send(_)), "expected a request at once");
    task.wait_until(second(20), now);
    task.wait_until(second(5), now);
    task.wait_until(second(-5), now);
    assert_eq!(waits(&mut task, &mut now), seconds(20));
    let mut task = poller().following(&format!("/v1/tasks/{ID}"), now).unwrap();
    task.wait_until(tasklife::Timestamp::MAX_UTC, now);
    assert_eq!(waits(&mut task, &mut now), seconds(3_600), "the longest wait");
}

proptest! {
    #[test]
    fn jitter_shortens_waits_by_up_to_its_share_and_follows_from_the_seed(share: f64, seed: u64, first in 1..5_000_u64) {
        let first = Duration::from_millis(first);
        let backoff = Backoff::new(first, first).with_jitter(share, seed);
        prop_assert!(backoff.shortest() <= first);
        let seen = |path: &str| {
            let accepted = answer(202, &[("location", path)], "");
            let mut task = poller().with_backoff(backoff).started_by(&accepted, second(0)).unwrap();
            let mut now = second(0);
            let mut seen = Vec::new();
            for _ in 0..6 {
                seen.push(waits(&mut task, &mut now));
                task.answered(&answer(202, &[], ""), now);
            }
            seen
        };
        let (one, other) = (seen("/v1/tasks/1"), seen("/v1/tasks/2"));
        let nanosecond = Duration::from_nanos(1);
        for wait in one.iter().chain(&other) {
            prop_assert!(*wait <= first && *wait + nanosecond >= backoff.shortest());
        }
        prop_assert_eq!(&one, &seen("/v1/tasks/1"));
        prop_assert!(one != other || share.is_nan() || backoff.shortest() + 20 * nanosecond > first);
    }

    #[test]
    fn p4_no_period_has_more_requests_than_the_limit(
        requests in 1..5_u32, per in 1..5_000_i64,
        steps in prop::collection::vec(prop_oneof![4 => 0..1_000_i64, 1 => -3_000..1_000_i64, 1 => Just(0)], 1..200),
    ) {
        let length = Duration::from_millis(per.unsigned_abs());
        let limit = RequestLimit::new(NonZeroU32::new(requests).unwrap(), length);
        let (mut now, mut forward, mut sent) = (second(0), 0, Vec::new());
        for step in steps {
            now += TimeDelta::milliseconds(step);
            forward += step.max(0);
            match limit.take(now) {
                Ok(()) => sent.push(forward),
                Err(until) => prop_assert!(until > now),
            }
        }
        let most = usize::try_from(requests).unwrap();
        for stretch in sent.windows(most + 1) {
            prop_assert!(stretch[most] - stretch[0] >= per, "{:?}", stretch);
        }
    }

    #[test]
    fn p4_a_caller_that_waits_as_told_may_send(requests in 1..5_u32, per in 1..5_000_u64, callers in 1..20_usize) {
        let limit = RequestLimit::new(NonZeroU32::new(requests).unwrap(), Duration::from_millis(per));
        let mut now = second(0);
        for _ in 0..callers {
            if let Err(until) = limit.take(now) {
                now = until;
                prop_assert_eq!(limit.take(now), Ok(()));
            }
        }
    }
}

#[test]
fn an_unrequested_answer_does_not_shorten_a_wait() {
    let mut task = started(&poller(), &[("retry-after", "10")]);
    task.answered(&answer(200, &[("retry-after", "20")], &document("received")), second(1));
    let mut now = second(1);
    asked(&mut task, &mut now);
    assert_eq!(now, second(21));
}

#[test]
fn only_answers_about_the_rate_limit_delay_other_tasks() {
    let period = seconds(40);
    for (status, headers, least, expected) in [
        (200, &[("retry-after", "1000")][..], 0, 0),
        (503, &[("retry-after", "1000")], 0, 0),
        (200, &[], 1_000, 0),
        (429, &[("retry-after", "100")], 1_000, 100),
        (429, &[("retry-after", "100"), ("x-rate-limit-remaining", "0")], 1_000, 100),
        (200, &[("x-rate-limit-remaining", "0"), ("retry-after", "1000")], 1_000, 40),
        (429, &[("x-rate-limit-remaining", "0")], 1_000, 40),
        (429, &[], 1_000, 9), // the backoff
    ] {
        let limit = RequestLimit::new(NonZeroU32::new(100).unwrap(), period);
        let poller = poller()
            .with_request_limit(limit.clone())
            .with_backoff(Backoff::new(seconds(9), seconds(9)))
            .with_least_wait(seconds(least));
        let mut task = started(&poller, &[]);
        task.answered(&answer(status, headers, &document("received")), second(0));
        let free = limit.take(second(0)).map_or_else(|free| free, |()| second(0));
        assert_eq!(free, second(expected), "{status} {headers:?}");
    }
}

#[test]
fn a_failed_request_keeps_the_wait_that_the_server_asked_for() {
    let mut task = started(&poller(), &[("retry-after", "10")]);
    task.unanswered(second(1));
    let mut now = second(1);
    asked(&mut task, &mut now);
    assert_eq!(now, second(10));
    // From then on, the backoff counts.
    task.unanswered(now);
    assert_eq!(waits(&mut task, &mut now), seconds(4));
}
