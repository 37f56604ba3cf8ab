//! The response of a document: the result or the error of a task, as a client reads it.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use core::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::write;
use crate::json::JsonText;
use crate::outcome::ResourceId;

/// The result or the error of a task, as a server reports it.
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
    /// Sets the id of the resource that the task created or changed, or removes it.
    ///
    /// You need this and the other `with_*` methods if you implement a
    /// [`Format`](crate::format::Format).
    #[must_use]
    pub fn with_resource_id(mut self, id: impl Into<Option<ResourceId>>) -> Self {
        self.resource_id = id.into();
        self
    }

    /// Sets the second id, or removes it.
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

    /// Sets the error of the task.
    #[must_use]
    pub fn with_error(mut self, error: ReportedError) -> Self {
        self.error = Some(error);
        self
    }

    /// Sets the additional information about the error, or removes it.
    #[must_use]
    pub fn with_additional_info(mut self, info: impl Into<Option<Box<str>>>) -> Self {
        self.additional_info = info.into();
        self
    }

    /// Returns the id of the resource that the task created or changed.
    #[must_use]
    pub fn resource_id(&self) -> Option<&ResourceId> {
        self.resource_id.as_ref()
    }

    /// Returns the second id, such as the subscription that a database belongs to.
    #[must_use]
    pub fn additional_resource_id(&self) -> Option<&ResourceId> {
        self.additional_resource_id.as_ref()
    }

    /// Returns the resource as JSON text.
    ///
    /// It is usually an object. Some servers send a string.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_ref().map(JsonText::as_str)
    }

    /// Returns the error of the task.
    #[must_use]
    pub fn error(&self) -> Option<&ReportedError> {
        self.error.as_ref()
    }

    /// Returns the additional information about the error.
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

/// The error of a task, as a server reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedError {
    /// The code alone, such as `SUBSCRIPTION_NOT_FOUND`.
    Code(Box<str>),
    /// An object.
    Object {
        /// The code. Its wire name is `type`.
        code: Option<Box<str>>,
        /// The HTTP status as text, such as `404 NOT_FOUND`.
        status: Option<Box<str>>,
        /// The description of the cause.
        description: Option<Box<str>>,
    },
}

impl ReportedError {
    /// Returns the code, such as `SUBSCRIPTION_NOT_FOUND`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code(code) => Some(code),
            Self::Object { code, .. } => code.as_deref(),
        }
    }

    /// Returns the HTTP status as text, such as `404 NOT_FOUND`.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        match self {
            Self::Code(_) => None,
            Self::Object { status, .. } => status.as_deref(),
        }
    }

    /// Returns the description of the cause.
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
