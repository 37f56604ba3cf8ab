//! The description that schemas are of, and how much may be done with it for one answer.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// How large a compiled pattern may be, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// A description in which schemas refer to each other.
pub(crate) struct Root {
    value: Value,
    /// The patterns that were compiled; `None` for what is none.
    patterns: Mutex<BTreeMap<String, Option<Regex>>>,
}

impl Root {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, patterns: Mutex::default() }
    }

    /// Whether a text matches a pattern; what is no pattern in our reading of it matches all.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().ok());
        known.as_ref().is_none_or(|known| known.is_match(text))
    }
}

impl Deref for Root {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// How much may be done for one answer yet, whatever its schema says: a small schema can mean a large one.
pub(crate) struct Budget {
    steps: Cell<usize>,
}

impl Budget {
    /// Enough for a value of so many parts.
    pub(super) fn for_value(value: &Value) -> Self {
        Self { steps: Cell::new(200_000_usize.saturating_add(2_000 * parts(value))) }
    }

    /// Takes a step, and says whether that was still allowed.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }
}

/// How many values a value has in it.
fn parts(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(parts).sum::<usize>(),
        Value::Array(values) => 1 + values.iter().map(parts).sum::<usize>(),
        _ => 1,
    }
}

/// A step of a JSON pointer.
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
