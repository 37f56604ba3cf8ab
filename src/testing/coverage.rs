//! Which states of a store are met by which calls: what a history tries out.

use alloc::collections::BTreeSet;
use core::fmt;

use super::model::Model;
use super::operation::{Operation, Response};
use super::rules::has_ended;
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::Submitted;
use crate::task::Task;
use crate::time::{MIN_TIME, Now, clamp_time};
use crate::wire::named_enum;

named_enum! {
    /// A state of a store in which a call may go wrong that goes right everywhere else. It is that of the
    /// account whose call it is; for a call over all accounts, that of any.
    pub enum StoreState {
        /// A task has expired, and no sweep has dropped it.
        ExpiredUnswept = "expired and unswept",
        /// A task has taken the place of an expired one, under the same id.
        Replaced = "replaced",
        /// A claim over all accounts found nothing to hand out, though the account has unfinished tasks;
        /// and nothing of it was handed out since.
        Parked = "parked",
        /// As many tasks are in progress as may be.
        LaneFull = "lane full",
        /// The horizon is ahead of the caller's clock.
        HorizonAhead = "horizon ahead",
        /// The caller's clock is behind that of an earlier call.
        ClockBehind = "clock behind",
        /// Two tasks were updated at the same instant.
        Ties = "ties",
        /// A task is [initialized](TaskStatus::Initialized).
        Initialized = "initialized",
        /// A task has ended.
        Ended = "ended",
        /// A task in progress was taken over.
        TakenOver = "taken over",
        /// The account's last page had a cursor: more follows.
        PageBorder = "a page's border",
        /// The store holds as many tasks as it may.
        StoreFull = "store full",
        /// The account had tasks, and has none any more.
        Forgotten = "forgotten account",
    }
}

named_enum! {
    /// A method of [`TaskStore`](crate::TaskStore), of which a claim counts as two.
    pub enum Method {
        /// [`submit`](crate::TaskStore::submit).
        Submit = "submit",
        /// [`apply`](crate::TaskStore::apply).
        Apply = "apply",
        /// [`claim`](crate::TaskStore::claim) over all accounts.
        ClaimAny = "claim any",
        /// [`claim`](crate::TaskStore::claim) of one account.
        ClaimOf = "claim of",
        /// [`get`](crate::TaskStore::get).
        Get = "get",
        /// [`list`](crate::TaskStore::list).
        List = "list",
        /// [`sweep`](crate::TaskStore::sweep).
        Sweep = "sweep",
    }
}

impl Method {
    fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Submit(_) => Self::Submit,
            Operation::Apply { .. } => Self::Apply,
            Operation::Claim(None) => Self::ClaimAny,
            Operation::Claim(Some(_)) => Self::ClaimOf,
            Operation::Get { .. } => Self::Get,
            Operation::List { .. } => Self::List,
            Operation::Sweep { .. } => Self::Sweep,
        }
    }
}

/// How often each pair of a [`StoreState`] and a [`Method`] was met: that a call was made in that state.
///
/// `{}` writes it as a table in Markdown, a row for each state.
///
/// ```
/// use tasklife::testing::{Law, Method, StoreState, Suite};
///
/// let coverage = Suite::new().with_cases(32).coverage(Law::S12);
/// assert!(coverage.count(StoreState::LaneFull, Method::ClaimAny) > 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: [[u32; Method::ALL.len()]; StoreState::ALL.len()],
}

impl Coverage {
    /// How often a method was called in a state.
    #[must_use]
    pub const fn count(&self, state: StoreState, method: Method) -> u32 {
        self.counts[state as usize][method as usize]
    }

    /// The pair that was met least often, and how often that was.
    #[must_use]
    pub fn least(&self) -> (StoreState, Method, u32) {
        let pairs = StoreState::ALL.into_iter().flat_map(|state| {
            Method::ALL.into_iter().map(move |method| (state, method, self.count(state, method)))
        });
        let least = pairs.min_by_key(|(.., count)| *count);
        least.unwrap_or((StoreState::ExpiredUnswept, Method::Submit, 0))
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *own = own.saturating_add(*other);
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| state |")?;
        for method in Method::ALL {
            write!(f, " `{method}` |")?;
        }
        f.write_str("\n|---|")?;
        f.write_str(&"---|".repeat(Method::ALL.len()))?;
        for state in StoreState::ALL {
            write!(f, "\n| {state} |")?;
            for method in Method::ALL {
                write!(f, " {} |", self.count(state, method))?;
            }
        }
        f.write_str("\n")
    }
}

/// Follows a history, call by call, and counts.
#[derive(Clone, Debug)]
pub(super) struct CoverageTracker {
    pub(super) coverage: Coverage,
    /// The latest `now` of a call.
    latest: Now,
    replaced: BTreeSet<(AccountId, TaskId)>,
    parked: BTreeSet<AccountId>,
    paging: BTreeSet<AccountId>,
}

impl CoverageTracker {
    pub(super) fn new() -> Self {
        Self {
            coverage: Coverage::default(),
            latest: MIN_TIME,
            replaced: BTreeSet::new(),
            parked: BTreeSet::new(),
            paging: BTreeSet::new(),
        }
    }

    /// Takes in a call, and the model as it was before.
    pub(super) fn observe(
        &mut self,
        model: &Model,
        operation: &Operation,
        response: &Response,
        now: Now,
    ) {
        let now = clamp_time(now);
        let method = Method::of(operation);
        for state in StoreState::ALL {
            let holds = match operation.account() {
                Some(account) => self.holds(state, model, account, now),
                None => model.accounts().any(|account| self.holds(state, model, account, now)),
            };
            self.coverage.counts[state as usize][method as usize] += u32::from(holds);
        }
        self.follow(model, operation, response, now);
        self.latest = self.latest.max(now);
    }

    fn holds(&self, state: StoreState, model: &Model, account: &AccountId, now: Now) -> bool {
        let visible = || model.visible_tasks(account, now);
        let stored = || model.all_tasks().filter(|task| task.account() == account);
        let running = || visible().filter(|t| t.status() == TaskStatus::ProcessingInProgress);
        match state {
            StoreState::ExpiredUnswept => stored().count() > visible().count(),
            StoreState::Replaced => {
                visible().any(|task| self.replaced.contains(&(account.clone(), task.id())))
            }
            StoreState::Parked => self.parked.contains(account),
            StoreState::LaneFull => {
                let width = model.config().max_in_progress();
                width.is_some_and(|width| running().count() >= width.get() as usize)
            }
            StoreState::HorizonAhead => model.horizon() > now,
            StoreState::ClockBehind => self.latest > now,
            StoreState::Ties => {
                let mut times: alloc::vec::Vec<Now> = visible().map(Task::updated_at).collect();
                times.sort_unstable();
                times.windows(2).any(|pair| pair[0] == pair[1])
            }
            StoreState::Initialized => visible().any(|t| t.status() == TaskStatus::Initialized),
            StoreState::Ended => visible().any(has_ended),
            StoreState::TakenOver => running().any(|task| task.attempts() > 1),
            StoreState::PageBorder => self.paging.contains(account),
            StoreState::StoreFull => model.all_tasks().count() >= model.config().max_tasks(),
            StoreState::Forgotten => {
                stored().next().is_none() && model.accounts().any(|known| known == account)
            }
        }
    }

    /// What the model doesn't know of the time before.
    fn follow(&mut self, model: &Model, operation: &Operation, response: &Response, now: Now) {
        match (operation, response) {
            (Operation::Submit(_), Response::Submit(Ok(Submitted::New(task)))) => {
                let key = (task.account().clone(), task.id());
                if model.stored(task.account(), task.id()).is_some() {
                    self.replaced.insert(key);
                } else {
                    self.replaced.remove(&key);
                }
            }
            (Operation::Claim(_), Response::Claim(Ok(Some(claimed)))) => {
                self.parked.remove(claimed.change().task().account());
            }
            (Operation::Claim(None), Response::Claim(Ok(None))) => {
                let is_open = |account: &&AccountId| {
                    model.visible_tasks(account, now).any(|task| !task.status().is_terminal())
                };
                self.parked.extend(model.accounts().filter(is_open).cloned());
            }
            (Operation::List { account, .. }, Response::List(Ok(page))) => {
                if page.next().is_some() {
                    self.paging.insert(account.clone());
                } else {
                    self.paging.remove(account);
                }
            }
            _ => {}
        }
    }
}
