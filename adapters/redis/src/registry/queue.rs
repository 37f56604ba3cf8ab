//! The ready queue: round-robin between the accounts that may have something to claim.

use std::iter;

use redis::Value;
use tasklife::kit::Parked;
use tasklife::{AccountId, BackendError, StoreConfig, Timestamp};

use super::Registry;
use crate::account::claim_args;
use crate::error::Damaged;
use crate::globals::Globals;
use crate::{script, text};

/// The account whose turn it is.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The account, or an error if its name is invalid.
    pub(crate) account: Result<AccountId, Damaged>,
    pub(crate) name: Vec<u8>,
    /// The version of its entry, which changes whenever the account is made ready.
    pub(crate) version: String,
    /// What the account has to claim; nil if it was not read in the same step.
    pub(crate) work: Value,
}

/// The horizon, the floor, the account's name, the version of its entry, its work.
type TurnFields = (Option<String>, String, Option<Vec<u8>>, String, Value);

impl Registry<'_> {
    /// Takes the next turn, passing over some accounts. Without slots, the same step reads what the
    /// account has to claim.
    pub(crate) async fn next_turn(
        &self,
        config: &StoreConfig,
        passed_over: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<(Globals, Option<Turn>), BackendError> {
        let now = text::encode_instant(now);
        let passed_over = passed_over.iter().map(Vec::as_slice);
        if !self.topology.has_slots() {
            let (lane, takes_over) = claim_args(config);
            let args = [&*now, &lane, takes_over, self.prefix.as_str()];
            let args: Vec<&[u8]> =
                args.map(str::as_bytes).into_iter().chain(passed_over.clone()).collect();
            // If there are slots after all, a key of another slot makes the server refuse the
            // script.
            let mut keys = self.keys.to_vec();
            keys.push(self.prefix.horizon_of(0));
            let answer = self.redis.query(&script::NEXT_TURN_WITH_WORK, &keys, &args).await;
            match answer {
                Err(error) if self.topology.learn_from(&error) => {}
                answer => return self.parse_turn(answer.map_err(|error| self.explain(error))?),
            }
        }
        let args: Vec<&[u8]> = iter::once(now.as_bytes()).chain(passed_over).collect();
        let answer = self.redis.query(&script::NEXT_TURN, &self.keys, &args).await;
        let (horizon, floor, name, version) = answer.map_err(|error| self.explain(error))?;
        self.parse_turn((horizon, floor, name, version, Value::Nil))
    }

    fn parse_turn(
        &self,
        (horizon, floor, name, version, work): TurnFields,
    ) -> Result<(Globals, Option<Turn>), BackendError> {
        let turn = |name: Vec<u8>| Turn {
            account: self.parse_account("ready", &name),
            name,
            version,
            work,
        };
        Ok((self.parse_globals(horizon, floor)?, name.map(turn)))
    }

    /// Parks an account, unless it was made ready since its entry had this version.
    pub(crate) async fn park(
        &self,
        account: &AccountId,
        version: &str,
        parked: &Parked,
    ) -> Result<(), BackendError> {
        let instants = [parked.wake_after, parked.wake_at, parked.wake_before];
        let [past, until, unless_before] =
            instants.map(|instant| instant.map(text::encode_instant).unwrap_or_default());
        let args = [account.as_str(), version, &past, &until, &unless_before];
        self.query(&script::PARK, &args).await
    }
}
