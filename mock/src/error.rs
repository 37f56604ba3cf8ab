//! The error of a mock API that cannot be set up as described.

use tasklife::LinkError;

use crate::openapi::document::DocumentFault;
use crate::route::RouteFault;
use crate::text::Excerpt;

/// The error of a mock API that cannot be set up as described. Its message says what was expected,
/// what was given, and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct MockError(#[from] Reason);

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Links(LinkError),
    #[error("{fault}, in {path:?}")]
    Route { path: String, fault: RouteFault },
    #[error("expected one of the {count} command types of the API, such as {near}; got {got}")]
    Command { near: String, count: usize, got: Excerpt },
    #[error("expected {expected} in {place}a script, got {got}")]
    Script { expected: &'static str, place: String, got: String },
    #[error(transparent)]
    Document(DocumentFault),
}

impl From<DocumentFault> for MockError {
    fn from(fault: DocumentFault) -> Self {
        Self(Reason::Document(fault))
    }
}

impl From<LinkError> for MockError {
    fn from(error: LinkError) -> Self {
        Self(Reason::Links(error))
    }
}

impl RouteFault {
    pub(crate) fn of(self, path: &str) -> MockError {
        let end = path.floor_char_boundary(120);
        let path = path.get(..end).unwrap_or_default().into();
        MockError(Reason::Route { path, fault: self })
    }
}
