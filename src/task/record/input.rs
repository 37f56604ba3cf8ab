//! The input of a task, as a record holds it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::submission::Input;
use crate::wire::known::serde_by_known_names;

/// The input of a task. UTF-8 text stays readable in a record, and other bytes become numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub(super) enum InputRecord {
    Text(String),
    Bytes(Vec<u8>),
    /// The digest of an input that was dropped.
    Dropped(#[serde(with = "digest_as_text")] Uuid),
}

impl From<&Input> for InputRecord {
    fn from(input: &Input) -> Self {
        match (input, core::str::from_utf8(input.bytes())) {
            (Input::Dropped(digest), _) => Self::Dropped(*digest),
            (_, Ok(text)) => Self::Text(text.into()),
            (_, Err(_)) => Self::Bytes(input.bytes().into()),
        }
    }
}

impl From<InputRecord> for Input {
    fn from(input: InputRecord) -> Self {
        let bytes: Arc<[u8]> = match input {
            InputRecord::Text(text) => text.into_bytes().into(),
            InputRecord::Bytes(bytes) => bytes.into(),
            InputRecord::Dropped(digest) => return Self::Dropped(digest),
        };
        Self::from(bytes)
    }
}

serde_by_known_names!(InputRecord);

/// Serializes a digest as the text of a UUID.
mod digest_as_text {
    use super::{Cow, Deserialize, Uuid};

    pub(super) fn serialize<S: serde::Serializer>(
        digest: &Uuid,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        Uuid::try_parse(&text).map_err(|_| {
            serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &"a UUID")
        })
    }
}
