//! Reading JSON of limited depth, and the errors of reading.

use serde::Deserialize;

use crate::json::{MAX_DEPTH, Object, exceeds_depth};

/// Reads a JSON object that is nested at most 127 levels deep.
///
/// You need this if you implement a [`Format`](crate::format::Format). Unlike `serde_json`, it
/// doesn't accept an array in place of an object for a struct that derives `Deserialize`.
///
/// # Errors
///
/// Returns [`DocumentError`] if the JSON is invalid, is not an object, can't be read as a `T`, or is
/// nested too deeply. The error states the position.
pub fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    read(json).map(|Object(object)| object)
}

/// Reads any JSON value that is nested at most 127 levels deep.
pub(super) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    // `serde_json` doesn't limit the depth of values that it skips or keeps as text.
    match exceeds_depth(json, MAX_DEPTH) {
        Some(at) => Err(DocumentError(ErrorKind::too_deep(json, at))),
        None => serde_json::from_slice(json).map_err(|error| DocumentError(ErrorKind::Json(error))),
    }
}

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

impl ErrorKind {
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
