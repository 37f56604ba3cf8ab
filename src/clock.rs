//! An account's clock, which ensures that time never goes back along an account's revisions.

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;

use crate::time::{self, MIN_TIME, Timestamp, clamp_time};
use crate::wire::known::Known;

/// A number that grows with each accepted event of an account.
///
/// A task's revision is the revision of its latest event. It orders lists, marks the position of a
/// cursor, answers "changed since", and guards writes. It resembles `mod_revision` in etcd and
/// `resourceVersion` in Kubernetes.
///
/// Gaps between revisions have no meaning. Zero, the default, comes before every event.
///
/// Parsing accepts revisions up to [`Revision::MAX`], 2⁶³ - 1, which an SQL `BIGINT` can hold.
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
    /// The largest revision that can be parsed, deserialized or converted from a number: 2⁶³ - 1.
    ///
    /// At eight events per microsecond, an account reaches it after more than 30,000 years.
    pub const MAX: Self = Self(i64::MAX.cast_unsigned());

    /// Returns a revision above all that an account can have reached by `now`.
    ///
    /// The value is the number of eighths of a microsecond since the year 0. So this holds if the
    /// account began below this revision, has fewer than eight events per microsecond, and clocks
    /// don't go back.
    ///
    /// A store that may have lost its latest writes continues here, so that it doesn't reuse a
    /// revision. It needs no saved state for this.
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
    pub fn unreached_by(now: Timestamp) -> Self {
        let past = clamp_time(now).signed_duration_since(MIN_TIME);
        let microseconds = past.num_microseconds().unwrap_or(0).unsigned_abs();
        let eighths = past.subsec_nanos().unsigned_abs() % 1_000 / 125;
        Self(microseconds * 8 + u64::from(eighths))
    }

    /// Returns the revision as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the revision that is `count` above `number`.
    pub(crate) const fn beyond(number: u64, count: u64) -> Self {
        Self(number.saturating_add(count))
    }

    /// Returns the revision before this one, or zero for zero.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns the next revision.
    ///
    /// Counting continues above [`MAX`](Self::MAX), with room for another 2⁶³ revisions, but no
    /// account comes near it.
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
            Err(RevisionError(RevisionErrorKind::TooLarge(number)))
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
        let number: u64 =
            text.parse().map_err(|e| RevisionError(RevisionErrorKind::NotNumber(e)))?;
        Self::try_from(number)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The error returned if a number or a string is not a [`Revision`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct RevisionError(RevisionErrorKind);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum RevisionErrorKind {
    #[error("expected a revision of at most {}, got {_0}", Revision::MAX)]
    TooLarge(u64),
    #[error("expected a revision, a whole number")]
    NotNumber(#[source] ParseIntError),
}

/// The revision and the update time of an account's next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub(crate) revision: Revision,
    pub(crate) updated_at: Timestamp,
}

impl Stamp {
    /// Returns the revision of the event.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the update time that the event gives its task.
    #[must_use]
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

/// An account's latest revision and latest update time.
///
/// The clock makes the [`Stamp`] of the account's next event, in the same way for every store. The
/// time of a stamp is the later of the event's `now` and the account's latest update time. So time
/// never goes back along an account's revisions, even if clocks do. After an event with a `now` in
/// the far future, all later events get that instant as their update time, until the clocks reach
/// it.
///
/// You need this if you implement a store, or keep tasks without one.
///
/// [`next`](Self::next) does not advance the clock, so a refused event leaves no trace. Call
/// [`advance_to`](Self::advance_to) after the event was accepted.
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
    pub(crate) updated_at: Timestamp,
}

impl AccountClock {
    /// Creates a clock from its saved values.
    #[must_use]
    pub fn new(revision: Revision, updated_at: Timestamp) -> Self {
        Self { revision, updated_at: clamp_time(updated_at) }
    }

    /// Creates the clock of an account that is new, or that its store has forgotten.
    ///
    /// `floor` is the highest revision of all accounts that the store has forgotten (law S10).
    #[must_use]
    pub const fn after(floor: Revision) -> Self {
        Self { revision: floor, updated_at: MIN_TIME }
    }

    /// Returns the account's latest revision.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the account's latest update time.
    #[must_use]
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Returns the stamp of an event that happens at `now`.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Stamp {
        Stamp { revision: self.revision.next(), updated_at: clamp_time(now).max(self.updated_at) }
    }

    // `advance_to` is in `task`, because it takes a `Task`.
}

impl<'de> serde::Deserialize<'de> for AccountClock {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(rename = "AccountClock")]
        struct Fields {
            revision: Revision,
            #[serde(with = "time::as_text")]
            updated_at: Timestamp,
        }

        let Fields { revision, updated_at } = Fields::deserialize(Known(from))?;
        Ok(Self { revision, updated_at })
    }
}

impl Default for AccountClock {
    /// Creates the clock of an account that has never had an event.
    fn default() -> Self {
        Self::after(Revision::default())
    }
}
