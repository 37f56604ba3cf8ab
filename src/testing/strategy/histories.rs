//! Histories of a store: what is called, when, under which limits.

use alloc::vec::Vec;
use core::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::retention::CountedFrom;
use crate::status::TaskStatus;
use crate::testing::history::{Call, Event, Filter, Guard, History, Limits, Request, Step};
use crate::testing::law::Law;

/// Histories of a store over several accounts, on two servers' clocks.
pub fn histories() -> impl Strategy<Value = History> {
    histories_for(Law::Methods)
}

/// Histories with more of the calls that a law is about.
pub fn histories_for(law: Law) -> impl Strategy<Value = History> {
    random(law, 1..40)
}

/// Histories with so many random calls.
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

/// What has been submitted when a history begins: often nothing, else some tasks of two accounts.
fn backlog() -> impl Strategy<Value = Vec<Call>> {
    let submit = (0..2_u16, 1..6_u16, requests());
    let submits =
        vec(submit.prop_map(|(account, id, request)| Call::Submit { account, id, request }), 3..8);
    // More than fit on a page, or into what a store might think of as all.
    let many = (9..16_u16).prop_map(|count| {
        let submit = |id| Call::Submit { account: 0, id, request: Request::Plain };
        (1..=count).map(submit).collect()
    });
    prop_oneof![12 => Just(Vec::new()), 6 => submits, 1 => many]
}

pub(super) const SECOND: i64 = 1_000_000_000;

/// The retention of histories: short, so that tasks expire in the course of a few calls.
pub(super) const PERIOD: i64 = 10 * SECOND;

/// How far a clock runs between two calls. The first is the simplest.
pub(super) fn ticks() -> impl Strategy<Value = i64> {
    let usual = select(&[0, 0, 0, SECOND, 1, 3 * SECOND][..]);
    let jumps = select(&[PERIOD, PERIOD - 1, PERIOD + 1, -SECOND, -1, -4 * SECOND, -PERIOD][..]);
    prop_oneof![4 => usual, 1 => jumps]
}

/// By how much the second server's clock is off.
pub(super) fn skews() -> impl Strategy<Value = i64> {
    select(&[0, SECOND, -5 * SECOND, PERIOD][..])
}

pub(super) fn run_clocks(skew: i64, ticks: impl Iterator<Item = (i64, bool)>) -> Vec<i64> {
    let mut at = 0;
    let readings = ticks.map(|(tick, other)| {
        at += tick;
        at + if other { skew } else { 0 }
    });
    readings.collect()
}

/// From when the retention is counted.
pub(super) fn counted_froms() -> impl Strategy<Value = CountedFrom> {
    use CountedFrom::{End, Submission, Update};
    prop_oneof![6 => Just(Submission), 2 => Just(Update), 2 => Just(End)]
}

fn limits(law: Law) -> impl Strategy<Value = Limits> {
    // Where a law is about a limit, it is there most of the time.
    let often = |often: bool| if often { 0.9 } else { 0.2 };
    let max_tasks = option::weighted(often(law == Law::S7), 1..6_usize);
    let max_open = option::weighted(often(law == Law::Methods), 0..4_usize);
    let lane = option::weighted(often(law == Law::S12), 1..3_u32);
    let silence = prop_oneof![Just(SECOND.unsigned_abs()), Just(3 * SECOND.unsigned_abs())];
    let silence = option::weighted(if law == Law::Methods { 0.6 } else { 0.3 }, silence);
    // Most tasks expire in the course of a history; some when 64 bits of nanoseconds have ended.
    let retention = prop_oneof![15 => Just(PERIOD), 1 => Just(i64::MAX)];
    let silence = (silence, option::weighted(0.5, 1..3_u32));
    let output = option::weighted(0.15, select(&[0, 12, 40, 60][..]));
    let texts = (output, prop::bool::weighted(0.2));
    (retention, counted_froms(), max_tasks, max_open, lane, silence, texts).prop_map(
        |(retention, counted_from, max_tasks, max_open, max_in_progress, silence, texts)| Limits {
            retention_nanos: Some(retention),
            counted_from,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_nanos: silence.0,
            max_attempts: silence.1,
            max_output: texts.0,
            input_until_end: texts.1,
        },
    )
}

pub(super) fn calls(law: Law) -> impl Strategy<Value = Call> {
    let more = |laws: &[Law]| if laws.contains(&law) { 6 } else { 1 };
    // Few of them, so that much happens to each.
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
        4 + 2 * more(&[Law::S9, Law::S10]) => (account(), id(), guards(), any_event())
            .prop_map(|(account, id, guard, event)| Call::Apply { account, id, guard, event }),
        2 + more(&[Law::Methods, Law::S12]) => option::weighted(0.4, account()).prop_map(Call::Claim),
        2 + more(&[Law::S6, Law::S8]) =>
            (account(), id()).prop_map(|(account, id)| Call::Get { account, id }),
        1 + more(&[Law::S1, Law::S2, Law::S5]) =>
            (account(), size(), filter(), option::weighted(0.4, 0..3_usize)).prop_map(
                |(account, limit, filter, after)| Call::List { account, limit, filter, after }),
        more(&[Law::S3, Law::S5]) => (account(), size(), filter())
            .prop_map(|(account, limit, filter)| Call::ListAll { account, limit, filter }),
        more(&[Law::S4]) =>
            (0..2_u16, 1..3_usize).prop_map(|(account, limit)| Call::Walk { account, limit }),
        1 + more(&[Law::S6, Law::S7]) => prop_oneof![1 => Just(100), 1 => 0..3_usize]
            .prop_map(|limit| Call::Sweep { limit }),
    ]
}

pub(super) fn requests() -> impl Strategy<Value = Request> {
    let other = select(&Request::ALL[..]);
    prop_oneof![1 => Just(Request::Plain), 1 => other]
}

pub(super) fn guards() -> impl Strategy<Value = Guard> {
    prop_oneof![3 => Just(Guard::Latest), 1 => Just(Guard::Current), 1 => Just(Guard::Previous)]
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
