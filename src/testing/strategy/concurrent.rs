//! Histories with threads.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::histories::{PERIOD, SECOND, any_event, counted_froms, expected_revisions, requests};
use crate::testing::history::{
    Call, Event, ExpectedRevision, Filter, History, Limits, Request, Step,
};

/// The times of the threads' calls: all the same, or around the instants at which earlier tasks
/// expire or are taken over.
const TIMES: [[i64; 3]; 3] =
    [[SECOND, SECOND, SECOND], [PERIOD, PERIOD, PERIOD - 1], [2 * SECOND, PERIOD, PERIOD + SECOND]];

/// Generates histories with a few calls, followed by two or three threads.
///
/// All calls are of one account or over all accounts, because law S13 is about each account.
pub(in crate::testing) fn concurrent() -> impl Strategy<Value = History> {
    let first = vec(concurrent_call(), 1..4).prop_map(|calls| {
        let submit = |id| Call::Submit { account: 0, id, request: Request::NoInput };
        // If the last call is a claim, add no task after it: the store may have parked the account.
        let ends_with_claim = matches!(calls.last(), Some(Call::Claim(_)));
        let last = Some(submit(1)).filter(|_| !ends_with_claim);
        calls.into_iter().chain(last).map(|call| Step { at: 0, call }).collect()
    });
    let time = || 0..3_usize;
    let threads = prop_oneof![
        1 => vec(vec((time(), concurrent_call()), 1..5), 2..4),
        2 => vec(vec((time(), contended_call()), 1..3), 2..4),
    ];
    (concurrent_limits(), first, select(&TIMES[..]), threads).prop_map(
        |(limits, steps, times, threads)| {
            let step = |(time, call): (usize, _)| Step { at: times[time], call };
            let threads = threads.into_iter().map(|calls| calls.into_iter().map(step).collect());
            History { limits, steps, threads: threads.collect(), schedule: None }
        },
    )
}

/// Generates such histories with a schedule, so that they run on one thread in a deterministic
/// order.
pub(in crate::testing) fn interleaved() -> impl Strategy<Value = History> {
    (concurrent(), schedules()).prop_map(|(history, schedule)| history.interleaved(schedule))
}

/// Generates schedules of three threads. A thread runs a few times in a row before another does.
fn schedules() -> impl Strategy<Value = Vec<u8>> {
    let runs = vec((0..3_u8, 1..6_usize), 0..10);
    runs.prop_map(|runs| {
        runs.into_iter().flat_map(|(thread, times)| core::iter::repeat_n(thread, times)).collect()
    })
}

fn concurrent_limits() -> impl Strategy<Value = Limits> {
    let limit = || option::weighted(0.4, 1..3_usize);
    let lane = option::weighted(0.4, 1..3_u32);
    let takeover = option::weighted(0.2, Just(SECOND.unsigned_abs()));
    (lane, limit(), limit(), takeover, counted_froms()).prop_map(
        |(max_in_progress, max_open, max_tasks, takeover_after_nanos, counted_from)| Limits {
            retention_nanos: Some(PERIOD),
            counted_from,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_after_nanos,
            max_attempts: None,
            ..Limits::default()
        },
    )
}

/// Generates calls that contend for one task. Most of them try to change it.
fn contended_call() -> impl Strategy<Value = Call> {
    let (account, expected) = (0, ExpectedRevision::Any);
    let id = || prop_oneof![5 => Just(1_u16), 1 => Just(2)];
    let event =
        select(&[Event::Start, Event::Start, Event::Report, Event::Complete, Event::Receive][..]);
    let list = Call::List { account, limit: 10, filter: Filter::default(), after: None };
    prop_oneof![
        3 => id().prop_map(move |id| Call::Get { account, id }),
        4 => (id(), event)
            .prop_map(move |(id, event)| Call::Apply { account, id, expected, event }),
        1 => any::<bool>().prop_map(move |own| Call::Claim(Some(account).filter(|_| own))),
        2 => id().prop_map(move |id| Call::Submit { account, id, request: Request::NoInput }),
        1 => Just(list),
        1 => Just(Call::Sweep { limit: 100 }),
    ]
}

/// Generates any calls on a few tasks.
fn concurrent_call() -> impl Strategy<Value = Call> {
    let account = || Just(0_u16);
    let id = || prop_oneof![4 => Just(1_u16), 2 => Just(2), 1 => 3..6_u16];
    let limit = 1..4_usize;
    prop_oneof![
        4 => (account(), id(), requests())
            .prop_map(|(account, id, request)| Call::Submit { account, id, request }),
        5 => (account(), id(), expected_revisions(), any_event())
            .prop_map(|(account, id, expected, event)| Call::Apply { account, id, expected, event }),
        2 => select(&[Some(0), None][..]).prop_map(Call::Claim),
        1 => select(&[100, 1][..]).prop_map(|limit| Call::Sweep { limit }),
        3 => (account(), id()).prop_map(|(account, id)| Call::Get { account, id }),
        1 => (account(), limit).prop_map(|(account, limit)| Call::List {
            account, limit, filter: Filter::default(), after: None,
        }),
    ]
}
