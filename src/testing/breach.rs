//! What the suite found.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::history::History;
use super::law::Law;

/// What the suite found: a store that breaks a law, and the history in which it does.
///
/// `{}` tells the law, what the store did, and the history as code; [`to_test`](Self::to_test)
/// makes a test of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach {
    pub(super) law: Law,
    pub(super) what: String,
    pub(super) history: History,
}

impl Breach {
    /// The law that is broken.
    #[must_use]
    pub const fn law(&self) -> Law {
        self.law
    }

    /// What the store did.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The history in which it did.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// A test that fails as long as the store breaks the law, to be pasted beside the call of
    /// [`conformance!`](crate::conformance) that made the module with this name.
    #[must_use]
    pub fn to_test(&self, module: &str) -> String {
        let law = self.law.as_str().to_ascii_lowercase();
        let history = format!("{}", self.history).replace('\n', "\n    ");
        format!(
            "#[test]\nfn {module}_once_broke_{law}() {{\n    \
             use tasklife::testing::*;\n\n    let history = {history};\n    \
             {module}::replay(&history);\n}}"
        )
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {} is broken: {}\nin the history\n{}", self.law, self.what, self.history)
    }
}

impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Breach {}
