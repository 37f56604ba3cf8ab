//! Instants as numbers.

use crate::time::Timestamp;

/// An instant as a number of nanoseconds since 1970, for atomics.
///
/// The order is kept, but some instants share a number. All instants more than 292 years before 1970
/// have the first number, all more than 292 years after it have the last, and all within a leap
/// second have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::memory) struct Ordinal(pub(in crate::memory::coordination) i64);

impl Ordinal {
    pub(in crate::memory::coordination) const FIRST: Self = Self(i64::MIN);
    pub(in crate::memory::coordination) const LAST: Self = Self(i64::MAX);

    pub(in crate::memory) fn of(instant: Timestamp) -> Self {
        Self::of_timestamp((instant.timestamp(), instant.timestamp_subsec_nanos()))
    }

    pub(in crate::memory::coordination) fn of_timestamp((seconds, nanos): (i64, u32)) -> Self {
        let nanos = i64::from(nanos.min(999_999_999));
        let number = seconds.checked_mul(1_000_000_000);
        let number = number.and_then(|number| number.checked_add(nanos)).map(Self);
        number.unwrap_or(if seconds < 0 { Self::FIRST } else { Self::LAST })
    }

    /// Returns the instant, if it is the only one with this number.
    pub(in crate::memory::coordination) fn only_instant(self) -> Option<Timestamp> {
        let is_of_several = self == Self::FIRST || self == Self::LAST;
        (!is_of_several).then(|| Timestamp::from_timestamp_nanos(self.0))
    }
}
