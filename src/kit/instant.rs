//! Instants as keys of an index.

use chrono::DateTime;

use crate::time::{MIN_TIME, Now, clamp_time};

/// An instant as 12 bytes, whose order is that of the instants: 8 of the seconds since
/// [`MIN_TIME`], and 4 of the nanoseconds, the highest byte first.
///
/// For indexes of engines whose own instants are coarser than a nanosecond, end before the year 9999, or
/// know no leap seconds.
///
/// ```
/// use tasklife::kit::{instant_from_bytes, instant_to_bytes};
///
/// let [leap, after] = ["2016-12-31T23:59:60.5Z".parse()?, "2017-01-01T00:00:00Z".parse()?];
/// assert!(instant_to_bytes(leap) < instant_to_bytes(after));
/// assert_eq!(instant_from_bytes(&instant_to_bytes(leap)), Some(leap));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn instant_to_bytes(instant: Now) -> [u8; 12] {
    let instant = clamp_time(instant);
    let seconds = (instant.timestamp() - MIN_TIME.timestamp()).to_be_bytes();
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&seconds);
    bytes[8..].copy_from_slice(&instant.timestamp_subsec_nanos().to_be_bytes());
    bytes
}

/// The instant of [such bytes](instant_to_bytes); `None`, where no instant has them.
#[must_use]
pub fn instant_from_bytes(bytes: &[u8]) -> Option<Now> {
    let (seconds, nanos) = bytes.split_first_chunk()?;
    let seconds = i64::from_be_bytes(*seconds).checked_add(MIN_TIME.timestamp())?;
    let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
    DateTime::from_timestamp(seconds, nanos).filter(|instant| clamp_time(*instant) == *instant)
}
