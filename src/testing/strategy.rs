//! Generators for proptest: values, tasks in any state, and histories.
//!
//! They shrink to short and simple values.

mod concurrent;
mod directed;
mod histories;
mod large;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::history::History;
use super::law::Law;
use crate::clock::{AccountClock, Revision};
use crate::event::{Progress, TaskEvent};
use crate::id::{AccountId, CommandType, TaskId};
use crate::link::{ErrorForm, LinkShape};
use crate::outcome::{Completion, ResourceId, TaskError};
use crate::provisioning::ProvisioningStatus;
use crate::retention::Retention;
use crate::status::{EventKind, TaskStatus};
use crate::store::{ListQuery, StoreConfig};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{MAX_TIME, MIN_TIME, Timestamp};

use histories::{counted_froms, run_clocks, skews, ticks};

pub(super) use concurrent::{concurrent, interleaved};
pub(super) use directed::numbered;
pub use histories::{histories, histories_for};

/// Implements `Arbitrary` with a strategy.
macro_rules! arbitrary {
    ($($Type:ty => $strategy:expr;)+) => { $(
        impl Arbitrary for $Type {
            type Parameters = ();
            type Strategy = BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                $strategy.boxed()
            }
        }
    )+ };
}

arbitrary! {
    LinkShape => select(&Self::ALL[..]);
    ErrorForm => select(&Self::ALL[..]);
    Revision => (0..=Self::MAX.get()).prop_filter_map("a revision", |n| Self::try_from(n).ok());
    AccountClock => (any::<Revision>(), instants()).prop_map(|(revision, at)| Self::new(revision, at));
    StoreConfig => any::<History>().prop_map(|history| history.config());
    Law => select(&Self::ALL[..]);
    TaskStatus => select(&Self::ALL[..]);
    EventKind => select(&Self::ALL[..]);
    ProvisioningStatus => select(&Self::ALL[..]);
    Progress => (0..=100_u64).prop_map(|percent| Progress::of(percent, 100));
    TaskId => any::<u128>().prop_map(|bits| TaskId::from(Uuid::from_u128(bits)));
    AccountId => account_ids();
    CommandType => command_types();
    ResourceId => prop_oneof![
        any::<i32>().prop_map(ResourceId::from),
        any::<i64>().prop_map(ResourceId::from),
        any::<u64>().prop_map(ResourceId::from),
        strings().prop_map(ResourceId::from),
    ];
    Completion => completions();
    TaskError => task_errors();
    TaskEvent => events();
    Retention => retentions();
    Submission => submissions();
    Task => tasks();
    ListQuery => queries();
    History => histories();
}

/// Generates permitted account ids, most of them short.
pub fn account_ids() -> impl Strategy<Value = AccountId> {
    names().prop_filter_map("a permitted name", |name| name.parse().ok())
}

/// Generates command types: mostly ones of the documented API, and other permitted ones.
pub fn command_types() -> impl Strategy<Value = CommandType> {
    const KNOWN: [CommandType; 4] = [
        CommandType::from_static("subscriptionCreateRequest"),
        CommandType::from_static("subscriptionDeleteRequest"),
        CommandType::from_static("databaseCreateRequest"),
        CommandType::from_static("fixedDatabaseDeleteRequest"),
    ];
    let other = names().prop_filter_map("a permitted name", |name| name.parse().ok());
    prop_oneof![3 => select(KNOWN.to_vec()), 1 => other]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z]{1,8}", 1 => "[^\\pC]{1,60}"]
}

/// Generates strings: letters and spaces, empty strings, quotes, backslashes, control characters
/// and any other Unicode.
pub fn strings() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[A-Za-z ]{0,12}", 1 => any::<String>(), 1 => "[\"\\\\/\u{0}-\u{1f}é\u{2028}💡]{0,6}"]
}

/// Generates completions. Both ids and the resource are optional.
pub fn completions() -> impl Strategy<Value = Completion> {
    let fields = proptest::collection::btree_map(strings(), strings(), 0..3);
    let ids = (option::of(any::<ResourceId>()), option::of(any::<ResourceId>()));
    (ids, option::of(fields)).prop_map(|((first, second), resource)| {
        let completion = first.map_or_else(Completion::default, Completion::of);
        let completion = match second {
            Some(id) => completion.with_additional_resource_id(id),
            None => completion,
        };
        match resource {
            Some(fields) => completion.clone().with_resource(&fields).unwrap_or(completion),
            None => completion,
        }
    })
}

/// Generates errors of operations.
pub fn task_errors() -> impl Strategy<Value = TaskError> {
    let status = select(&["400 BAD_REQUEST", "404 NOT_FOUND", "409 CONFLICT"][..]);
    let code = prop_oneof!["[A-Z]{1,9}(_[A-Z]{1,9}){0,2}", strings()];
    (code, status, strings(), option::of(strings())).prop_map(
        |(code, status, description, info)| {
            let error = TaskError::new(code, description).with_status(status);
            match info {
                Some(info) => error.with_additional_info(info),
                None => error,
            }
        },
    )
}

/// Generates events of a kind, with and without a description and progress.
pub fn events_of(kind: EventKind) -> impl Strategy<Value = TaskEvent> {
    let event = match kind {
        EventKind::Receive => Just(TaskEvent::receive()).boxed(),
        EventKind::Start => Just(TaskEvent::start()).boxed(),
        EventKind::Report => option::of(any::<Progress>())
            .prop_map(|progress| match progress {
                Some(progress) => TaskEvent::report_of(progress),
                None => TaskEvent::report(),
            })
            .boxed(),
        EventKind::Complete => completions().prop_map(TaskEvent::complete).boxed(),
        EventKind::Fail => task_errors().prop_map(TaskEvent::fail).boxed(),
    };
    (event, option::of(strings())).prop_map(|(event, description)| match description {
        Some(description) => event.with_description(description),
        None => event,
    })
}

/// Generates events of any kind, without regard to a status.
pub fn events() -> impl Strategy<Value = TaskEvent> {
    any::<EventKind>().prop_flat_map(events_of)
}

/// Generates events that a status permits.
///
/// A terminal status permits none. The strategy then rejects every value, so the test fails.
pub fn permitted_events(status: TaskStatus) -> impl Strategy<Value = TaskEvent> {
    events().prop_filter("a permitted event", move |event| status.after(event.kind()).is_some())
}

/// Generates instants in the years 0 to 9999, to the nanosecond. Most are between 2017 and 2030.
pub fn instants() -> impl Strategy<Value = Timestamp> {
    let within = |seconds: core::ops::RangeInclusive<i64>| {
        (
            seconds,
            prop_oneof![
                Just(0),
                (0..1_000_u32).prop_map(|ms| ms * 1_000_000),
                0..1_000_000_000_u32
            ],
        )
            .prop_map(|(s, nanos)| chrono::DateTime::from_timestamp(s, nanos).unwrap_or(MIN_TIME))
    };
    prop_oneof![
        4 => within(1_500_000_000..=1_900_000_000),
        1 => within(MIN_TIME.timestamp()..=MAX_TIME.timestamp()),
        1 => select(&[MIN_TIME, MAX_TIME][..]),
    ]
}

/// Generates the times of successive calls, read from the clocks of two servers.
///
/// The clocks advance, stand still, jump ahead and step back. The second one differs from the first
/// by a constant.
pub fn times(
    count: impl Into<proptest::collection::SizeRange>,
) -> impl Strategy<Value = Vec<Timestamp>> {
    (instants(), skews(), vec((ticks(), any::<bool>()), count)).prop_map(|(begin, skew, ticks)| {
        let nanos = run_clocks(skew, ticks.iter().copied());
        let at = |nanos| begin.checked_add_signed(TimeDelta::nanoseconds(nanos)).unwrap_or(begin);
        nanos.into_iter().map(at).collect()
    })
}

/// Generates retentions of each kind, from a nanosecond to about 11 days. Some drop inputs at the
/// end.
pub fn retentions() -> impl Strategy<Value = Retention> {
    let period = prop_oneof![
        Just(Retention::default().period()),
        (1..1_000_000_000_000_000_u64).prop_map(Duration::from_nanos),
    ];
    (period, counted_froms(), any::<bool>()).prop_map(
        |(period, counted_from, drops_input_at_end)| {
            let retention = Retention::new(period, counted_from);
            if drops_input_at_end { retention.without_input_after_end() } else { retention }
        },
    )
}

/// Generates submissions, with and without input.
pub fn submissions() -> impl Strategy<Value = Submission> {
    let input = vec(any::<u8>(), 0..12);
    let names = (account_ids(), any::<TaskId>(), command_types());
    (names, input, any::<bool>()).prop_map(|((account, id, command), input, initialized)| {
        let submission = Submission::new(account, id, command).with_input(input);
        if initialized { submission.initialized() } else { submission }
    })
}

/// Generates tasks in any state, by applying events.
pub fn tasks() -> impl Strategy<Value = Task> {
    let events = vec(events(), 0..8);
    (submissions(), retentions(), times(9), events).prop_map(
        |(submission, retention, times, events)| {
            let mut clock = AccountClock::default();
            let mut times = times.into_iter();
            let mut now = || times.next().unwrap_or(MIN_TIME);
            let at = now();
            let mut task = Task::new(submission, retention, at, clock.next(at));
            for event in events {
                clock.advance_to(&task);
                let at = now();
                // An event that is not permitted leaves the task unchanged.
                let _ = task.apply(event, retention, at, clock.next(at));
            }
            task
        },
    )
}

/// Generates tasks in a status.
pub fn tasks_in(status: TaskStatus) -> impl Strategy<Value = Task> {
    let kinds: &[EventKind] = match status {
        TaskStatus::Initialized => &[],
        TaskStatus::Received => &[EventKind::Receive],
        TaskStatus::ProcessingInProgress => &[EventKind::Receive, EventKind::Start],
        TaskStatus::ProcessingCompleted => {
            &[EventKind::Receive, EventKind::Start, EventKind::Complete]
        }
        TaskStatus::ProcessingError => &[EventKind::Receive, EventKind::Start, EventKind::Fail],
    };
    let events: Vec<_> = kinds.iter().copied().map(events_of).collect();
    (submissions(), retentions(), times(kinds.len() + 1), events).prop_map(
        |(submission, retention, times, events)| {
            let mut clock = AccountClock::default();
            let begin = times.first().copied().unwrap_or(MIN_TIME);
            let submission = submission.initialized();
            let mut task = Task::new(submission, retention, begin, clock.next(begin));
            for (event, now) in events.into_iter().zip(times.into_iter().skip(1)) {
                clock.advance_to(&task);
                let _ = task.apply(event, retention, now, clock.next(now));
            }
            task
        },
    )
}

/// Generates queries without a cursor, because only a store can create cursors.
pub fn queries() -> impl Strategy<Value = ListQuery> {
    let since = option::of((0..50_u64).prop_filter_map("a revision", |n| n.try_into().ok()));
    (1..9_usize, vec(any::<TaskStatus>(), 0..3), since).prop_map(|(limit, statuses, since)| {
        let query = ListQuery::new(super::history::page_limit(limit));
        let query = statuses.into_iter().fold(query, ListQuery::with_status);
        match since {
            Some(since) => query.changed_since(since),
            None => query,
        }
    })
}
