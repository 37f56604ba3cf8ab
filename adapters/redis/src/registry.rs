//! What all accounts share, in a slot of its own: the horizon, whose turn it is, who has something
//! that expires, and the places of a limited store.
//!
//! Something is registered before it is written, and struck off only with a check: first the account
//! gets a new revision, which keeps off whoever read it before and is about to write; then the entry
//! goes, unless its stamp shows that it was registered again. So a crash in between leaves an entry
//! too many, never one too few.

use tasklife::{AccountId, BackendError, Now};

use crate::account::Mended;
use crate::connection::Redis;
use crate::fault::Corrupt;
use crate::keys::Prefix;
use crate::{script, text};

/// The keys that all accounts share.
#[derive(Debug)]
pub(crate) struct Registry<'a> {
    redis: &'a Redis,
    keys: [String; 15],
}

/// What is known of the whole store.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    horizon: Option<String>,
    /// At least the revision of every account that was forgotten.
    pub(crate) floor: String,
}

impl Default for Known {
    /// Nothing.
    fn default() -> Self {
        Self { horizon: None, floor: "0".into() }
    }
}

impl Known {
    /// The horizon as text; none, where it is not known.
    pub(crate) fn horizon(&self) -> &str {
        self.horizon.as_deref().unwrap_or_default()
    }

    /// Whether what expires at this instant is invisible to everyone.
    pub(crate) fn hides(&self, expires_at: Now) -> bool {
        *self.horizon() >= *text::instant(expires_at)
    }

    /// Whether the horizon is after an instant.
    pub(crate) fn is_later_than(&self, instant: Now) -> bool {
        *self.horizon() > *text::instant(instant)
    }
}

/// When an account that sleeps is to be woken, as texts; none, where a clock alone doesn't.
#[derive(Debug, Default)]
pub(crate) struct Sleep {
    /// After an instant: a silence has then lasted too long.
    pub(crate) past: String,
    /// From an instant on: a place in the lane has then expired.
    pub(crate) until: String,
    /// For a clock that is behind an instant: to it, a task has not yet expired.
    pub(crate) before: String,
}

/// An account that may have what expired, as it was registered.
#[derive(Debug)]
pub(crate) struct Expiring {
    pub(crate) account: AccountId,
    /// At most the earliest expiry of its tasks, but for what a sweep has left; none, where it has no
    /// other.
    pub(crate) bound: String,
    bound_stamp: String,
    due_mark: String,
}

/// The answer to who asks for a place in a limited store.
#[derive(Debug)]
pub(crate) enum Place {
    /// There is none.
    Full,
    /// Others have reserved the last ones.
    Busy,
    /// It is reserved, under this token.
    Reserved(String),
}

impl<'a> Registry<'a> {
    pub(crate) fn new(redis: &'a Redis, prefix: &Prefix) -> Self {
        Self { redis, keys: prefix.registry() }
    }

    async fn ask<T: redis::FromRedisValue>(
        &self,
        script: &script::Script,
        args: &[&str],
    ) -> Result<T, BackendError> {
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        self.redis.ask(script, &self.keys, &args).await
    }

    /// Registers a bound of an account's expiries, and wakes it, where asked to.
    pub(crate) async fn register(
        &self,
        account: &AccountId,
        bound: Option<Now>,
        wake: bool,
    ) -> Result<Known, BackendError> {
        let bound = bound.map(text::instant).unwrap_or_default();
        let args = [account.as_str(), &bound, if wake { "1" } else { "" }];
        let (horizon, floor) = self.ask(&script::REGISTER, &args).await?;
        Ok(Known { horizon, floor })
    }

    /// The account whose turn it is, with the stamp that it has while it is not woken again.
    pub(crate) async fn peek(
        &self,
        now: Now,
    ) -> Result<(Known, Option<(AccountId, String)>), BackendError> {
        let (horizon, floor, account, stamp): (_, _, Option<String>, String) =
            self.ask(&script::PEEK, &[&text::instant(now)]).await?;
        let account = account.map(|name| name.parse()).transpose().map_err(Corrupt::from)?;
        Ok((Known { horizon, floor }, account.map(|account| (account, stamp))))
    }

    /// Puts an account to sleep, unless it was woken since it had this stamp.
    pub(crate) async fn sleep(
        &self,
        account: &AccountId,
        stamp: &str,
        sleep: &Sleep,
    ) -> Result<(), BackendError> {
        let args = [account.as_str(), stamp, &sleep.past, &sleep.until, &sleep.before];
        self.ask(&script::SLEEP, &args).await
    }

    /// What is known of the whole store.
    pub(crate) async fn known(&self) -> Result<Known, BackendError> {
        let (horizon, floor) = self.ask(&script::KNOWN, &[]).await?;
        Ok(Known { horizon, floor })
    }

    /// Moves the horizon to an instant, as text, if it was before.
    pub(crate) async fn raise(&self, instant: &str) -> Result<Known, BackendError> {
        let sent = self.redis.tell(&script::RAISE, &self.keys, &[instant.as_bytes()]).await?;
        let (horizon, floor) = sent.answer;
        Ok(Known { horizon: Some(horizon), floor })
    }

    /// Accounts that may have what expired up to an instant and is not yet known to be due, by their
    /// bound, the earliest first.
    pub(crate) async fn expiring(
        &self,
        instant: &str,
        from: usize,
        count: usize,
    ) -> Result<Vec<Expiring>, BackendError> {
        let args = [instant, &from.to_string(), &count.to_string()];
        expiring(self.ask(&script::EXPIRING, &args).await?)
    }

    /// Accounts that may have what is due.
    pub(crate) async fn due(
        &self,
        from: usize,
        count: usize,
    ) -> Result<Vec<Expiring>, BackendError> {
        expiring(self.ask(&script::DUE, &[&from.to_string(), &count.to_string()]).await?)
    }

    /// Notes what a sweep has left of an account.
    pub(crate) async fn settle(
        &self,
        of: &Expiring,
        bound: &str,
        more: bool,
    ) -> Result<(), BackendError> {
        let more = if more { "1" } else { "" };
        let args = [of.account.as_str(), &of.bound_stamp, &of.due_mark, bound, more];
        self.ask(&script::SETTLE, &args).await
    }

    /// Raises the floor to the revision of an account that is about to be forgotten. Gives the stamp
    /// of its turn, if it has one.
    pub(crate) async fn forget(
        &self,
        account: &AccountId,
        revision: &str,
    ) -> Result<String, BackendError> {
        self.ask(&script::FORGET, &[account.as_str(), revision]).await
    }

    /// Reserves one of so many places.
    pub(crate) async fn reserve(
        &self,
        account: &AccountId,
        places: usize,
    ) -> Result<Place, BackendError> {
        let answer: String =
            self.ask(&script::RESERVE, &[account.as_str(), &places.to_string()]).await?;
        Ok(match answer.as_str() {
            "full" => Place::Full,
            "busy" => Place::Busy,
            _ => Place::Reserved(answer),
        })
    }

    /// Gives up a reservation.
    pub(crate) async fn release(
        &self,
        token: &str,
        account: &AccountId,
    ) -> Result<(), BackendError> {
        let _: Vec<String> = self.ask(&script::COUNT, &[token, account.as_str(), "", ""]).await?;
        Ok(())
    }

    /// Counts what an account holds at a revision, and gives up a reservation, if there is one. Gives
    /// the floor, where the account may have been forgotten since: then it is to be looked at again.
    pub(crate) async fn count(
        &self,
        token: &str,
        account: &AccountId,
        tasks: usize,
        revision: &str,
    ) -> Result<Option<String>, BackendError> {
        let args = [token, account.as_str(), &tasks.to_string(), revision];
        let answer: Vec<String> = self.ask(&script::COUNT, &args).await?;
        Ok(answer.into_iter().nth(1))
    }

    /// For which primaries all this was last made sure of.
    pub(crate) async fn epoch(&self) -> Result<String, BackendError> {
        self.ask(&script::EPOCH, &[]).await
    }

    pub(crate) async fn set_epoch(&self, epoch: &str) -> Result<(), BackendError> {
        let _: String = self.ask(&script::EPOCH, &[epoch]).await?;
        Ok(())
    }

    /// Takes an account in that a fail-over may have left out.
    pub(crate) async fn mended(
        &self,
        account: &AccountId,
        mended: &Mended,
    ) -> Result<(), BackendError> {
        let Mended { bound, horizon, tasks, revision } = mended;
        let args = [account.as_str(), bound, horizon, &tasks.to_string(), revision];
        self.ask(&script::MENDED, &args).await
    }

    /// The reservations that have been there for more than so many seconds, and the floor.
    pub(crate) async fn reserved(
        &self,
        seconds: u64,
    ) -> Result<(String, Vec<(String, AccountId)>), BackendError> {
        let (floor, found): (String, Vec<(String, String)>) =
            self.ask(&script::RESERVED, &[&seconds.to_string()]).await?;
        let parsed = found.into_iter().map(|(token, name)| Ok((token, name.parse()?)));
        Ok((floor, parsed.collect::<Result<_, Corrupt>>()?))
    }
}

fn expiring(found: Vec<(String, String, String, String)>) -> Result<Vec<Expiring>, BackendError> {
    let parsed = found.into_iter().map(|(account, bound, bound_stamp, due_mark)| {
        Ok(Expiring { account: account.parse()?, bound, bound_stamp, due_mark })
    });
    Ok(parsed.collect::<Result<_, Corrupt>>()?)
}
