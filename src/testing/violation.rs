//! The result of a failed check.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::history::History;
use super::law::Law;

/// A violation of a law by a store, and a history that reproduces it.
///
/// `{}` prints the law, what the store did, and the history as code.
/// [`to_test`](Self::to_test) turns the history into a test.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation {
    pub(super) law: Law,
    pub(super) description: String,
    pub(super) history: History,
}

impl Violation {
    /// Returns the violated law.
    #[must_use]
    pub const fn law(&self) -> Law {
        self.law
    }

    /// Returns a description of what the store did.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the history that reproduces the violation.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Returns the source of a test that fails while the store violates the law.
    ///
    /// `module` is the name given to [`conformance!`](crate::conformance). Paste the test beside
    /// that call.
    #[must_use]
    pub fn to_test(&self, module: &str) -> String {
        let law = self.law.as_str().to_ascii_lowercase();
        let history = format!("{}", self.history).replace('\n', "\n    ");
        format!(
            "#[test]\nfn {module}_once_violated_{law}() {{\n    \
             use tasklife::testing::*;\n\n    let history = {history};\n    \
             {module}::replay(&history);\n}}"
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, description, history } = self;
        write!(f, "law {law} is violated: {description}\nin the history\n{history}")
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Violation {}
