//! Calls that need bytes when the limit is reached. They drop the tasks that expired first in the
//! whole store.

use alloc::vec::Vec;

use super::MemoryStore;
use super::slot::ShardGuard;
use crate::event::TaskEvent;
use crate::shard::{Examined, Growth, NoRoom, Shard, room_for};
use crate::store::{ApplyError, Change, SubmitError, Submitted, Target};
use crate::submission::Submission;
use crate::time::Timestamp;

/// All shards, locked in order, as a snapshot locks them, to avoid deadlocks.
///
/// Bytes and places change only under the lock of a shard. So no other call changes them now.
struct AllLocked<'a> {
    store: &'a MemoryStore,
    shards: Vec<ShardGuard<'a>>,
    now: Timestamp,
}

impl Drop for AllLocked<'_> {
    /// Counts the bytes of all shards at once. If they were counted one by one, another call could
    /// take the bytes that one shard has freed before those that another shard has added are
    /// counted.
    fn drop(&mut self) {
        let before = self.shards.iter().map(ShardGuard::counted_bytes).sum();
        let after = self.shards.iter().map(|shard| shard.held_bytes()).sum();
        self.store.bytes.count(before, after);
        for shard in &mut self.shards {
            shard.set_bytes_counted();
        }
    }
}

impl AllLocked<'_> {
    /// Returns the instant by which expired tasks have to be dropped for a call to the shard `own`,
    /// if any have.
    fn room_for(&self, own: usize, growth: Growth) -> Result<Option<Timestamp>, NoRoom> {
        let shards: Vec<&Shard> = self.shards.iter().map(|shard| &**shard).collect();
        let effective_now = self.shards[own].effective_now(self.now);
        room_for((own, growth), &shards, self.store.bytes.held(), effective_now)
    }

    /// Drops all tasks that have expired by an instant, and moves the horizon there. Returns how
    /// many.
    fn drop_expired(&mut self, by: Timestamp) -> usize {
        self.store.horizon.advance_to(by);
        self.shards.iter_mut().map(|shard| shard.drop_expired(by)).sum()
    }

    /// Returns the expiry and shard of the task that expired first, for a call to the shard `own`.
    fn first_expired(&self, own: usize) -> Result<(Timestamp, usize), NoRoom> {
        let shards = self.shards.iter().enumerate();
        let first = shards.filter_map(|(at, shard)| Some((shard.first_expiry()?.expires_at(), at)));
        let effective_now = self.shards[own].effective_now(self.now);
        first.min().filter(|(expiry, _)| *expiry <= effective_now).ok_or(NoRoom)
    }
}

impl MemoryStore {
    fn lock_all(&self, now: Timestamp) -> AllLocked<'_> {
        let shards = (0..self.slots.len()).map(|at| self.write(at, now)).collect();
        AllLocked { store: self, shards, now }
    }

    /// Submits to a store that has no room, after making some.
    ///
    /// A store that can't make room is reported before a full account.
    #[cold]
    pub(super) fn submit_making_room(
        &self,
        own: usize,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let mut locked = self.lock_all(now);
        let proposal = match locked.shards[own].examine(&submission, now) {
            Examined::Proposed(proposal) => proposal,
            Examined::Answered(answer) => return answer,
        };
        let by = locked.room_for(own, locked.shards[own].growth_by(&submission, &proposal))?;
        let is_full = proposal.needs_place() && self.places.are_full(self.places.now());
        let first = if is_full && by.is_none() { Some(locked.first_expired(own)?) } else { None };
        if !proposal.fits_account() {
            return Err(SubmitError::AccountFull);
        }
        let dropped = match (by, first) {
            (Some(by), _) => locked.drop_expired(by),
            (None, Some((expiry, at))) => {
                self.horizon.advance_to(expiry);
                locked.shards[at].drop_first();
                locked.shards[own].advance_horizon(expiry);
                1
            }
            (None, None) => 0,
        };
        // The shard keeps its horizon, or the one that this call has moved. If a sweep has moved
        // the store's since, it comes after this call, which is already decided.
        let shard = &mut locked.shards[own];
        // The task that it would replace, and its account, may be gone.
        let proposal = match shard.examine(&submission, now) {
            Examined::Proposed(proposal) => proposal,
            Examined::Answered(answer) => {
                self.places.give_back(dropped);
                return answer;
            }
        };
        match (proposal.needs_place(), dropped.checked_sub(1)) {
            (true, Some(more)) => self.places.give_back(more),
            (true, None) => _ = self.places.take(),
            (false, _) => self.places.give_back(dropped),
        }
        Ok(Submitted::New(shard.accept(&proposal, submission, now, || self.tickets.next())))
    }

    /// Applies an event to a task of a store that has no room, after making some.
    #[cold]
    pub(super) fn apply_making_room(
        &self,
        own: usize,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let mut locked = self.lock_all(now);
        let growth = locked.shards[own].growth_by_event(target, &event, now)?;
        if let Some(by) = locked.room_for(own, growth)? {
            self.places.give_back(locked.drop_expired(by));
        }
        locked.shards[own].apply(target, event, now)
    }
}
