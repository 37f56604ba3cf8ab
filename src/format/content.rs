//! The content of a completion, for formats that have one field for it: the resource, or else the
//! ids.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document::TaskResponse;
use crate::json::{JsonText, Object};
use crate::outcome::{Completion, ResourceId};

/// The content of a completion: its resource, or its ids.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Resource(&'a JsonText),
    Ids(WrittenIds<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenIds<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_resource_id: Option<&'a ResourceId>,
}

impl<'a> Content<'a> {
    /// Returns the content of a completion, if it has any.
    pub(super) fn of(completion: &'a Completion) -> Option<Self> {
        if let Some(resource) = &completion.resource {
            return Some(Self::Resource(resource));
        }
        let (resource_id, additional_resource_id) =
            (completion.resource_id(), completion.additional_resource_id());
        resource_id.or(additional_resource_id)?;
        Some(Self::Ids(WrittenIds { resource_id, additional_resource_id }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ids {
    resource_id: Option<ResourceId>,
    additional_resource_id: Option<ResourceId>,
}

/// Reads the content of a completion. An object is ids if it has at least one of them and no other
/// field. Everything else is a resource.
pub(super) fn response_of(content: &RawValue) -> TaskResponse {
    match serde_json::from_str(content.get()) {
        Ok(Object(Ids { resource_id: None, additional_resource_id: None })) | Err(_) => {
            TaskResponse::default().with_resource(content)
        }
        Ok(Object(Ids { resource_id, additional_resource_id })) => TaskResponse::default()
            .with_resource_id(resource_id)
            .with_additional_resource_id(additional_resource_id),
    }
}
