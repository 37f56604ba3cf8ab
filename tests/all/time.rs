//! The account clock and the retention, at nanosecond precision and at the limits of time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use proptest::prelude::*;
use tasklife::{AccountClock, MAX_TIME, MIN_TIME, Retention, Revision, TaskEvent, TaskStatus};

use crate::support::{at, nanosecond, second, submission, task};

const RUNNING: TaskStatus = TaskStatus::ProcessingInProgress;

#[test]
fn the_first_and_last_instants_are_in_the_years_0_and_9999() {
    assert_eq!(MIN_TIME.to_rfc3339(), "0000-01-01T00:00:00+00:00");
    assert_eq!(MAX_TIME.to_rfc3339(), "9999-12-31T23:59:59.999999999+00:00");
}

#[test]
fn a_task_is_visible_until_the_nanosecond_before_it_expires() {
    let submitted = at("2019-08-08T06:49:15.929Z");
    let task = task(submission("acme", 1), submitted);
    let end = at("2019-08-18T06:49:15.929Z");
    assert_eq!(task.expires_at(), end);
    assert!(task.is_visible_at(submitted));
    assert!(task.is_visible_at(end - nanosecond()));
    assert!(!task.is_visible_at(end));
    assert!(!task.is_visible_at(end + nanosecond()));
}

#[test]
fn retention_since_submission_ignores_later_events() {
    let retention = Retention::since_submission(Duration::from_secs(10));
    assert_eq!(retention.after_submission(second(5)), second(15));
    assert_eq!(retention.after_event(second(15), RUNNING, second(14)), second(15));
}

#[test]
fn retention_since_update_never_moves_the_expiry_back() {
    let retention = Retention::since_update(Duration::from_secs(10));
    assert_eq!(retention.after_submission(second(5)), second(15));
    assert_eq!(retention.after_event(second(15), RUNNING, second(9)), second(19));
    assert_eq!(retention.after_event(second(15), RUNNING, second(4)), second(15));
}

#[test]
fn retention_since_end_begins_when_the_task_ends() {
    let retention = Retention::since_end(Duration::from_secs(10));
    assert_eq!(retention.after_submission(second(5)), MAX_TIME);
    for status in TaskStatus::ALL {
        let end = if status.is_terminal() { second(24) } else { MAX_TIME };
        assert_eq!(retention.after_event(MAX_TIME, status, second(14)), end, "{status}");
        assert_eq!(retention.after_event(second(15), status, second(14)), end, "{status}");
    }
    let no_retention = Retention::since_end(Duration::ZERO);
    assert_eq!(no_retention.after_submission(second(5)), second(5), "expired at birth");
}

/// An unlimited expiry becomes limited only if another retention had set it.
#[test]
fn an_update_at_the_last_instant_makes_the_expiry_unlimited() {
    let retention = Retention::since_update(Duration::from_secs(1));
    let (mut task, mut clock) = (task(submission("acme", 1), second(0)), AccountClock::default());
    for (event, now) in
        [(TaskEvent::start(), DateTime::<Utc>::MAX_UTC), (TaskEvent::report(), second(1))]
    {
        clock.advance_to(&task);
        task.apply(event, retention, now, clock.next(now)).unwrap();
        assert_eq!(task.expires_at(), MAX_TIME);
    }
}

#[test]
fn expiry_saturates_at_the_last_instant() {
    for period in [Duration::MAX, Duration::from_hours(24 * 5_000_000)] {
        let retention = Retention::since_submission(period);
        for now in
            [DateTime::<Utc>::MIN_UTC, MIN_TIME, second(0), MAX_TIME, DateTime::<Utc>::MAX_UTC]
        {
            assert_eq!(retention.after_submission(now), MAX_TIME);
        }
    }
    let a_day = Retention::since_submission(Duration::from_hours(24));
    assert_eq!(
        a_day.after_submission(MAX_TIME - TimeDelta::hours(25)),
        MAX_TIME - TimeDelta::hours(1)
    );
    assert_eq!(a_day.after_submission(MAX_TIME - TimeDelta::hours(23)), MAX_TIME);
    assert_eq!(a_day.after_submission(DateTime::<Utc>::MIN_UTC), MIN_TIME + TimeDelta::days(1));
}

#[test]
fn a_retention_of_zero_expires_at_once() {
    let retention = Retention::since_submission(Duration::ZERO);
    assert_eq!(retention.after_submission(second(5)), second(5));
}

#[test]
fn unreached_by_counts_eighths_of_a_microsecond() {
    let at = |now: DateTime<Utc>| Revision::unreached_by(now).get();
    assert_eq!((at(DateTime::<Utc>::MIN_UTC), at(MIN_TIME)), (0, 0));
    assert_eq!(at(second(1)) - at(second(0)), 8_000_000);
    let nanoseconds = |count| at(second(0) + nanosecond() * count) - at(second(0));
    assert_eq!([124, 125, 249, 250, 999, 1_000].map(nanoseconds), [0, 1, 1, 2, 7, 8]);
    assert_eq!(at(MAX_TIME), at(DateTime::<Utc>::MAX_UTC));
    assert!(
        Revision::try_from(at(MAX_TIME) * 3).is_ok(),
        "two thirds of the range are never reached"
    );
}

#[test]
fn a_leap_second_is_kept_only_at_the_end_of_a_minute() {
    let at_minute_end = at("2016-12-31T23:59:60.5Z");
    let within_minute = at("2016-12-31T23:59:30.5Z").with_nanosecond(1_500_000_000).unwrap();
    let stamp = |now| AccountClock::default().next(now).updated_at();
    assert_eq!(stamp(at_minute_end), at_minute_end);
    assert_eq!(stamp(within_minute), at("2016-12-31T23:59:31.5Z"));
}

#[test]
fn a_clock_never_goes_back_and_next_does_not_advance_it() {
    let clock = AccountClock::new(Revision::try_from(7).unwrap(), second(100));
    assert_eq!(clock.next(second(99)).updated_at(), second(100));
    assert_eq!(clock.next(second(101)).updated_at(), second(101));
    assert_eq!(clock.next(second(0)).revision().get(), 8);
    assert_eq!(clock, AccountClock::new(Revision::try_from(7).unwrap(), second(100)));

    let mut advanced = clock;
    advanced.advance_to(&task(submission("acme", 1), second(1)));
    assert_eq!(advanced, clock, "an earlier task does not move the clock back");
    assert_eq!(AccountClock::default().revision().get(), 0);
    assert_eq!(AccountClock::default().updated_at(), MIN_TIME);
}

#[test]
fn a_clock_counts_beyond_the_largest_revision_that_can_be_parsed() {
    let last = AccountClock::new(Revision::MAX, second(0)).next(second(0)).revision();
    assert!(last > Revision::MAX);
    let error = Revision::try_from(last.get()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a revision of at most 9223372036854775807, got 9223372036854775808"
    );
}

#[test]
fn revisions_round_trip_and_are_bounded() {
    for number in [0, 1, i64::MAX as u64] {
        let revision = Revision::try_from(number).unwrap();
        assert_eq!(revision.to_string().parse(), Ok(revision));
        let json = serde_json::to_string(&revision).unwrap();
        assert_eq!(json, number.to_string());
        assert_eq!(serde_json::from_str::<Revision>(&json).unwrap(), revision);
    }
    for text in ["", "-1", "1.0", "x", "9223372036854775808", "18446744073709551616"] {
        assert!(text.parse::<Revision>().is_err(), "{text}");
        assert!(serde_json::from_str::<Revision>(text).is_err(), "{text}");
    }
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = DateTime::<Utc>::MIN_UTC.timestamp()..=DateTime::<Utc>::MAX_UTC.timestamp();
    (seconds, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

proptest! {
    #[test]
    fn successive_stamps_never_go_back_in_time_and_their_revisions_grow(nows in prop::collection::vec(instants(), 1..20)) {
        let mut clock = AccountClock::default();
        for (number, now) in nows.into_iter().enumerate() {
            let stamp = clock.next(now);
            prop_assert!(stamp.updated_at() >= clock.updated_at());
            prop_assert!(stamp.updated_at() >= now.min(MAX_TIME));
            prop_assert!((MIN_TIME..=MAX_TIME).contains(&stamp.updated_at()));
            prop_assert_eq!(stamp.revision().get(), number as u64 + 1);
            clock = AccountClock::new(stamp.revision(), stamp.updated_at());
        }
    }

    #[test]
    fn a_clock_round_trips_as_json(revision in 0..=i64::MAX as u64, at in instants()) {
        let clock = AccountClock::new(Revision::try_from(revision).unwrap(), at);
        let json = serde_json::to_string(&clock).unwrap();
        prop_assert_eq!(serde_json::from_str::<AccountClock>(&json).unwrap(), clock);
    }
}
