//! Exhaustive checks: every history of a few calls, in small configurations.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::history::{Call, Event, ExpectedRevision, Filter, History, Limits, Request, Step};
use crate::retention::CountedFrom;

/// The instants of the calls, in nanoseconds. A task submitted at the first instant expires at the
/// last. A worker that starts a task at the first instant is silent at the last.
const INSTANTS: [i64; 3] = [0, 1, 2];
const RETENTION: i64 = 2;
const TAKEOVER_AFTER: u64 = 1;

const ACCOUNTS: u16 = 2;
const IDS: u16 = 2;

/// Returns the configurations: without limits, with the smallest value of each limit, and with all
/// of them together.
pub(super) fn configurations() -> impl Iterator<Item = History> {
    let plain = Limits { retention_nanos: Some(RETENTION), ..Limits::default() };
    let takeover = Limits { takeover_after_nanos: Some(TAKEOVER_AFTER), ..plain };
    let configurations = [
        plain,
        Limits { counted_from: CountedFrom::Update, ..plain },
        Limits { counted_from: CountedFrom::End, ..plain },
        Limits { max_tasks: Some(1), ..plain },
        Limits { max_tasks: Some(2), ..plain },
        Limits { max_open: Some(1), ..plain },
        Limits { max_in_progress: Some(1), ..plain },
        takeover,
        Limits { max_attempts: Some(1), max_in_progress: Some(1), ..takeover },
        Limits {
            counted_from: CountedFrom::Update,
            max_tasks: Some(2),
            max_open: Some(1),
            max_in_progress: Some(1),
            ..takeover
        },
    ];
    configurations.into_iter().map(|limits| History { limits, ..History::default() })
}

/// Calls `check` with every history of up to `length` calls, shorter ones first, until it returns
/// something.
///
/// Histories that differ only in the numbers of accounts or ids, or by a shift of all instants, are
/// checked once: an account or id is used only after all lower ones, and at least one call is at
/// the first instant.
pub(super) fn find_first<T>(
    length: usize,
    configuration: &History,
    check: &mut impl FnMut(&History) -> Option<T>,
) -> Option<T> {
    (1..=length).find_map(|length| extend(length, &mut configuration.clone(), check))
}

fn extend<T>(
    remaining: usize,
    history: &mut History,
    check: &mut impl FnMut(&History) -> Option<T>,
) -> Option<T> {
    if remaining == 0 {
        let begins_at_first_instant = history.steps.iter().any(|step| step.at == INSTANTS[0]);
        return if begins_at_first_instant { check(history) } else { None };
    }
    for call in calls(&history.steps) {
        for at in INSTANTS {
            history.steps.push(Step { at, call: call.clone() });
            let found = extend(remaining - 1, history, check);
            history.steps.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// Returns the calls that can change something, on each account and id used so far and the next
/// one.
fn calls(before: &[Step]) -> Vec<Call> {
    const REQUESTS: [Request; 3] =
        [Request::NoInput, Request::Initialized, Request::OtherCommandType];
    const EVENTS: [Event; 3] = [Event::Receive, Event::Start, Event::Complete];
    let mut calls =
        Vec::from([Call::Claim(None), Call::Sweep { limit: 0 }, Call::Sweep { limit: 1 }]);
    let is_used = |account| before.iter().any(|step| account_of(&step.call) == Some(account));
    let accounts = (0..ACCOUNTS).filter(|account| *account == 0 || is_used(account - 1));
    for account in accounts {
        calls.push(Call::Claim(Some(account)));
        let is_used = |id| before.iter().any(|step| task_of(&step.call) == Some((account, id)));
        for id in (1..=IDS).filter(|id| *id == 1 || is_used(id - 1)) {
            calls.extend(REQUESTS.map(|request| Call::Submit { account, id, request }));
            let expected = ExpectedRevision::Any;
            calls.extend(EVENTS.map(|event| Call::Apply { account, id, expected, event }));
        }
    }
    calls
}

fn task_of(call: &Call) -> Option<(u16, u16)> {
    match call {
        Call::Submit { account, id, .. } | Call::Apply { account, id, .. } => Some((*account, *id)),
        _ => None,
    }
}

fn account_of(call: &Call) -> Option<u16> {
    match call {
        Call::Claim(account) => *account,
        call => task_of(call).map(|(account, _)| account),
    }
}

/// Appends a read of every task and list at each instant.
pub(super) fn with_reads(history: &History) -> Box<History> {
    let mut history = Box::new(history.clone());
    let mut tasks: Vec<(u16, u16)> =
        history.steps.iter().filter_map(|step| task_of(&step.call)).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let mut accounts: Vec<u16> = tasks.iter().map(|(account, _)| *account).collect();
    accounts.dedup();
    for at in INSTANTS {
        let gets = tasks.iter().map(|(account, id)| Call::Get { account: *account, id: *id });
        let lists = accounts.iter().map(|account| {
            let (account, limit, filter) = (*account, 1, Filter::default());
            Call::ListAll { account, limit, filter }
        });
        history.steps.extend(gets.chain(lists).map(|call| Step { at, call }));
    }
    history
}
