//! Writes a directed history.

use alloc::vec::Vec;

use super::detail::Detail;
use crate::testing::coverage::{Method, StoreState};
use crate::testing::history::{Call, Event, ExpectedRevision, Filter, Request, Step};
use crate::testing::strategy::histories::{PERIOD, SECOND};

/// The steps of a history so far.
pub(super) struct Script {
    /// The true time, from which the clocks of callers may differ.
    at: i64,
    steps: Vec<Step>,
    /// The first of the three ids that are used to enter a state.
    first_id: u16,
}

impl Script {
    pub(super) const fn new() -> Self {
        Self { at: 0, steps: Vec::new(), first_id: 1 }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    fn add(&mut self, call: Call) {
        self.steps.push(Step { at: self.at, call });
    }

    fn submit(&mut self, account: u16, task: u16, request: Request) {
        self.add(Call::Submit { account, id: self.first_id + task, request });
    }

    fn start(&mut self, account: u16, task: u16) {
        self.apply(account, task, Event::Start);
    }

    fn apply(&mut self, account: u16, task: u16, event: Event) {
        let (id, expected) = (self.first_id + task, ExpectedRevision::Any);
        self.add(Call::Apply { account, id, expected, event });
    }

    /// Brings the store into a state. Usually, earlier tasks have expired by then.
    pub(super) fn enter(&mut self, state: StoreState, detail: &Detail) {
        let account = detail.account;
        match state {
            StoreState::ExpiredUnswept => {
                self.submit(account, 0, Request::NoInput);
                self.at += PERIOD / 2;
                self.submit(account, 1, detail.request);
                self.at += PERIOD / 2 + 1;
            }
            StoreState::IdReused => {
                self.park_with_full_lane(account);
                self.at += PERIOD / 2;
                let begin = if detail.task == 0 { Request::Initialized } else { Request::NoInput };
                self.submit(account, 0, begin);
            }
            StoreState::Parked => self.park_with_full_lane(account),
            StoreState::LaneFull => {
                self.submit(account, 0, Request::NoInput);
                self.start(account, 0);
                if detail.sweep == 0 {
                    // The waiting task becomes received by an event, instead of at its submission.
                    self.submit(account, 1, Request::Initialized);
                    self.apply(account, 1, Event::Receive);
                } else {
                    self.submit(account, 1, detail.request);
                }
            }
            StoreState::Ended => {
                self.submit(account, 0, Request::NoInput);
                self.start(account, 0);
                if detail.sweep == 0 {
                    // The task is given up or taken over, if the limits have a takeover.
                    self.at += SECOND + 1;
                    self.add(Call::Claim(Some(account)));
                } else {
                    self.apply(account, 0, detail.event);
                }
                self.apply(account, 0, Event::CompleteEmpty);
                self.submit(account, 1, detail.request);
            }
            StoreState::HorizonAhead => {
                self.park_with_full_lane(account);
                self.at += PERIOD / 2;
                self.add(Call::Sweep { limit: detail.sweep });
                self.at -= 2 * SECOND;
            }
            StoreState::ClockBehind => {
                self.submit(account, 0, Request::NoInput);
                self.at += 2 * SECOND;
                self.submit(account, 1, detail.request);
                self.start(account, 0);
                self.at -= SECOND;
            }
            StoreState::EqualUpdateTimes => {
                for task in 0..3 {
                    self.submit(account, task, Request::NoInput);
                    self.submit(1 - account, task, Request::NoInput);
                }
                self.start(account, 0);
            }
            StoreState::Initialized => {
                self.submit(account, 0, Request::Initialized);
                self.submit(account, 1, detail.request);
            }
            StoreState::TakenOver => {
                self.submit(account, 0, Request::NoInput);
                if detail.sweep == 0 {
                    // Two workers are silent. The task that was submitted last is the first to be
                    // taken over.
                    self.submit(account, 1, Request::NoInput);
                    self.start(account, 1);
                }
                self.start(account, 0);
                self.submit(1 - account, 0, Request::NoInput);
                self.at += SECOND + 1;
                self.add(Call::Claim(Some(account)));
                self.submit(account, 2, detail.request);
            }
            StoreState::MorePages => {
                self.submit(account, 0, Request::NoInput);
                if let Some(filter) = detail.changes_filter() {
                    let (limit, everything) = (10, Filter::default());
                    self.add(Call::List { account, limit, filter: everything, after: None });
                    self.submit(account, 1, Request::NoInput);
                    self.submit(account, 2, Request::NoInput);
                    self.add(Call::List { account, limit: 1, filter, after: None });
                } else {
                    self.submit(account, 1, Request::NoInput);
                    self.submit(account, 2, Request::NoInput);
                    let (limit, filter) = (1 + detail.limit % 2, Filter::default());
                    self.add(Call::List { account, limit, filter, after: None });
                }
            }
            StoreState::StoreFull => {
                // One task is of another account. Sometimes both expire at the same instant.
                self.submit(1 - account, 0, Request::NoInput);
                self.at += if detail.sweep == 0 { 0 } else { PERIOD / 2 };
                self.submit(account, 1, Request::NoInput);
                // None of the tasks has expired, or one, or both.
                self.at += [SECOND, PERIOD / 2, PERIOD][detail.limit % 3];
            }
            StoreState::AccountEmptied => {
                self.submit(account, 0, Request::NoInput);
                self.at += PERIOD;
                self.add(Call::Sweep { limit: 100 });
            }
        }
    }

    /// Fills the lane with a task, submits another, and claims in vain.
    fn park_with_full_lane(&mut self, account: u16) {
        self.submit(account, 0, Request::NoInput);
        self.start(account, 0);
        self.at += PERIOD / 2;
        self.submit(account, 1, Request::NoInput);
        self.add(Call::Claim(None));
    }

    /// Makes the directed call in the state.
    pub(super) fn call(&mut self, method: Method, state: StoreState, detail: &Detail) {
        let Detail { account, expected, event, limit, filter, after, sweep, .. } = *detail;
        let id = self.first_id + detail.task;
        // In a state about clocks, a later clock would leave the state.
        let needs_clock = matches!(state, StoreState::HorizonAhead | StoreState::ClockBehind);
        let skew = if needs_clock { detail.skew.min(0) } else { detail.skew };
        let call = match method {
            Method::Submit => Call::Submit { account, id, request: detail.directed_request },
            Method::Apply => Call::Apply { account, id, expected, event },
            Method::ClaimAny => Call::Claim(None),
            Method::ClaimAccount => Call::Claim(Some(account)),
            Method::Get => Call::Get { account, id },
            Method::List => Call::List { account, limit, filter, after },
            Method::Sweep => Call::Sweep { limit: sweep },
        };
        self.steps.push(Step { at: self.at + skew, call });
    }

    /// Makes the calls that follow, and advances the time until everything has expired.
    pub(super) fn leave(&mut self, state: StoreState, detail: Detail) {
        if state == StoreState::StoreFull {
            // A caller whose clock is behind sees which task was dropped for which.
            let (account, id, at) = (detail.account, self.first_id + 1, self.at - 2 * SECOND);
            self.steps.push(Step { at, call: Call::Get { account, id } });
            let (account, id, request) = (1 - account, self.first_id + 2, Request::NoInput);
            self.steps.push(Step { at, call: Call::Submit { account, id, request } });
        }
        if let (StoreState::MorePages, Some(filter)) = (state, detail.changes_filter()) {
            // Read the next page of the changes.
            let account = detail.account;
            self.add(Call::List { account, limit: 10, filter, after: Some(0) });
        }
        if matches!(state, StoreState::EqualUpdateTimes | StoreState::TakenOver) {
            // Two accounts have tasks, so claims show the turns.
            for account in [None, Some(detail.account), None, None] {
                self.add(Call::Claim(account));
            }
        }
        for (skew, call) in detail.following {
            self.steps.push(Step { at: self.at + skew, call });
        }
        self.at += PERIOD + SECOND;
        self.first_id = if self.first_id == 1 { 4 } else { 1 };
    }
}
