//! Histories with many tasks or many calls.

use alloc::vec::Vec;
use core::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::histories::{any_event, calls, random};
use crate::testing::history::{
    Call, Event, ExpectedRevision, Filter, History, Limits, Request, Step,
};
use crate::testing::law::Law;

/// Generates histories with many tasks, most of them of one account.
///
/// After the submissions, pages with limits up to 10,000 are read while some of the tasks change.
pub(super) fn large(law: Law, counts: Range<u16>) -> impl Strategy<Value = History> {
    let accounts = prop_oneof![4 => Just(1), 1 => 2..40_u16];
    // How many tasks are submitted at the same instant.
    let same_instant = select(&[i64::MAX, 16, 1][..]);
    let rest = vec(prop_oneof![1 => pages(counts.end), 1 => changes(law, counts.end)], 1..12);
    (counts, accounts, same_instant, rest).prop_map(|(count, accounts, same_instant, rest)| {
        // Every other task is of the first account.
        let account = |id: u16| if id.is_multiple_of(2) { id / 2 % accounts } else { 0 };
        let submits = (1..=count).map(|id| {
            let call = Call::Submit { account: account(id), id, request: Request::NoInput };
            Step { at: i64::from(id) / same_instant, call }
        });
        let end = i64::from(count);
        let (account, filter) = (0, Filter::default());
        let everything = [
            Call::ListAll { account, limit: 1_000, filter },
            Call::List { account, limit: 10_000, filter, after: None },
        ];
        let rest =
            rest.into_iter().chain(everything).zip(end..).map(|(call, at)| Step { at, call });
        history(Limits::default(), submits.chain(rest).collect())
    })
}

/// Generates reads of one page or of all pages, with limits from 1 to 10,000.
fn pages(max_tasks: u16) -> impl Strategy<Value = Call> {
    // Limits at which stores may have a bound of their own.
    let bounds =
        select(&[40, 41, 50, 64, 99, 100, 101, 128, 255, 256, 500, 999, 1_000, 10_000][..]);
    let max_tasks = usize::from(max_tasks);
    let sizes = prop_oneof![1 => bounds, 1 => 1..=1_000_usize];
    let after = option::weighted(0.3, 0..3_usize);
    prop_oneof![
        4 => (sizes, after).prop_map(|(limit, after)| {
            Call::List { account: 0, limit, filter: Filter::default(), after }
        }),
        1 => (max_tasks / 8..=1_000).prop_map(|limit| {
            Call::ListAll { account: 0, limit, filter: Filter::default() }
        }),
    ]
}

/// Generates calls that may change a task.
fn changes(law: Law, max_tasks: u16) -> impl Strategy<Value = Call> {
    let apply = |(id, event): (u16, Event)| {
        let account = if id.is_multiple_of(2) { id / 2 % 2 } else { 0 };
        Call::Apply { account, id, expected: ExpectedRevision::Any, event }
    };
    prop_oneof![
        3 => (1..max_tasks, any_event()).prop_map(apply),
        1 => calls(law),
    ]
}

/// Generates histories with 1,000 to 3,000 calls, in which many tasks are submitted, changed and
/// dropped.
pub(super) fn long(law: Law) -> impl Strategy<Value = History> {
    random(law, 1_000..3_000)
}

fn history(limits: Limits, steps: Vec<Step>) -> History {
    History { limits, steps, threads: Vec::new(), schedule: None }
}
