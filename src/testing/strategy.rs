//! Generators: values, tasks in any state, histories. They shrink to what is short and plain.

use alloc::string::String;
use alloc::vec::Vec;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::history::{Call, Event, Filter, Guard, History, Limits, Request, Step};
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
use crate::time::{MAX_TIME, MIN_TIME, Now};

/// Implements `Arbitrary` by a strategy.
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
        texts().prop_map(ResourceId::from),
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

/// Account ids: any that are permitted, most of them short.
pub fn account_ids() -> impl Strategy<Value = AccountId> {
    names().prop_filter_map("a permitted name", |name| name.parse().ok())
}

/// Command types: those that the API is known to send, and any others that are permitted.
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

/// Texts of any kind: plain, empty, with quotes, backslashes, control characters, other scripts.
pub fn texts() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[A-Za-z ]{0,12}", 1 => any::<String>(), 1 => "[\"\\\\/\u{0}-\u{1f}é\u{2028}💡]{0,6}"]
}

/// Completions with any of the ids and a resource.
pub fn completions() -> impl Strategy<Value = Completion> {
    let fields = proptest::collection::btree_map(texts(), texts(), 0..3);
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

/// Errors of operations.
pub fn task_errors() -> impl Strategy<Value = TaskError> {
    let status = select(&["400 BAD_REQUEST", "404 NOT_FOUND", "409 CONFLICT"][..]);
    let code = prop_oneof!["[A-Z]{1,9}(_[A-Z]{1,9}){0,2}", texts()];
    (code, status, texts(), option::of(texts())).prop_map(|(code, status, words, info)| {
        let error = TaskError::new(code, words).with_status(status);
        match info {
            Some(info) => error.with_additional_info(info),
            None => error,
        }
    })
}

/// Events of a kind, with and without words and progress.
pub fn events_of(kind: EventKind) -> impl Strategy<Value = TaskEvent> {
    let event = match kind {
        EventKind::Receive => Just(TaskEvent::receive()).boxed(),
        EventKind::Start => Just(TaskEvent::start()).boxed(),
        EventKind::Report => option::of(any::<Progress>())
            .prop_map(|progress| match progress {
                Some(progress) => TaskEvent::report().with_progress(progress),
                None => TaskEvent::report(),
            })
            .boxed(),
        EventKind::Complete => completions().prop_map(TaskEvent::complete).boxed(),
        EventKind::Fail => task_errors().prop_map(TaskEvent::fail).boxed(),
    };
    (event, option::of(texts())).prop_map(|(event, words)| match words {
        Some(words) => event.with_description(words),
        None => event,
    })
}

/// Events of any kind, permitted or not.
pub fn events() -> impl Strategy<Value = TaskEvent> {
    any::<EventKind>().prop_flat_map(events_of)
}

/// Events that a status permits. A status that has ended permits none, so that none are generated.
pub fn permitted_events(status: TaskStatus) -> impl Strategy<Value = TaskEvent> {
    events().prop_filter("a permitted event", move |event| status.after(event.kind()).is_some())
}

/// Instants of the years 0 to 9999, to the nanosecond; most of them of today's years.
pub fn instants() -> impl Strategy<Value = Now> {
    let of = |seconds: core::ops::RangeInclusive<i64>| {
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
        4 => of(1_500_000_000..=1_900_000_000),
        1 => of(MIN_TIME.timestamp()..=MAX_TIME.timestamp()),
        1 => select(&[MIN_TIME, MAX_TIME][..]),
    ]
}

/// Times of successive calls: they run, stand, jump and step back, as the clocks of two servers do,
/// one of which is off by a constant.
pub fn times(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Now>> {
    (instants(), skews(), vec((ticks(), any::<bool>()), count)).prop_map(|(begin, skew, ticks)| {
        let nanos = run_clocks(skew, ticks.iter().copied());
        let at = |nanos| begin.checked_add_signed(TimeDelta::nanoseconds(nanos)).unwrap_or(begin);
        nanos.into_iter().map(at).collect()
    })
}

/// Retentions of either kind, from a nanosecond to some weeks.
pub fn retentions() -> impl Strategy<Value = Retention> {
    let period = prop_oneof![
        Just(TimeDelta::days(Retention::DAYS)),
        (1..1_000_000_000_000_000_i64).prop_map(TimeDelta::nanoseconds),
    ];
    (period, any::<bool>()).prop_map(|(period, since_update)| {
        let retention =
            if since_update { Retention::since_update } else { Retention::since_submission };
        retention(period)
    })
}

/// Submissions, with and without input.
pub fn submissions() -> impl Strategy<Value = Submission> {
    let input = vec(any::<u8>(), 0..12);
    let names = (account_ids(), any::<TaskId>(), command_types());
    (names, input, any::<bool>()).prop_map(|((account, id, command), input, initialized)| {
        let submission = Submission::new(account, id, command).with_input(input);
        if initialized { submission.initialized() } else { submission }
    })
}

/// Tasks in any state, by way of the events that lead there.
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
                // An event that is not permitted leaves the task as it was.
                let _ = task.apply(event, retention, at, clock.next(at));
            }
            task
        },
    )
}

/// Tasks in a status.
pub fn tasks_in(status: TaskStatus) -> impl Strategy<Value = Task> {
    let way: &[EventKind] = match status {
        TaskStatus::Initialized => &[],
        TaskStatus::Received => &[EventKind::Receive],
        TaskStatus::ProcessingInProgress => &[EventKind::Receive, EventKind::Start],
        TaskStatus::ProcessingCompleted => {
            &[EventKind::Receive, EventKind::Start, EventKind::Complete]
        }
        TaskStatus::ProcessingError => &[EventKind::Receive, EventKind::Start, EventKind::Fail],
    };
    let events: Vec<_> = way.iter().copied().map(events_of).collect();
    (submissions(), retentions(), times(way.len() + 1), events).prop_map(
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

/// Queries without a cursor: it takes a store to make one.
pub fn queries() -> impl Strategy<Value = ListQuery> {
    let since = option::of((0..50_u64).prop_filter_map("a revision", |n| n.try_into().ok()));
    (1..9_usize, vec(any::<TaskStatus>(), 0..3), since).prop_map(|(limit, statuses, since)| {
        let query = ListQuery::new(super::history::limit(limit));
        let query = statuses.into_iter().fold(query, ListQuery::with_status);
        match since {
            Some(since) => query.changed_since(since),
            None => query,
        }
    })
}

/// Histories of a store over several accounts, on two servers' clocks.
pub fn histories() -> impl Strategy<Value = History> {
    histories_for(Law::Acts)
}

/// Histories with more of the calls that a law is about.
pub fn histories_for(law: Law) -> impl Strategy<Value = History> {
    let steps = vec((ticks(), any::<bool>(), calls(law)), 1..40);
    (limits(law), skews(), backlog(), steps).prop_map(|(limits, skew, backlog, steps)| {
        let times = run_clocks(skew, steps.iter().map(|(tick, server, _)| (*tick, *server)));
        let calls = steps.into_iter().map(|(_, _, call)| call);
        let steps = times.into_iter().zip(calls).map(|(at, call)| Step { at, call });
        let steps = backlog.into_iter().map(|call| Step { at: 0, call }).chain(steps).collect();
        History { limits, steps, threads: Vec::new() }
    })
}

/// What has been submitted when a history begins: often nothing, else some tasks of two accounts.
fn backlog() -> impl Strategy<Value = Vec<Call>> {
    let submit = (0..2_u8, 1..6_u8, requests());
    let submits =
        vec(submit.prop_map(|(account, id, request)| Call::Submit { account, id, request }), 3..8);
    // More than fit on a page, or into what a store might think of as all.
    let many = (9..16_u8).prop_map(|count| {
        let submit = |id| Call::Submit { account: 0, id, request: Request::Plain };
        (1..=count).map(submit).collect()
    });
    prop_oneof![12 => Just(Vec::new()), 6 => submits, 1 => many]
}

const SECOND: i64 = 1_000_000_000;

/// The retention of histories: short, so that tasks expire in the course of a few calls.
const PERIOD: i64 = 10 * SECOND;

/// How far a clock runs between two calls. The first is the simplest.
fn ticks() -> impl Strategy<Value = i64> {
    let usual = select(&[0, 0, 0, SECOND, 1, 3 * SECOND][..]);
    let jumps = select(&[PERIOD, PERIOD - 1, PERIOD + 1, -SECOND, -1, -4 * SECOND, -PERIOD][..]);
    prop_oneof![4 => usual, 1 => jumps]
}

/// By how much the second server's clock is off.
fn skews() -> impl Strategy<Value = i64> {
    select(&[0, SECOND, -5 * SECOND, PERIOD][..])
}

fn run_clocks(skew: i64, ticks: impl Iterator<Item = (i64, bool)>) -> Vec<i64> {
    let mut at = 0;
    let readings = ticks.map(|(tick, other)| {
        at += tick;
        at + if other { skew } else { 0 }
    });
    readings.collect()
}

fn limits(law: Law) -> impl Strategy<Value = Limits> {
    // Where a law is about a limit, it is there most of the time.
    let often = |often: bool| if often { 0.9 } else { 0.2 };
    let max_tasks = option::weighted(often(law == Law::S7), 1..6_usize);
    let max_open = option::weighted(often(law == Law::Acts), 0..4_usize);
    let lane = option::weighted(often(law == Law::S12), 1..3_u32);
    let silence = prop_oneof![Just(SECOND.unsigned_abs()), Just(3 * SECOND.unsigned_abs())];
    let silence = option::weighted(if law == Law::Acts { 0.6 } else { 0.3 }, silence);
    // Most tasks expire in the course of a history; some when 64 bits of nanoseconds have ended.
    let retention = prop_oneof![15 => Just(PERIOD), 1 => Just(i64::MAX)];
    let since_update = prop::bool::weighted(0.3);
    (retention, since_update, max_tasks, max_open, lane, silence).prop_map(
        |(retention, since_update, max_tasks, max_open, max_in_progress, takeover_nanos)| Limits {
            retention_nanos: Some(retention),
            since_update,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_nanos,
        },
    )
}

fn calls(law: Law) -> impl Strategy<Value = Call> {
    let more = |laws: &[Law]| if laws.contains(&law) { 6 } else { 1 };
    // Few of them, so that much happens to each.
    let account = || prop_oneof![6 => Just(0), 2 => 1..3_u8, 1 => 3..5_u8];
    let id = || prop_oneof![6 => Just(1), 3 => 2..4_u8, 1 => 4..12_u8];
    let size = || prop_oneof![3 => 1..4_usize, 1 => Just(100)];
    let filter = || {
        let since = option::weighted(0.4, 0..3_usize);
        let status = || option::weighted(0.3, any::<TaskStatus>());
        (status(), status(), since).prop_map(|(status, or_status, since_page)| Filter {
            status,
            or_status,
            since_page,
        })
    };
    prop_oneof![
        8 => (account(), id(), requests())
            .prop_map(|(account, id, request)| Call::Submit { account, id, request }),
        4 + 2 * more(&[Law::S9, Law::S10]) => (account(), id(), guards(), any_event())
            .prop_map(|(account, id, guard, event)| Call::Apply { account, id, guard, event }),
        2 + more(&[Law::Acts, Law::S12]) => option::weighted(0.4, account()).prop_map(Call::Claim),
        2 + more(&[Law::S6, Law::S8]) =>
            (account(), id()).prop_map(|(account, id)| Call::Get { account, id }),
        1 + more(&[Law::S1, Law::S2, Law::S5]) =>
            (account(), size(), filter(), option::weighted(0.4, 0..3_usize)).prop_map(
                |(account, limit, filter, after)| Call::List { account, limit, filter, after }),
        more(&[Law::S3, Law::S5]) => (account(), size(), filter())
            .prop_map(|(account, limit, filter)| Call::ListAll { account, limit, filter }),
        more(&[Law::S4]) =>
            (0..2_u8, 1..3_usize).prop_map(|(account, limit)| Call::Walk { account, limit }),
        1 + more(&[Law::S6, Law::S7]) => prop_oneof![1 => Just(100), 1 => 0..3_usize]
            .prop_map(|limit| Call::Sweep { limit }),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let other = select(&Request::ALL[..]);
    prop_oneof![2 => Just(Request::Plain), 1 => other]
}

fn guards() -> impl Strategy<Value = Guard> {
    prop_oneof![3 => Just(Guard::Latest), 1 => Just(Guard::Current), 1 => Just(Guard::Previous)]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Start),
        2 => Just(Event::Complete),
        1 => Just(Event::Fail),
        2 => Just(Event::Progress),
        4 => select(&Event::ALL[..]),
    ]
}

/// A few calls in turn, and then some for each of three threads, all on one account.
pub(super) fn concurrent() -> impl Strategy<Value = History> {
    let limit = || option::weighted(0.4, 1..3_usize);
    let limits = (option::weighted(0.4, 1..3_u32), limit(), limit()).prop_map(
        |(max_in_progress, max_open, max_tasks)| Limits {
            max_tasks,
            max_open,
            max_in_progress,
            ..Limits::default()
        },
    );
    let id = || prop_oneof![2 => 1..3_u8, 1 => 3..6_u8];
    let call = || {
        prop_oneof![
            4 => (id(), requests())
                .prop_map(|(id, request)| Call::Submit { account: 0, id, request }),
            5 => (id(), guards(), any_event())
                .prop_map(|(id, guard, event)| Call::Apply { account: 0, id, guard, event }),
            2 => select(&[Some(0), None][..]).prop_map(Call::Claim),
            1 => Just(Call::Sweep { limit: 100 }),
            1 => id().prop_map(|id| Call::Get { account: 0, id }),
            1 => (1..4_usize).prop_map(|limit| Call::List {
                account: 0, limit, filter: Filter::default(), after: None,
            }),
        ]
    };
    let steps = move |count| vec(call().prop_map(|call| Step { at: SECOND, call }), count);
    let submits = vec((id(), requests()), 1..3).prop_map(|submits| {
        let submit = |(id, request)| Call::Submit { account: 0, id, request };
        submits.into_iter().map(|one| Step { at: 0, call: submit(one) }).collect::<Vec<_>>()
    });
    (limits, submits, vec(steps(1..6), 3)).prop_map(|(limits, steps, threads)| History {
        limits,
        steps,
        threads,
    })
}
