//! The queue of accounts that may have something to claim, for round-robin claims.
//!
//! Each account has a ticket, its place in the queue. When one of its tasks is claimed, it gets a
//! new ticket behind all others. The store issues the tickets, so that accounts of several shards
//! take turns.
//!
//! An account with nothing to claim would be looked at in vain at every claim. So it is parked
//! until something happens to it, or until an instant at which it may have something.

use alloc::boxed::Box;

use super::b_plus_tree::BPlusTree;
use crate::kit::Parked;
use crate::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub(crate) struct ReadyQueue {
    /// The accounts to look at, by ticket.
    ready: BPlusTree<(u64, u32)>,
    /// Parked accounts by [`Parked::wake_after`].
    by_wake_after: BPlusTree<(Timestamp, u32)>,
    /// Parked accounts by [`Parked::wake_at`].
    by_wake_at: BPlusTree<(Timestamp, u32)>,
    /// Parked accounts by [`Parked::wake_before`].
    by_wake_before: BPlusTree<(Timestamp, u32)>,
}

/// An account that may have something to claim.
pub(super) struct Ready {
    ticket: u64,
    pub(super) account: u32,
}

/// An account's entry in the queue.
#[derive(Clone, Debug)]
pub(super) struct QueueEntry {
    ticket: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Ready,
    /// Until something happens to the account, or until then.
    Parked(Option<Box<Parked>>),
}

impl QueueEntry {
    /// Creates the entry of an account that has nothing to claim yet. It is parked.
    pub(super) fn new(ticket: u64) -> Self {
        Self { ticket, state: State::Parked(None) }
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl ReadyQueue {
    /// Returns the first ready account.
    pub(super) fn first(&self) -> Option<Ready> {
        self.ready.first().map(|(ticket, account)| Ready { ticket, account })
    }

    /// Returns the ticket of the first ready account.
    pub(crate) fn first_ticket(&self) -> Option<u64> {
        self.first().map(|ready| ready.ticket)
    }

    /// Returns when the next parked account has to be woken: the first `wake_after` and `wake_at`,
    /// and the last `wake_before`.
    pub(crate) fn wakes(&self) -> Parked {
        Parked {
            wake_after: self.by_wake_after.first().map(|(instant, _)| instant),
            wake_at: self.by_wake_at.first().map(|(instant, _)| instant),
            wake_before: self.by_wake_before.last().map(|(instant, _)| instant),
        }
    }

    pub(super) fn make_ready(&mut self, account: u32, entry: &mut QueueEntry) {
        if let State::Parked(until) = &entry.state {
            self.remove_parked(account, until.as_deref());
            self.ready.insert((entry.ticket, account));
            entry.state = State::Ready;
        }
    }

    pub(super) fn park(&mut self, account: u32, entry: &mut QueueEntry, parked: Parked) {
        if let State::Parked(known) = &entry.state
            && known.as_deref().copied().unwrap_or_default() == parked
        {
            return;
        }
        self.remove(account, entry);
        let Parked { wake_after, wake_at, wake_before } = parked;
        for (set, instant) in self.parked().into_iter().zip([wake_after, wake_at, wake_before]) {
            if let Some(instant) = instant {
                set.insert((instant, account));
            }
        }
        let forever = parked == Parked::default();
        entry.state = State::Parked((!forever).then(|| Box::new(parked)));
    }

    /// Gives an account a new ticket, after one of its tasks was claimed.
    pub(super) fn move_to_end(&mut self, account: u32, entry: &mut QueueEntry, ticket: u64) {
        let before = core::mem::replace(&mut entry.ticket, ticket);
        if let State::Ready = entry.state {
            self.ready.remove((before, account));
            self.ready.insert((entry.ticket, account));
        }
    }

    /// Removes an account from the queue.
    pub(super) fn remove(&mut self, account: u32, entry: &QueueEntry) {
        match &entry.state {
            State::Ready => self.ready.remove((entry.ticket, account)),
            State::Parked(until) => self.remove_parked(account, until.as_deref()),
        }
    }

    fn remove_parked(&mut self, account: u32, parked: Option<&Parked>) {
        let Some(Parked { wake_after, wake_at, wake_before }) = parked else { return };
        for (set, instant) in self.parked().into_iter().zip([wake_after, wake_at, wake_before]) {
            if let Some(instant) = instant {
                set.remove((*instant, account));
            }
        }
    }

    fn parked(&mut self) -> [&mut BPlusTree<(Timestamp, u32)>; 3] {
        [&mut self.by_wake_after, &mut self.by_wake_at, &mut self.by_wake_before]
    }

    /// Returns a parked account that has to be woken at `now`. `effective_now` is the later of `now`
    /// and the horizon.
    pub(super) fn overdue(&self, now: Timestamp, effective_now: Timestamp) -> Option<u32> {
        let after = self.by_wake_after.first().filter(|(wake_after, _)| *wake_after < now);
        let at = self.by_wake_at.first().filter(|(wake_at, _)| *wake_at <= effective_now);
        let before =
            self.by_wake_before.last().filter(|(wake_before, _)| effective_now < *wake_before);
        after.or(at).or(before).map(|(_, account)| account)
    }
}
