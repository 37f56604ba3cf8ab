//! Strings with a format, a pattern or a length.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, NaiveDate, SecondsFormat};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use tasklife::Timestamp;

/// The longest string that is made, whatever its schema requires.
const MAX_LENGTH: usize = 4_096;

/// Returns whether a string has a format. Every string has an unknown format.
pub(super) fn has_format(text: &str, format: &str) -> bool {
    match format {
        "date-time" => DateTime::parse_from_rfc3339(text).is_ok(),
        "date" => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10,
        "uuid" => {
            text.len() == 36
                && text.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                })
        }
        "email" => text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !text.contains(' ')
        }),
        "uri" | "url" => {
            let is_plain = !text.contains(['{', '}', '|', '\\', '^', '<', '>', '"', ' ', '`']);
            is_plain && text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some())
        }
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        _ => true,
    }
}

/// Returns the simplest string of a format. Empty for an unknown format.
pub(super) fn of_format(format: &str, now: Timestamp) -> String {
    let text = match format {
        "date-time" => return now.to_rfc3339_opts(SecondsFormat::Secs, true),
        "date" => return now.date_naive().to_string(),
        "time" => "00:00:00Z",
        "duration" => "PT0S",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        "email" | "idn-email" => "user@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "uri" | "url" | "iri" => "https://example.com/",
        "uri-reference" | "iri-reference" => "/",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        _ => "",
    };
    text.into()
}

/// Lengthens or shortens a string to `least` to `most` characters.
pub(super) fn of_length(mut text: String, least: usize, most: usize) -> String {
    let length = text.chars().count();
    text.extend(std::iter::repeat_n('a', least.min(MAX_LENGTH).saturating_sub(length)));
    text.chars().take(most).collect()
}

/// Returns the shortest string that matches a pattern. `None` for patterns with look-around or
/// back-references.
pub(super) fn of_pattern(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let (mut text, mut steps) = (String::new(), 0);
    add_match(&hir, &mut text, &mut steps)?;
    Some(text)
}

/// The most parts of a pattern that are visited.
const MAX_STEPS: usize = 20_000;

fn add_match(hir: &Hir, text: &mut String, steps: &mut usize) -> Option<()> {
    *steps += 1;
    if text.len() > MAX_LENGTH || *steps > MAX_STEPS {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => text.push(plainest(class)?),
        HirKind::Class(Class::Bytes(class)) => text.push(class.ranges().first()?.start().into()),
        HirKind::Repetition(repeated) => {
            for _ in 0..repeated.min {
                let length = text.len();
                add_match(&repeated.sub, text, steps)?;
                // A part that is empty once is always empty.
                if text.len() == length {
                    break;
                }
            }
        }
        HirKind::Capture(group) => add_match(&group.sub, text, steps)?,
        HirKind::Concat(parts) => {
            for part in parts {
                add_match(part, text, steps)?;
            }
        }
        HirKind::Alternation(alternatives) => add_match(alternatives.first()?, text, steps)?,
    }
    Some(())
}

/// Returns a character of a class, preferably a letter or a digit.
fn plainest(class: &ClassUnicode) -> Option<char> {
    let has = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
    ['a', 'A', '0']
        .into_iter()
        .find(|c| has(*c))
        .or_else(|| class.iter().next().map(ClassUnicodeRange::start))
}
