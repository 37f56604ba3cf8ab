//! What a client remembers of earlier answers.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::history::{Call, Event, ExpectedRevision, Filter, account, page_limit, task_id};
use super::operation::{Operation, Response};
use crate::clock::Revision;
use crate::id::{AccountId, TaskId};
use crate::store::{Cursor, ListQuery};
use crate::task::Task;

/// What a client has seen in earlier answers. Later calls can refer to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Observations {
    /// The versions of each task, the latest last.
    seen: BTreeMap<(AccountId, TaskId), Vec<Task>>,
    /// The revisions of pages.
    pages: Vec<Revision>,
    cursors: Vec<Cursor>,
}

impl Observations {
    /// Resolves what a call refers to. Returns `None` for a call that reads several pages.
    pub(super) fn operation(&self, at: i64, call: &Call) -> Option<Operation> {
        Some(match *call {
            Call::Submit { account, id, request } => {
                Operation::Submit(request.submission(account, id))
            }
            Call::Apply { account: number, id, expected, event } => {
                self.apply(account(number), task_id(id), expected, event, at)
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
            Call::ListAll { .. } | Call::NextPage { .. } => return None,
        })
    }

    fn apply(
        &self,
        account: AccountId,
        id: TaskId,
        expected: ExpectedRevision,
        event: Event,
        at: i64,
    ) -> Operation {
        let seen = self.seen.get(&(account.clone(), id)).map_or(&[][..], Vec::as_slice);
        let exactly = match expected {
            ExpectedRevision::Any => None,
            ExpectedRevision::Current => seen.last(),
            ExpectedRevision::Previous => seen.iter().rev().nth(1).or(seen.last()),
        };
        Operation::Apply { account, id, exactly: exactly.cloned(), event: event.event(at) }
    }

    pub(super) fn query(&self, size: usize, filter: Filter) -> ListQuery {
        let mut query = ListQuery::new(page_limit(size));
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
            // A later page of the same changes has to refer to the same page, so these don't count.
            if query.since().is_none() {
                self.pages.push(page.revision());
            }
            self.cursors.extend(page.next());
        }
    }
}

/// Returns the element `ago` places before the last, or the first one if there are fewer.
fn nth_last<T: Copy>(elements: &[T], ago: usize) -> Option<T> {
    elements.iter().rev().nth(ago).or(elements.first()).copied()
}
