//! What came of a task, as a client reads it.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use core::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::write;
use crate::json::JsonText;
use crate::outcome::ResourceId;

/// What came of a task, as a server reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResponse {
    resource_id: Option<ResourceId>,
    additional_resource_id: Option<ResourceId>,
    #[serde(default, deserialize_with = "json_text")]
    resource: Option<JsonText>,
    error: Option<ReportedError>,
    additional_info: Option<Box<str>>,
}

impl TaskResponse {
    /// Sets the id of what the task made or changed, or that there is none. This and what follows is for
    /// those who implement a [`Format`](crate::format::Format).
    #[must_use]
    pub fn with_resource_id(mut self, id: impl Into<Option<ResourceId>>) -> Self {
        self.resource_id = id.into();
        self
    }

    /// Sets the second id, or that there is none.
    #[must_use]
    pub fn with_additional_resource_id(mut self, id: impl Into<Option<ResourceId>>) -> Self {
        self.additional_resource_id = id.into();
        self
    }

    /// Sets the resource.
    #[must_use]
    pub fn with_resource(mut self, resource: &RawValue) -> Self {
        self.resource = Some(JsonText::from(resource.to_owned()));
        self
    }

    /// Sets why the task failed.
    #[must_use]
    pub fn with_error(mut self, error: ReportedError) -> Self {
        self.error = Some(error);
        self
    }

    /// Sets what else there is to say of the error, or that there is nothing.
    #[must_use]
    pub fn with_additional_info(mut self, info: impl Into<Option<Box<str>>>) -> Self {
        self.additional_info = info.into();
        self
    }

    /// The id of what the task made or changed.
    #[must_use]
    pub fn resource_id(&self) -> Option<&ResourceId> {
        self.resource_id.as_ref()
    }

    /// The second id, of what the resource belongs to.
    #[must_use]
    pub fn additional_resource_id(&self) -> Option<&ResourceId> {
        self.additional_resource_id.as_ref()
    }

    /// The resource, as JSON text: an object, but for servers that were seen to send a string.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_ref().map(JsonText::as_str)
    }

    /// Why the task failed.
    #[must_use]
    pub fn error(&self) -> Option<&ReportedError> {
        self.error.as_ref()
    }

    /// What else there is to say of the error.
    #[must_use]
    pub fn additional_info(&self) -> Option<&str> {
        self.additional_info.as_deref()
    }

    pub(super) fn as_written(&self) -> write::Response<'_> {
        write::Response {
            resource_id: self.resource_id(),
            additional_resource_id: self.additional_resource_id(),
            resource: self.resource.as_ref(),
            error: self.error().map(ReportedError::as_written),
            additional_info: self.additional_info(),
        }
    }
}

fn json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JsonText>, D::Error> {
    Ok(Option::<Box<RawValue>>::deserialize(deserializer)?.map(JsonText::from))
}

/// The error of a task, as a server reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedError {
    /// The code alone, such as `SUBSCRIPTION_NOT_FOUND`.
    Code(Box<str>),
    /// An object.
    Object {
        /// The code; `type` on the wire.
        code: Option<Box<str>>,
        /// An HTTP status as text, such as `404 NOT_FOUND`.
        status: Option<Box<str>>,
        /// The cause in words.
        description: Option<Box<str>>,
    },
}

impl ReportedError {
    /// The code, such as `SUBSCRIPTION_NOT_FOUND`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code(code) => Some(code),
            Self::Object { code, .. } => code.as_deref(),
        }
    }

    /// The HTTP status as text, such as `404 NOT_FOUND`.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        match self {
            Self::Code(_) => None,
            Self::Object { status, .. } => status.as_deref(),
        }
    }

    /// The cause in words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        match self {
            Self::Code(_) => None,
            Self::Object { description, .. } => description.as_deref(),
        }
    }

    fn as_written(&self) -> write::Error<'_> {
        match self {
            Self::Code(code) => write::Error::Code(code),
            Self::Object { code, status, description } => write::Error::Object {
                code: code.as_deref(),
                status: status.as_deref(),
                description: description.as_deref(),
            },
        }
    }
}

impl<'de> Deserialize<'de> for ReportedError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Object {
            #[serde(rename = "type")]
            code: Option<Box<str>>,
            status: Option<Box<str>>,
            description: Option<Box<str>>,
        }

        struct CodeOrObject;

        impl<'de> Visitor<'de> for CodeOrObject {
            type Value = ReportedError;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error: a code, or an object")
            }

            fn visit_str<E: serde::de::Error>(self, code: &str) -> Result<ReportedError, E> {
                Ok(ReportedError::Code(code.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ReportedError, A::Error> {
                let object = Object::deserialize(MapAccessDeserializer::new(map))?;
                let Object { code, status, description } = object;
                Ok(ReportedError::Object { code, status, description })
            }
        }

        deserializer.deserialize_any(CodeOrObject)
    }
}
