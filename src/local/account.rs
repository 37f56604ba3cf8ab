//! What a store keeps of an account.

use core::iter::Peekable;

use super::expiry::Expiry;
use super::sequence::{Entry, Sequence};
use super::turns::Turn;
use crate::clock::{AccountClock, Revision};
use crate::id::AccountId;
use crate::status::TaskStatus;
use crate::store::ListQuery;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    pub(super) clock: AccountClock,
    pub(super) turn: Turn,
    /// The unfinished tasks, where their number is limited.
    pub(super) open: Expiry,
    /// The tasks in progress, where their number is limited.
    pub(super) in_progress: Expiry,
    by_status: [Sequence; TaskStatus::ALL.len()],
}

impl Account {
    pub(super) fn new(id: AccountId, clock: AccountClock, turn: Turn) -> Self {
        Self {
            id,
            clock,
            turn,
            open: Expiry::default(),
            in_progress: Expiry::default(),
            by_status: Default::default(),
        }
    }

    pub(super) fn in_status(&self, status: TaskStatus) -> &Sequence {
        &self.by_status[status as usize]
    }

    pub(super) fn in_status_mut(&mut self, status: TaskStatus) -> &mut Sequence {
        &mut self.by_status[status as usize]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_status.iter().all(Sequence::is_empty)
    }

    /// The tasks that a query asks for, visible or not, by revision, the highest first.
    pub(super) fn listed(
        &self,
        query: &ListQuery,
        position: Option<Revision>,
    ) -> impl Iterator<Item = Entry> {
        let end = position.unwrap_or(self.clock.revision.next());
        let since = query.since().unwrap_or_default();
        let mut asked = [const { None }; TaskStatus::ALL.len()];
        for status in query.statuses() {
            let below = self.in_status(status).descending_below(end);
            asked[status as usize] = Some(below.peekable());
        }
        Merged(asked).take_while(move |entry| entry.revision > since)
    }
}

/// Descending sequences as one.
struct Merged<I: Iterator<Item = Entry>>([Option<Peekable<I>>; TaskStatus::ALL.len()]);

impl<I: Iterator<Item = Entry>> Iterator for Merged<I> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let heads = self.0.iter_mut().flatten().filter_map(|sequence| {
            let revision = sequence.peek()?.revision;
            Some((revision, sequence))
        });
        heads.max_by_key(|(revision, _)| *revision)?.1.next()
    }
}
