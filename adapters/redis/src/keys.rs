//! The names of the keys. All keys of an account are in one slot.

use std::fmt::Write as _;

use tasklife::{AccountId, TaskStatus};

use crate::slots::{slot, tag};

/// The prefix of a store's keys, encoded so that it has neither braces nor colons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix(String);

impl Prefix {
    pub(crate) fn new(name: &str) -> Self {
        Self(encoded(name))
    }

    /// Returns the encoded prefix.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the keys of an account's scripts: its metadata, its tasks, a horizon, and for each
    /// status the order and the expiries of its tasks.
    ///
    /// The horizon is the shared one, or in a cluster the one of the account's slot. Redis derives
    /// the slot of a key from the text in the first braces: the account.
    pub(crate) fn account(&self, account: &AccountId, has_slots: bool) -> [String; 13] {
        let name = encoded(account.as_str());
        let stem = format!("{}:{{{name}}}", self.0);
        let mut keys = [const { String::new() }; 13];
        keys[0] = format!("{stem}:account");
        keys[1] = format!("{stem}:tasks");
        for status in TaskStatus::ALL {
            keys[3 + status as usize] = format!("{stem}:order:{status}");
            keys[8 + status as usize] = format!("{stem}:expiry:{status}");
        }
        keys[2] = if has_slots { self.horizon_of(slot(&name)) } else { self.horizon() };
        keys
    }

    fn horizon(&self) -> String {
        format!("{}:{{*}}:horizon", self.0)
    }

    /// Returns the horizon of a slot, in a key of that slot. No account has a key of this name.
    pub(crate) fn horizon_of(&self, slot: u16) -> String {
        format!("{}:{{{}}}:horizon", self.0, tag(slot))
    }

    /// Returns the keys that all accounts share, in a slot of their own. No account's name is
    /// encoded as `*`.
    pub(crate) fn registry(&self) -> [String; 17] {
        const NAMES: [&str; 17] = [
            "horizon",
            "floor",
            "counter",
            "queue",
            "ready",
            "parked-past",
            "parked-until",
            "parked-unless-before",
            "bounds",
            "expiry",
            "due",
            "counts",
            "total",
            "reservations",
            "replication-ids",
            "changes",
            "slots",
        ];
        NAMES.map(|name| format!("{}:{{*}}:{name}", self.0))
    }

    /// Returns the channel on which writes publish a hint that there may be work.
    pub(crate) fn channel(&self) -> String {
        format!("{}:work", self.0)
    }

    /// Returns the pattern of the first key of every account.
    pub(crate) fn accounts(&self) -> String {
        format!("{}:{{*}}:account", self.0)
    }

    /// Returns the account that a key holds the metadata of.
    pub(crate) fn account_of(&self, key: &str) -> Option<AccountId> {
        let name = key.strip_prefix(&self.0)?.strip_prefix(":{")?.strip_suffix("}:account")?;
        decoded(name)?.parse().ok()
    }
}

/// Encodes a name in letters, digits, `_`, `.` and `-`, and every other byte as `%` and two digits.
/// Different names stay different.
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('%') {
        let (digits, after) = after.split_at_checked(2)?;
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_names_share_a_key() {
        let long = "é".repeat(127);
        let names =
            ["a", "A", "a}", "{a", "}{", "*", "%2A", "a b", "%", "%25", "{*}", "a:b", &long];
        let prefixes = ["", "p", "p:{a}", "{p}"];
        let mut seen = BTreeSet::new();
        for prefix in prefixes.map(Prefix::new) {
            for name in names {
                let account = name.parse().unwrap();
                let keys = prefix.account(&account, true);
                let [first, tasks, horizon, rest @ ..] = &keys;
                assert!(!horizon.contains("{*}") && horizon.ends_with(":horizon"), "{horizon}");
                assert_eq!(prefix.account_of(first), Some(account.clone()));
                for key in [first, tasks].into_iter().chain(rest) {
                    assert_eq!(key.matches('{').count(), 1, "{key}");
                    assert!(seen.insert(key.clone()));
                }
            }
            for key in prefix.registry() {
                assert!(seen.insert(key));
            }
        }
        assert_eq!(seen.len(), prefixes.len() * (names.len() * 12 + 17));
    }
}
