//! How long a task or a resource stays in a status.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::text::Excerpt;
use chrono::TimeDelta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tasklife::{Timestamp, clamp_time};

/// How long a task or a resource stays in a status before it moves on.
///
/// As text, it is `immediate`, a number of seconds such as `2.5`, `reads:3`, or `never`. Options
/// and configuration files use this form.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::Pace;
///
/// assert_eq!("2.5".parse(), Ok(Pace::After(Duration::from_millis(2_500))));
/// assert_eq!("reads:3".parse(), Ok(Pace::Reads(3)));
/// assert_eq!(Pace::Immediate.to_string(), "immediate");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Pace {
    /// At once, before any read.
    Immediate,
    /// With the read of this number. The third read is the first to show what comes after
    /// `Reads(3)`. `Reads(0)` is [`Immediate`](Self::Immediate).
    ///
    /// A read is a `GET` of the task or resource that gets a 200, or a 304 if the client already
    /// has the document. Lists, `HEAD`s and 404s do not count.
    Reads(u32),
    /// After a duration, counted from when the status began.
    After(Duration),
    /// Never.
    Never,
}

impl Pace {
    /// Returns when the status that began at `since` ends, unless reads or nothing end it.
    pub(crate) fn due(self, since: Timestamp) -> Option<Timestamp> {
        let time = match self {
            Self::Immediate | Self::Reads(0) => Duration::ZERO,
            Self::After(time) => time,
            Self::Reads(_) | Self::Never => return None,
        };
        let due = since.checked_add_signed(TimeDelta::from_std(time).ok()?)?;
        // An instant outside the years 0 to 9999 never comes.
        Some(due).filter(|due| clamp_time(*due) == *due)
    }

    /// Returns whether the read with this number, from 1, ends the status.
    pub(crate) fn is_met_by(self, reads: u32) -> bool {
        matches!(self, Self::Reads(action) if reads >= action)
    }

    /// Returns the pace as two steps, one after the other.
    pub(crate) fn halves(self) -> [Self; 2] {
        match self {
            Self::Reads(reads) => [Self::Reads(reads.div_ceil(2)), Self::Reads(reads / 2)],
            Self::After(time) => {
                [Self::After(time / 2), Self::After(time.saturating_sub(time / 2))]
            }
            Self::Immediate | Self::Never => [self, self],
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immediate => f.pad("immediate"),
            Self::Reads(reads) => write!(f, "reads:{reads}"),
            Self::After(time) if time.subsec_nanos() == 0 => write!(f, "{}", time.as_secs()),
            Self::After(time) => {
                let digits = std::format!("{:09}", time.subsec_nanos());
                write!(f, "{}.{}", time.as_secs(), digits.trim_end_matches('0'))
            }
            Self::Never => f.pad("never"),
        }
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let pace = match text {
            "immediate" => Some(Self::Immediate),
            "never" => Some(Self::Never),
            _ => match text.strip_prefix("reads:") {
                Some(reads) => unsigned(reads).and_then(|n| n.try_into().ok()).map(Self::Reads),
                None => seconds(text).map(Self::After),
            },
        };
        pace.ok_or_else(|| PaceError { got: Excerpt::of(text) })
    }
}

/// Parses digits only: no sign and no space.
fn unsigned(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Parses decimal seconds with up to 9 fraction digits.
fn seconds(text: &str) -> Option<Duration> {
    const DIGITS: usize = 9;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > DIGITS {
        return None;
    }
    let nanos = unsigned(fraction)? * 10_u64.pow(u32::try_from(DIGITS - fraction.len()).ok()?);
    Some(Duration::new(unsigned(whole)?, u32::try_from(nanos).ok()?))
}

impl Serialize for Pace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The error for a string that is not a [`Pace`].
///
/// ```
/// use tasklife_mock::Pace;
///
/// assert_eq!(
///     "reads".parse::<Pace>().unwrap_err().to_string(),
///     "expected immediate, a number of seconds, reads:N or never, got \"reads\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected immediate, a number of seconds, reads:N or never, got {got}")]
pub struct PaceError {
    got: Excerpt,
}
