//! Room in bytes: how much a call needs, and which tasks to drop for it.

use alloc::vec::Vec;

use super::accept::Proposal;
use super::{ExpiryKey, Shard, Stored, bytes_of};
use crate::event::TaskEvent;
use crate::store::{ApplyError, SubmitError, Target};
use crate::submission::Submission;
use crate::time::Timestamp;

/// How a call changes the number of bytes that a store holds, if that is limited.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    /// The bytes that the call adds.
    more: usize,
    /// The bytes that the call frees, and the slot of the task that it replaces.
    less: usize,
    replaced: Option<u32>,
}

/// The store has no room for a call, even without its expired tasks.
#[derive(Debug)]
pub(crate) struct NoRoom;

impl From<NoRoom> for SubmitError {
    fn from(_: NoRoom) -> Self {
        Self::StoreFull
    }
}

impl From<NoRoom> for ApplyError {
    fn from(_: NoRoom) -> Self {
        Self::StoreFull
    }
}

impl Growth {
    /// Returns how many more bytes are held after the call, or 0 if fewer are.
    pub(crate) fn net(self) -> usize {
        self.more.saturating_sub(self.less)
    }
}

impl Shard {
    /// Returns how an accepted submission changes the number of bytes held.
    pub(crate) fn growth_by(&self, submission: &Submission, proposal: &Proposal) -> Growth {
        if self.config.max_bytes() == usize::MAX {
            return Growth::default();
        }
        let replaced = proposal.replaced();
        let less = replaced.map_or(0, |slot| bytes_of(&self.config, &self.tasks[slot].task));
        Growth { more: submission.held_bytes(), less, replaced }
    }

    /// Returns how an event changes the number of bytes held.
    ///
    /// # Errors
    ///
    /// Returns [`ApplyError`] if the event is refused whether there is room for it or not.
    pub(crate) fn growth_by_event(
        &self,
        target: Target<'_>,
        event: &TaskEvent,
        now: Timestamp,
    ) -> Result<Growth, ApplyError> {
        let Stored { task, .. } = &self.tasks[self.permitted(target, event, now)?];
        let more = task.held_bytes_after(event, self.config.retention());
        Ok(Growth { more, less: bytes_of(&self.config, task), replaced: None })
    }

    /// Drops all tasks that have expired by an instant. Returns how many.
    pub(crate) fn drop_expired(&mut self, by: Timestamp) -> usize {
        self.advance_horizon(by);
        self.sweep_to(by, usize::MAX)
    }
}

/// Finds room for a call to the shard `own`, in a store with these shards that holds `held` bytes.
/// Returns the earliest instant such that dropping all tasks that have expired by then is enough,
/// or `None` if there is room already.
///
/// # Errors
///
/// Returns [`NoRoom`] if dropping all tasks that have expired at `effective_now` isn't enough.
pub(crate) fn room_for(
    (own, growth): (usize, Growth),
    shards: &[&Shard],
    held: usize,
    effective_now: Timestamp,
) -> Result<Option<Timestamp>, NoRoom> {
    let limit = shards.first().map_or(usize::MAX, |shard| shard.config.max_bytes());
    let after = held.saturating_add(growth.more).saturating_sub(growth.less);
    let mut lacking = if growth.net() == 0 { 0 } else { after.saturating_sub(limit) };
    if growth.net() > limit {
        return Err(NoRoom);
    }
    // For each shard, how many tasks are passed over, and the task that expires next.
    let mut next: Vec<(usize, Option<ExpiryKey>)> = if lacking == 0 {
        Vec::new()
    } else {
        shards.iter().map(|shard| (0, shard.expiry.first())).collect()
    };
    let mut by = None;
    while lacking > 0 {
        let first = next.iter().enumerate().filter_map(|(at, (_, key))| Some(((*key)?, at)));
        let first = first.min_by_key(|(key, _)| key.timestamp());
        let (key, at) = first.filter(|(key, _)| key.expires_at() <= effective_now).ok_or(NoRoom)?;
        let passed = next[at].0 + 1;
        next[at] = (passed, shards[at].expiry.nth(passed));
        by = Some(key.expires_at());
        // The call frees the bytes of the task that it replaces anyway.
        if at != own || growth.replaced != Some(key.slot()) {
            lacking = lacking.saturating_sub(shards[at].tasks[key.slot()].task.held_bytes());
        }
    }
    Ok(by)
}
