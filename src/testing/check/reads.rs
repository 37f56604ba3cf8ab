//! Checks the answers of `get` and `list`.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::Checker;
use crate::id::{AccountId, TaskId};
use crate::store::{ListError, ListQuery, Page};
use crate::task::Task;
use crate::testing::law::Law;
use crate::testing::operation::summary;
use crate::testing::rules::{self, TaskFacts, has_ended};
use crate::time::Timestamp;

impl Checker {
    pub(super) fn check_get(
        &mut self,
        account: &AccountId,
        id: TaskId,
        got: Option<&Task>,
        now: Timestamp,
    ) {
        match (self.model.visible(account, id, now), got) {
            (None, None) => {}
            (Some(expected), Some(got)) => {
                self.check_version(got);
                self.check_same(&expected, got);
            }
            (Some(expected), None) => {
                self.report(Law::S6, format!("get: expected {}; got none", summary(&expected)));
            }
            (None, Some(got)) => {
                let is_stored = self.model.stored(account, id).is_some();
                let law = if is_stored || got.account() == account { Law::S6 } else { Law::S11 };
                self.report(law, format!("get: expected none; got {}", summary(got)));
            }
        }
    }

    pub(super) fn check_list(
        &mut self,
        account: &AccountId,
        query: &ListQuery,
        expected: Result<Page, ListError>,
        got: &Result<Page, ListError>,
        now: Timestamp,
    ) {
        let (expected, got) = match (expected, got) {
            (Ok(expected), Ok(got)) => (expected, got),
            (Err(ListError::Cursor(_)), Err(ListError::Cursor(_))) => return,
            (Ok(_), Err(error)) => return self.report(Law::S5, format!("list failed: {error}")),
            (Err(_), got) => {
                let got = if got.is_ok() { "a page" } else { "another error" };
                return self.report(
                    Law::S5,
                    format!("list: expected the cursor to be refused; got {got}"),
                );
            }
        };
        self.check_order(got.tasks());
        for task in got.tasks() {
            if task.account() != account {
                return self
                    .report(Law::S11, format!("list: got another account's {}", summary(task)));
            }
            self.check_version(task);
            if task.revision() > got.revision() {
                self.report(
                    Law::S10,
                    format!(
                        "list: expected no revision above that of the page, {}; got {}",
                        got.revision(),
                        summary(task)
                    ),
                );
            }
        }
        let record = self.records.entry(account.clone()).or_default();
        record.page_revision = record.page_revision.max(got.revision());
        self.check_page(account, query, &expected, got, now);
    }

    /// Checks which tasks are on a page, and whether it has a cursor.
    fn check_page(
        &mut self,
        account: &AccountId,
        query: &ListQuery,
        expected: &Page,
        got: &Page,
        now: Timestamp,
    ) {
        let ids = |page: &Page| page.tasks().iter().map(Task::id).collect::<Vec<_>>();
        let (expected_ids, got_ids) = (ids(expected), ids(got));
        if got_ids.iter().collect::<BTreeSet<_>>().len() < got_ids.len() {
            return self.report(Law::S1, "list: expected each task once on a page; got one twice");
        }
        for (expected, got) in expected.tasks().iter().zip(got.tasks()) {
            if expected.id() == got.id() {
                self.check_same(expected, got);
            }
        }
        let is_visible = |id: &TaskId| self.model.visible(account, *id, now).is_some();
        if let Some(id) = got_ids.iter().find(|id| !is_visible(id)) {
            return self.report(Law::S6, format!("list: got task {id}, which is not visible"));
        }
        let matches = |id: &TaskId| {
            let task = self.model.visible(account, *id, now);
            task.is_some_and(|task| rules::matches(query, &task))
        };
        if let Some(id) = got_ids.iter().find(|id| !matches(id)) {
            return self.report(Law::S5, format!("list: got task {id}, which does not match"));
        }
        if expected_ids.len() == got_ids.len() {
            if expected_ids != got_ids {
                self.report(Law::S5, "list: expected the next tasks of the list; got others");
            }
        } else if got_ids.len() > query.limit().get() {
            self.report(
                Law::S2,
                format!("list: expected at most {} tasks; got {}", query.limit(), got_ids.len()),
            );
        } else {
            let missing = expected_ids.iter().find(|id| !got_ids.contains(id));
            let law = if got.next().is_some() { Law::S2 } else { Law::S6 };
            self.report(
                law,
                format!(
                    "list: expected {} tasks; got {}, without {missing:?}",
                    expected_ids.len(),
                    got_ids.len()
                ),
            );
        }
        if expected.next().is_some() != got.next().is_some() {
            let cursor = |page: &Page| if page.next().is_some() { "a cursor" } else { "no cursor" };
            let (expected, got) = (cursor(expected), cursor(got));
            self.report(Law::S2, format!("list: expected {expected}; got {got}"));
        }
    }

    /// Checks that a task is the one that the model holds.
    pub(super) fn check_same(&mut self, expected: &Task, got: &Task) {
        if expected.revision() != got.revision() {
            let law = if has_ended(expected) { Law::S9 } else { Law::S10 };
            self.report(law, format!("expected {}; got {}", summary(expected), summary(got)));
        } else if expected.updated_at() != got.updated_at() {
            self.report(
                Law::S10,
                format!(
                    "{}: expected the update time {}; got {}",
                    summary(got),
                    expected.updated_at(),
                    got.updated_at()
                ),
            );
        } else {
            self.check_facts(&TaskFacts::of(expected), got);
        }
    }

    /// Checks everything about a task but its revision and update time.
    pub(super) fn check_facts(&mut self, expected: &TaskFacts<'_>, got: &Task) {
        let got_facts = TaskFacts::of(got);
        if *expected == got_facts {
            return;
        }
        let law = if expected.account != got_facts.account {
            Law::S11
        } else if expected.expires_at != got_facts.expires_at {
            Law::S6
        } else {
            Law::Methods
        };
        let difference = expected.difference(&got_facts);
        self.report(law, format!("{}: {difference}", summary(got)));
    }

    /// Checks that a task is equal to the first read at its revision.
    pub(super) fn check_version(&mut self, task: &Task) {
        let key = (task.account().clone(), task.id(), task.revision());
        let first = self.versions.entry(key).or_insert_with(|| task.clone());
        if first != task {
            self.report(
                Law::S10,
                format!("expected equal reads of {}; got two versions", summary(task)),
            );
        }
    }

    /// Checks that tasks are in descending order of revision, and don't ascend by update time.
    fn check_order(&mut self, tasks: &[Task]) {
        for pair in tasks.windows(2) {
            if let [above, below] = pair
                && (above.revision() <= below.revision() || above.updated_at() < below.updated_at())
            {
                let (above, below) = (summary(above), summary(below));
                self.report(
                    Law::S1,
                    format!("list: expected descending order; got {above} above {below}"),
                );
            }
        }
    }
}
