//! The state of an account: its revision, its clock, its horizon and what is registered for it.

use tasklife::{AccountClock, MIN_TIME, Revision, Timestamp, clamp_time};

use super::Account;
use crate::error::{Corrupt, Damaged};
use crate::globals::Globals;
use crate::text;

/// The state in which an account was read, or in which a write left it.
#[derive(Clone, Debug)]
pub(crate) struct AccountState {
    /// The account's revision; `None` for an account that does not exist. A write is applied only
    /// if the account still has it.
    pub(crate) revision: Option<Revision>,
    pub(super) updated_at: Timestamp,
    pub(super) horizon: Option<String>,
    /// The number of writes to the account up to now.
    pub(super) writes: u64,
    /// The later of the caller's `now` and the horizon: it decides what is visible.
    pub(crate) effective_now: Timestamp,
    /// Whether the account is known to be in the ready queue.
    pub(crate) is_ready: bool,
    /// The bound that is registered for the account, as text: no task expires earlier.
    pub(crate) bound: Option<String>,
}

/// The fields of the account's metadata: revision, latest update, horizon, whether it is ready,
/// bound, number of writes.
pub(super) type MetaFields = [Option<String>; 6];

impl Account<'_> {
    pub(super) fn parse_state(
        &self,
        meta: MetaFields,
        effective_now: &str,
    ) -> Result<AccountState, Damaged> {
        let [revision, updated_at, horizon, is_ready, bound, writes] = meta;
        let damaged = |field: &'static str, source: Corrupt| Damaged::State {
            account: self.id.clone(),
            key: self.keys[0].clone(),
            field,
            source,
        };
        // The scripts compare the horizon as text and don't notice what is not an instant.
        parse_instant(horizon.clone()).map_err(|source| damaged("h", source))?;
        Ok(AccountState {
            revision: parse_revision(revision).map_err(|source| damaged("r", source))?,
            updated_at: parse_instant(updated_at).map_err(|source| damaged("u", source))?,
            horizon,
            writes: writes.and_then(|writes| writes.parse().ok()).unwrap_or_default(),
            effective_now: parse_instant(Some(effective_now.to_owned()))
                .map_err(|source| damaged("h", source))?,
            is_ready: is_ready.is_some(),
            bound,
        })
    }
}

impl AccountState {
    /// Returns the same state for a call at another `now`; `None` for an account that does not
    /// exist.
    pub(crate) fn at(mut self, now: Timestamp) -> Option<Self> {
        self.revision?;
        let horizon = self.horizon.as_deref().and_then(text::parse_instant);
        self.effective_now = clamp_time(now).max(horizon.unwrap_or(MIN_TIME));
        Some(self)
    }

    /// Returns the account's clock for an event at `now`. The clock of a new account begins at the
    /// revision floor.
    ///
    /// Revisions keep up with time, so that a revision lost in a failover is not given to another
    /// event, as long as the writers' clocks differ by less than a failover takes.
    pub(crate) fn clock(&self, globals: &Globals, now: Timestamp) -> AccountClock {
        let revision = self.revision.unwrap_or(globals.floor);
        AccountClock::new(revision.max(Revision::unreached_by(now)), self.updated_at)
    }

    /// Moves `effective_now` to the store's horizon, if that is later.
    pub(crate) fn advance_to(&mut self, globals: &Globals) {
        let horizon = text::parse_instant(globals.horizon());
        self.effective_now = self.effective_now.max(horizon.unwrap_or(MIN_TIME));
    }

    /// Returns the bound to register for a task with this expiry, unless one as early is
    /// registered.
    pub(crate) fn bound_for(&self, expires_at: Timestamp) -> Option<Timestamp> {
        let expiry = text::encode_instant(expires_at);
        self.bound.as_ref().is_none_or(|bound| *bound > expiry).then_some(expires_at)
    }

    /// Returns the later of the account's horizon and the store's, as text; empty if there is
    /// neither. `effective_now` is no substitute, as it may be the caller's `now`.
    pub(super) fn horizon(&self, globals: &Globals) -> String {
        let known = globals.horizon().to_owned();
        self.horizon.clone().unwrap_or_default().max(known)
    }

    /// Returns the revision that a write expects, as text; empty for an account that does not
    /// exist.
    pub(super) fn expected_revision(&self) -> String {
        self.revision.map_or(String::new(), |revision| revision.to_string())
    }
}

fn parse_revision(text: Option<String>) -> Result<Option<Revision>, Corrupt> {
    let Some(text) = text else { return Ok(None) };
    let number: u64 = text.parse().map_err(|_| Corrupt::Number(text))?;
    Ok(Some(Revision::try_from(number)?))
}

/// Parses an instant; without text it is the earliest of all.
pub(super) fn parse_instant(text: Option<String>) -> Result<Timestamp, Corrupt> {
    let Some(text) = text else { return Ok(MIN_TIME) };
    text::parse_instant(&text).ok_or(Corrupt::Instant(text))
}
