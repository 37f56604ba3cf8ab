//! The description that contains the schemas, and the budget for one answer.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// A description, with its compiled patterns.
pub(crate) struct Root {
    value: Value,
    /// The compiled patterns. `None` if the pattern is not supported.
    patterns: Mutex<BTreeMap<String, Option<Regex>>>,
}

impl Root {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, patterns: Mutex::default() }
    }

    /// Returns whether a string matches a pattern. An unsupported pattern matches every string.
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

/// The remaining steps for one answer. A small schema can describe a very large value.
pub(crate) struct Budget {
    steps: Cell<usize>,
}

impl Budget {
    /// Returns a budget that grows with the size of the value.
    pub(super) fn for_value(value: &Value) -> Self {
        Self { steps: Cell::new(200_000_usize.saturating_add(2_000 * parts(value))) }
    }

    /// Takes a step. Returns whether the budget allowed it.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }
}

/// Returns the number of values in a value.
fn parts(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(parts).sum::<usize>(),
        Value::Array(values) => 1 + values.iter().map(parts).sum::<usize>(),
        _ => 1,
    }
}

/// Escapes a segment of a JSON pointer.
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
