//! What all accounts share, in a slot of its own: the horizon, the queue of accounts that may have
//! something to hand out, who has something that expires, and how full a limited store is.
//!
//! Something is registered before it is written, and struck off only with a check: first the account
//! gets a new revision, which keeps off whoever read it before and is about to write; then the entry
//! goes, unless its version shows that it was registered again. So a crash in between leaves an entry
//! too many, never one too few.

use std::iter;

use futures_util::{TryStreamExt, stream};
use redis::Value;
use tasklife::kit::Parked;
use tasklife::{AccountId, BackendError, IdError, Now, Revision, StoreConfig};

use crate::account::{Shared, claim_words};
use crate::connection::Redis;
use crate::fault::{Corrupt, Damaged, blames_keys};
use crate::keys::Prefix;
use crate::slots::SLOTS;
use crate::{script, text};

/// The keys that all accounts share.
#[derive(Debug)]
pub(crate) struct Registry<'a> {
    redis: &'a Redis,
    keys: [String; 17],
    shared: &'a Shared,
    prefix: &'a Prefix,
}

/// What holds for the whole store, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    horizon: Option<String>,
    /// At least the revision of every account that was forgotten.
    pub(crate) floor: Revision,
}

impl Globals {
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

/// An account that may have what expired, as it was registered.
#[derive(Debug)]
pub(crate) struct Expiring {
    pub(crate) account: AccountId,
    /// At most the earliest expiry of its tasks, but for what a sweep has left; none, where it has no
    /// other.
    pub(crate) bound: String,
    bound_version: String,
    due_version: String,
}

/// The name of an account, its bound, the bound's version, the version of its entry as due.
type Entry = (Vec<u8>, String, String, String);

/// The horizon, the floor, the name of the account, the version of its entry, what it has.
type NextFields = (Option<String>, String, Option<Vec<u8>>, String, Value);

/// What the registry has to know of an account, as texts; none, where it has none.
#[derive(Debug)]
pub(crate) struct Repaired {
    /// At most the earliest expiry of its tasks.
    pub(crate) bound: String,
    pub(crate) horizon: String,
    pub(crate) tasks: usize,
    pub(crate) revision: String,
}

/// Who has to hear of a horizon, before it holds.
#[derive(Debug)]
pub(crate) enum Hearers {
    /// Nobody: every account reads it where it was moved, or has heard of it.
    None,
    /// So many accounts, or all slots.
    Accounts(usize),
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Next {
    /// The account, if its name is one.
    pub(crate) account: Result<AccountId, Damaged>,
    pub(crate) name: Vec<u8>,
    /// The version of its entry, which changes whenever the account is made ready.
    pub(crate) version: String,
    /// What it has to hand out, where that was read.
    pub(crate) work: Value,
}

/// The answer to who asks for a place in a limited store.
#[derive(Debug)]
pub(crate) enum Reservation {
    /// There is none. So often has the number of tasks changed up to now.
    Full(String),
    /// Others have reserved the last ones.
    Busy,
    /// It is reserved, under this token.
    Reserved(String),
}

impl<'a> Registry<'a> {
    pub(crate) fn new(redis: &'a Redis, prefix: &'a Prefix, shared: &'a Shared) -> Self {
        Self { redis, keys: prefix.registry(), shared, prefix }
    }

    async fn query<T: redis::FromRedisValue>(
        &self,
        script: &script::Script,
        args: &[&str],
    ) -> Result<T, BackendError> {
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        self.redis.query(script, &self.keys, &args).await.map_err(|error| self.blamed(error))
    }

    /// Where a script failed for what it found, the error says how to get on.
    fn blamed(&self, error: BackendError) -> BackendError {
        if blames_keys(&error) {
            Damaged::Registry { stem: self.stem(), source: error.into() }.into()
        } else {
            error
        }
    }

    /// What the names of the keys begin with.
    fn stem(&self) -> String {
        self.keys[0].trim_end_matches("horizon").to_owned()
    }

    fn known(&self, horizon: Option<String>, floor: String) -> Result<Globals, BackendError> {
        let damaged =
            |source: Corrupt| Damaged::Registry { stem: self.stem(), source: source.into() };
        if let Some(text) = horizon.as_ref().filter(|text| text::parse_instant(text).is_none()) {
            return Err(damaged(Corrupt::Instant(text.clone())).into());
        }
        let floor = floor.parse().map_err(|_| damaged(Corrupt::Number(floor)))?;
        Ok(Globals { horizon, floor })
    }

    /// The account of a name that stands in a key.
    fn named(&self, key: &'static str, name: &[u8]) -> Result<AccountId, Damaged> {
        let damaged = |source| Damaged::Name {
            stem: self.stem(),
            key,
            name: String::from_utf8_lossy(name).into_owned(),
            source,
        };
        let text = std::str::from_utf8(name).map_err(|error| damaged(error.into()))?;
        text.parse().map_err(|error: IdError| damaged(error.into()))
    }

    fn expiring_in(&self, key: &'static str, found: Vec<Entry>) -> Vec<Result<Expiring, Damaged>> {
        let expiring = |(account, bound, bound_version, due_version): Entry| {
            let account = self.named(key, &account)?;
            Ok(Expiring { account, bound, bound_version, due_version })
        };
        found.into_iter().map(expiring).collect()
    }

    /// Registers a bound of an account's expiries, and makes it ready, where asked to.
    pub(crate) async fn register(
        &self,
        account: &AccountId,
        bound: Option<Now>,
        ready: bool,
    ) -> Result<Globals, BackendError> {
        let bound = bound.map(text::instant).unwrap_or_default();
        let args = [account.as_str(), &bound, if ready { "1" } else { "" }];
        let (horizon, floor) = self.query(&script::REGISTER, &args).await?;
        self.known(horizon, floor)
    }

    /// The first account of the ready queue but for some; and where accounts can be read in the same step,
    /// what it has to hand out.
    pub(crate) async fn next_ready(
        &self,
        config: &StoreConfig,
        passed_over: &[Vec<u8>],
        now: Now,
    ) -> Result<(Globals, Option<Next>), BackendError> {
        let now = text::instant(now);
        let passed_over = passed_over.iter().map(Vec::as_slice);
        if !self.shared.is_split() {
            let [width, oldest_in_progress] = claim_words(config);
            let words = [&now, &width, &oldest_in_progress, self.prefix.as_str()];
            let args: Vec<&[u8]> =
                words.map(str::as_bytes).into_iter().chain(passed_over.clone()).collect();
            let mut keys = self.keys.to_vec();
            keys.push(self.prefix.horizon_of(0));
            let answer = self.redis.query(&script::NEXT_WORK, &keys, &args).await;
            match answer {
                Err(error) if self.shared.is_split_by(&error) => {}
                answer => return self.next(answer.map_err(|error| self.blamed(error))?),
            }
        }
        let args: Vec<&[u8]> = iter::once(now.as_bytes()).chain(passed_over).collect();
        let answer = self.redis.query(&script::NEXT_READY, &self.keys, &args).await;
        let (horizon, floor, name, version) = answer.map_err(|error| self.blamed(error))?;
        self.next((horizon, floor, name, version, Value::Nil))
    }

    fn next(
        &self,
        (horizon, floor, name, version, work): NextFields,
    ) -> Result<(Globals, Option<Next>), BackendError> {
        let named =
            |name: Vec<u8>| Next { account: self.named("ready", &name), name, version, work };
        Ok((self.known(horizon, floor)?, name.map(named)))
    }

    /// Parks an account, unless it was made ready since its entry had this version.
    pub(crate) async fn park(
        &self,
        account: &AccountId,
        version: &str,
        parked: &Parked,
    ) -> Result<(), BackendError> {
        let texts = [parked.wake_after, parked.wake_at, parked.wake_before];
        let [wake_after, wake_at, wake_before] =
            texts.map(|instant| instant.map(text::instant).unwrap_or_default());
        let args = [account.as_str(), version, &wake_after, &wake_at, &wake_before];
        self.query(&script::PARK, &args).await
    }

    /// What holds for the whole store.
    pub(crate) async fn globals(&self) -> Result<Globals, BackendError> {
        let (horizon, floor) = self.query(&script::GLOBALS, &[]).await?;
        self.known(horizon, floor)
    }

    /// Moves the horizon to an instant, as text, if it was before; says who has to hear of it.
    pub(crate) async fn raise_horizon(
        &self,
        instant: &str,
    ) -> Result<(Globals, Hearers), BackendError> {
        let args = [instant.as_bytes()];
        let mut keys = self.keys.to_vec();
        if !self.shared.is_split() {
            // Refused where accounts can't read the horizon that is moved here.
            keys.push(self.prefix.horizon_of(0));
        }
        let mut reply = self.redis.execute(&script::RAISE_HORIZON, &keys, &args).await;
        if let Err(error) = &reply
            && self.shared.is_split_by(error)
        {
            reply = self.redis.execute(&script::RAISE_HORIZON, &self.keys, &args).await;
        }
        let (horizon, floor, heard, accounts): (_, _, bool, _) =
            reply.map_err(|error| self.blamed(error))?.answer;
        let hearers = if self.shared.is_split() && !heard {
            Hearers::Accounts(accounts)
        } else {
            Hearers::None
        };
        Ok((self.known(Some(horizon), floor)?, hearers))
    }

    /// Lets all slots hear of the horizon.
    pub(crate) async fn raise_slots(&self, globals: &Globals) -> Result<(), BackendError> {
        /// How many are on their way at a time.
        const AT_ONCE: usize = 256;
        let slots = stream::iter((0..SLOTS).map(Ok));
        let raise = |slot| async move {
            let key = [self.prefix.horizon_of(slot)];
            let args = [globals.horizon().as_bytes()];
            self.redis.query::<u8>(&script::RAISE_SLOT, &key, &args).await.map(drop)
        };
        slots.try_for_each_concurrent(AT_ONCE, raise).await?;
        self.query(&script::SLOTS_HEARD, &[globals.horizon()]).await
    }

    /// Accounts that may have what expired up to an instant and is not yet known to be due, by their
    /// bound, the earliest first.
    pub(crate) async fn expiring(
        &self,
        instant: &str,
        from: usize,
        count: usize,
    ) -> Result<Vec<Result<Expiring, Damaged>>, BackendError> {
        let args = [instant, &from.to_string(), &count.to_string()];
        Ok(self.expiring_in("expiry", self.query(&script::EXPIRING, &args).await?))
    }

    /// Accounts that may have what is due.
    pub(crate) async fn due(
        &self,
        from: usize,
        count: usize,
    ) -> Result<Vec<Result<Expiring, Damaged>>, BackendError> {
        let args = [&*from.to_string(), &count.to_string()];
        Ok(self.expiring_in("due", self.query(&script::DUE, &args).await?))
    }

    /// Records what a sweep has left of an account.
    pub(crate) async fn record_sweep(
        &self,
        of: &Expiring,
        bound: &str,
        more: bool,
    ) -> Result<(), BackendError> {
        let more = if more { "1" } else { "" };
        let Expiring { account, bound_version, due_version, bound: found } = of;
        let args = [account.as_str(), bound_version, due_version, bound, more, found];
        self.query(&script::RECORD_SWEEP, &args).await
    }

    /// Raises the floor to the revision of an account that is about to be forgotten. Gives the version
    /// of its entry in the queue, if it has one.
    pub(crate) async fn raise_floor(
        &self,
        account: &AccountId,
        revision: &str,
    ) -> Result<String, BackendError> {
        self.query(&script::RAISE_FLOOR, &[account.as_str(), revision]).await
    }

    /// Reserves one of so many places.
    pub(crate) async fn reserve(
        &self,
        account: &AccountId,
        places: usize,
    ) -> Result<Reservation, BackendError> {
        let answer: String =
            self.query(&script::RESERVE, &[account.as_str(), &places.to_string()]).await?;
        Ok(match answer.as_str() {
            "busy" => Reservation::Busy,
            _ => match answer.strip_prefix("full ") {
                Some(changes) => Reservation::Full(changes.into()),
                None => Reservation::Reserved(answer),
            },
        })
    }

    /// Reserves one of so many places, if there is one; gives its token.
    pub(crate) async fn reserve_now(
        &self,
        account: &AccountId,
        places: usize,
    ) -> Result<Option<String>, BackendError> {
        Ok(match self.reserve(account, places).await? {
            Reservation::Reserved(token) => Some(token),
            Reservation::Full(_) | Reservation::Busy => None,
        })
    }

    /// Gives up a reservation.
    pub(crate) async fn release(
        &self,
        token: &str,
        account: &AccountId,
    ) -> Result<(), BackendError> {
        let _: Vec<String> = self.query(&script::COUNT, &[token, account.as_str(), "", ""]).await?;
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
        let answer: Vec<String> = self.query(&script::COUNT, &args).await?;
        Ok(answer.into_iter().nth(1))
    }

    /// For which primaries all this was last made sure of.
    pub(crate) async fn replication_ids(&self) -> Result<String, BackendError> {
        self.query(&script::REPLICATION_IDS, &[]).await
    }

    pub(crate) async fn set_replication_ids(&self, ids: &str) -> Result<(), BackendError> {
        let _: String = self.query(&script::REPLICATION_IDS, &[ids]).await?;
        Ok(())
    }

    /// Takes an account in that a fail-over may have left out.
    pub(crate) async fn reregister(
        &self,
        account: &AccountId,
        repaired: &Repaired,
    ) -> Result<(), BackendError> {
        let Repaired { bound, horizon, tasks, revision } = repaired;
        let args = [account.as_str(), bound, horizon, &tasks.to_string(), revision];
        self.query(&script::REREGISTER, &args).await
    }

    /// The reservations that have been there for more than so many seconds, and the floor.
    pub(crate) async fn stale_reservations(
        &self,
        seconds: u64,
    ) -> Result<(String, Vec<(String, AccountId)>), BackendError> {
        let (floor, found): (String, Vec<(String, Vec<u8>)>) =
            self.query(&script::STALE_RESERVATIONS, &[&seconds.to_string()]).await?;
        let named = |(token, name): (_, Vec<u8>)| Ok((token, self.named("reservations", &name)?));
        Ok((floor, found.into_iter().map(named).collect::<Result<_, Damaged>>()?))
    }
}
