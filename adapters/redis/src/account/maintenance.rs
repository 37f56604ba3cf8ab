//! Parking, sweeping, counting, repairing and forgetting an account.

use std::time::Duration;

use tasklife::BackendError;

use super::Account;
use super::state::AccountState;
use crate::globals::Globals;
use crate::script;

/// The result of sweeping an account. An empty bound means that no visible task is left.
#[derive(Debug)]
pub(crate) struct AccountSwept {
    pub(crate) dropped: usize,
    /// Whether more tasks are due.
    pub(crate) more: bool,
    pub(crate) bound: String,
    /// The number of tasks that are left, due or not.
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

/// What the registry must know of a repaired account. An empty string stands for "none".
#[derive(Debug)]
pub(crate) struct Repaired {
    /// An instant no later than any expiry of the account's tasks.
    pub(crate) bound: String,
    pub(crate) horizon: String,
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

impl Account<'_> {
    /// Returns the earliest expiry of the account's tasks, as text; empty if it has none.
    pub(crate) async fn earliest_expiry(&self) -> Result<String, BackendError> {
        self.query(&script::EARLIEST_EXPIRY, &[]).await
    }

    /// Marks the account as parked. Returns false if it has changed since it was read.
    pub(crate) async fn mark_parked(
        &self,
        state: &AccountState,
        globals: &Globals,
    ) -> Result<bool, BackendError> {
        let args = [state.expected_revision(), state.horizon(globals), globals.floor.to_string()];
        self.query(&script::MARK_PARKED, &args.each_ref().map(String::as_bytes)).await
    }

    /// Raises the account's horizon and drops at most `limit` due tasks.
    pub(crate) async fn sweep(
        &self,
        limit: usize,
        globals: &Globals,
    ) -> Result<AccountSwept, BackendError> {
        let limit = limit.to_string();
        let token = self.redis.token();
        let floor = globals.floor.to_string();
        let args = [globals.horizon(), &limit, &floor, &token];
        let reply = self.execute(&script::SWEEP, &args.map(str::as_bytes)).await?;
        let (dropped, more, bound, tasks, revision) = reply.answer;
        Ok(AccountSwept { dropped, more, bound, tasks, revision })
    }

    /// Gives the account a new revision above the floor, so that a write decided before is refused.
    /// Returns the number of tasks, and the revision.
    pub(crate) async fn fence(&self, floor: &str) -> Result<(usize, String), BackendError> {
        self.query(&script::FENCE, &[floor.as_bytes()]).await
    }

    /// Makes the account safe to use after a failover that may have lost its latest writes: raises
    /// its revision by `gap`, and no longer relies on its entry in the ready queue.
    pub(crate) async fn repair(&self, gap: u64) -> Result<Repaired, BackendError> {
        let (bound, horizon, tasks, revision) =
            self.query(&script::REPAIR, &[gap.to_string().as_bytes()]).await?;
        Ok(Repaired { bound, horizon, tasks, revision })
    }

    /// Lets Redis delete an account without tasks after a time. Returns false if the account has
    /// changed since it had this revision.
    pub(crate) async fn expire_after(
        &self,
        revision: &str,
        after: Duration,
    ) -> Result<bool, BackendError> {
        let after_ms = after.as_millis().to_string();
        let args = [revision.as_bytes(), after_ms.as_bytes()];
        self.query(&script::EXPIRE_ACCOUNT, &args).await
    }
}
