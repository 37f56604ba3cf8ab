//! How a task can end: with a completion or with an error.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use uuid::Uuid;

use crate::json::{JsonText, Unreadable, Value, exceeds_depth};
use crate::wire::Text;

/// The id of a resource that an operation made or changed: a number, or a text. Cheap to clone.
///
/// The Redis Cloud API gives 32-bit numbers; other services give texts.
///
/// ```
/// use tasklife::ResourceId;
///
/// assert_eq!(ResourceId::from(77899).to_string(), "77899");
/// assert_eq!(ResourceId::from("node-3").to_string(), "node-3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceId {
    /// A number, a JSON number on the wire.
    Number(i64),
    /// A text, a JSON string on the wire.
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
    /// A number beyond 2⁶³ - 1 becomes a text: no reader takes it for another number.
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().into(), Self::Number)
    }
}

impl From<usize> for ResourceId {
    /// As a `u64`.
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or_else(|_| number.to_string().into(), Self::Number)
    }
}

impl From<Uuid> for ResourceId {
    /// Its hyphenated form, in lower case.
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
                f.write_str("a resource id: a 64-bit integer or a text")
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

/// What an operation that succeeded has to show: ids of what it made, and a resource. Each is
/// optional; [`Completion::default`] has none of them.
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
    /// How deep arrays and objects may be nested in [`resource`](Self::resource): shallow enough
    /// for a list of documents that holds it to be read back.
    pub const MAX_RESOURCE_DEPTH: usize = 120;

    /// A completion that made, or changed, the resource with this id.
    #[must_use]
    pub fn of(resource_id: impl Into<ResourceId>) -> Self {
        Self { resource_id: Some(resource_id.into()), ..Self::default() }
    }

    /// Adds a second id, such as that of the subscription to which a database belongs.
    #[must_use]
    pub fn with_additional_resource_id(mut self, id: impl Into<ResourceId>) -> Self {
        self.additional_resource_id = Some(id.into());
        self
    }

    /// Adds a resource: whatever becomes a JSON object. It is kept as JSON text and written
    /// verbatim, so text that is there already goes in as a [`RawValue`] without being rewritten.
    ///
    /// It becomes part of lists, where one that a client can't read would cost it all others. So it must
    /// be what the strictest readers of JSON take: [RFC 8259] leaves it to them whether they refuse half
    /// of a surrogate pair (`"\ud800"`), a number beyond the range of doubles (`1E400`), or a name that
    /// occurs twice in an object.
    ///
    /// [`RawValue`]: serde_json::value::RawValue
    /// [RFC 8259]: https://www.rfc-editor.org/rfc/rfc8259
    ///
    /// # Errors
    /// Where it can't be serialized, is no object, is nested more than
    /// [`MAX_RESOURCE_DEPTH`](Self::MAX_RESOURCE_DEPTH) deep, or is what some readers refuse.
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
        let text = serde_json::to_string(resource).map_err(ResourceFault::Json)?;
        self.with_resource_text(text)
    }

    pub(crate) fn with_resource_text(mut self, text: String) -> Result<Self, ResourceError> {
        if exceeds_depth(text.as_bytes(), Self::MAX_RESOURCE_DEPTH).is_some() {
            return Err(ResourceFault::TooDeep.into());
        }
        let json = JsonText::from_string(text).map_err(ResourceFault::Json)?;
        if !json.is_object() {
            return Err(ResourceFault::NoObject.into());
        }
        Value::parse(json.as_str()).map_err(ResourceFault::Unreadable)?;
        self.resource = Some(json);
        Ok(self)
    }

    /// The id of what the operation made or changed.
    #[must_use]
    pub fn resource_id(&self) -> Option<&ResourceId> {
        self.resource_id.as_ref()
    }

    /// The second id, of what the resource belongs to.
    #[must_use]
    pub fn additional_resource_id(&self) -> Option<&ResourceId> {
        self.additional_resource_id.as_ref()
    }

    /// How many bytes its texts have.
    pub(crate) fn text_len(&self) -> usize {
        let ids = [&self.resource_id, &self.additional_resource_id].into_iter().flatten();
        let ids = ids.map(|id| match id {
            ResourceId::Number(_) => 0,
            ResourceId::Text(text) => text.len(),
        });
        ids.sum::<usize>() + self.resource().map_or(0, str::len)
    }

    /// The resource, as the text of a JSON object.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_ref().map(JsonText::as_str)
    }
}

/// The error for a resource that can't be part of a [`Completion`].
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResourceError(#[from] ResourceFault);

#[derive(Debug, thiserror::Error)]
enum ResourceFault {
    #[error("expected a resource that can be written as JSON")]
    Json(#[source] serde_json::Error),
    #[error("expected a resource that is a JSON object")]
    NoObject,
    #[error("expected a resource that every reader of JSON takes, got {0}")]
    Unreadable(Unreadable),
    #[error("expected a resource nested at most {} deep", Completion::MAX_RESOURCE_DEPTH)]
    TooDeep,
}

/// Why an operation failed: an error of the operation, to be shown to the client; none of this
/// crate.
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
    /// An error with the status `400 BAD_REQUEST`, the most frequent one.
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

    /// The error of a task that was handed out too often, with the code `TOO_MANY_ATTEMPTS` and the
    /// status `500 INTERNAL_SERVER_ERROR`. For those who implement a store.
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

    /// Sets the status: an HTTP status as text, such as `404 NOT_FOUND`.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Cow<'static, str>>) -> Self {
        self.status = status.into().into();
        self
    }

    /// Adds a text that stands beside the error in the response, as `additionalInfo`.
    #[must_use]
    pub fn with_additional_info(mut self, info: impl Into<Cow<'static, str>>) -> Self {
        self.additional_info = Some(info.into().into());
        self
    }

    /// How many bytes its texts have.
    pub(crate) fn text_len(&self) -> usize {
        let info = self.additional_info().map_or(0, str::len);
        self.code.len() + self.status.len() + self.description.len() + info
    }

    /// The code, such as `SUBSCRIPTION_NOT_FOUND`; `type` on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status that a synchronous operation would have had, such as `404 NOT_FOUND`.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// The cause in words.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What else there is to say.
    #[must_use]
    pub fn additional_info(&self) -> Option<&str> {
        self.additional_info.as_deref()
    }
}
