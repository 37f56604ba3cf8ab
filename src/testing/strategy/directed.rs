//! Histories that go where random ones seldom come: into a state, and then a call in it.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::histories::{PERIOD, SECOND, any_event, calls, guards, histories_for, requests};
use super::large::{large, long};
use crate::retention::CountedFrom;
use crate::status::TaskStatus;
use crate::testing::coverage::{Method, StoreState};
use crate::testing::history::{Call, Event, Filter, Guard, History, Limits, Request, Step};
use crate::testing::law::Law;

/// The history of this number in a run of the suite: five of eight are directed, the others random, and of
/// those a few are large, and very few huge or long.
pub(in crate::testing) fn numbered(law: Law, number: u32) -> BoxedStrategy<History> {
    match number % 8 {
        _ if number % 512 == 127 => large(law, 2_100..3_000).boxed(),
        _ if number % 512 == 255 => long(law).boxed(),
        _ if number % 32 == 31 => large(law, 41..140).boxed(),
        5.. => histories_for(law).boxed(),
        rest => directed(law, number / 8 * 5 + rest).boxed(),
    }
}

/// A history that goes seven times into one state, and calls another method in it each time. The numbers go
/// through all states.
fn directed(law: Law, number: u32) -> impl Strategy<Value = History> {
    let state = StoreState::ALL[number as usize % StoreState::ALL.len()];
    let details = vec(detail(law), Method::ALL.len());
    (limits(state), details).prop_map(move |(limits, details)| {
        let mut script = Script { at: 0, steps: Vec::new(), first: 1 };
        for (method, detail) in Method::ALL.into_iter().zip(details) {
            script.enter(state, &detail);
            script.call(method, state, &detail);
            script.end(state, detail);
        }
        History { limits, steps: script.steps, threads: Vec::new(), schedule: None }
    })
}

/// Under which limits a state can be.
fn limits(state: StoreState) -> impl Strategy<Value = Limits> {
    let needs_lane = matches!(
        state,
        StoreState::Replaced | StoreState::Parked | StoreState::LaneFull | StoreState::HorizonAhead
    );
    let needs_takeover = state == StoreState::TakenOver;
    let often_takeover = if state == StoreState::Ended { 0.5 } else { 0.2 };
    let full = (state == StoreState::StoreFull).then_some(2);
    // Where a state needs a full lane, one task fills it.
    let width = if needs_lane { Just(1).boxed() } else { (1..3_u32).boxed() };
    let lane = (prop::bool::weighted(0.3), width)
        .prop_map(move |(set, width)| (set || needs_lane).then_some(width));
    let silence = SECOND.unsigned_abs();
    let takeover = prop::bool::weighted(often_takeover)
        .prop_map(move |set| (set || needs_takeover).then_some(silence));
    let is_about_open = matches!(state, StoreState::StoreFull | StoreState::Ended);
    let open = prop::bool::ANY.prop_map(move |set| (set && is_about_open).then_some(1));
    // Mostly, what was there before has expired when the next state is entered.
    let counted_from = prop_oneof![
        12 => Just(CountedFrom::Submission),
        3 => Just(CountedFrom::Update),
        1 => Just(CountedFrom::End),
    ];
    // One attempt and a silence end a task; more are needed to take it over.
    let least = if needs_takeover { 2_u32 } else { 1 };
    let attempts = option::weighted(0.3, least..least + 2);
    (lane, takeover, counted_from, open, attempts, prop::bool::weighted(0.2)).prop_map(
        move |(
            max_in_progress,
            takeover_nanos,
            counted_from,
            max_open,
            max_attempts,
            until_end,
        )| Limits {
            retention_nanos: Some(PERIOD),
            counted_from,
            max_tasks: full,
            max_open,
            max_in_progress,
            takeover_nanos,
            max_attempts,
            max_output: None,
            input_until_end: until_end,
        },
    )
}

/// What is drawn for one way into a state, and for the calls in it.
#[derive(Clone, Debug)]
struct Detail {
    /// By how much the caller's clock is off at the directed call.
    skew: i64,
    /// The account of the directed call and of the state.
    account: u16,
    /// The task that the directed call is about, of those that the way into the state made.
    task: u16,
    /// What is submitted on the way, and what in the state.
    request: Request,
    again: Request,
    guard: Guard,
    event: Event,
    limit: usize,
    filter: Filter,
    after: Option<usize>,
    sweep: usize,
    /// Calls that follow, each by a clock that is off by so much.
    then: Vec<(i64, Call)>,
}

fn detail(law: Law) -> impl Strategy<Value = Detail> {
    let skew =
        || prop_oneof![5 => Just(0), 3 => select(&[-1, 1, -SECOND, -3 * SECOND, SECOND][..])];
    let account = prop_oneof![5 => Just(0_u16), 1 => Just(1)];
    let weight = if law == Law::S5 { 0.6 } else { 0.3 };
    let usual = select(&[TaskStatus::Received, TaskStatus::ProcessingInProgress][..]);
    let status = prop_oneof![3 => usual, 1 => any::<TaskStatus>()];
    let status = || option::weighted(weight, status.clone());
    let since_page = option::weighted(0.3, 0..2_usize);
    let filter = (status(), status(), since_page)
        .prop_map(|(status, or_status, since_page)| Filter { status, or_status, since_page });
    let list = (1..4_usize, filter, option::weighted(0.4, 0..2_usize));
    let then = vec((skew(), prop_oneof![2 => Just(Call::Claim(None)), 3 => calls(law)]), 0..3);
    let event = (guards(), any_event());
    let requests = (requests(), requests());
    (skew(), account, 0..3_u16, requests, event, list, select(&[0, 1, 100][..]), then).prop_map(
        |(skew, account, task, (request, again), (guard, event), list, sweep, then)| {
            let (limit, filter, after) = list;
            Detail {
                skew,
                account,
                task,
                request,
                again,
                guard,
                event,
                limit,
                filter,
                after,
                sweep,
                then,
            }
        },
    )
}

impl Detail {
    /// Which changes are asked for page by page, in some details: all, or those that are received.
    fn changes(&self) -> Option<Filter> {
        let status = self.filter.status.map(|_| TaskStatus::Received);
        self.after.map(|_| Filter { status, or_status: None, since_page: Some(0) })
    }
}

/// A history that is being written.
struct Script {
    /// The true time.
    at: i64,
    steps: Vec<Step>,
    /// The first of three ids that the current way into a state uses.
    first: u16,
}

impl Script {
    fn add(&mut self, call: Call) {
        self.steps.push(Step { at: self.at, call });
    }

    fn submit(&mut self, account: u16, task: u16, request: Request) {
        self.add(Call::Submit { account, id: self.first + task, request });
    }

    fn start(&mut self, account: u16, task: u16) {
        self.apply(account, task, Event::Start);
    }

    fn apply(&mut self, account: u16, task: u16, event: Event) {
        let (id, guard) = (self.first + task, Guard::Latest);
        self.add(Call::Apply { account, id, guard, event });
    }

    /// Goes into a state. What was there before has expired by then.
    fn enter(&mut self, state: StoreState, detail: &Detail) {
        let account = detail.account;
        match state {
            StoreState::ExpiredUnswept => {
                self.submit(account, 0, Request::Plain);
                self.at += PERIOD / 2;
                self.submit(account, 1, detail.request);
                self.at += PERIOD / 2 + 1;
            }
            StoreState::Replaced => {
                self.wait_for_the_lane(account);
                self.at += PERIOD / 2;
                let begin = if detail.task == 0 { Request::Initialized } else { Request::Plain };
                self.submit(account, 0, begin);
            }
            StoreState::Parked => self.wait_for_the_lane(account),
            StoreState::LaneFull => {
                self.submit(account, 0, Request::Plain);
                self.start(account, 0);
                if detail.sweep == 0 {
                    // One that waits has come to be received.
                    self.submit(account, 1, Request::Initialized);
                    self.apply(account, 1, Event::Receive);
                } else {
                    self.submit(account, 1, detail.request);
                }
            }
            StoreState::Ended => {
                self.submit(account, 0, Request::Plain);
                self.start(account, 0);
                if detail.sweep == 0 {
                    // Given up, where there is a takeover.
                    self.at += SECOND + 1;
                    self.add(Call::Claim(Some(account)));
                } else {
                    self.apply(account, 0, detail.event);
                }
                self.apply(account, 0, Event::CompleteEmpty);
                self.submit(account, 1, detail.request);
            }
            StoreState::HorizonAhead => {
                self.wait_for_the_lane(account);
                self.at += PERIOD / 2;
                self.add(Call::Sweep { limit: detail.sweep });
                self.at -= 2 * SECOND;
            }
            StoreState::ClockBehind => {
                self.submit(account, 0, Request::Plain);
                self.at += 2 * SECOND;
                self.submit(account, 1, detail.request);
                self.start(account, 0);
                self.at -= SECOND;
            }
            StoreState::Ties => {
                for task in 0..3 {
                    self.submit(account, task, Request::Plain);
                    self.submit(1 - account, task, Request::Plain);
                }
                self.start(account, 0);
            }
            StoreState::Initialized => {
                self.submit(account, 0, Request::Initialized);
                self.submit(account, 1, detail.request);
            }
            StoreState::TakenOver => {
                self.submit(account, 0, Request::Plain);
                if detail.sweep == 0 {
                    // Two fall silent, the second that was submitted first.
                    self.submit(account, 1, Request::Plain);
                    self.start(account, 1);
                }
                self.start(account, 0);
                self.submit(1 - account, 0, Request::Plain);
                self.at += SECOND + 1;
                self.add(Call::Claim(Some(account)));
                self.submit(account, 2, detail.request);
            }
            StoreState::PageBorder => {
                self.submit(account, 0, Request::Plain);
                if let Some(filter) = detail.changes() {
                    let (limit, all) = (10, Filter::default());
                    self.add(Call::List { account, limit, filter: all, after: None });
                    self.submit(account, 1, Request::Plain);
                    self.submit(account, 2, Request::Plain);
                    self.add(Call::List { account, limit: 1, filter, after: None });
                } else {
                    self.submit(account, 1, Request::Plain);
                    self.submit(account, 2, Request::Plain);
                    let (limit, filter) = (1 + detail.limit % 2, Filter::default());
                    self.add(Call::List { account, limit, filter, after: None });
                }
            }
            StoreState::StoreFull => {
                // One is another account's; in some they expire at the same time.
                self.submit(1 - account, 0, Request::Plain);
                self.at += if detail.sweep == 0 { 0 } else { PERIOD / 2 };
                self.submit(account, 1, Request::Plain);
                // Neither of the two has expired, or one, or both.
                self.at += [SECOND, PERIOD / 2, PERIOD][detail.limit % 3];
            }
            StoreState::Forgotten => {
                self.submit(account, 0, Request::Plain);
                self.at += PERIOD;
                self.add(Call::Sweep { limit: 100 });
            }
        }
    }

    /// A task fills the lane, another waits for it, and a claim finds nothing.
    fn wait_for_the_lane(&mut self, account: u16) {
        self.submit(account, 0, Request::Plain);
        self.start(account, 0);
        self.at += PERIOD / 2;
        self.submit(account, 1, Request::Plain);
        self.add(Call::Claim(None));
    }

    /// A call in the state that was entered.
    fn call(&mut self, method: Method, state: StoreState, detail: &Detail) {
        let Detail { account, guard, event, limit, filter, after, sweep, .. } = *detail;
        let id = self.first + detail.task;
        // Where the state is about clocks, the clock has been set.
        let is_set = matches!(state, StoreState::HorizonAhead | StoreState::ClockBehind);
        let skew = if is_set { detail.skew.min(0) } else { detail.skew };
        let call = match method {
            Method::Submit => Call::Submit { account, id, request: detail.again },
            Method::Apply => Call::Apply { account, id, guard, event },
            Method::ClaimAny => Call::Claim(None),
            Method::ClaimOf => Call::Claim(Some(account)),
            Method::Get => Call::Get { account, id },
            Method::List => Call::List { account, limit, filter, after },
            Method::Sweep => Call::Sweep { limit: sweep },
        };
        self.steps.push(Step { at: self.at + skew, call });
    }

    /// Makes the calls that follow, and lets everything expire.
    fn end(&mut self, state: StoreState, detail: Detail) {
        if state == StoreState::StoreFull {
            // Who made room for whom shows to a clock that is behind.
            let (account, id, at) = (detail.account, self.first + 1, self.at - 2 * SECOND);
            self.steps.push(Step { at, call: Call::Get { account, id } });
            let (account, id, request) = (1 - account, self.first + 2, Request::Plain);
            self.steps.push(Step { at, call: Call::Submit { account, id, request } });
        }
        if let (StoreState::PageBorder, Some(filter)) = (state, detail.changes()) {
            // What follows, of changes.
            let account = detail.account;
            self.add(Call::List { account, limit: 10, filter, after: Some(0) });
        }
        if matches!(state, StoreState::Ties | StoreState::TakenOver) {
            // Two accounts have tasks: whose turn is it?
            for of in [None, Some(detail.account), None, None] {
                self.add(Call::Claim(of));
            }
        }
        for (skew, call) in detail.then {
            self.steps.push(Step { at: self.at + skew, call });
        }
        self.at += PERIOD + SECOND;
        self.first = if self.first == 1 { 4 } else { 1 };
    }
}
