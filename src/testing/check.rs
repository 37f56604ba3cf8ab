//! Compares a store's answers with the model's, law by law.

mod reads;
mod turns;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::coverage::CoverageTracker;
use super::law::Law;
use super::model::Model;
use super::operation::{Operation, Response, scope, summary};
use super::rules::{Facts, has_ended};
use crate::clock::Revision;
use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::outcome::TaskError;
use crate::status::{EventKind, TaskStatus};
use crate::store::{
    ApplyError, Change, Claimed, Scope, StoreConfig, SubmitError, Submitted, Swept,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::{Now, clamp_time};

/// What a store did that a law forbids.
#[derive(Clone, Debug)]
pub(super) struct LawBreach {
    pub(super) law: Law,
    pub(super) what: String,
}

/// The model, and what a store has shown of what it may choose freely.
///
/// A store chooses its revisions, and whether to keep the clock of an account whose last task it
/// dropped. The checker sees that the choice is a permitted one, and then lets the model follow it.
#[derive(Clone, Debug)]
pub(super) struct Checker {
    pub(super) model: Model,
    seen: BTreeMap<AccountId, AccountRecord>,
    versions: BTreeMap<(AccountId, TaskId, Revision), Task>,
    pub(super) due: Due,
    claims: u64,
    pub(super) breaches: Vec<LawBreach>,
    /// From the first answer that the model can't follow, nothing more is compared.
    pub(super) diverged: bool,
    /// What is tried out, where that is asked for.
    pub(super) coverage: Option<CoverageTracker>,
}

/// What is known of how many tasks are due. It shows in how many a sweep drops, and nowhere else.
#[derive(Clone, Debug, Default)]
pub(super) struct Due {
    /// Since a sweep that left something, which of the due tasks are there is the store's choice.
    is_partly_swept: bool,
    /// Since then a task may or may not have taken the place of one, so that it isn't known how many there
    /// are.
    is_unknown: bool,
    /// Whether sweeps are made while other calls are: then they are sequences of steps, and which of them
    /// drops what the one or the other has left is not said.
    pub(super) is_swept_in_steps: bool,
}

#[derive(Clone, Debug, Default)]
struct AccountRecord {
    /// The highest revision that the account gave out.
    revision: Revision,
    /// The highest revision of a page.
    page: Revision,
    /// Whether its last task may have been dropped, and its clock with it.
    forgettable: bool,
    /// Since which claim it has had something to hand out throughout.
    waiting_since: Option<u64>,
    /// The claim over all accounts that served it last.
    served: Option<u64>,
}

/// What the model said of a task before a call that is about it.
struct Before {
    stored: Option<Task>,
    visible: Option<Task>,
    /// Whether another account has a task of this id.
    foreign: bool,
    /// Whether only the open tasks of others could fill the account.
    is_filled_by_others: bool,
    /// Whether the account has no visible task.
    nothing_visible: bool,
    /// How many tasks there are, of all accounts.
    count: usize,
    /// The account's latest update time.
    latest_update: Now,
}

impl Checker {
    pub(super) fn new(config: StoreConfig) -> Self {
        Self {
            model: Model::new(config),
            seen: BTreeMap::new(),
            versions: BTreeMap::new(),
            due: Due::default(),
            claims: 0,
            breaches: Vec::new(),
            diverged: false,
            coverage: None,
        }
    }

    pub(super) fn breach(&mut self, law: Law, what: impl Into<String>) {
        self.breaches.push(LawBreach { law, what: what.into() });
    }

    /// A breach after which the model does not know what the store holds.
    fn diverge(&mut self, law: Law, what: impl Into<String>) {
        self.breach(law, what);
        self.diverged = true;
    }

    /// Compares the answer to a call, and lets the model follow.
    pub(super) fn check(&mut self, operation: &Operation, now: Now, response: &Response) {
        if let Some(tracker) = &mut self.coverage {
            tracker.observe(&self.model, operation, response, now);
        }
        self.end_waiting(now);
        match (operation, response) {
            (Operation::Submit(submission), Response::Submit(got)) => {
                let before = self.before(submission.account(), submission.id(), now);
                let expected = self.model.submit(submission.clone(), now);
                self.submitted(&before, submission, expected, got, now);
            }
            (Operation::Apply { event, .. }, Response::Apply(got)) => {
                let target = operation.target();
                let before = self.before(target.account(), target.id(), now);
                let expected = self.model.apply(target, event.clone(), now);
                self.applied(&before, event, expected, got, now);
            }
            (Operation::Claim(account), Response::Claim(got)) => match got {
                Ok(got) => self.claimed(scope(account.as_ref()), got.as_ref(), now),
                Err(error) => self.diverge(Law::Methods, format!("claim failed: {error}")),
            },
            (Operation::Get { account, id }, Response::Get(got)) => match got {
                Ok(got) => self.got(account, *id, got.as_ref(), now),
                Err(error) => self.breach(Law::Methods, format!("get failed: {error}")),
            },
            (Operation::List { account, query }, Response::List(got)) => {
                let expected = self.model.list(account, query, now);
                self.listed(account, query, expected, got, now);
            }
            (Operation::Sweep { limit }, Response::Sweep(got)) => match got {
                Ok(got) => self.swept(*limit, *got, now),
                Err(error) => self.diverge(Law::Methods, format!("sweep failed: {error}")),
            },
            _ => self.diverge(Law::Methods, "an answer to another call"),
        }
        self.update_waiting(now);
    }

    fn before(&self, account: &AccountId, id: TaskId, now: Now) -> Before {
        let own = self.model.all_tasks().filter(|task| task.account() == account).count();
        let others = || self.model.all_tasks().filter(|task| task.account() != account);
        Before {
            stored: self.model.stored(account, id).cloned(),
            visible: self.model.visible(account, id, now),
            foreign: others().any(|task| task.id() == id),
            is_filled_by_others: own < self.model.config().max_open()
                && others().any(|task| !has_ended(task)),
            nothing_visible: self.model.visible_tasks(account, now).next().is_none(),
            count: self.model.all_tasks().count(),
            latest_update: self.model.latest_update(account),
        }
    }

    fn submitted(
        &mut self,
        before: &Before,
        submission: &Submission,
        expected: Result<Submitted, SubmitError>,
        got: &Result<Submitted, SubmitError>,
        now: Now,
    ) {
        use SubmitError as E;
        let visible = before.visible.is_some();
        match (expected, got) {
            (Ok(Submitted::New(_)), Ok(Submitted::New(got))) => {
                let facts = Facts::submitted(submission, self.model.config(), now);
                self.accepted(before, &facts, got, now);
                self.due.is_unknown |= self.due.is_partly_swept;
                let is_more = self.model.all_tasks().count() > before.count;
                if !is_more && before.stored.is_none() {
                    self.dropped_for_room(now);
                }
            }
            (Ok(Submitted::Existing(expected)), Ok(Submitted::Existing(got))) => {
                self.read(got);
                self.same(&expected, got);
            }
            (Err(E::Conflict), Err(E::Conflict))
            | (Err(E::Expired), Err(E::Expired))
            | (Err(E::StoreFull), Err(E::StoreFull))
            | (Err(E::AccountFull), Err(E::AccountFull)) => {}
            (Err(E::InputTooLarge { limit: a }), Err(E::InputTooLarge { limit: b })) if a == *b => {
            }
            (expected, got) => {
                let foreign = before.foreign;
                let finds =
                    |x: &Result<_, _>| matches!(x, Ok(Submitted::Existing(_)) | Err(E::Conflict));
                let law = match (&expected, got) {
                    (_, got) if finds(got) && !visible && foreign => Law::S11,
                    (_, Err(E::StoreFull | E::AccountFull)) if visible => Law::Methods,
                    (e, got) if finds(e) != finds(got) => Law::S6,
                    (Err(E::StoreFull), _) | (_, Err(E::StoreFull)) => Law::S7,
                    (e, Err(E::Conflict)) if e.is_ok() && foreign => Law::S11,
                    (Ok(_), Err(E::AccountFull)) if before.is_filled_by_others => Law::S11,
                    _ => Law::Methods,
                };
                let (expected, got) =
                    (Response::Submit(expected).summary(), summary_of_submit(got));
                self.diverge(law, format!("submit: expected {expected}; got {got}"));
            }
        }
    }

    fn applied(
        &mut self,
        before: &Before,
        event: &TaskEvent,
        expected: Result<Change, ApplyError>,
        got: &Result<Change, ApplyError>,
        now: Now,
    ) {
        use ApplyError as E;
        match (expected, got) {
            (Ok(expected), Ok(got)) => {
                if (expected.from(), expected.event()) != (got.from(), got.event()) {
                    let way = format!("{} by {}", got.from(), got.event());
                    self.breach(Law::Methods, format!("apply: the change is said to be {way}"));
                }
                if let Some(visible) = &before.visible {
                    let from = self.model.counted_from(now);
                    let facts = Facts::changed(visible, event, self.model.config(), from);
                    self.accepted(before, &facts, got.task(), now);
                }
            }
            (Err(E::NotFound), Err(E::NotFound)) | (Err(E::LaneBusy), Err(E::LaneBusy)) => {}
            (Err(E::Transition(a)), Err(E::Transition(b))) if a == *b => {}
            (Err(E::OutputTooLarge { limit: a }), Err(E::OutputTooLarge { limit: b }))
                if a == *b => {}
            (Err(E::Stale { current: a }), Err(E::Stale { current: b })) => {
                self.read(b);
                self.same(&a, b);
            }
            (expected, got) => {
                let ended = before.stored.as_ref().is_some_and(has_ended);
                let law = match (&expected, got) {
                    (Err(E::NotFound), _) if before.stored.is_none() => {
                        if before.foreign {
                            Law::S11
                        } else {
                            Law::Methods
                        }
                    }
                    (Err(E::NotFound), _) | (_, Err(E::NotFound)) => Law::S6,
                    (_, Ok(_)) if ended => Law::S9,
                    (Err(E::Stale { .. }), Ok(_)) | (Ok(_), Err(E::Stale { .. })) => Law::S10,
                    (Err(E::LaneBusy), _) | (_, Err(E::LaneBusy)) => Law::S12,
                    _ => Law::Methods,
                };
                let (expected, got) = (Response::Apply(expected).summary(), summary_of_apply(got));
                self.diverge(law, format!("apply: expected {expected}; got {got}"));
            }
        }
    }

    fn claimed(&mut self, scope: Scope<'_>, got: Option<&Claimed>, now: Now) {
        let Some(claimed) = got else {
            let waiting = match scope {
                Scope::Any => self.model.accounts().find_map(|one| self.model.claimable(one, now)),
                Scope::Account(only) => self.model.claimable(only, now),
            };
            if let Some(task) = waiting {
                let received = task.status() == TaskStatus::Received;
                let law = if received { Law::S12 } else { Law::Methods };
                self.breach(law, format!("claim: expected {}; got none", summary(&task)));
            }
            return;
        };
        let change = claimed.change();
        let (task, account) = (change.task(), change.task().account().clone());
        if scope == Scope::Any {
            self.check_round_robin(&account, now);
        } else if scope != Scope::Account(&account) {
            return self
                .diverge(Law::S11, format!("claim: got another account's {}", summary(task)));
        }
        let before = self.before(&account, task.id(), now);
        let Ok(Some(expected)) = self.model.claim(Scope::Account(&account), now) else {
            let law = match &before.visible {
                None => Law::S6,
                Some(before) if has_ended(before) => Law::S9,
                Some(before) if before.status() == TaskStatus::Received => Law::S12,
                Some(_) => Law::Methods,
            };
            return self.diverge(law, format!("claim: expected none; got {}", summary(task)));
        };
        let (expected, is_work) = (expected.change(), expected.is_work());
        if expected.task().id() != task.id() {
            let both_started =
                expected.event() == EventKind::Start && change.event() == EventKind::Start;
            let law = match &before.visible {
                None => Law::S6,
                Some(_) if both_started => Law::S12,
                Some(_) => Law::Methods,
            };
            let (expected, got) = (summary(expected.task()), summary(task));
            return self.diverge(law, format!("claim: expected {expected}; got {got}"));
        }
        if (expected.from(), expected.event()) != (change.from(), change.event()) {
            let way = format!("{} by {}", change.from(), change.event());
            self.breach(Law::Methods, format!("claim: the change is said to be {way}"));
        }
        if is_work != claimed.is_work() {
            let what = if claimed.is_work() { "work" } else { "given up" };
            self.breach(Law::Methods, format!("claim: {} is said to be {what}", summary(task)));
        }
        let Some(visible) = &before.visible else { return };
        let (config, from) = (self.model.config(), self.model.counted_from(now));
        let (start, given_up) =
            (TaskEvent::start(), TaskEvent::fail(TaskError::too_many_attempts(visible.attempts())));
        let facts = match expected.event() {
            EventKind::Start => Facts::changed(visible, &start, config, from),
            EventKind::Fail => Facts::changed(visible, &given_up, config, from),
            _ => Facts::taken_over(visible, config, from),
        };
        self.accepted(&before, &facts, task, now);
    }

    fn swept(&mut self, limit: usize, got: Swept, now: Now) {
        let expected = self.model.sweep(limit, now).unwrap_or_default();
        if expected != got && !self.due.is_unknown && !self.due.is_swept_in_steps {
            self.breach(Law::Methods, format!("sweep: expected {expected:?}; got {got:?}"));
        }
        if got.dropped > limit {
            self.breach(Law::Methods, format!("sweep: dropped {}, limit {limit}", got.dropped));
        }
        let left = expected.more || got.more;
        self.due.is_partly_swept = left && (self.due.is_partly_swept || got.dropped > 0);
        self.due.is_unknown &= left;
        self.update_forgettable(got.dropped > 0, now);
    }

    /// A full store dropped a task for a submission. Where others expired when it did, it may have been
    /// one of those.
    fn dropped_for_room(&mut self, now: Now) {
        self.due.is_unknown |= self.model.has_due();
        self.update_forgettable(true, now);
    }

    fn update_forgettable(&mut self, dropped: bool, now: Now) {
        let accounts: Vec<AccountId> = self.model.accounts().cloned().collect();
        for account in accounts {
            let nothing_visible = self.model.visible_tasks(&account, now).next().is_none();
            let empty = self.model.account_mut(&account).is_empty();
            if empty || (dropped && nothing_visible) {
                self.seen.entry(account).or_default().forgettable = true;
            }
        }
    }

    /// An event was accepted by both: compares the tasks, and lets the model have the store's.
    fn accepted(&mut self, before: &Before, expected: &Facts<'_>, got: &Task, now: Now) {
        let account = got.account().clone();
        let seen = self.seen.entry(account.clone()).or_default();
        let floor = seen.revision.max(seen.page);
        let forgettable = core::mem::take(&mut seen.forgettable);
        let below = seen.revision >= got.revision();
        let below_page = seen.page >= got.revision();
        seen.revision = floor.max(got.revision());
        if below {
            self.breach(Law::S10, format!("{} has no new revision", summary(got)));
        } else if below_page {
            self.breach(
                Law::S10,
                format!("{} is not above an earlier page's revision", summary(got)),
            );
        }
        let updated_at = clamp_time(now).max(before.latest_update);
        if got.updated_at() != updated_at {
            let anew = got.updated_at() == clamp_time(now);
            if !(anew && (forgettable || before.nothing_visible)) {
                let at = got.updated_at();
                let law = if at < updated_at { Law::S1 } else { Law::Methods };
                let what = format!("{}: updated at {at}, expected {updated_at}", summary(got));
                self.breach(law, what);
            }
        }
        self.same_but_for_stamp(expected, got);
        let owner = self.model.account_mut(&account);
        owner.clock = crate::AccountClock::new(got.revision(), got.updated_at());
        owner.put(got.clone());
        self.read(got);
    }
}

fn summary_of_submit(result: &Result<Submitted, SubmitError>) -> String {
    match result {
        Ok(Submitted::New(task)) => format!("new: {}", summary(task)),
        Ok(Submitted::Existing(task)) => format!("existing: {}", summary(task)),
        Err(error) => format!("refused: {error}"),
    }
}

fn summary_of_apply(result: &Result<Change, ApplyError>) -> String {
    match result {
        Ok(change) => summary(change.task()),
        Err(error) => format!("refused: {error}"),
    }
}
