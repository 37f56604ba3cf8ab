//! The outcome of a task, as a record holds it.

use alloc::string::String;
use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::outcome::{Completion, ResourceError, ResourceId, TaskError};
use crate::wire::Text;
use crate::wire::known::serde_by_known_names;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct CompletionRecord {
    #[serde(default, with = "tagged_id")]
    resource_id: Option<ResourceId>,
    #[serde(default, with = "tagged_id")]
    additional_resource_id: Option<ResourceId>,
    resource: Option<String>,
}

impl From<&Completion> for CompletionRecord {
    fn from(completion: &Completion) -> Self {
        Self {
            resource_id: completion.resource_id.clone(),
            additional_resource_id: completion.additional_resource_id.clone(),
            resource: completion.resource().map(String::from),
        }
    }
}

impl TryFrom<CompletionRecord> for Completion {
    type Error = ResourceError;

    fn try_from(record: CompletionRecord) -> Result<Self, ResourceError> {
        let completion = Self {
            resource_id: record.resource_id,
            additional_resource_id: record.additional_resource_id,
            resource: None,
        };
        match record.resource {
            Some(text) => completion.with_resource_text(text),
            None => Ok(completion),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct ErrorRecord {
    code: Text,
    status: Text,
    description: Text,
    additional_info: Option<Text>,
}

impl From<&TaskError> for ErrorRecord {
    fn from(error: &TaskError) -> Self {
        Self {
            code: error.code.clone(),
            status: error.status.clone(),
            description: error.description.clone(),
            additional_info: error.additional_info.clone(),
        }
    }
}

impl From<ErrorRecord> for TaskError {
    fn from(record: ErrorRecord) -> Self {
        Self {
            code: record.code,
            status: record.status,
            description: record.description,
            additional_info: record.additional_info,
        }
    }
}

serde_by_known_names!(CompletionRecord, ErrorRecord);

/// Serializes a resource id with a tag, for formats that don't distinguish numbers from strings.
#[expect(clippy::ref_option, reason = "serde passes a field by reference")]
mod tagged_id {
    use super::{Arc, Deserialize, ResourceId, Serialize, serde_by_known_names};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "Self", rename = "ResourceId", rename_all = "lowercase")]
    enum Tagged {
        Number(i64),
        Text(Arc<str>),
    }

    serde_by_known_names!(Tagged);

    pub(super) fn serialize<S: serde::Serializer>(
        id: &Option<ResourceId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let tagged = id.as_ref().map(|id| match id {
            ResourceId::Number(number) => Tagged::Number(*number),
            ResourceId::Text(text) => Tagged::Text(text.clone()),
        });
        tagged.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ResourceId>, D::Error> {
        let tagged = Option::<Tagged>::deserialize(deserializer)?;
        Ok(tagged.map(|tagged| match tagged {
            Tagged::Number(number) => ResourceId::Number(number),
            Tagged::Text(text) => ResourceId::Text(text),
        }))
    }
}
