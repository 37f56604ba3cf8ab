//! A store that is full: what expired first in all of it makes room.

use alloc::vec::Vec;

use super::MemoryStore;
use super::coordination::{Announcement, Ordinal};
use super::sync::spin_loop;
use crate::store::{SubmitError, Submitted};
use crate::submission::Submission;
use crate::time::Now;

impl MemoryStore {
    /// Submits to a store that was found full: the task that expired first in all of it makes room.
    ///
    /// Which one that is can be told although the shards go on. As long as all places are taken and none is
    /// given back, no task comes but in place of an expired one, and an expiry only ever moves to later.
    /// So what is before the others' announcements is first, if nothing was given back until all had been
    /// looked at. An end from which the [retention](crate::Retention::since_end) is counted moves an expiry to
    /// earlier, though beyond every clock by then: what it could come before has expired for none but a caller
    /// who is ahead by the whole period.
    #[cold]
    pub(super) fn submit_to_full(
        &self,
        own: usize,
        mut submission: Submission,
        now: Now,
    ) -> Result<Submitted, SubmitError> {
        let _alone = self.making_room.lock();
        loop {
            let taken = self.places.now();
            if !self.places.are_full(taken) {
                match self.submit_to(&mut self.write(own, now), submission, now) {
                    Ok(answer) => return answer,
                    Err(again) => submission = again,
                }
                spin_loop();
                continue;
            }

            let announced: Vec<Ordinal> =
                self.announcements().map(Announcement::first_expiry).collect();
            let first = announced.iter().min();
            let is_concerned = |at: &usize| *at == own || announced.get(*at) == first;
            // In their order, as a snapshot locks them, so that nobody waits in a circle.
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
                Ok(proposal) => proposal,
                Err(answer) => return answer,
            };
            if proposal.needs_place() {
                let expired = first.filter(|(expiry, _)| *expiry <= shard.instant(now));
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
