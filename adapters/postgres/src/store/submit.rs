//! Submissions, and the quota shares of a limited store.

use tasklife::kit::{Call, SubmitDecision};
use tasklife::{BackendError, Submission, SubmitError, Submitted, TaskStatus, Timestamp};
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::account::{Counts, count_open};
use super::write::{Outcome, Write};
use crate::rows::encode_count;

/// The number of quota shares.
const SHARES: u128 = 32;

impl PostgresStore {
    pub(super) async fn accept(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> Result<Submitted, SubmitError> {
        let (account, id) = (submission.account().clone(), submission.id());
        let _guard = self.lock(&account).await?;
        let mut counts = Counts { open: count_open(self.config()), ..Counts::default() };
        loop {
            let read = self
                .read_for_update(&account, id, counts, now)
                .await
                .map_err(BackendError::from)?;
            let call = Call::new(self.config(), read.store.horizon, now);
            let proposal = match call.check_submit(&submission, read.found.as_ref())? {
                SubmitDecision::New(proposal) => proposal,
                SubmitDecision::Existing(task) => return Ok(Submitted::Existing(task)),
            };
            // A new account may use any share.
            let share_of_id = i64::try_from(id.as_uuid().as_u128() % SHARES).unwrap_or(0);
            let share = read.account.map_or(share_of_id, |account| account.share);
            // One statement has read the number of all tasks and the account, so both are of one
            // moment.
            let mut new_horizon = None;
            if let Some((held, first_expiry)) = read.held {
                if call.is_full_for(&proposal, held) {
                    new_horizon = Some(call.make_room(first_expiry)?);
                } else if counts.store && !proposal.replaces_expired() {
                    self.redistribute_quota(share).await?;
                }
            }
            if call.needs_open_count() {
                call.check_open(read.open)?;
            }
            let clock =
                read.account.map_or_else(|| read.store.clock(now), |account| account.clock(now));
            let task = call.accept(&proposal, submission.clone(), clock);
            let write = Write {
                store: &read.store,
                account: read.account.as_ref(),
                task: &task,
                is_new: true,
                // A task that replaces an expired one may free a lane for a clock that is behind.
                makes_ready: true,
                share,
                new_horizon,
            };
            match self.write(&write).await? {
                Outcome::Done => {
                    self.notify_if(task.status() == TaskStatus::Received);
                    return Ok(Submitted::New(task));
                }
                Outcome::NoRoom => counts.store = true,
                Outcome::Changed => {}
            }
        }
    }

    /// Redistributes what is left of the limit of tasks, so that `share` gets some of it.
    async fn redistribute_quota(&self, share: i64) -> Result<(), BackendError> {
        let max_tasks = encode_count(self.config().max_tasks());
        let values = [(&share as _, Type::INT8), (&max_tasks as _, Type::INT8)];
        self.shared.database.query(&self.shared.statements.redistribute_quota, &values).await?;
        Ok(())
    }
}
