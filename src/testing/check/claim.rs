//! Checks the answers of `claim`.

use alloc::format;

use super::{Before, Checker};
use crate::event::TaskEvent;
use crate::outcome::TaskError;
use crate::status::{EventKind, TaskStatus};
use crate::store::{Change, Claimed, Scope};
use crate::testing::law::Law;
use crate::testing::operation::summary;
use crate::testing::rules::{TaskFacts, has_ended};
use crate::time::Timestamp;

impl Checker {
    pub(super) fn check_claim(&mut self, scope: Scope<'_>, got: Option<&Claimed>, now: Timestamp) {
        let Some(claimed) = got else { return self.check_nothing_to_claim(scope, now) };
        let change = claimed.change();
        let (task, account) = (change.task(), change.task().account().clone());
        if scope == Scope::Any {
            self.check_round_robin(&account, now);
        } else if scope != Scope::Account(&account) {
            let description = format!("claim: got another account's {}", summary(task));
            return self.diverge(Law::S11, description);
        }
        let before = self.before(&account, task.id(), now);
        let Ok(Some(expected)) = self.model.claim(Scope::Account(&account), now) else {
            let law = match &before.visible {
                None => Law::S6,
                Some(task) if has_ended(task) => Law::S9,
                Some(task) if task.status() == TaskStatus::Received => Law::S12,
                Some(_) => Law::Methods,
            };
            return self.diverge(law, format!("claim: expected none; got {}", summary(task)));
        };
        if expected.change().task().id() != task.id() {
            return self.diverge_by_another_task(&before, expected.change(), change);
        }
        self.check_transition("claim", expected.change(), change);
        if expected.is_work() != claimed.is_work() {
            let name = |is_work| if is_work { "work" } else { "given up" };
            let (expected, got) = (name(expected.is_work()), name(claimed.is_work()));
            let description =
                format!("claim: expected {} as {expected}; got it as {got}", summary(task));
            self.report(Law::Methods, description);
        }
        let Some(visible) = &before.visible else { return };
        let (config, from) = (self.model.config(), self.model.counted_from(now));
        let start = TaskEvent::start();
        let give_up = TaskEvent::fail(TaskError::too_many_attempts(visible.attempts()));
        let facts = match expected.change().event() {
            EventKind::Start => TaskFacts::changed(visible, &start, config, from),
            EventKind::Fail => TaskFacts::changed(visible, &give_up, config, from),
            _ => TaskFacts::taken_over(visible, config, from),
        };
        self.accept(&before, &facts, task, now);
    }

    fn check_nothing_to_claim(&mut self, scope: Scope<'_>, now: Timestamp) {
        let claimable = match scope {
            Scope::Any => self.model.accounts().find_map(|one| self.model.claimable(one, now)),
            Scope::Account(account) => self.model.claimable(account, now),
        };
        if let Some(task) = claimable {
            let is_received = task.status() == TaskStatus::Received;
            let law = if is_received { Law::S12 } else { Law::Methods };
            self.report(law, format!("claim: expected {}; got none", summary(&task)));
        }
    }

    fn diverge_by_another_task(&mut self, before: &Before, expected: &Change, got: &Change) {
        let is_start = |change: &Change| change.event() == EventKind::Start;
        let law = match &before.visible {
            None => Law::S6,
            Some(_) if is_start(expected) && is_start(got) => Law::S12,
            Some(_) => Law::Methods,
        };
        let (expected, got) = (summary(expected.task()), summary(got.task()));
        self.diverge(law, format!("claim: expected {expected}; got {got}"));
    }
}
