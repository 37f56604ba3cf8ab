//! Submissions to a store that holds as many tasks as it may. They drop the task that expired first
//! in the whole store.

use alloc::vec::Vec;

use super::coordination::{Announcement, Ordinal};
use super::sync::spin_loop;
use super::{MemoryStore, SubmitAttempt};
use crate::shard::Examined;
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::time::Timestamp;

impl MemoryStore {
    /// Submits to a store that is full, and drops the task that expired first in the whole store.
    ///
    /// That task can be found while other shards go on. As long as all places are taken and none is
    /// given back, a task is added only in place of an expired one, and expiries only move to
    /// later. So a task that expires before all other shards' announcements is the first, if no
    /// place was given back until all of them had been read.
    ///
    /// There is one exception: an event that ends a task can move its expiry to earlier, if
    /// [retention](crate::Retention::since_end) is counted from the end. But the new expiry is
    /// still a whole period ahead. A task that it would have to precede has expired only for a
    /// caller whose clock is ahead by that period.
    #[cold]
    pub(super) fn submit_making_place(
        &self,
        own: usize,
        mut submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let _making_place = self.making_place.lock();
        loop {
            let taken = self.places.now();
            if !self.places.are_full(taken) {
                match self.submit_to(&mut self.write(own, now), submission, now) {
                    SubmitAttempt::Answered(answer) => return answer,
                    SubmitAttempt::NeedsRoom(again) => submission = again,
                }
                spin_loop();
                continue;
            }

            let announced: Vec<Ordinal> =
                self.announcements().map(Announcement::first_expiry).collect();
            let first = announced.iter().min();
            let is_concerned = |at: &usize| *at == own || announced.get(*at) == first;
            // Lock in order, as a snapshot does, to avoid deadlocks.
            let concerned: Vec<usize> = (0..self.slots.len()).filter(is_concerned).collect();
            let mut locked: Vec<_> = concerned.iter().map(|at| self.write(*at, now)).collect();
            let first = (0..locked.len())
                .filter_map(|at| Some((locked[at].first_expiry()?.expires_at(), at)))
                .min();
            let mut others =
                self.announcements().enumerate().filter(|(at, _)| !concerned.contains(at));
            let is_first_of_all = others.all(|(_, other)| {
                first.is_some_and(|(expiry, _)| other.first_expiry() > Ordinal::of(expiry))
            });
            if !is_first_of_all || self.places.now() != taken {
                drop(locked);
                spin_loop();
                continue;
            }

            let own = concerned.iter().position(|at| *at == own).unwrap_or_default();
            let shard = &locked[own];
            let mut proposal = match shard.examine(&submission, now) {
                Examined::Proposed(proposal) => proposal,
                Examined::Answered(answer) => return answer,
            };
            if proposal.needs_place() {
                let expired = first.filter(|(expiry, _)| *expiry <= shard.effective_now(now));
                let Some((expiry, at)) = expired else { return Err(SubmitError::StoreFull) };
                if !proposal.fits_account() {
                    return Err(SubmitError::AccountFull);
                }
                self.horizon.advance_to(expiry);
                if at == own {
                    locked[own].make_room(&mut proposal, submission.account());
                } else {
                    locked[at].drop_first();
                }
            }
            let shard = &mut locked[own];
            shard.advance_horizon(self.horizon.get());
            return Ok(Submitted::New(
                shard.accept(&proposal, submission, now, || self.tickets.next()),
            ));
        }
    }
}
