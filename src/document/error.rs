//! Reading JSON, within bounds, and how it can fail.

use serde::Deserialize;

use crate::json::{MAX_DEPTH, Object, exceeds_depth};

/// Reads a JSON object whose nesting is bounded: 127 deep. For those who implement a
/// [`Format`](crate::format::Format).
///
/// A structure that derives `Deserialize` would be read from an array of its fields too: not by this.
///
/// # Errors
/// Where the text is no JSON object, not that of a `T`, or nested deeper. The error says where.
pub fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    read(json).map(|Object(object)| object)
}

/// Reads JSON of any kind, within the same bounds.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    // `serde_json` bounds the depth of what is decoded, but not of what is skipped or kept as text.
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
    #[error(
        "expected nesting at most {MAX_DEPTH} levels deep, got more at line {line} column {column}"
    )]
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
    /// An error of one's own: `message` says what was expected and what came. For those who implement a
    /// [`Format`](crate::format::Format).
    #[must_use]
    pub fn new(message: impl core::fmt::Display) -> Self {
        Self(Fault::Json(serde::de::Error::custom(message)))
    }

    /// The line where reading ended, from 1; 0 where that is not known.
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
