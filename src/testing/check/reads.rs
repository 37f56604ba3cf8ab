//! Compares what is read with what the model holds.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::Checker;
use crate::id::{AccountId, TaskId};
use crate::store::{ListError, ListQuery, Page};
use crate::task::Task;
use crate::testing::law::Law;
use crate::testing::operation::summary;
use crate::testing::rules::{Facts, has_ended, is_asked_for};
use crate::time::Now;

impl Checker {
    pub(super) fn got(&mut self, account: &AccountId, id: TaskId, got: Option<&Task>, now: Now) {
        match (self.model.visible(account, id, now), got) {
            (None, None) => {}
            (Some(expected), Some(got)) => {
                self.read(got);
                self.same(&expected, got);
            }
            (Some(expected), None) => {
                self.breach(Law::S6, format!("get: expected {}; got none", summary(&expected)));
            }
            (None, Some(got)) => {
                let known = self.model.stored(account, id).is_some();
                let law = if known || got.account() == account { Law::S6 } else { Law::S11 };
                self.breach(law, format!("get: expected none; got {}", summary(got)));
            }
        }
    }

    pub(super) fn listed(
        &mut self,
        account: &AccountId,
        query: &ListQuery,
        expected: Result<Page, ListError>,
        got: &Result<Page, ListError>,
        now: Now,
    ) {
        let (expected, got) = match (expected, got) {
            (Ok(expected), Ok(got)) => (expected, got),
            (Err(ListError::Cursor(_)), Err(ListError::Cursor(_))) => return,
            (Ok(_), Err(error)) => return self.breach(Law::S5, format!("list failed: {error}")),
            (Err(_), got) => {
                let got = if got.is_ok() { "a page" } else { "another error" };
                return self.breach(Law::S5, format!("list: expected a refused cursor; got {got}"));
            }
        };
        self.ordered(got.tasks());
        for task in got.tasks() {
            if task.account() != account {
                return self
                    .breach(Law::S11, format!("list: got another account's {}", summary(task)));
            }
            self.read(task);
            if task.revision() > got.revision() {
                self.breach(
                    Law::S10,
                    format!("list: {} is above the page's revision", summary(task)),
                );
            }
        }
        let seen = self.seen.entry(account.clone()).or_default();
        seen.page = seen.page.max(got.revision());

        let ids = |page: &Page| page.tasks().iter().map(Task::id).collect::<Vec<_>>();
        let (expected_ids, got_ids) = (ids(&expected), ids(got));
        if got_ids.iter().collect::<BTreeSet<_>>().len() < got_ids.len() {
            return self.breach(Law::S1, "list: a task is on the page twice");
        }
        for (expected, got) in expected.tasks().iter().zip(got.tasks()) {
            if expected.id() == got.id() {
                self.same(expected, got);
            }
        }
        let visible = |id: &TaskId| self.model.visible(account, *id, now).is_some();
        if let Some(ghost) = got_ids.iter().find(|id| !visible(id)) {
            return self.breach(Law::S6, format!("list: got task {ghost}, which is not visible"));
        }
        let matching = |id: &TaskId| {
            let task = self.model.visible(account, *id, now);
            task.is_some_and(|task| is_asked_for(query, &task))
        };
        if let Some(other) = got_ids.iter().find(|id| !matching(id)) {
            return self.breach(Law::S5, format!("list: got task {other}, which does not match"));
        }
        if expected_ids.len() == got_ids.len() {
            if expected_ids != got_ids {
                self.breach(Law::S5, "list: the tasks are not those that come next");
            }
        } else if got_ids.len() > query.limit().get() {
            self.breach(Law::S2, format!("list: got more than the limit of {}", query.limit()));
        } else {
            let missing = expected_ids.iter().find(|id| !got_ids.contains(id));
            let short = got.next().is_some();
            let law = if short { Law::S2 } else { Law::S6 };
            self.breach(
                law,
                format!(
                    "list: expected {} tasks, got {}, without {missing:?}",
                    expected_ids.len(),
                    got_ids.len()
                ),
            );
        }
        if expected.next().is_some() != got.next().is_some() {
            let more = if expected.next().is_some() { "more follows" } else { "nothing follows" };
            self.breach(Law::S2, format!("list: {more}, but the page says otherwise"));
        }
    }

    /// Compares what a read gave with what the model holds.
    pub(super) fn same(&mut self, expected: &Task, got: &Task) {
        if expected.revision() != got.revision() {
            let law = if has_ended(expected) { Law::S9 } else { Law::S10 };
            self.breach(law, format!("expected {}; got {}", summary(expected), summary(got)));
        } else if expected.updated_at() != got.updated_at() {
            self.breach(Law::S10, format!("{} has changed its update time", summary(got)));
        } else {
            self.same_but_for_stamp(&Facts::of(expected), got);
        }
    }

    pub(super) fn same_but_for_stamp(&mut self, expected: &Facts<'_>, got: &Task) {
        let got_facts = Facts::of(got);
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
        let what = expected.difference(&got_facts);
        self.breach(law, format!("{}: {what}", summary(got)));
    }

    /// Remembers what a task looked like at its revision: it must look so at every read.
    pub(super) fn read(&mut self, task: &Task) {
        let key = (task.account().clone(), task.id(), task.revision());
        let first = self.versions.entry(key).or_insert_with(|| task.clone());
        if first != task {
            self.breach(Law::S10, format!("two reads of {} are not equal", summary(task)));
        }
    }

    fn ordered(&mut self, tasks: &[Task]) {
        for pair in tasks.windows(2) {
            if let [above, below] = pair
                && (above.revision() <= below.revision() || above.updated_at() < below.updated_at())
            {
                let (above, below) = (summary(above), summary(below));
                self.breach(Law::S1, format!("list: {above} stands above {below}"));
            }
        }
    }
}
