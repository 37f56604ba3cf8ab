//! Runs a history on a store, and beside it on the model.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::check::{Checker, LawBreach};
use super::history::{Call, Event, Filter, Guard, History, account, instant, limit, task_id};
use super::law::Law;
use super::operation::{BlockOn, Operation, Response, summary};
use crate::clock::Revision;
use crate::id::{AccountId, TaskId};
use crate::store::{AsyncTaskStore, Cursor, ListQuery, Page};
use crate::task::Task;
use crate::time::Now;

/// A history that is being run.
pub(super) struct Runner<'a, S, B> {
    store: &'a S,
    executor: &'a B,
    pub(super) checker: Checker,
    /// The accounts to be looked at before and after each call, if any: slower, but tells what a
    /// call changed.
    watched: Vec<AccountId>,
    /// Before and after which calls: of a history of thousands, only some.
    watch_every: usize,
    calls: usize,
    observed: Observations,
    walks: BTreeMap<(u16, usize), Walk>,
}

/// What a client remembers of the answers: what its next calls can refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Observations {
    /// What each task was seen as, the latest last.
    seen: BTreeMap<(AccountId, TaskId), Vec<Task>>,
    pages: Vec<Revision>,
    cursors: Vec<Cursor>,
}

/// A walk through an account's list, page by page, with other calls in between.
struct Walk {
    query: ListQuery,
    pages: Vec<(Now, Page)>,
    /// The account's tasks when the walk began.
    begin: Vec<Task>,
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
            walks: BTreeMap::new(),
        }
    }

    /// Runs all of a history, or until the model can't follow.
    pub(super) fn run(self, history: &History) -> Vec<LawBreach> {
        self.run_to_end(history).breaches
    }

    /// The same, and gives the checker.
    pub(super) fn run_to_end(mut self, history: &History) -> Checker {
        for step in &history.steps {
            self.step(step.at, &step.call);
        }
        let last = history.steps.last().map_or(0, |step| step.at);
        let open: Vec<(u16, usize)> = self.walks.keys().copied().collect();
        for (account, limit) in open {
            // More pages than tasks would be a breach of its own, found by every page.
            for _ in 0..=history.steps.len() {
                if self.walks.contains_key(&(account, limit)) {
                    self.walk(account, limit, instant(last));
                }
            }
        }
        self.checker
    }

    /// Makes a history's call.
    pub(super) fn step(&mut self, at: i64, call: &Call) {
        let now = instant(at);
        match call {
            Call::ListAll { account: number, limit: size, filter } => {
                self.list_all(&account(*number), *size, *filter, now);
            }
            Call::Walk { account, limit } => self.walk(*account, *limit, now),
            call => {
                if let Some(operation) = self.observed.operation(at, call) {
                    self.call(&operation, now);
                }
            }
        }
    }

    /// Makes a call, and compares its answer.
    fn call(&mut self, operation: &Operation, now: Now) -> Option<Response> {
        if self.checker.diverged {
            return None;
        }
        let is_watched = self.calls.is_multiple_of(self.watch_every);
        self.calls += 1;
        let before = self.watch(is_watched, now);
        let response = self.executor.block_on(operation.call(self.store, now));
        let after = self.watch(is_watched, now);
        self.compare(operation, &response, &before, &after);
        self.checker.check(operation, now, &response);
        self.observed.record(operation, &response);
        Some(response)
    }

    fn watch(&self, is_watched: bool, now: Now) -> BTreeMap<AccountId, Vec<Task>> {
        let query = ListQuery::new(core::num::NonZeroUsize::MAX);
        let watched = self.watched.iter().filter(|_| is_watched).filter_map(|account| {
            let page = self.executor.block_on(self.store.list(account, &query, now)).ok()?;
            Some((account.clone(), page.into_tasks()))
        });
        watched.collect()
    }

    /// What a call may change in what was there before.
    fn compare(
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
                self.checker.breach(law, format!("{} is gone after a call", summary(task)));
            } else if !rest_before().eq(rest_after()) {
                let stayed = |task: &Task| rest_after().any(|after| after == task);
                let ended = rest_before().any(|task| task.status().is_terminal() && !stayed(task));
                let law = match operation {
                    operation if operation.is_read() => Law::S8,
                    _ if ended => Law::S9,
                    operation if operation.account().is_some_and(|own| own != account) => Law::S11,
                    _ if changed.is_some_and(|task| task.account() != account) => Law::S11,
                    Operation::Sweep { .. } => Law::S7,
                    _ => Law::S9,
                };
                self.checker.breach(law, format!("a call changed other tasks of {account}"));
            }
        }
    }

    fn list_all(&mut self, of: &AccountId, size: usize, filter: Filter, now: Now) {
        let query = self.observed.query(size, filter);
        let mut expected: Vec<Task> = self.checker.model.visible_tasks(of, now).cloned().collect();
        expected.retain(|task| query.matches(task));
        let (mut got, mut after) = (Vec::new(), None);
        // One page for each task, and one to spare.
        for _ in 0..=expected.len() {
            let query = match after {
                Some(cursor) => query.clone().after(cursor),
                None => query.clone(),
            };
            let operation = Operation::List { account: of.clone(), query };
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
            let what =
                format!("all pages of {of} have {got} tasks instead of each of {expected} once");
            self.checker.breach(Law::S3, what);
        }
    }

    fn walk(&mut self, number: u16, size: usize, now: Now) {
        let of = account(number);
        let walk = self.walks.remove(&(number, size)).unwrap_or_else(|| Walk {
            query: ListQuery::new(limit(size)),
            pages: Vec::new(),
            begin: self.checker.model.all_tasks().filter(|t| *t.account() == of).cloned().collect(),
        });
        let query = match walk.pages.last().and_then(|(_, page)| page.next()) {
            Some(cursor) => walk.query.clone().after(cursor),
            None => walk.query.clone(),
        };
        let Some(Response::List(Ok(page))) =
            self.call(&Operation::List { account: of.clone(), query }, now)
        else {
            return;
        };
        let (mut walk, last) = (walk, page.next().is_none());
        walk.pages.push((now, page));
        if last {
            self.end_of_walk(&of, &walk, now);
        } else {
            self.walks.insert((number, size), walk);
        }
    }

    /// Each task that did not change was seen once, and each that did is among those changed since.
    fn end_of_walk(&mut self, of: &AccountId, walk: &Walk, now: Now) {
        let Some((_, first)) = walk.pages.first() else { return };
        let query = ListQuery::new(core::num::NonZeroUsize::MAX).changed_since(first.revision());
        let operation = Operation::List { account: of.clone(), query };
        let Some(Response::List(Ok(changed))) = self.call(&operation, now) else { return };

        let times_seen = |id| {
            let tasks = walk.pages.iter().flat_map(|(_, page)| page.tasks());
            tasks.filter(|task| task.id() == id).count()
        };
        for task in &walk.begin {
            let visible = |at: &Now| self.checker.model.visible(of, task.id(), *at);
            let stayed = walk.pages.iter().all(|(at, _)| visible(at).as_ref() == Some(task));
            if stayed && times_seen(task.id()) != 1 {
                let times = times_seen(task.id());
                let what = format!("{} did not change, and was seen {times} times", summary(task));
                return self.checker.breach(Law::S4, what);
            }
        }
        let later: Vec<Task> = self.checker.model.visible_tasks(of, now).cloned().collect();
        for task in later.iter().filter(|task| !walk.begin.contains(task)) {
            if !changed.tasks().iter().any(|other| other.id() == task.id()) {
                let what =
                    format!("{} changed, and is not among those changed since", summary(task));
                return self.checker.breach(Law::S4, what);
            }
        }
    }
}

impl Observations {
    /// A call of a history with what it refers to filled in; none for walks.
    pub(super) fn operation(&self, at: i64, call: &Call) -> Option<Operation> {
        Some(match *call {
            Call::Submit { account, id, request } => {
                Operation::Submit(request.submission(account, id))
            }
            Call::Apply { account: number, id, guard, event } => {
                self.apply(account(number), task_id(id), guard, event, at)
            }
            Call::Claim(number) => Operation::Claim(number.map(account)),
            Call::Get { account: number, id } => {
                Operation::Get { account: account(number), id: task_id(id) }
            }
            Call::List { account: number, limit, filter, after } => {
                let query = self.query(limit, filter);
                let cursor = after.and_then(|ago| nth_last(&self.cursors, ago));
                let query = cursor.map_or(query.clone(), |cursor| query.after(cursor));
                Operation::List { account: account(number), query }
            }
            Call::Sweep { limit } => Operation::Sweep { limit },
            Call::ListAll { .. } | Call::Walk { .. } => return None,
        })
    }

    fn apply(
        &self,
        account: AccountId,
        id: TaskId,
        guard: Guard,
        event: Event,
        at: i64,
    ) -> Operation {
        let seen = self.seen.get(&(account.clone(), id)).map_or(&[][..], Vec::as_slice);
        let exactly = match guard {
            Guard::Latest => None,
            Guard::Current => seen.last(),
            Guard::Previous => seen.iter().rev().nth(1).or(seen.last()),
        };
        Operation::Apply { account, id, exactly: exactly.cloned(), event: event.event(at) }
    }

    fn query(&self, size: usize, filter: Filter) -> ListQuery {
        let mut query = ListQuery::new(limit(size));
        for status in filter.status.into_iter().chain(filter.or_status) {
            query = query.with_status(status);
        }
        if let Some(ago) = filter.since_page {
            query = query.changed_since(nth_last(&self.pages, ago).unwrap_or_default());
        }
        query
    }

    pub(super) fn record(&mut self, operation: &Operation, response: &Response) {
        if let Some(task) = response.changed() {
            let key = (task.account().clone(), task.id());
            self.seen.entry(key).or_default().push(task.clone());
        }
        if let (Operation::List { query, .. }, Response::List(Ok(page))) = (operation, response) {
            // What asks for the changes since a page, and goes on with them, refers to the same one.
            if query.since().is_none() {
                self.pages.push(page.revision());
            }
            self.cursors.extend(page.next());
        }
    }
}

/// The element so many before the last; the first, where there are fewer.
fn nth_last<T: Copy>(all: &[T], ago: usize) -> Option<T> {
    all.iter().rev().nth(ago).or(all.first()).copied()
}
