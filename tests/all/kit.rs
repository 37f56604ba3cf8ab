//! The kit's decisions at their boundaries, and the conformance of the store in "Implementing a
//! store".

use std::time::Duration;

use tasklife::kit::{Call, Parked, instant_from_bytes, instant_to_bytes};
use tasklife::{
    AccountClock, InProcess, ListQuery, MAX_TIME, MIN_TIME, Retention, Revision, StoreConfig,
    Submission, SubmitError, Task, Timestamp,
};

#[path = "../../examples/own_store.rs"]
#[allow(unreachable_pub, reason = "an example is a crate of its own")]
mod example;

tasklife::conformance! {
    mod own_store;
    store = |config| InProcess(example::OwnStore::new(config));
    cases = 300;
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn instant_bytes_keep_the_order_and_convert_back() {
    let nanosecond = chrono::TimeDelta::nanoseconds(1);
    let instants = [
        MIN_TIME,
        MIN_TIME + nanosecond,
        at("1969-12-31T23:59:59.999999999Z"),
        at("1970-01-01T00:00:00Z"),
        at("2016-12-31T23:59:59.999999999Z"),
        at("2016-12-31T23:59:60Z"),
        at("2016-12-31T23:59:60.999999999Z"),
        at("2017-01-01T00:00:00Z"),
        at("2026-06-15T12:00:00Z"),
        MAX_TIME - nanosecond,
        MAX_TIME,
    ];
    for instant in instants {
        assert_eq!(instant_from_bytes(&instant_to_bytes(instant)), Some(instant));
    }
    assert!(instants.map(instant_to_bytes).is_sorted_by(|one, other| one < other));
    assert_eq!(instant_to_bytes(Timestamp::MAX_UTC), instant_to_bytes(MAX_TIME));
    assert_eq!(instant_to_bytes(Timestamp::MIN_UTC), instant_to_bytes(MIN_TIME));
    // Too short, too long, too late, too many nanoseconds, and a leap second where there is none.
    let last = instant_to_bytes(MAX_TIME);
    let mut late = last;
    late[7] += 1;
    let nanos = |nanos: u32| [&last[..8], &nanos.to_be_bytes()].concat();
    assert_eq!(instant_from_bytes(&nanos(999_999_999)), Some(MAX_TIME));
    let mut noon = instant_to_bytes(at("2026-06-15T12:00:00Z"));
    noon[8..].copy_from_slice(&1_500_000_000_u32.to_be_bytes());
    for bytes in
        [&last[..11], &[&last[..], &[0]].concat(), &late, &nanos(2_000_000_000), &noon, &[]]
    {
        assert_eq!(instant_from_bytes(bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_parked_account_wakes_at_each_of_its_instants() {
    let config = StoreConfig::default();
    let noon = at("2026-06-15T12:00:00Z");
    let nanosecond = chrono::TimeDelta::nanoseconds(1);
    let should_wake = |parked: Parked, horizon: Timestamp, now: Timestamp| {
        parked.should_wake(&Call::new(&config, horizon, now))
    };
    assert!(!should_wake(Parked::default(), MIN_TIME, noon));
    // After an instant, by the caller's clock only.
    let past = Parked { wake_after: Some(noon), ..Parked::default() };
    assert!(!should_wake(past, MIN_TIME, noon) && should_wake(past, MIN_TIME, noon + nanosecond));
    assert!(!should_wake(past, MAX_TIME, noon));
    // At an instant, by the caller's clock or the horizon.
    let until = Parked { wake_at: Some(noon), ..Parked::default() };
    assert!(!should_wake(until, MIN_TIME, noon - nanosecond) && should_wake(until, MIN_TIME, noon));
    assert!(should_wake(until, noon, MIN_TIME));
    // Before an instant, by the caller's clock and the horizon.
    let before = Parked { wake_before: Some(noon), ..Parked::default() };
    assert!(
        should_wake(before, MIN_TIME, noon - nanosecond) && !should_wake(before, MIN_TIME, noon)
    );
    assert!(!should_wake(before, noon, MIN_TIME));
}

#[test]
fn limits_are_reached_exactly() {
    let noon = at("2026-06-15T12:00:00Z");
    let config = StoreConfig::default().with_max_open(3).with_max_tasks(5);
    let call = Call::new(&config, MIN_TIME, noon);
    assert!(
        call.needs_open_count()
            && !Call::new(&StoreConfig::default(), MIN_TIME, noon).needs_open_count()
    );
    assert!(call.check_open(2).is_ok());
    assert!(matches!(call.check_open(3), Err(SubmitError::AccountFull)));
    // Only expired tasks make room in a full store, and the horizon never moves back.
    assert!(matches!(call.make_room(None), Err(SubmitError::StoreFull)));
    let later = noon + chrono::TimeDelta::nanoseconds(1);
    assert!(matches!(call.make_room(Some(later)), Err(SubmitError::StoreFull)));
    assert_eq!(call.make_room(Some(noon)).unwrap(), noon);
    assert_eq!(Call::new(&config, later, noon).make_room(Some(noon)).unwrap(), later);
}

#[test]
fn a_page_ends_where_the_limit_does() {
    let config = StoreConfig::default();
    let call = Call::new(&config, MIN_TIME, MIN_TIME);
    let account = "acme".parse().unwrap();
    let mut clock = AccountClock::after(Revision::try_from(6).unwrap());
    let mut tasks: Vec<Task> = (0..3_u128)
        .map(|number| {
            let id = uuid::Uuid::from_u128(number).into();
            let create = "subscriptionCreateRequest".parse().unwrap();
            let submission = Submission::new("acme".parse().unwrap(), id, create);
            let task = Task::new(submission, Retention::default(), MIN_TIME, clock.next(MIN_TIME));
            clock.advance_to(&task);
            task
        })
        .collect();
    tasks.reverse();
    let query = ListQuery::new(2.try_into().unwrap());
    let page = call.page(&account, &query, tasks.clone(), clock.revision());
    assert_eq!(page.tasks(), &tasks[..2]);
    assert_eq!(page.next(), Some(query.cursor(&account, tasks[1].revision())));
    assert_eq!(page.revision().get(), 9);
    let page = call.page(&account, &query, tasks[1..].to_vec(), clock.revision());
    assert_eq!((page.tasks().len(), page.next()), (2, None));
}

/// Instants end with the year 9999, so nothing is taken over after it.
#[test]
fn no_takeover_is_due_after_the_last_instant() {
    let config = StoreConfig::default().with_takeover_after(Duration::from_mins(1));
    let id = uuid::Uuid::nil().into();
    let submission =
        Submission::new("acme".parse().unwrap(), id, "subscriptionCreateRequest".parse().unwrap());
    let task = |now: Timestamp| {
        Task::new(submission.clone(), Retention::default(), now, AccountClock::default().next(now))
    };
    let last = MAX_TIME - chrono::TimeDelta::seconds(60);
    assert_eq!(config.takeover_at(&task(last)), Some(MAX_TIME));
    assert_eq!(config.takeover_at(&task(last + chrono::TimeDelta::nanoseconds(1))), None);
}
