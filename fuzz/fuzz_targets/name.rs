//! Fuzzes names, ids, numbers and cursors: a parsed value is written as the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::{
    AccountId, CommandType, Cursor, EventKind, Progress, ProvisioningStatus, Revision, TaskId,
    TaskStatus,
};

fuzz_target!(|text: &str| {
    fn check<T: std::str::FromStr + std::fmt::Display>(text: &str) {
        if let Ok(value) = text.parse::<T>() {
            assert_eq!(value.to_string(), text);
        }
    }
    check::<AccountId>(text);
    check::<CommandType>(text);
    check::<Cursor>(text);
    check::<TaskStatus>(text);
    check::<EventKind>(text);
    check::<ProvisioningStatus>(text);
    check::<TaskId>(&text.to_lowercase());
    if let Ok(revision) = text.parse::<Revision>() {
        assert_eq!(revision.to_string().parse(), Ok(revision));
    }
    if let Ok(progress) = serde_json::from_str::<Progress>(text) {
        assert!(progress.percent() <= 100);
    }
});
