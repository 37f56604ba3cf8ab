//! What a store keeps of an account.

use alloc::boxed::Box;

use super::expiry::Expiry;
use super::sequence::{Descending, Entry, Sequence};
use super::turns::Turn;
use crate::clock::{AccountClock, Revision};
use crate::id::AccountId;
use crate::status::TaskStatus;
use crate::store::ListQuery;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    /// Of the id.
    pub(super) hash: u64,
    pub(super) clock: AccountClock,
    pub(super) turn: Turn,
    limited: Option<Box<Limited>>,
    by_status: [Sequence; TaskStatus::ALL.len()],
}

/// The tasks that are counted against limits, where there are any.
#[derive(Clone, Debug, Default)]
pub(super) struct Limited {
    /// The unfinished tasks, where their number is limited.
    pub(super) open: Expiry,
    /// The tasks in progress, where their number is limited.
    pub(super) in_progress: Expiry,
}

impl Account {
    pub(super) fn new(id: AccountId, hash: u64, clock: AccountClock, turn: Turn) -> Self {
        Self { id, hash, clock, turn, limited: None, by_status: Default::default() }
    }

    pub(super) fn in_status(&self, status: TaskStatus) -> &Sequence {
        &self.by_status[status as usize]
    }

    pub(super) fn in_status_mut(&mut self, status: TaskStatus) -> &mut Sequence {
        &mut self.by_status[status as usize]
    }

    pub(super) fn limited(&self) -> Option<&Limited> {
        self.limited.as_deref()
    }

    pub(super) fn limited_mut(&mut self) -> &mut Limited {
        self.limited.get_or_insert_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_status.iter().all(Sequence::is_empty)
    }

    /// The tasks that a query asks for, visible or not, by revision, the highest first.
    pub(super) fn listed(&self, query: &ListQuery, position: Option<Revision>) -> Listed<'_> {
        let end = position.unwrap_or(self.clock.revision.next());
        let since = query.since().unwrap_or_default().get();
        let mut listed =
            Listed { parts: [const { None }; TaskStatus::ALL.len()], since, at_most: 0 };
        let asked = query.statuses().map(|status| self.in_status(status));
        for (part, sequence) in listed.parts.iter_mut().zip(asked.filter(|all| !all.is_empty())) {
            *part = Some(sequence.descending_below(end));
            listed.at_most += sequence.len();
        }
        listed
    }
}

/// Descending sequences as one.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    /// Those that are not empty come first.
    parts: [Option<Descending<'a>>; TaskStatus::ALL.len()],
    since: u64,
    at_most: usize,
}

impl Listed<'_> {
    /// How many there can be.
    pub(super) fn at_most(&self) -> usize {
        self.at_most
    }
}

impl Iterator for Listed<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let mut next = None;
        let mut highest = self.since;
        for part in self.parts.iter_mut().map_while(Option::as_mut) {
            if let Some(revision) = part.peek().map(|entry| entry.revision())
                && revision > highest
            {
                highest = revision;
                next = Some(part);
            }
        }
        next?.next()
    }
}
