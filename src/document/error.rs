//! The errors of reading.

use crate::json::MAX_DEPTH;

/// The error returned if a body is not a valid document. Its message states the position.
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
pub struct DocumentError(ErrorKind);

#[derive(Debug, thiserror::Error)]
enum ErrorKind {
    #[error(transparent)]
    Json(serde_json::Error),
    #[error(
        "expected nesting at most {MAX_DEPTH} levels deep, got more at line {line} column {column}"
    )]
    TooDeep { line: usize, column: usize },
}

impl DocumentError {
    pub(super) fn from_json(error: serde_json::Error) -> Self {
        Self(ErrorKind::Json(error))
    }

    /// Creates the error for JSON that is nested too deeply at a byte offset.
    pub(super) fn too_deep(json: &[u8], at: usize) -> Self {
        let before = json.get(..at).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Self(ErrorKind::TooDeep {
            line: before.split(|byte| *byte == b'\n').count(),
            column: at - line_start + 1,
        })
    }

    /// Creates an error whose `message` states what was expected and what was found.
    ///
    /// You need this if you implement a [`Format`](crate::format::Format).
    #[must_use]
    pub fn new(message: impl core::fmt::Display) -> Self {
        Self(ErrorKind::Json(serde::de::Error::custom(message)))
    }

    /// Returns the line where reading stopped, counted from 1, or 0 if it is not known.
    #[must_use]
    pub fn line(&self) -> usize {
        match &self.0 {
            ErrorKind::Json(error) => error.line(),
            ErrorKind::TooDeep { line, .. } => *line,
        }
    }

    /// Returns the column where reading stopped, counted from 1, or 0 at the beginning of a line.
    #[must_use]
    pub fn column(&self) -> usize {
        match &self.0 {
            ErrorKind::Json(error) => error.column(),
            ErrorKind::TooDeep { column, .. } => *column,
        }
    }
}
