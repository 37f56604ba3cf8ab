//! Fuzzes the auditor: no sequence of readings causes a panic, even if each occurs twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::Retention;
use tasklife::audit::{Auditor, Reading};

fuzz_target!(|lines: &str| {
    let mut auditor = Auditor::new(Retention::default());
    for line in lines.lines() {
        if let Ok(reading) = serde_json::from_str::<Reading>(line) {
            auditor.observe(&reading);
            auditor.observe(&reading);
        }
    }
});
