//! The keys that all accounts share, in a slot of their own: the horizon, the ready queue, the
//! accounts with tasks that expire, and the places of a limited store.
//!
//! An account is registered before anything is written that needs the entry. An entry is removed in
//! two steps. First the account gets a new revision, so that the write of a caller that has read
//! the account before is refused. Then the entry is removed, unless its version shows that the
//! account was registered again meanwhile. So a crash between two steps may leave a superfluous
//! entry, but never loses one.

mod capacity;
mod expiry;
mod queue;

use redis::FromRedisValue;
use tasklife::{AccountId, BackendError, IdError, Timestamp};

use crate::account::Repaired;
use crate::connection::Redis;
use crate::error::{Corrupt, Damaged, is_about_key_contents};
use crate::globals::Globals;
use crate::keys::Prefix;
use crate::topology::Topology;
use crate::{script, text};

pub(crate) use capacity::Reservation;
pub(crate) use expiry::{Expiring, PendingHorizon};

#[derive(Debug)]
pub(crate) struct Registry<'a> {
    redis: &'a Redis,
    prefix: &'a Prefix,
    topology: &'a Topology,
    keys: [String; 17],
}

impl<'a> Registry<'a> {
    pub(crate) fn new(redis: &'a Redis, prefix: &'a Prefix, topology: &'a Topology) -> Self {
        Self { redis, prefix, topology, keys: prefix.registry() }
    }

    async fn query<T: FromRedisValue>(
        &self,
        script: &script::Script,
        args: &[&str],
    ) -> Result<T, BackendError> {
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        self.redis.query(script, &self.keys, &args).await.map_err(|error| self.explain(error))
    }

    /// Adds how to repair the keys, if a script failed because of what is in them.
    fn explain(&self, error: BackendError) -> BackendError {
        if is_about_key_contents(&error) {
            Damaged::Registry { stem: self.stem(), source: error.into() }.into()
        } else {
            error
        }
    }

    /// Returns the common beginning of the names of the keys.
    fn stem(&self) -> String {
        self.keys[0].trim_end_matches("horizon").to_owned()
    }

    fn parse_globals(
        &self,
        horizon: Option<String>,
        floor: String,
    ) -> Result<Globals, BackendError> {
        let damaged =
            |source: Corrupt| Damaged::Registry { stem: self.stem(), source: source.into() };
        if let Some(text) = horizon.as_ref().filter(|text| text::parse_instant(text).is_none()) {
            return Err(damaged(Corrupt::Instant(text.clone())).into());
        }
        let floor = floor.parse().map_err(|_| damaged(Corrupt::Number(floor)))?;
        Ok(Globals::new(horizon, floor))
    }

    /// Parses the name of an account that was found in a key.
    fn parse_account(&self, key: &'static str, name: &[u8]) -> Result<AccountId, Damaged> {
        let damaged = |source| Damaged::Name {
            stem: self.stem(),
            key,
            name: String::from_utf8_lossy(name).into_owned(),
            source,
        };
        let text = std::str::from_utf8(name).map_err(|error| damaged(error.into()))?;
        text.parse().map_err(|error: IdError| damaged(error.into()))
    }

    /// Registers a bound for an account, and makes it ready if `ready`.
    pub(crate) async fn register(
        &self,
        account: &AccountId,
        bound: Option<Timestamp>,
        ready: bool,
    ) -> Result<Globals, BackendError> {
        let bound = bound.map(text::encode_instant).unwrap_or_default();
        let args = [account.as_str(), &bound, script::flag(ready)];
        let (horizon, floor) = self.query(&script::REGISTER, &args).await?;
        self.parse_globals(horizon, floor)
    }

    /// Reads the values that hold for the whole store.
    pub(crate) async fn globals(&self) -> Result<Globals, BackendError> {
        let (horizon, floor) = self.query(&script::GLOBALS, &[]).await?;
        self.parse_globals(horizon, floor)
    }

    /// Returns the replication ids of the primaries at the last repair.
    pub(crate) async fn replication_ids(&self) -> Result<String, BackendError> {
        self.query(&script::REPLICATION_IDS, &[]).await
    }

    pub(crate) async fn set_replication_ids(&self, ids: &str) -> Result<(), BackendError> {
        let _: String = self.query(&script::REPLICATION_IDS, &[ids]).await?;
        Ok(())
    }

    /// Registers an account again that a failover may have removed from the registry.
    pub(crate) async fn reregister(
        &self,
        account: &AccountId,
        repaired: &Repaired,
    ) -> Result<(), BackendError> {
        let Repaired { bound, horizon, tasks, revision } = repaired;
        let args = [account.as_str(), bound, horizon, &tasks.to_string(), revision];
        self.query(&script::REREGISTER, &args).await
    }
}
