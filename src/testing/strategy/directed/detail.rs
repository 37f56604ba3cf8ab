//! The random part of a directed history.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::status::TaskStatus;
use crate::testing::history::{Call, Event, ExpectedRevision, Filter, Request};
use crate::testing::law::Law;
use crate::testing::strategy::histories::{SECOND, any_event, calls, expected_revisions, requests};

/// The generated details of entering a state once, and of the calls in it.
#[derive(Clone, Debug)]
pub(super) struct Detail {
    /// The difference between the caller's clock and the true time at the directed call.
    pub(super) skew: i64,
    /// The account that is in the state and makes the directed call.
    pub(super) account: u16,
    /// The task of the directed call, among those that were submitted on the way into the state.
    pub(super) task: u16,
    /// What is submitted on the way into the state.
    pub(super) request: Request,
    /// What is submitted in the state.
    pub(super) directed_request: Request,
    pub(super) expected: ExpectedRevision,
    pub(super) event: Event,
    pub(super) limit: usize,
    pub(super) filter: Filter,
    pub(super) after: Option<usize>,
    pub(super) sweep: usize,
    /// The calls that follow, each with the difference between its caller's clock and the true
    /// time.
    pub(super) following: Vec<(i64, Call)>,
}

pub(super) fn detail(law: Law) -> impl Strategy<Value = Detail> {
    let skew =
        || prop_oneof![5 => Just(0), 3 => select(&[-1, 1, -SECOND, -3 * SECOND, SECOND][..])];
    let account = prop_oneof![5 => Just(0_u16), 1 => Just(1)];
    let status_weight = if law == Law::S5 { 0.6 } else { 0.3 };
    let usual = select(&[TaskStatus::Received, TaskStatus::ProcessingInProgress][..]);
    let status = prop_oneof![3 => usual, 1 => any::<TaskStatus>()];
    let status = || option::weighted(status_weight, status.clone());
    let since_page = option::weighted(0.3, 0..2_usize);
    let filter = (status(), status(), since_page)
        .prop_map(|(status, or_status, since_page)| Filter { status, or_status, since_page });
    let list = (1..4_usize, filter, option::weighted(0.4, 0..2_usize));
    let following = vec((skew(), prop_oneof![2 => Just(Call::Claim(None)), 3 => calls(law)]), 0..3);
    let event = (expected_revisions(), any_event());
    let requests = (requests(), requests());
    (skew(), account, 0..3_u16, requests, event, list, select(&[0, 1, 100][..]), following)
        .prop_map(
            |(
                skew,
                account,
                task,
                (request, directed_request),
                (expected, event),
                list,
                sweep,
                following,
            )| {
                let (limit, filter, after) = list;
                Detail {
                    skew,
                    account,
                    task,
                    request,
                    directed_request,
                    expected,
                    event,
                    limit,
                    filter,
                    after,
                    sweep,
                    following,
                }
            },
        )
}

impl Detail {
    /// Returns the filter for reading changes page by page, in some details: all changes, or only
    /// those of received tasks.
    pub(super) fn changes_filter(&self) -> Option<Filter> {
        let status = self.filter.status.map(|_| TaskStatus::Received);
        self.after.map(|_| Filter { status, or_status: None, since_page: Some(0) })
    }
}
