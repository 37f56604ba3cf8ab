//! Runs a history on a store, and checks each answer.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::check::Checker;
use super::history::{Call, Filter, History, account, instant, page_limit};
use super::law::Law;
use super::observations::Observations;
use super::operation::{BlockOn, Operation, Response, summary};
use super::rules::{self, has_ended};
use crate::id::{AccountId, TaskId};
use crate::store::{AsyncTaskStore, ListQuery, Page};
use crate::task::Task;
use crate::time::Timestamp;

/// A run of a history on a store.
pub(super) struct Runner<'a, S, B> {
    store: &'a S,
    executor: &'a B,
    pub(super) checker: Checker,
    /// The accounts that are listed before and after a call, to see what the call changed.
    watched: Vec<AccountId>,
    /// Watch every n-th call: every call of a short history, and fewer of one with thousands of
    /// calls.
    watch_every: usize,
    calls: usize,
    observed: Observations,
    /// The unfinished traversals by account and page limit.
    traversals: BTreeMap<(u16, usize), Traversal>,
}

/// A traversal of an account's list, page by page, with other calls in between.
struct Traversal {
    query: ListQuery,
    pages: Vec<(Timestamp, Page)>,
    /// The account's tasks when the traversal began.
    tasks_at_begin: Vec<Task>,
}

impl<'a, S: AsyncTaskStore, B: BlockOn> Runner<'a, S, B> {
    pub(super) fn new(history: &History, store: &'a S, executor: &'a B, watch: bool) -> Self {
        let accounts = history.steps.iter().filter_map(|step| match &step.call {
            Call::Submit { account, .. } => Some(*account),
            _ => None,
        });
        let accounts: BTreeSet<u16> = accounts.filter(|_| watch).collect();
        Self {
            store,
            executor,
            checker: Checker::new(history.config()),
            watched: accounts.into_iter().map(account).collect(),
            watch_every: 1 + history.steps.len() / 256,
            calls: 0,
            observed: Observations::default(),
            traversals: BTreeMap::new(),
        }
    }

    /// Runs the history until its end, or until the model diverges, and returns the checker.
    pub(super) fn run(mut self, history: &History) -> Checker {
        for step in &history.steps {
            self.step(step.at, &step.call);
        }
        let last = history.steps.last().map_or(0, |step| step.at);
        let unfinished: Vec<(u16, usize)> = self.traversals.keys().copied().collect();
        for (account, limit) in unfinished {
            // The bound stops a faulty store with endless pages. Each page of it is checked
            // already.
            for _ in 0..=history.steps.len() {
                if self.traversals.contains_key(&(account, limit)) {
                    self.next_page(account, limit, instant(last));
                }
            }
        }
        self.checker
    }

    /// Makes a call of the history.
    pub(super) fn step(&mut self, at: i64, call: &Call) {
        let now = instant(at);
        match call {
            Call::ListAll { account: number, limit: size, filter } => {
                self.list_all(&account(*number), *size, *filter, now);
            }
            Call::NextPage { account, limit } => self.next_page(*account, *limit, now),
            call => {
                if let Some(operation) = self.observed.operation(at, call) {
                    self.call(&operation, now);
                }
            }
        }
    }

    /// Makes a call of the store, and checks its answer.
    fn call(&mut self, operation: &Operation, now: Timestamp) -> Option<Response> {
        if self.checker.diverged {
            return None;
        }
        let is_watched = self.calls.is_multiple_of(self.watch_every);
        self.calls += 1;
        let before = self.watched_tasks(is_watched, now);
        let response = self.executor.block_on(operation.call(self.store, now));
        let after = self.watched_tasks(is_watched, now);
        self.check_changes(operation, &response, &before, &after);
        self.checker.check(operation, now, &response);
        self.observed.record(operation, &response);
        Some(response)
    }

    /// Returns the tasks of each watched account, or nothing if the call is not watched.
    fn watched_tasks(&self, is_watched: bool, now: Timestamp) -> BTreeMap<AccountId, Vec<Task>> {
        let query = ListQuery::new(core::num::NonZeroUsize::MAX);
        let watched = self.watched.iter().filter(|_| is_watched).filter_map(|account| {
            let page = self.executor.block_on(self.store.list(account, &query, now)).ok()?;
            Some((account.clone(), page.into_tasks()))
        });
        watched.collect()
    }

    /// Checks that a call changed no other task than the one that its answer contains.
    fn check_changes(
        &mut self,
        operation: &Operation,
        response: &Response,
        before: &BTreeMap<AccountId, Vec<Task>>,
        after: &BTreeMap<AccountId, Vec<Task>>,
    ) {
        let changed = response.changed();
        for (account, before) in before {
            let after = after.get(account).map_or(&[][..], Vec::as_slice);
            let own = changed.filter(|task| task.account() == account);
            let is_other = |task: &&Task| own.is_none_or(|own| own.id() != task.id());
            let rest_before = || before.iter().filter(is_other);
            let rest_after = || after.iter().filter(is_other);
            let after_ids: BTreeSet<TaskId> = after.iter().map(Task::id).collect();
            let vanished = before.iter().find(|task| !after_ids.contains(&task.id()));
            if let Some(task) = vanished {
                let law = if operation.is_read() { Law::S8 } else { Law::S7 };
                self.checker.report(law, format!("{} is gone after a call", summary(task)));
            } else if !rest_before().eq(rest_after()) {
                let stayed = |task: &Task| rest_after().any(|after| after == task);
                let ended = rest_before().any(|task| has_ended(task) && !stayed(task));
                let law = match operation {
                    operation if operation.is_read() => Law::S8,
                    _ if ended => Law::S9,
                    operation if operation.account().is_some_and(|own| own != account) => Law::S11,
                    _ if changed.is_some_and(|task| task.account() != account) => Law::S11,
                    Operation::Sweep { .. } => Law::S7,
                    _ => Law::S9,
                };
                self.checker.report(law, format!("a call changed other tasks of {account}"));
            }
        }
    }

    fn list_all(&mut self, account: &AccountId, size: usize, filter: Filter, now: Timestamp) {
        let query = self.observed.query(size, filter);
        let mut expected: Vec<Task> =
            self.checker.model.visible_tasks(account, now).cloned().collect();
        expected.retain(|task| rules::matches(&query, task));
        let (mut got, mut after) = (Vec::new(), None);
        // Even with one task a page, the list ends within this number of pages.
        for _ in 0..=expected.len() {
            let query = match after {
                Some(cursor) => query.clone().after(cursor),
                None => query.clone(),
            };
            let operation = Operation::List { account: account.clone(), query };
            let Some(Response::List(Ok(page))) = self.call(&operation, now) else { return };
            after = page.next();
            got.extend(page.into_tasks());
            if after.is_none() {
                break;
            }
        }
        let ids = |tasks: &[Task]| {
            let mut ids: Vec<TaskId> = tasks.iter().map(Task::id).collect();
            ids.sort_unstable();
            ids
        };
        if ids(&expected) != ids(&got) {
            let (expected, got) = (expected.len(), got.len());
            let description = format!(
                "all pages of {account}: expected each of {expected} tasks once; got {got} tasks"
            );
            self.checker.report(Law::S3, description);
        }
    }

    fn next_page(&mut self, number: u16, size: usize, now: Timestamp) {
        let owner = account(number);
        let own_tasks = || self.checker.model.all_tasks().filter(|task| *task.account() == owner);
        let mut traversal = self.traversals.remove(&(number, size)).unwrap_or_else(|| Traversal {
            query: ListQuery::new(page_limit(size)),
            pages: Vec::new(),
            tasks_at_begin: own_tasks().cloned().collect(),
        });
        let query = match traversal.pages.last().and_then(|(_, page)| page.next()) {
            Some(cursor) => traversal.query.clone().after(cursor),
            None => traversal.query.clone(),
        };
        let operation = Operation::List { account: owner.clone(), query };
        let Some(Response::List(Ok(page))) = self.call(&operation, now) else { return };
        let is_last = page.next().is_none();
        traversal.pages.push((now, page));
        if is_last {
            self.check_traversal(&owner, &traversal, now);
        } else {
            self.traversals.insert((number, size), traversal);
        }
    }

    /// Checks law S4: each unchanged task was seen once, and each changed task is in "changed since
    /// the first page".
    fn check_traversal(&mut self, account: &AccountId, traversal: &Traversal, now: Timestamp) {
        let Some((_, first)) = traversal.pages.first() else { return };
        let query = ListQuery::new(core::num::NonZeroUsize::MAX).changed_since(first.revision());
        let operation = Operation::List { account: account.clone(), query };
        let Some(Response::List(Ok(changed))) = self.call(&operation, now) else { return };

        let times_seen = |id| {
            let tasks = traversal.pages.iter().flat_map(|(_, page)| page.tasks());
            tasks.filter(|task| task.id() == id).count()
        };
        for task in &traversal.tasks_at_begin {
            let visible = |at: &Timestamp| self.checker.model.visible(account, task.id(), *at);
            let is_unchanged =
                traversal.pages.iter().all(|(at, _)| visible(at).as_ref() == Some(task));
            let times = times_seen(task.id());
            if is_unchanged && times != 1 {
                let description = format!(
                    "pages: expected {}, which did not change, once; got it {times} times",
                    summary(task)
                );
                return self.checker.report(Law::S4, description);
            }
        }
        let visible: Vec<Task> = self.checker.model.visible_tasks(account, now).cloned().collect();
        for task in visible.iter().filter(|task| !traversal.tasks_at_begin.contains(task)) {
            if !changed.tasks().iter().any(|other| other.id() == task.id()) {
                let description = format!(
                    "pages: expected {} in the changes since the first page; got none",
                    summary(task)
                );
                return self.checker.report(Law::S4, description);
            }
        }
    }
}
