//! Reading JSON of limited depth.

use serde::Deserialize;

use super::error::DocumentError;
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
        Some(at) => Err(DocumentError::too_deep(json, at)),
        None => serde_json::from_slice(json).map_err(DocumentError::from_json),
    }
}
