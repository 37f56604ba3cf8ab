//! The horizon, and the accounts with tasks that expire.

use futures_util::{TryStreamExt, stream};
use tasklife::{AccountId, BackendError};

use super::Registry;
use crate::error::Damaged;
use crate::globals::Globals;
use crate::script;
use crate::slots::SLOTS;

/// The number of slots whose horizon is raised at a time.
const CONCURRENT_SLOTS: usize = 256;

/// A registered account that may have expired tasks.
#[derive(Debug)]
pub(crate) struct Expiring {
    pub(crate) account: AccountId,
    /// An instant no later than the earliest expiry of its tasks, other than due tasks that a
    /// limited sweep has left; empty if it has no other tasks.
    pub(crate) bound: String,
    bound_version: String,
    due_version: String,
}

/// An account's name, its bound, the version of the bound, the version of its entry as due.
type ExpiringFields = (Vec<u8>, String, String, String);

/// How many accounts the horizon must still be written to before every call sees it.
#[derive(Debug)]
pub(crate) enum PendingHorizon {
    /// None: accounts read the horizon where it was raised, or every slot has it already.
    None,
    /// This number of accounts.
    Accounts(usize),
}

impl Registry<'_> {
    /// Raises the horizon to an instant, given as text, unless it is already there or later.
    pub(crate) async fn raise_horizon(
        &self,
        instant: &str,
    ) -> Result<(Globals, PendingHorizon), BackendError> {
        let args = [instant.as_bytes()];
        let mut keys = self.keys.to_vec();
        if !self.topology.has_slots() {
            // If there are slots after all, a key of another slot makes the server refuse the
            // script.
            keys.push(self.prefix.horizon_of(0));
        }
        let mut reply = self.redis.execute(&script::RAISE_HORIZON, &keys, &args).await;
        if let Err(error) = &reply
            && self.topology.learn_from(error)
        {
            reply = self.redis.execute(&script::RAISE_HORIZON, &self.keys, &args).await;
        }
        let (horizon, floor, slots_have_it, accounts): (_, _, bool, _) =
            reply.map_err(|error| self.explain(error))?.answer;
        let pending = if self.topology.has_slots() && !slots_have_it {
            PendingHorizon::Accounts(accounts)
        } else {
            PendingHorizon::None
        };
        Ok((self.parse_globals(Some(horizon), floor)?, pending))
    }

    /// Writes the horizon to every slot.
    pub(crate) async fn raise_slots(&self, globals: &Globals) -> Result<(), BackendError> {
        let slots = stream::iter((0..SLOTS).map(Ok));
        let raise = |slot| async move {
            let key = [self.prefix.horizon_of(slot)];
            let args = [globals.horizon().as_bytes()];
            self.redis.query::<u8>(&script::RAISE_SLOT, &key, &args).await.map(drop)
        };
        slots.try_for_each_concurrent(CONCURRENT_SLOTS, raise).await?;
        self.query(&script::RECORD_RAISED_SLOTS, &[globals.horizon()]).await
    }

    /// Returns the accounts whose bound is no later than an instant, the earliest bound first.
    pub(crate) async fn expiring(
        &self,
        instant: &str,
        from: usize,
        count: usize,
    ) -> Result<Vec<Result<Expiring, Damaged>>, BackendError> {
        let args = [instant, &from.to_string(), &count.to_string()];
        Ok(self.parse_expiring("expiry", self.query(&script::EXPIRING, &args).await?))
    }

    /// Returns the accounts in which a limited sweep has left due tasks.
    pub(crate) async fn due(
        &self,
        from: usize,
        count: usize,
    ) -> Result<Vec<Result<Expiring, Damaged>>, BackendError> {
        let args = [&*from.to_string(), &count.to_string()];
        Ok(self.parse_expiring("due", self.query(&script::DUE, &args).await?))
    }

    fn parse_expiring(
        &self,
        key: &'static str,
        found: Vec<ExpiringFields>,
    ) -> Vec<Result<Expiring, Damaged>> {
        let parse = |(name, bound, bound_version, due_version): ExpiringFields| {
            let account = self.parse_account(key, &name)?;
            Ok(Expiring { account, bound, bound_version, due_version })
        };
        found.into_iter().map(parse).collect()
    }

    /// Records the result of sweeping an account: its new bound, and whether more tasks are due.
    pub(crate) async fn record_sweep(
        &self,
        found: &Expiring,
        bound: &str,
        more: bool,
    ) -> Result<(), BackendError> {
        let Expiring { account, bound_version, due_version, bound: found_bound } = found;
        let args =
            [account.as_str(), bound_version, due_version, bound, script::flag(more), found_bound];
        self.query(&script::RECORD_SWEEP, &args).await
    }

    /// Raises the floor to the revision of an account that is about to be forgotten. Returns the
    /// version of its entry in the ready queue; empty if it has none.
    pub(crate) async fn raise_floor(
        &self,
        account: &AccountId,
        revision: &str,
    ) -> Result<String, BackendError> {
        self.query(&script::RAISE_FLOOR, &[account.as_str(), revision]).await
    }
}
