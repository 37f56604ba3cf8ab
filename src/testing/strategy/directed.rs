//! Directed histories: they bring a store into a state that random calls seldom reach, and make a
//! call in it.

mod detail;
mod script;

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::histories::{PERIOD, SECOND, histories_for};
use super::large::{large, long};
use crate::retention::CountedFrom;
use crate::testing::coverage::{Method, StoreState};
use crate::testing::history::{History, Limits};
use crate::testing::law::Law;

use detail::detail;
use script::Script;

/// Generates the history with a number in a run of the suite.
///
/// Five of eight histories are directed and the others random. One of 32 is large. One of 512 is
/// very large, and another one of 512 has thousands of calls.
pub(in crate::testing) fn numbered(law: Law, number: u32) -> BoxedStrategy<History> {
    match number % 8 {
        _ if number % 512 == 127 => large(law, 2_100..3_000).boxed(),
        _ if number % 512 == 255 => long(law).boxed(),
        _ if number % 32 == 31 => large(law, 41..140).boxed(),
        5.. => histories_for(law).boxed(),
        remainder => directed(law, number / 8 * 5 + remainder).boxed(),
    }
}

/// Generates histories that enter the same state once for each method, and call the method in it.
/// Successive numbers go through all states.
fn directed(law: Law, number: u32) -> impl Strategy<Value = History> {
    let state = StoreState::ALL[number as usize % StoreState::ALL.len()];
    let details = vec(detail(law), Method::ALL.len());
    (limits(state), details).prop_map(move |(limits, details)| {
        let mut script = Script::new();
        for (method, detail) in Method::ALL.into_iter().zip(details) {
            script.enter(state, &detail);
            script.call(method, state, &detail);
            script.leave(state, detail);
        }
        History { limits, steps: script.into_steps(), threads: Vec::new(), schedule: None }
    })
}

/// Generates limits under which a store can be in the state.
fn limits(state: StoreState) -> impl Strategy<Value = Limits> {
    let needs_lane = matches!(
        state,
        StoreState::IdReused | StoreState::Parked | StoreState::LaneFull | StoreState::HorizonAhead
    );
    let needs_takeover = state == StoreState::TakenOver;
    let takeover_weight = if state == StoreState::Ended { 0.5 } else { 0.2 };
    let max_tasks = (state == StoreState::StoreFull).then_some(2);
    // If the state needs a full lane, one task has to fill it.
    let width = if needs_lane { Just(1).boxed() } else { (1..3_u32).boxed() };
    let lane = (prop::bool::weighted(0.3), width)
        .prop_map(move |(set, width)| (set || needs_lane).then_some(width));
    let takeover = prop::bool::weighted(takeover_weight)
        .prop_map(move |set| (set || needs_takeover).then_some(SECOND.unsigned_abs()));
    let can_limit_open = matches!(state, StoreState::StoreFull | StoreState::Ended);
    let open = prop::bool::ANY.prop_map(move |set| (set && can_limit_open).then_some(1));
    // Mostly from the submission, so that earlier tasks have expired when the state is entered
    // again.
    let counted_from = prop_oneof![
        12 => Just(CountedFrom::Submission),
        3 => Just(CountedFrom::Update),
        1 => Just(CountedFrom::End),
    ];
    // With one attempt, a silent task is given up instead of taken over.
    let min_attempts = if needs_takeover { 2_u32 } else { 1 };
    let attempts = option::weighted(0.3, min_attempts..min_attempts + 2);
    (lane, takeover, counted_from, open, attempts, prop::bool::weighted(0.2)).prop_map(
        move |(
            max_in_progress,
            takeover_after_nanos,
            counted_from,
            max_open,
            max_attempts,
            drops_input_at_end,
        )| Limits {
            retention_nanos: Some(PERIOD),
            counted_from,
            max_tasks,
            max_open,
            max_in_progress,
            takeover_after_nanos,
            max_attempts,
            max_output: None,
            drops_input_at_end,
        },
    )
}
