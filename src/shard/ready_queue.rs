//! The queue of accounts that may have a task to hand out, for round-robin claims.
//!
//! Each account has a ticket, its place in the queue, and gets a new one behind all others when one of
//! its tasks is handed out. Tickets are the store's, so that accounts of several shards take turns. An
//! account with nothing to hand out would be looked at in vain at every claim. So it is parked: until something happens to it, or until a clock says that something may have
//! changed.

use alloc::boxed::Box;

use super::b_plus_tree::BPlusTree;
use crate::kit::Parked;
use crate::time::Now;

#[derive(Clone, Debug, Default)]
pub(crate) struct ReadyQueue {
    /// The accounts to look at, by ticket.
    ready: BPlusTree<(u64, u32)>,
    /// The accounts that are parked until an instant is over, by the caller's clock.
    parked_past: BPlusTree<(Now, u32)>,
    /// The accounts that are parked until an instant is reached, by the caller's clock or the horizon.
    parked_until: BPlusTree<(Now, u32)>,
    /// The accounts that are parked unless a clock is behind an instant.
    parked_unless_before: BPlusTree<(Now, u32)>,
}

/// An account that may have something to hand out.
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
    /// The entry of an account that has nothing to hand out so far. It is parked.
    pub(super) fn new(ticket: u64) -> Self {
        Self { ticket, state: State::Parked(None) }
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl ReadyQueue {
    /// The first account that is ready.
    pub(super) fn first(&self) -> Option<Ready> {
        self.ready.first().map(|(ticket, account)| Ready { ticket, account })
    }

    /// The ticket of the first account that is ready.
    pub(crate) fn first_ticket(&self) -> Option<u64> {
        self.first().map(|ready| ready.ticket)
    }

    /// When clocks wake an account, if they do.
    pub(crate) fn wakes(&self) -> Parked {
        Parked {
            wake_after: self.parked_past.first().map(|(past, _)| past),
            wake_at: self.parked_until.first().map(|(until, _)| until),
            wake_before: self.parked_unless_before.last().map(|(before, _)| before),
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

    /// Moves an account of which a task was handed out to the end: to the place of a new ticket.
    pub(super) fn move_to_end(&mut self, account: u32, entry: &mut QueueEntry, ticket: u64) {
        let before = core::mem::replace(&mut entry.ticket, ticket);
        if let State::Ready = entry.state {
            self.ready.remove((before, account));
            self.ready.insert((entry.ticket, account));
        }
    }

    /// Takes an account out of the queue.
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

    fn parked(&mut self) -> [&mut BPlusTree<(Now, u32)>; 3] {
        [&mut self.parked_past, &mut self.parked_until, &mut self.parked_unless_before]
    }

    /// An account that is parked, and should not be at this instant, which is `now` or the horizon.
    pub(super) fn overdue(&self, now: Now, instant: Now) -> Option<u32> {
        let past = self.parked_past.first().filter(|(past, _)| *past < now);
        let until = self.parked_until.first().filter(|(until, _)| *until <= instant);
        let before = self.parked_unless_before.last().filter(|(before, _)| instant < *before);
        past.or(until).or(before).map(|(_, account)| account)
    }
}
