//! Claims.

use super::{Shard, Turn};
use crate::id::AccountId;
use crate::kit::{ClaimKind, Parked};
use crate::status::TaskStatus;
use crate::store::Claimed;
use crate::time::{Timestamp, clamp_time};

/// The task that an account gives the next worker, and how.
#[derive(Clone, Copy)]
struct Candidate {
    way: ClaimKind,
    slot: u32,
}

impl Shard {
    /// Claims a task of one account.
    pub(crate) fn claim_of(&mut self, id: &AccountId, now: Timestamp) -> Option<Claimed> {
        let account = self.find_account(self.hash_account(id), id)?;
        let candidate = self.candidate_of(account, now).ok()?;
        self.hand_out(candidate, now)
    }

    /// Claims a task of the first ready account, if there is one. The account then gets a new
    /// ticket.
    pub(crate) fn claim_next(
        &mut self,
        now: Timestamp,
        ticket: impl FnOnce() -> u64,
    ) -> Option<Turn> {
        let account = self.ready_queue.first()?.account;
        let candidate = self.candidate_of(account, now);
        let entry = &mut self.accounts[account].queue_entry;
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(parked) => {
                self.ready_queue.park(account, entry, parked);
                return Some(Turn::Passed);
            }
        };
        let claimed = self.hand_out(candidate, now);
        let entry = &mut self.accounts[account].queue_entry;
        self.ready_queue.move_to_end(account, entry, ticket());
        claimed.map(Turn::Served)
    }

    /// Makes ready the parked accounts that should be looked at by now.
    pub(crate) fn wake_overdue(&mut self, now: Timestamp) {
        let (now, effective_now) = (clamp_time(now), self.effective_now(now));
        while let Some(account) = self.ready_queue.overdue(now, effective_now) {
            self.ready_queue.make_ready(account, &mut self.accounts[account].queue_entry);
        }
    }

    /// Applies a claim to its candidate. No event is refused, as the candidate is in the right
    /// status.
    fn hand_out(&mut self, candidate: Candidate, now: Timestamp) -> Option<Claimed> {
        let Candidate { way, slot } = candidate;
        let counted_from = self.call(now).counted_from();
        let change = self.change(slot, way.event(), now, |task, retention, stamp| {
            way.apply(task, retention, counted_from, stamp)
        });
        change.ok().map(Claimed::from)
    }

    /// Updates the queue after something has happened to an account. The account is parked if it
    /// clearly has nothing to claim, and made ready otherwise.
    pub(super) fn update_readiness(&mut self, key: u32, now: Timestamp) {
        let parked = self.parked_until(key, now);
        let entry = &mut self.accounts[key].queue_entry;
        match parked {
            Some(parked) => self.ready_queue.park(key, entry, parked),
            None => self.ready_queue.make_ready(key, entry),
        }
    }

    /// Returns when to look at the account again, if looking at no more than one of its tasks shows
    /// that it has nothing to claim.
    #[inline]
    fn parked_until(&self, key: u32, now: Timestamp) -> Option<Parked> {
        let account = &self.accounts[key];
        let mut parked = Parked::default();
        if !account.in_status(TaskStatus::Received).is_empty() {
            // Without a limit there is room.
            self.config.max_in_progress()?;
            parked.wake_at = self.check_lane(key, self.effective_now(now)).err()?.until;
        }
        if self.config.takeover_after().is_some() {
            let mut running =
                account.in_status(TaskStatus::ProcessingInProgress).ascending(&self.blocks);
            if let Some(first) = running.next() {
                let task = &self.tasks[first.slot].task;
                if !task.is_visible_at(self.effective_now(now))
                    || self.config.takeover_due(task, clamp_time(now))
                {
                    return None;
                }
                parked.wake_after = self.config.takeover_at(task);
            }
        }
        Some(parked)
    }

    /// Returns the task that the account gives the next worker.
    ///
    /// # Errors
    ///
    /// Returns when to look at the account again if it has nothing to claim.
    fn candidate_of(&self, key: u32, now: Timestamp) -> Result<Candidate, Parked> {
        let call = self.call(now);
        let effective_now = call.effective_now();
        let account = &self.accounts[key];
        let mut parked = Parked::default();

        if self.config.takeover_after().is_some() {
            for entry in account.in_status(TaskStatus::ProcessingInProgress).ascending(&self.blocks)
            {
                let task = &self.tasks[entry.slot].task;
                if !task.is_visible_at(effective_now) {
                    parked.wake_before_expiry(task.expires_at());
                } else if let Some(way) = call.takeover_kind(task) {
                    return Ok(Candidate { way, slot: entry.slot });
                } else {
                    // The tasks after it were updated later, so they can be taken over later.
                    parked.wake_after = self.config.takeover_at(task);
                    break;
                }
            }
        }
        for entry in account.in_status(TaskStatus::Received).ascending(&self.blocks) {
            let task = &self.tasks[entry.slot].task;
            if !task.is_visible_at(effective_now) {
                parked.wake_before_expiry(task.expires_at());
                continue;
            }
            match self.check_lane(key, effective_now) {
                Ok(()) => {
                    return Ok(Candidate { way: ClaimKind::Start, slot: entry.slot });
                }
                Err(reached) => {
                    parked.wake_at = reached.until;
                    break;
                }
            }
        }
        Err(parked)
    }
}
