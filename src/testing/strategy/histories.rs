//! Random histories.

use alloc::vec::Vec;
use core::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::retention::CountedFrom;
use crate::status::TaskStatus;
use crate::testing::history::{
    Call, Event, ExpectedRevision, Filter, History, Limits, Request, Step,
};
use crate::testing::law::Law;

/// Generates histories of a store with several accounts and the clocks of two servers.
pub fn histories() -> impl Strategy<Value = History> {
    histories_for(Law::Methods)
}

/// Generates histories with more of the calls that a law is about.
pub fn histories_for(law: Law) -> impl Strategy<Value = History> {
    random(law, 1..40)
}

/// Generates histories with this many random calls, after a backlog.
pub(super) fn random(law: Law, count: Range<usize>) -> impl Strategy<Value = History> {
    let steps = vec((ticks(), any::<bool>(), calls(law)), count);
    (limits(law), skews(), backlog(), steps).prop_map(|(limits, skew, backlog, steps)| {
        let times = run_clocks(skew, steps.iter().map(|(tick, server, _)| (*tick, *server)));
        let calls = steps.into_iter().map(|(_, _, call)| call);
        let steps = times.into_iter().zip(calls).map(|(at, call)| Step { at, call });
        let steps = backlog.into_iter().map(|call| Step { at: 0, call }).chain(steps).collect();
        History { limits, steps, threads: Vec::new(), schedule: None }
    })
}

/// Generates the submissions at the beginning of a history: often none, else some tasks of two
/// accounts.
fn backlog() -> impl Strategy<Value = Vec<Call>> {
    let submit = (0..2_u16, 1..6_u16, requests());
    let submits =
        vec(submit.prop_map(|(account, id, request)| Call::Submit { account, id, request }), 3..8);
    // More tasks than fit on most pages.
    let many = (9..16_u16).prop_map(|count| {
        let submit = |id| Call::Submit { account: 0, id, request: Request::NoInput };
        (1..=count).map(submit).collect()
    });
    prop_oneof![12 => Just(Vec::new()), 6 => submits, 1 => many]
}

pub(super) const SECOND: i64 = 1_000_000_000;

/// The usual retention. It is short, so that tasks expire within a few calls.
pub(super) const PERIOD: i64 = 10 * SECOND;

/// Generates how far a clock advances between two calls. Values shrink to the first one.
pub(super) fn ticks() -> impl Strategy<Value = i64> {
    let usual = select(&[0, 0, 0, SECOND, 1, 3 * SECOND][..]);
    let jumps = select(&[PERIOD, PERIOD - 1, PERIOD + 1, -SECOND, -1, -4 * SECOND, -PERIOD][..]);
    prop_oneof![4 => usual, 1 => jumps]
}

/// Generates the difference between the second server's clock and the first.
pub(super) fn skews() -> impl Strategy<Value = i64> {
    select(&[0, SECOND, -5 * SECOND, PERIOD][..])
}

/// Returns the time of each call. The flag of a tick says whether the call is on the second server.
pub(super) fn run_clocks(skew: i64, ticks: impl Iterator<Item = (i64, bool)>) -> Vec<i64> {
    let mut at = 0;
    let readings = ticks.map(|(tick, is_second_server)| {
        at += tick;
        at + if is_second_server { skew } else { 0 }
    });
    readings.collect()
}

/// Generates the instant from which the retention is counted.
pub(super) fn counted_froms() -> impl Strategy<Value = CountedFrom> {
    use CountedFrom::{End, Submission, Update};
    prop_oneof![6 => Just(Submission), 2 => Just(Update), 2 => Just(End)]
}

fn limits(law: Law) -> impl Strategy<Value = Limits> {
    // Most histories for a law about a limit have that limit.
    let weight = |is_about_limit: bool| if is_about_limit { 0.9 } else { 0.2 };
    let max_tasks = option::weighted(weight(law == Law::S7), 1..6_usize);
    let max_open = option::weighted(weight(law == Law::Methods), 0..4_usize);
    let lane = option::weighted(weight(law == Law::S12), 1..3_u32);
    let takeover = prop_oneof![Just(SECOND.unsigned_abs()), Just(3 * SECOND.unsigned_abs())];
    let takeover = option::weighted(if law == Law::Methods { 0.6 } else { 0.3 }, takeover);
    // Most tasks expire during the history; some only after `i64::MAX` nanoseconds, 292 years.
    let retention = prop_oneof![15 => Just(PERIOD), 1 => Just(i64::MAX)];
    let takeover = (takeover, option::weighted(0.5, 1..3_u32));
    let output = option::weighted(0.15, select(&[0, 12, 40, 60][..]));
    let sizes = (output, prop::bool::weighted(0.2));
    (retention, counted_froms(), max_tasks, max_open, lane, takeover, sizes).prop_map(
        |(retention, counted_from, max_tasks, max_open, max_in_progress, takeover, sizes)| Limits {
            retention_nanos: Some(retention),
            counted_from,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_after_nanos: takeover.0,
            max_attempts: takeover.1,
            max_output: sizes.0,
            drops_input_at_end: sizes.1,
        },
    )
}

pub(super) fn calls(law: Law) -> impl Strategy<Value = Call> {
    let weight = |laws: &[Law]| if laws.contains(&law) { 6 } else { 1 };
    // Few accounts and ids, so that several calls meet at each task.
    let account = || prop_oneof![6 => Just(0), 2 => 1..3_u16, 1 => 3..5_u16];
    let id = || prop_oneof![6 => Just(1), 3 => 2..4_u16, 1 => 4..12_u16];
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
        4 + 2 * weight(&[Law::S9, Law::S10]) => (account(), id(), expected_revisions(), any_event())
            .prop_map(|(account, id, expected, event)| Call::Apply { account, id, expected, event }),
        2 + weight(&[Law::Methods, Law::S12]) => option::weighted(0.4, account()).prop_map(Call::Claim),
        2 + weight(&[Law::S6, Law::S8]) =>
            (account(), id()).prop_map(|(account, id)| Call::Get { account, id }),
        1 + weight(&[Law::S1, Law::S2, Law::S5]) =>
            (account(), size(), filter(), option::weighted(0.4, 0..3_usize)).prop_map(
                |(account, limit, filter, after)| Call::List { account, limit, filter, after }),
        weight(&[Law::S3, Law::S5]) => (account(), size(), filter())
            .prop_map(|(account, limit, filter)| Call::ListAll { account, limit, filter }),
        weight(&[Law::S4]) =>
            (0..2_u16, 1..3_usize).prop_map(|(account, limit)| Call::NextPage { account, limit }),
        1 + weight(&[Law::S6, Law::S7]) => prop_oneof![1 => Just(100), 1 => 0..3_usize]
            .prop_map(|limit| Call::Sweep { limit }),
    ]
}

pub(super) fn requests() -> impl Strategy<Value = Request> {
    let other = select(&Request::ALL[..]);
    prop_oneof![1 => Just(Request::NoInput), 1 => other]
}

pub(super) fn expected_revisions() -> impl Strategy<Value = ExpectedRevision> {
    prop_oneof![3 => Just(ExpectedRevision::Any), 1 => Just(ExpectedRevision::Current), 1 => Just(ExpectedRevision::Previous)]
}

pub(super) fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Start),
        2 => Just(Event::Complete),
        1 => Just(Event::Fail),
        2 => Just(Event::Progress),
        4 => select(&Event::ALL[..]),
    ]
}
