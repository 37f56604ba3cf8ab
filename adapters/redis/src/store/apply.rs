//! Applying events.

use std::cmp::Ordering;

use tasklife::kit::Call;
use tasklife::{ApplyError, Change, EventKind, MIN_TIME, Target, Task, TaskEvent, Timestamp};

use super::RedisStore;
use super::cache::AccountCache;
use crate::account::{ReadForUpdate, WriteCondition};
use crate::globals::Globals;

impl RedisStore {
    pub(super) async fn apply_event(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let account = self.account(target.account());
        let mut cache = self.lock_account(account.id).await?;
        let (kind, ends) = (event.kind(), event.outcome().is_some());
        let needs_lane = Call::new(&self.config, MIN_TIME, now).needs_lane(kind);
        let mut globals = Globals::default();
        let mut cached = if needs_lane { None } else { cached_read(&mut cache, target, now) };
        loop {
            let is_cached = cached.is_some();
            let counted = (false, needs_lane);
            let mut read = match cached.take() {
                Some(read) => read,
                None => account.read_for_update(target.id(), counted, &globals, now).await?,
            };
            if ends && self.config.retention().is_since_end() {
                // The retention of an ended task counts from the horizon if that is later than
                // `now`. In a cluster, the account may not have the latest horizon, because a sweep
                // may write it only to accounts with tasks that expire by then.
                globals = self.registry().globals().await?;
                read.state.advance_to(&globals);
            }
            let call = Call::new(&self.config, read.state.effective_now, now);
            let task = match call.permit(target, &event, read.task) {
                Ok(task) => task,
                // Only what was read can justify a refusal.
                Err(_) if is_cached => continue,
                Err(error) => return Err(error),
            };
            if needs_lane {
                call.check_lane(read.in_progress)?;
            }
            let expires_before = task.expires_at();
            let clock = read.state.clock(&globals, now);
            let change = call.apply(task, event.clone(), clock)?;
            let expiry_change = change.task().expires_at().cmp(&expires_before);
            let made_ready = !read.state.is_ready && self.may_make_ready(kind, expiry_change);
            let bound = earlier_expiry(change.task(), expires_before)
                .and_then(|expires_at| read.state.bound_for(expires_at));
            if made_ready || bound.is_some() {
                globals = self.registry().register(account.id, bound, made_ready).await?;
                if globals.is_later_than(read.state.effective_now) {
                    continue;
                }
            }
            let write = WriteCondition {
                state: &read.state,
                globals: &globals,
                made_ready,
                registered: bound.is_some(),
                channel: change.may_make_work().then(|| self.prefix.channel()),
                must_be_absent: false,
            };
            let committed = account.commit(change.task(), &write, self.grace, now).await?;
            if let Some(committed) = committed {
                cache.update(&read.state, committed.state, change.task());
                return Ok(change);
            }
            if is_cached {
                cache.invalidate();
            }
        }
    }

    /// Returns whether an event may give a parked account something to claim, now or later.
    fn may_make_ready(&self, event: EventKind, expiry_change: Ordering) -> bool {
        let takes_over = self.config.takeover_after().is_some();
        match event {
            EventKind::Receive => true,
            EventKind::Start => takes_over,
            EventKind::Report => match expiry_change {
                // The task now leaves the lane earlier.
                Ordering::Less => true,
                Ordering::Equal => false,
                // The task is visible for longer, so it may be taken over in that time.
                Ordering::Greater => takes_over,
            },
            EventKind::Complete | EventKind::Fail => self.config.max_in_progress().is_some(),
        }
    }
}

/// Returns the task's expiry, if the event made it earlier: an end does, if the retention is
/// counted from it.
pub(super) fn earlier_expiry(task: &Task, before: Timestamp) -> Option<Timestamp> {
    Some(task.expires_at()).filter(|expires_at| *expires_at < before)
}

/// Returns the cached task and state of its account, in place of a read.
fn cached_read(
    cache: &mut AccountCache,
    target: Target<'_>,
    now: Timestamp,
) -> Option<ReadForUpdate> {
    let state = cache.state(target.account())?.at(now)?;
    let task = cache.task(target.id())?.clone();
    Some(ReadForUpdate { state, task: Some(task), open: 0, in_progress: 0 })
}
