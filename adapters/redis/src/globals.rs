//! The values that hold for the whole store.

use tasklife::{Revision, Timestamp};

use crate::text;

/// The horizon and the revision floor of the whole store, as they were read last. The default
/// stands for values that were not read yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    horizon: Option<String>,
    /// A revision no lower than that of any forgotten account. New accounts begin above it.
    pub(crate) floor: Revision,
}

impl Globals {
    /// `horizon` is `None` in a store that was never swept.
    pub(crate) fn new(horizon: Option<String>, floor: Revision) -> Self {
        Self { horizon, floor }
    }

    /// Returns the horizon as text; empty if it is not known.
    pub(crate) fn horizon(&self) -> &str {
        self.horizon.as_deref().unwrap_or_default()
    }

    /// Returns whether a task with this expiry is invisible to every caller.
    pub(crate) fn hides(&self, expires_at: Timestamp) -> bool {
        *self.horizon() >= *text::encode_instant(expires_at)
    }

    /// Returns whether the horizon is after this instant.
    pub(crate) fn is_later_than(&self, instant: Timestamp) -> bool {
        *self.horizon() > *text::encode_instant(instant)
    }
}
