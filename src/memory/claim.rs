//! Claims over all accounts, which take turns across the shards.

use super::MemoryStore;
use super::coordination::{Announcement, Ordinal};
use super::sync::spin_loop;
use crate::shard::Turn;
use crate::store::Claimed;
use crate::time::Timestamp;

impl MemoryStore {
    /// Claims a task of the account whose turn it is.
    pub(super) fn claim_in_turn(&self, now: Timestamp) -> Option<Claimed> {
        // Look each time, as a claim by a clock that is ahead may have parked an account that this
        // call still sees something in.
        let wake = |at, announcement: &Announcement| {
            if announcement.may_wake_at(Ordinal::of(self.horizon.effective_now(now))) {
                self.write(at, now).wake_overdue(now);
            }
        };
        let mut first = self.first_in_turn(wake);
        while let Some(at) = first {
            let mut shard = self.write(at, now);
            // Before the shard was locked, an account of another shard may have come first.
            let own = shard.ready_queue().first_ticket();
            let mut others = self.announcements().enumerate().filter(|(other, _)| *other != at);
            if own.is_some_and(|own| others.all(|(_, other)| own < other.first_ticket()))
                && let Some(Turn::Served(claimed)) = shard.claim_next(now, || self.tickets.next())
            {
                return Some(claimed);
            }
            drop(shard);
            spin_loop();
            first = self.first_in_turn(wake);
        }
        None
    }

    /// Returns the shard of the account whose turn it is, if any account is ready, after calling
    /// `see_to` for each shard.
    fn first_in_turn(&self, see_to: impl Fn(usize, &Announcement)) -> Option<usize> {
        let mut first = (Announcement::NOBODY, None);
        for (at, announcement) in self.announcements().enumerate() {
            see_to(at, announcement);
            let ticket = announcement.first_ticket();
            if ticket < first.0 {
                first = (ticket, Some(at));
            }
        }
        first.1
    }
}
