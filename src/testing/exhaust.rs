//! Small worlds: every history of a few calls, over the least that can go wrong.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::history::{Call, Event, Filter, Guard, History, Limits, Request, Step};
use crate::retention::CountedFrom;

/// The instants of a small world, in nanoseconds: what is submitted at the first expires at the last, and
/// falls silent there.
const INSTANTS: [i64; 3] = [0, 1, 2];
const RETENTION: i64 = 2;
const SILENCE: u64 = 1;

const ACCOUNTS: u16 = 2;
const IDS: u16 = 2;

/// No limit at all, each of the smallest limits, and all of them together.
pub(super) fn worlds() -> impl Iterator<Item = History> {
    let plain = Limits { retention_nanos: Some(RETENTION), ..Limits::default() };
    let silent = Limits { takeover_nanos: Some(SILENCE), ..plain };
    let worlds = [
        plain,
        Limits { counted_from: CountedFrom::Update, ..plain },
        Limits { counted_from: CountedFrom::End, ..plain },
        Limits { max_tasks: Some(1), ..plain },
        Limits { max_tasks: Some(2), ..plain },
        Limits { max_open: Some(1), ..plain },
        Limits { max_in_progress: Some(1), ..plain },
        silent,
        Limits { max_attempts: Some(1), max_in_progress: Some(1), ..silent },
        Limits {
            counted_from: CountedFrom::Update,
            max_tasks: Some(2),
            max_open: Some(1),
            max_in_progress: Some(1),
            ..silent
        },
    ];
    worlds.into_iter().map(|limits| History { limits, ..History::default() })
}

/// Gives each history that has up to `length` calls more, the shorter first, until one is a breach.
///
/// Accounts, ids and times that only change places make no other history: an account and an id is called
/// only when the ones before have been, and some call is at the first instant.
pub(super) fn each<B>(
    length: usize,
    world: &History,
    visit: &mut impl FnMut(&History) -> Option<B>,
) -> Option<B> {
    (1..=length).find_map(|length| extended(length, &mut world.clone(), visit))
}

fn extended<B>(
    more: usize,
    history: &mut History,
    visit: &mut impl FnMut(&History) -> Option<B>,
) -> Option<B> {
    if more == 0 {
        let is_first_of_its_kind = history.steps.iter().any(|step| step.at == INSTANTS[0]);
        return is_first_of_its_kind.then(|| visit(history)).flatten();
    }
    for call in calls(&history.steps) {
        for at in INSTANTS {
            history.steps.push(Step { at, call: call.clone() });
            let found = extended(more - 1, history, visit);
            history.steps.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// The calls that change something, of accounts and ids that have been called, and of one more.
fn calls(before: &[Step]) -> Vec<Call> {
    const REQUESTS: [Request; 3] = [Request::Plain, Request::Initialized, Request::OtherCommand];
    const EVENTS: [Event; 3] = [Event::Receive, Event::Start, Event::Complete];
    let mut calls =
        Vec::from([Call::Claim(None), Call::Sweep { limit: 0 }, Call::Sweep { limit: 1 }]);
    let called = |account| before.iter().any(|step| account_of(&step.call) == Some(account));
    let accounts = (0..ACCOUNTS).filter(|account| *account == 0 || called(account - 1));
    for account in accounts {
        calls.push(Call::Claim(Some(account)));
        let called = |id| before.iter().any(|step| task_of(&step.call) == Some((account, id)));
        for id in (1..=IDS).filter(|id| *id == 1 || called(id - 1)) {
            calls.extend(REQUESTS.map(|request| Call::Submit { account, id, request }));
            let guard = Guard::Latest;
            calls.extend(EVENTS.map(|event| Call::Apply { account, id, guard, event }));
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

/// The history, and then all reads, by the clock of each instant.
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
