//! Applying an event to a task.

use tasklife::kit::Call;
use tasklife::{ApplyError, BackendError, Change, EventKind, Target, TaskEvent, Timestamp};

use super::PostgresStore;
use super::account::Counts;
use super::write::{Outcome, Write};

impl PostgresStore {
    pub(super) async fn apply_event(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let kind = event.kind();
        let _guard = self.lock(target.account()).await?;
        loop {
            let lane = self.config().max_in_progress().filter(|_| kind == EventKind::Start);
            let in_progress = lane.map_or(0, |width| width.get() as usize);
            let counts = Counts { in_progress, ..Counts::default() };
            let read = self
                .read_for_update(target.account(), target.id(), counts, now)
                .await
                .map_err(BackendError::from)?;
            let call = Call::new(self.config(), read.store.horizon, now);
            let task = call.permit(target, &event, read.found)?;
            if call.needs_lane(kind) {
                call.check_lane(read.in_progress)?;
            }
            let account = read.account.ok_or(ApplyError::NotFound)?;
            let expired_at = task.expires_at();
            let change = call.apply(task, event.clone(), account.clock(now))?;
            let write = Write {
                store: &read.store,
                account: Some(&account),
                task: change.task(),
                is_new: false,
                // A report gives a parked account nothing to claim, unless the task now expires
                // sooner. If it expires later, `write.sql` makes the account ready where necessary.
                makes_ready: kind != EventKind::Report || change.task().expires_at() < expired_at,
                share: account.share,
                new_horizon: None,
            };
            match self.write(&write).await? {
                Outcome::Done => {
                    self.notify_if(change.may_make_work());
                    return Ok(change);
                }
                Outcome::Changed | Outcome::NoRoom => {}
            }
        }
    }
}
