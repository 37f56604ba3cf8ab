//! Histories with many tasks, and those with many calls.

use alloc::vec::Vec;
use core::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::histories::{any_event, calls, random};
use crate::testing::history::{Call, Event, Filter, Guard, History, Limits, Request, Step};
use crate::testing::law::Law;

/// So many tasks, most of one account, and then pages of every size, up to the limit of
/// [`Replies`](crate::http::Replies), while some of the tasks change.
pub(super) fn large(law: Law, counts: Range<u16>) -> impl Strategy<Value = History> {
    let accounts = prop_oneof![4 => Just(1), 1 => 2..40_u16];
    let together = select(&[i64::MAX, 16, 1][..]);
    let rest = vec(prop_oneof![1 => pages(counts.end), 1 => changes(law, counts.end)], 1..12);
    (counts, accounts, together, rest).prop_map(|(count, accounts, together, rest)| {
        // Every other one is the first account's.
        let account = |id: u16| if id.is_multiple_of(2) { id / 2 % accounts } else { 0 };
        let submits = (1..=count).map(|id| {
            let call = Call::Submit { account: account(id), id, request: Request::Plain };
            Step { at: i64::from(id) / together, call }
        });
        let end = i64::from(count);
        let (account, filter) = (0, Filter::default());
        let all = [
            Call::ListAll { account, limit: 1_000, filter },
            Call::List { account, limit: 10_000, filter, after: None },
        ];
        let rest = rest.into_iter().chain(all).zip(end..).map(|(call, at)| Step { at, call });
        history(Limits::default(), submits.chain(rest).collect())
    })
}

/// Pages, and all pages, from one to more than anyone asks for.
fn pages(most: u16) -> impl Strategy<Value = Call> {
    let borders =
        select(&[40, 41, 50, 64, 99, 100, 101, 128, 255, 256, 500, 999, 1_000, 10_000][..]);
    let most = usize::from(most);
    let sizes = prop_oneof![1 => borders, 1 => 1..=1_000_usize];
    let after = option::weighted(0.3, 0..3_usize);
    prop_oneof![
        4 => (sizes, after).prop_map(|(limit, after)| {
            Call::List { account: 0, limit, filter: Filter::default(), after }
        }),
        1 => (most / 8..=1_000).prop_map(|limit| {
            Call::ListAll { account: 0, limit, filter: Filter::default() }
        }),
    ]
}

fn changes(law: Law, most: u16) -> impl Strategy<Value = Call> {
    let apply = |(id, event): (u16, Event)| {
        let account = if id.is_multiple_of(2) { id / 2 % 2 } else { 0 };
        Call::Apply { account, id, guard: Guard::Latest, event }
    };
    prop_oneof![
        3 => (1..most, any_event()).prop_map(apply),
        1 => calls(law),
    ]
}

/// Some thousand calls, in the course of which tasks come, change and go many times.
pub(super) fn long(law: Law) -> impl Strategy<Value = History> {
    random(law, 1_000..3_000)
}

fn history(limits: Limits, steps: Vec<Step>) -> History {
    History { limits, steps, threads: Vec::new(), schedule: None }
}
