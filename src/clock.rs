//! An account's clock: the one place where "time never goes back" lives.

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;

use crate::time::{self, MIN_TIME, Now, clamp_time};
use crate::wire::known::Known;

/// A number that grows with each accepted event of an account. A task's revision is that of its
/// latest event.
///
/// It orders lists, is the place of a cursor, answers "changed since", and guards writes, as
/// `mod_revision` does in etcd and `resourceVersion` in Kubernetes. Gaps mean nothing. Zero, the
/// default, comes before every event.
///
/// Read back, a revision is at most [`Revision::MAX`], 2⁶³ - 1: what an SQL `BIGINT` holds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct Revision(u64);

impl Revision {
    /// The largest revision that is accepted from outside: 2⁶³ - 1.
    pub const MAX: Self = Self(i64::MAX.cast_unsigned());

    /// The revision at which a store goes on that may have lost what it gave out last: no store can
    /// have come so far by the instant `now`, if it began below.
    ///
    /// It is the number of eighths of a microsecond since the year 0. As long as an account has fewer
    /// than eight events a microsecond and clocks don't go back, revisions that begin here are different
    /// from all that were given out before `now`, without anything being kept for it.
    ///
    /// ```
    /// use tasklife::Revision;
    ///
    /// let [noon, later] = ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000001Z"];
    /// let [noon, later] = [noon.parse()?, later.parse()?].map(Revision::unreached_by);
    /// assert_eq!(later.get() - noon.get(), 8);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn unreached_by(now: Now) -> Self {
        let past = clamp_time(now).signed_duration_since(MIN_TIME);
        let microseconds = past.num_microseconds().unwrap_or(0).unsigned_abs();
        let eighths = past.subsec_nanos().unsigned_abs() % 1_000 / 125;
        Self(microseconds * 8 + u64::from(eighths))
    }

    /// The revision as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// So many further than a revision of this number.
    pub(crate) const fn beyond(number: u64, count: u64) -> Self {
        Self(number.saturating_add(count))
    }

    /// The one before; of zero, zero.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The next one. `MAX` leaves room for another 2⁶³ of them, so that counting never stalls.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl TryFrom<u64> for Revision {
    type Error = RevisionError;

    fn try_from(number: u64) -> Result<Self, RevisionError> {
        let revision = Self(number);
        if revision <= Self::MAX {
            Ok(revision)
        } else {
            Err(RevisionError(RevisionFault::TooLarge(number)))
        }
    }
}

impl From<Revision> for u64 {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let number: u64 = text.parse().map_err(|e| RevisionError(RevisionFault::NoNumber(e)))?;
        Self::try_from(number)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The error for what is no [`Revision`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct RevisionError(RevisionFault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RevisionFault {
    #[error("expected a revision of at most {}, got {_0}", Revision::MAX)]
    TooLarge(u64),
    #[error("expected a revision, a whole number")]
    NoNumber(#[source] ParseIntError),
}

/// What an account's clock says of the next event: its revision and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub(crate) revision: Revision,
    pub(crate) updated_at: Now,
}

impl Stamp {
    /// The revision of the event.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The update time that the event gives its task.
    #[must_use]
    pub const fn updated_at(&self) -> Now {
        self.updated_at
    }
}

/// An account's latest revision and latest update time. It makes the [`Stamp`] of the next event,
/// for every store alike.
///
/// A stamp's time is the later of the event's `now` and the account's latest update time: along an
/// account's revisions time never goes back, whatever the clocks do. A `now` in the far future
/// therefore holds later update times there until the clocks have caught up.
///
/// Asking for a stamp advances nothing, so a refused event leaves no trace:
/// [`advance_to`](Self::advance_to) does, once the event was accepted.
///
/// ```
/// use tasklife::AccountClock;
///
/// let clock = AccountClock::default();
/// let noon = "2019-08-08T12:00:00Z".parse()?;
/// let stamp = clock.next(noon);
/// assert_eq!((stamp.revision().get(), stamp.updated_at()), (1, noon));
///
/// let clock = AccountClock::new(stamp.revision(), stamp.updated_at());
/// let stamp = clock.next("2019-08-08T11:59:59Z".parse()?); // another server's clock is behind
/// assert_eq!((stamp.revision().get(), stamp.updated_at()), (2, noon));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AccountClock {
    pub(crate) revision: Revision,
    #[serde(with = "time::as_text")]
    pub(crate) updated_at: Now,
}

impl AccountClock {
    /// A clock as it was saved.
    #[must_use]
    pub fn new(revision: Revision, updated_at: Now) -> Self {
        Self { revision, updated_at: clamp_time(updated_at) }
    }

    /// The clock of a new account, or of one that its store has forgotten: after the highest revision of all that
    /// it has forgotten (law S10).
    #[must_use]
    pub const fn after(floor: Revision) -> Self {
        Self { revision: floor, updated_at: MIN_TIME }
    }

    /// The account's latest revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The account's latest update time.
    #[must_use]
    pub const fn updated_at(&self) -> Now {
        self.updated_at
    }

    /// The stamp of an event that happens `now`.
    #[must_use]
    pub fn next(&self, now: Now) -> Stamp {
        Stamp { revision: self.revision.next(), updated_at: clamp_time(now).max(self.updated_at) }
    }
}

impl<'de> serde::Deserialize<'de> for AccountClock {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "AccountClock")]
        struct Fields {
            revision: Revision,
            #[serde(with = "time::as_text")]
            updated_at: Now,
        }

        let Fields { revision, updated_at } = Fields::deserialize(Known(from))?;
        Ok(Self { revision, updated_at })
    }
}

impl Default for AccountClock {
    /// The clock of an account that never had an event.
    fn default() -> Self {
        Self::after(Revision::default())
    }
}
