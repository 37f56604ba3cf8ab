//! Coverage: which methods the histories call in which states of a store.

use alloc::collections::BTreeSet;
use core::fmt;

use super::model::Model;
use super::operation::{Operation, Response};
use super::rules::has_ended;
use crate::id::{AccountId, TaskId};
use crate::status::TaskStatus;
use crate::store::Submitted;
use crate::task::Task;
use crate::time::{MIN_TIME, Timestamp, clamp_time};
use crate::wire::named_enum;

named_enum! {
    /// A state of a store in which faults tend to show.
    ///
    /// The state is that of the calling account. For a call over all accounts, it counts if it
    /// holds for any account.
    pub enum StoreState {
        /// A task has expired, and no sweep has dropped it.
        ExpiredUnswept = "expired and unswept",
        /// A task has replaced an expired one under the same id.
        IdReused = "id reused",
        /// A claim over all accounts found nothing although the account has open tasks, and no task
        /// of the account was claimed since.
        Parked = "parked",
        /// `max_in_progress` tasks are in progress.
        LaneFull = "lane full",
        /// The horizon is later than the caller's `now`.
        HorizonAhead = "horizon ahead",
        /// The caller's `now` is earlier than that of an earlier call.
        ClockBehind = "clock behind",
        /// Two tasks have the same update time.
        EqualUpdateTimes = "equal update times",
        /// A task is [initialized](TaskStatus::Initialized).
        Initialized = "initialized",
        /// A task has ended.
        Ended = "ended",
        /// A task in progress was taken over.
        TakenOver = "taken over",
        /// The last page of the account had a cursor, so more tasks follow.
        MorePages = "more pages",
        /// The store holds `max_tasks` tasks.
        StoreFull = "store full",
        /// The account had tasks, but none is stored.
        AccountEmptied = "account emptied",
    }
}

named_enum! {
    /// A method of [`TaskStore`](crate::TaskStore). The two scopes of a claim count separately.
    pub enum Method {
        /// [`submit`](crate::TaskStore::submit).
        Submit = "submit",
        /// [`apply`](crate::TaskStore::apply).
        Apply = "apply",
        /// [`claim`](crate::TaskStore::claim) over all accounts.
        ClaimAny = "claim any",
        /// [`claim`](crate::TaskStore::claim) of one account.
        ClaimAccount = "claim account",
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
            Operation::Claim(Some(_)) => Self::ClaimAccount,
            Operation::Get { .. } => Self::Get,
            Operation::List { .. } => Self::List,
            Operation::Sweep { .. } => Self::Sweep,
        }
    }
}

/// How often each [`Method`] was called in each [`StoreState`].
///
/// `{}` prints a table in Markdown with one row for each state.
///
/// # Examples
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
    /// Returns how often a method was called in a state.
    #[must_use]
    pub const fn count(&self, state: StoreState, method: Method) -> u32 {
        self.counts[state as usize][method as usize]
    }

    /// Returns the pair with the lowest count, and that count.
    #[must_use]
    pub fn least_covered(&self) -> (StoreState, Method, u32) {
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

/// Counts the calls of a running history by state and method.
#[derive(Clone, Debug)]
pub(super) struct CoverageTracker {
    pub(super) coverage: Coverage,
    /// The latest `now` of any call so far.
    latest: Timestamp,
    reused: BTreeSet<(AccountId, TaskId)>,
    parked: BTreeSet<AccountId>,
    more_pages: BTreeSet<AccountId>,
}

impl CoverageTracker {
    pub(super) fn new() -> Self {
        Self {
            coverage: Coverage::default(),
            latest: MIN_TIME,
            reused: BTreeSet::new(),
            parked: BTreeSet::new(),
            more_pages: BTreeSet::new(),
        }
    }

    /// Counts a call. `model` is the state before it.
    pub(super) fn observe(
        &mut self,
        model: &Model,
        operation: &Operation,
        response: &Response,
        now: Timestamp,
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
        self.remember(model, operation, response, now);
        self.latest = self.latest.max(now);
    }

    fn holds(&self, state: StoreState, model: &Model, account: &AccountId, now: Timestamp) -> bool {
        let visible = || model.visible_tasks(account, now);
        let stored = || model.all_tasks().filter(|task| task.account() == account);
        let running = || visible().filter(|t| t.status() == TaskStatus::ProcessingInProgress);
        match state {
            StoreState::ExpiredUnswept => stored().count() > visible().count(),
            StoreState::IdReused => {
                visible().any(|task| self.reused.contains(&(account.clone(), task.id())))
            }
            StoreState::Parked => self.parked.contains(account),
            StoreState::LaneFull => {
                let width = model.config().max_in_progress();
                width.is_some_and(|width| running().count() >= width.get() as usize)
            }
            StoreState::HorizonAhead => model.horizon() > now,
            StoreState::ClockBehind => self.latest > now,
            StoreState::EqualUpdateTimes => {
                let mut times: alloc::vec::Vec<Timestamp> =
                    visible().map(Task::updated_at).collect();
                times.sort_unstable();
                times.windows(2).any(|pair| pair[0] == pair[1])
            }
            StoreState::Initialized => visible().any(|t| t.status() == TaskStatus::Initialized),
            StoreState::Ended => visible().any(has_ended),
            StoreState::TakenOver => running().any(|task| task.attempts() > 1),
            StoreState::MorePages => self.more_pages.contains(account),
            StoreState::StoreFull => model.all_tasks().count() >= model.config().max_tasks(),
            StoreState::AccountEmptied => {
                stored().next().is_none() && model.accounts().any(|known| known == account)
            }
        }
    }

    /// Remembers the parts of the state that the model does not hold.
    fn remember(
        &mut self,
        model: &Model,
        operation: &Operation,
        response: &Response,
        now: Timestamp,
    ) {
        match (operation, response) {
            (Operation::Submit(_), Response::Submit(Ok(Submitted::New(task)))) => {
                let key = (task.account().clone(), task.id());
                if model.stored(task.account(), task.id()).is_some() {
                    self.reused.insert(key);
                } else {
                    self.reused.remove(&key);
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
                    self.more_pages.insert(account.clone());
                } else {
                    self.more_pages.remove(account);
                }
            }
            _ => {}
        }
    }
}
