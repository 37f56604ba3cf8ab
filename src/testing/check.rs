//! Checks the answers of a store against the model and the laws.

mod apply;
mod claim;
mod reads;
mod submit;
mod sweep;
mod turns;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::coverage::CoverageTracker;
use super::law::Law;
use super::model::Model;
use super::operation::{Operation, Response, scope, summary};
use super::rules::{TaskFacts, has_ended};
use crate::clock::Revision;
use crate::id::{AccountId, TaskId};
use crate::store::StoreConfig;
use crate::task::Task;
use crate::time::{Timestamp, clamp_time};

use sweep::Due;

/// An answer of a store that a law forbids.
#[derive(Clone, Debug)]
pub(super) struct LawViolation {
    pub(super) law: Law,
    pub(super) description: String,
}

/// The model, and what is known about the choices that the laws leave to a store.
///
/// A store chooses its revisions, and whether it keeps the clock of an account whose last task it
/// dropped. The checker checks that the choice is permitted, and then copies it into the model.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    pub(super) model: Model,
    records: BTreeMap<AccountId, AccountRecord>,
    /// Each version of a task, as it was first read.
    versions: BTreeMap<(AccountId, TaskId, Revision), Task>,
    pub(super) due: Due,
    /// The number of successful claims over all accounts.
    claims: u64,
    pub(super) violations: Vec<LawViolation>,
    /// Whether an answer left the state of the store unknown. No further call is made then.
    pub(super) diverged: bool,
    /// Counts what the history covers, if requested.
    pub(super) coverage: Option<CoverageTracker>,
}

/// What is known about an account.
#[derive(Clone, Debug, Default)]
struct AccountRecord {
    /// The highest revision of any task.
    revision: Revision,
    /// The highest revision of any page.
    page_revision: Revision,
    /// Whether the store may have dropped the account's last task, and its clock with it.
    is_clock_droppable: bool,
    /// The number of claims when the account last began to have something to claim, if it still
    /// does.
    claimable_since: Option<u64>,
    /// The number of the last claim over all accounts that returned a task of this account.
    last_turn: Option<u64>,
}

/// What the model says about a task and its account before a call.
struct Before {
    stored: Option<Task>,
    visible: Option<Task>,
    /// Whether another account has a task with this id.
    is_id_of_others: bool,
    /// Whether the account reaches `max_open` only if the tasks of other accounts are counted too.
    is_full_only_with_others: bool,
    has_no_visible_task: bool,
    /// The number of stored tasks of all accounts.
    count: usize,
    /// The account's latest update time.
    latest_update: Timestamp,
}

impl Checker {
    pub(super) fn new(config: StoreConfig) -> Self {
        Self {
            model: Model::new(config),
            records: BTreeMap::new(),
            versions: BTreeMap::new(),
            due: Due::default(),
            claims: 0,
            violations: Vec::new(),
            diverged: false,
            coverage: None,
        }
    }

    /// Adds a violation.
    pub(super) fn report(&mut self, law: Law, description: impl Into<String>) {
        self.violations.push(LawViolation { law, description: description.into() });
    }

    /// Reports a violation after which the state of the store is unknown.
    fn diverge(&mut self, law: Law, description: impl Into<String>) {
        self.report(law, description);
        self.diverged = true;
    }

    /// Checks the answer to a call, and makes the same call on the model.
    pub(super) fn check(&mut self, operation: &Operation, now: Timestamp, response: &Response) {
        if let Some(tracker) = &mut self.coverage {
            tracker.observe(&self.model, operation, response, now);
        }
        self.reset_unclaimable(now);
        match (operation, response) {
            (Operation::Submit(submission), Response::Submit(got)) => {
                let before = self.before(submission.account(), submission.id(), now);
                let expected = self.model.submit(submission.clone(), now);
                self.check_submit(&before, submission, expected, got, now);
            }
            (Operation::Apply { event, .. }, Response::Apply(got)) => {
                let target = operation.target();
                let before = self.before(target.account(), target.id(), now);
                let expected = self.model.apply(target, event.clone(), now);
                self.check_apply(&before, event, expected, got, now);
            }
            (Operation::Claim(account), Response::Claim(got)) => match got {
                Ok(got) => self.check_claim(scope(account.as_ref()), got.as_ref(), now),
                Err(error) => self.diverge(Law::Methods, format!("claim failed: {error}")),
            },
            (Operation::Get { account, id }, Response::Get(got)) => match got {
                Ok(got) => self.check_get(account, *id, got.as_ref(), now),
                Err(error) => self.report(Law::Methods, format!("get failed: {error}")),
            },
            (Operation::List { account, query }, Response::List(got)) => {
                let expected = self.model.list(account, query, now);
                self.check_list(account, query, expected, got, now);
            }
            (Operation::Sweep { limit }, Response::Sweep(got)) => match got {
                Ok(got) => self.check_sweep(*limit, *got, now),
                Err(error) => self.diverge(Law::Methods, format!("sweep failed: {error}")),
            },
            _ => self.diverge(Law::Methods, "the answer is of another method than the call"),
        }
        self.update_claimable(now);
    }

    /// Records what the model says before a call about a task.
    fn before(&self, account: &AccountId, id: TaskId, now: Timestamp) -> Before {
        let own = self.model.all_tasks().filter(|task| task.account() == account).count();
        let others = || self.model.all_tasks().filter(|task| task.account() != account);
        Before {
            stored: self.model.stored(account, id).cloned(),
            visible: self.model.visible(account, id, now),
            is_id_of_others: others().any(|task| task.id() == id),
            is_full_only_with_others: own < self.model.config().max_open()
                && others().any(|task| !has_ended(task)),
            has_no_visible_task: self.model.visible_tasks(account, now).next().is_none(),
            count: self.model.all_tasks().count(),
            latest_update: self.model.latest_update(account),
        }
    }

    /// Checks the task of an event that model and store accepted, and copies it into the model.
    fn accept(&mut self, before: &Before, expected: &TaskFacts<'_>, got: &Task, now: Timestamp) {
        let account = got.account().clone();
        let record = self.records.entry(account.clone()).or_default();
        let is_clock_droppable = core::mem::take(&mut record.is_clock_droppable);
        let (latest, page) = (record.revision, record.page_revision);
        record.revision = latest.max(page).max(got.revision());
        if got.revision() <= latest {
            self.report(
                Law::S10,
                format!("expected a revision above {latest}; got {}", summary(got)),
            );
        } else if got.revision() <= page {
            self.report(
                Law::S10,
                format!("expected a revision above that of page {page}; got {}", summary(got)),
            );
        }
        let expected_update = clamp_time(now).max(before.latest_update);
        let got_update = got.updated_at();
        if got_update != expected_update {
            let is_new_clock =
                got_update == clamp_time(now) && (is_clock_droppable || before.has_no_visible_task);
            if !is_new_clock {
                let law = if got_update < expected_update { Law::S1 } else { Law::Methods };
                let description = format!(
                    "{}: expected the update time {expected_update}; got {got_update}",
                    summary(got)
                );
                self.report(law, description);
            }
        }
        self.check_facts(expected, got);
        let owner = self.model.account_mut(&account);
        owner.clock = crate::AccountClock::new(got.revision(), got.updated_at());
        owner.put(got.clone());
        self.check_version(got);
    }
}
