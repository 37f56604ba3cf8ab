//! Instants and revisions as strings of fixed width, which sort as their values do.
//!
//! Numbers in Redis and Lua are doubles, which can't hold nanoseconds or large revisions exactly.

use chrono::DateTime;
use tasklife::{MIN_TIME, Revision, Timestamp, clamp_time};

/// Encodes an instant as 22 digits: 12 of seconds since the start of year 0, and 10 of nanoseconds,
/// which exceed 10⁹ in a leap second.
pub(crate) fn encode_instant(at: Timestamp) -> String {
    let at = clamp_time(at);
    let seconds = at.timestamp() - MIN_TIME.timestamp();
    format!("{seconds:012}{:010}", at.timestamp_subsec_nanos())
}

/// Parses an encoded instant.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    let (seconds, nanos) = text.split_at_checked(12)?;
    let seconds = seconds.parse::<i64>().ok()?.checked_add(MIN_TIME.timestamp())?;
    DateTime::from_timestamp(seconds, nanos.parse().ok()?)
}

/// Encodes a revision as 19 digits.
pub(crate) fn encode_revision(revision: Revision) -> String {
    format!("{:019}", revision.get())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use tasklife::MAX_TIME;

    use super::*;

    #[test]
    fn encoded_instants_have_one_width_and_sort_by_time() {
        let nanosecond = TimeDelta::nanoseconds(1);
        let leap: Timestamp = "2016-12-31T23:59:60.999999999Z".parse().unwrap();
        let noon: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let instants = [
            MIN_TIME,
            MIN_TIME + nanosecond,
            "1969-12-31T23:59:59.999999999Z".parse().unwrap(),
            "1970-01-01T00:00:00Z".parse().unwrap(),
            "2016-12-31T23:59:59.999999999Z".parse().unwrap(),
            leap,
            "2017-01-01T00:00:00Z".parse().unwrap(),
            noon,
            noon + nanosecond,
            MAX_TIME,
        ];
        for at in instants {
            assert_eq!(parse_instant(&encode_instant(at)), Some(at));
            assert_eq!(encode_instant(at).len(), 22, "{at}");
        }
        assert!(instants.map(encode_instant).is_sorted_by(|a, b| a < b));
        assert_eq!(encode_instant(Timestamp::MAX_UTC), encode_instant(MAX_TIME));
        assert_eq!(parse_instant("0"), None);
    }

    #[test]
    fn revisions_beyond_the_precision_of_doubles_stay_distinct() {
        let text = |number: u64| encode_revision(Revision::try_from(number).unwrap());
        assert!(text((1 << 53) + 1) > text(1 << 53));
        assert_eq!(text(7).len(), encode_revision(Revision::MAX).len());
    }
}
