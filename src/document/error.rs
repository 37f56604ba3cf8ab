//! Reading JSON, within bounds, and how it can fail.

use serde::Deserialize;

use crate::json::{MAX_DEPTH, exceeds_depth};

/// `serde_json` bounds the depth of what is decoded, but not of what is skipped or kept as text.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    match exceeds_depth(json, MAX_DEPTH) {
        Some(at) => Err(DocumentError(Fault::too_deep(json, at))),
        None => serde_json::from_slice(json).map_err(|error| DocumentError(Fault::Json(error))),
    }
}

/// The error for a text that is no document. Its message says where.
///
/// ```
/// use tasklife::TaskDocument;
///
/// let error = TaskDocument::from_json(br#"{"taskId": "36d4"#).unwrap_err();
/// assert_eq!(error.to_string(), "EOF while parsing a string at line 1 column 16");
/// assert_eq!((error.line(), error.column()), (1, 16));
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DocumentError(Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Json(serde_json::Error),
    #[error("expected nesting at most {MAX_DEPTH} deep, got more at line {line} column {column}")]
    TooDeep { line: usize, column: usize },
}

impl Fault {
    fn too_deep(json: &[u8], at: usize) -> Self {
        let before = json.get(..at).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Self::TooDeep {
            line: before.split(|byte| *byte == b'\n').count(),
            column: at - line_start + 1,
        }
    }
}

impl DocumentError {
    /// The line where reading ended, from 1; 0 where there is none.
    #[must_use]
    pub fn line(&self) -> usize {
        match &self.0 {
            Fault::Json(error) => error.line(),
            Fault::TooDeep { line, .. } => *line,
        }
    }

    /// The column where reading ended, from 1; 0 at the beginning of a line.
    #[must_use]
    pub fn column(&self) -> usize {
        match &self.0 {
            Fault::Json(error) => error.column(),
            Fault::TooDeep { column, .. } => *column,
        }
    }
}
