//! Instants as index keys.

use chrono::DateTime;

use crate::time::{MIN_TIME, Timestamp, clamp_time};

/// Converts an instant to 12 bytes that sort as instants do: 8 bytes of seconds since [`MIN_TIME`]
/// and 4 bytes of nanoseconds, both big-endian.
///
/// Use it for the keys of a database whose own instants are coarser than a nanosecond, end before
/// the year 9999, or have no leap seconds.
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
pub fn instant_to_bytes(instant: Timestamp) -> [u8; 12] {
    let instant = clamp_time(instant);
    let seconds = (instant.timestamp() - MIN_TIME.timestamp()).to_be_bytes();
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&seconds);
    bytes[8..].copy_from_slice(&instant.timestamp_subsec_nanos().to_be_bytes());
    bytes
}

/// Converts bytes made by [`instant_to_bytes`] back to the instant. Returns `None` for bytes that
/// no instant has.
#[must_use]
pub fn instant_from_bytes(bytes: &[u8]) -> Option<Timestamp> {
    let (seconds, nanos) = bytes.split_first_chunk()?;
    let seconds = i64::from_be_bytes(*seconds).checked_add(MIN_TIME.timestamp())?;
    let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
    DateTime::from_timestamp(seconds, nanos).filter(|instant| clamp_time(*instant) == *instant)
}
