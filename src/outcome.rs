//! The outcome of a task: a completion or an error.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use uuid::Uuid;

use crate::json::{JsonText, Value, ValueError, exceeds_depth};
use crate::wire::Text;

/// The id of a resource that an operation created or changed: a number or a string.
///
/// The Redis Cloud API uses 32-bit numbers. Other services use strings. Cloning is cheap.
///
/// ```
/// use tasklife::ResourceId;
///
/// assert_eq!(ResourceId::from(77899).to_string(), "77899");
/// assert_eq!(ResourceId::from("node-3").to_string(), "node-3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceId {
    /// A JSON number on the wire.
    Number(i64),
    /// A JSON string on the wire.
    Text(Arc<str>),
}

impl From<i32> for ResourceId {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for ResourceId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for ResourceId {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for ResourceId {
    /// Converts a number. A number above 2⁶³ - 1 becomes a string, so that no reader takes it for
    /// another number.
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().into(), Self::Number)
    }
}

impl From<usize> for ResourceId {
    /// Converts a number in the same way as a `u64`.
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().into(), Self::Number)
    }
}

impl From<Uuid> for ResourceId {
    /// Converts a UUID to its hyphenated form, in lower case.
    fn from(uuid: Uuid) -> Self {
        uuid.to_string().into()
    }
}

impl From<&str> for ResourceId {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for ResourceId {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.pad(text),
        }
    }
}

impl serde::Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> serde::Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = ResourceId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a resource id: a 64-bit integer or a string")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ResourceId, E> {
                Ok(ResourceId::Number(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ResourceId, E> {
                i64::try_from(number)
                    .map(ResourceId::Number)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ResourceId, E> {
                Ok(ResourceId::from(text))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// The result of an operation that succeeded.
///
/// It can hold the id of the resource, a second id such as that of the resource's parent, and the
/// resource itself. Each is optional, and [`Completion::default`] has none of them.
///
/// ```
/// use tasklife::Completion;
///
/// let database = Completion::of(51_000).with_additional_resource_id(77_899);
/// assert_eq!(database.resource_id().unwrap().to_string(), "51000");
/// assert!(database.resource().is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    pub(crate) resource_id: Option<ResourceId>,
    pub(crate) additional_resource_id: Option<ResourceId>,
    pub(crate) resource: Option<JsonText>,
}

impl Completion {
    /// How deeply arrays and objects in a [`resource`](Self::resource) may be nested: 120 levels.
    ///
    /// This leaves room for the list of documents that contains the resource. A reader accepts 127
    /// levels.
    pub const MAX_RESOURCE_DEPTH: usize = 120;

    /// Creates a completion with the id of the resource that was created or changed.
    #[must_use]
    pub fn of(resource_id: impl Into<ResourceId>) -> Self {
        Self { resource_id: Some(resource_id.into()), ..Self::default() }
    }

    /// Sets a second id, such as the subscription that a database belongs to.
    #[must_use]
    pub fn with_additional_resource_id(mut self, id: impl Into<ResourceId>) -> Self {
        self.additional_resource_id = Some(id.into());
        self
    }

    /// Sets the resource: any value that serializes to a JSON object.
    ///
    /// The JSON text is stored and later written verbatim. Pass a [`RawValue`] to keep existing
    /// JSON text unchanged.
    ///
    /// The resource becomes part of lists, where one unreadable element makes the whole list
    /// unreadable. Therefore the strictest JSON readers must accept it. [RFC 8259] lets readers
    /// refuse half of a surrogate pair (`"\ud800"`), a number outside the range of doubles
    /// (`1E400`), and a name that occurs twice in an object.
    ///
    /// [`RawValue`]: serde_json::value::RawValue
    /// [RFC 8259]: https://www.rfc-editor.org/rfc/rfc8259
    ///
    /// # Errors
    ///
    /// Returns [`ResourceError`] if the resource can't be serialized, is not an object, is nested
    /// more than [`MAX_RESOURCE_DEPTH`](Self::MAX_RESOURCE_DEPTH) levels deep, or contains
    /// something that some readers refuse.
    ///
    /// # Examples
    ///
    /// ```
    /// use tasklife::Completion;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Backup { path: &'static str }
    ///
    /// let completion = Completion::default().with_resource(&Backup { path: "/b/1" })?;
    /// assert_eq!(completion.resource(), Some(r#"{"path":"/b/1"}"#));
    /// assert!(Completion::default().with_resource(&[1, 2]).is_err());
    /// # Ok::<(), tasklife::ResourceError>(())
    /// ```
    pub fn with_resource(self, resource: &impl serde::Serialize) -> Result<Self, ResourceError> {
        let text = serde_json::to_string(resource).map_err(ResourceErrorKind::Json)?;
        self.with_resource_text(text)
    }

    pub(crate) fn with_resource_text(mut self, text: String) -> Result<Self, ResourceError> {
        if exceeds_depth(text.as_bytes(), Self::MAX_RESOURCE_DEPTH).is_some() {
            return Err(ResourceErrorKind::TooDeep.into());
        }
        let json = JsonText::from_string(text).map_err(ResourceErrorKind::Json)?;
        if !json.is_object() {
            return Err(ResourceErrorKind::NotObject.into());
        }
        Value::parse(json.as_str()).map_err(ResourceErrorKind::Refused)?;
        self.resource = Some(json);
        Ok(self)
    }

    /// Returns the id of the resource that was created or changed.
    #[must_use]
    pub fn resource_id(&self) -> Option<&ResourceId> {
        self.resource_id.as_ref()
    }

    /// Returns the second id, such as the subscription that a database belongs to.
    #[must_use]
    pub fn additional_resource_id(&self) -> Option<&ResourceId> {
        self.additional_resource_id.as_ref()
    }

    /// Returns the total length of the resource and of the ids that are strings, in bytes.
    pub(crate) fn text_len(&self) -> usize {
        let ids = [&self.resource_id, &self.additional_resource_id].into_iter().flatten();
        let ids = ids.map(|id| match id {
            ResourceId::Number(_) => 0,
            ResourceId::Text(text) => text.len(),
        });
        ids.sum::<usize>() + self.resource().map_or(0, str::len)
    }

    /// Returns the resource, as the JSON text of an object.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_ref().map(JsonText::as_str)
    }
}

/// The error returned if a resource can't be part of a [`Completion`].
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResourceError(#[from] ResourceErrorKind);

#[derive(Debug, thiserror::Error)]
enum ResourceErrorKind {
    #[error("expected a resource that can be written as JSON")]
    Json(#[source] serde_json::Error),
    #[error("expected a resource that is a JSON object")]
    NotObject,
    #[error("expected a resource that every JSON reader accepts, got {0}")]
    Refused(ValueError),
    #[error("expected a resource nested at most {} levels deep", Completion::MAX_RESOURCE_DEPTH)]
    TooDeep,
}

/// Why an operation failed: an error for the client to see, not an error of this crate.
///
/// ```
/// use tasklife::TaskError;
///
/// let error = TaskError::new("SUBSCRIPTION_NOT_FOUND", "Subscription was not found.")
///     .with_status("404 NOT_FOUND");
/// assert_eq!(error.to_string(), "SUBSCRIPTION_NOT_FOUND (404 NOT_FOUND): Subscription was not found.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} ({}): {}", &**code, &**status, &**description)]
pub struct TaskError {
    pub(crate) code: Text,
    pub(crate) status: Text,
    pub(crate) description: Text,
    pub(crate) additional_info: Option<Text>,
}

impl TaskError {
    /// Creates an error with the status `400 BAD_REQUEST`, the most frequent one.
    #[must_use]
    pub fn new(
        code: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code: code.into().into(),
            status: Text::Static("400 BAD_REQUEST"),
            description: description.into().into(),
            additional_info: None,
        }
    }

    /// Creates the error of a task that the store gives up after `attempts` attempts.
    ///
    /// Its code is `TOO_MANY_ATTEMPTS` and its status `500 INTERNAL_SERVER_ERROR`.
    ///
    /// You need this only if you implement a store without
    /// [`kit::Call::claim`](crate::kit::Call::claim), which uses it.
    ///
    /// ```
    /// let error = tasklife::TaskError::too_many_attempts(5);
    /// assert_eq!(error.description(), "The task was attempted 5 times, and no attempt came to an end.");
    /// ```
    #[must_use]
    pub fn too_many_attempts(attempts: u32) -> Self {
        let times = if attempts == 1 { "once" } else { &format!("{attempts} times") };
        let description = format!("The task was attempted {times}, and no attempt came to an end.");
        Self::new("TOO_MANY_ATTEMPTS", description).with_status("500 INTERNAL_SERVER_ERROR")
    }

    /// Sets the status: an HTTP status as a string, such as `404 NOT_FOUND`.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Cow<'static, str>>) -> Self {
        self.status = status.into().into();
        self
    }

    /// Sets the `additionalInfo`, which documents show beside the error.
    #[must_use]
    pub fn with_additional_info(mut self, info: impl Into<Cow<'static, str>>) -> Self {
        self.additional_info = Some(info.into().into());
        self
    }

    /// Returns the total length of the error's strings, in bytes.
    pub(crate) fn text_len(&self) -> usize {
        let info = self.additional_info().map_or(0, str::len);
        self.code.len() + self.status.len() + self.description.len() + info
    }

    /// Returns the code, such as `SUBSCRIPTION_NOT_FOUND`. Its wire name is `type`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the HTTP status that a synchronous operation would have had, such as
    /// `404 NOT_FOUND`.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Returns the description of the cause.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the `additionalInfo`, if there is any.
    #[must_use]
    pub fn additional_info(&self) -> Option<&str> {
        self.additional_info.as_deref()
    }
}
