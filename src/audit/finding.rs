//! Findings, and the report that collects those of one reading.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::rule::Rule;

/// A breach of a rule: which reading broke which rule, and how.
///
/// `{}` shows the rule, what is wrong, and the source of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    reading: usize,
    rule: Rule,
    what: String,
    source: &'static str,
}

impl Finding {
    /// Returns the number of the reading, counted from 1.
    #[must_use]
    pub const fn reading(&self) -> usize {
        self.reading
    }

    /// Returns the broken rule.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// Returns a description of what is wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Returns the [source](Rule::source) of the rule.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        self.source
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.rule, self.what, self.source)
    }
}

/// Collects the findings of one reading.
pub(super) struct Report {
    reading: usize,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(reading: usize) -> Self {
        Self { reading, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, rule: Rule, what: String) {
        let finding = Finding { reading: self.reading, rule, what, source: rule.source() };
        self.findings.push(finding);
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
