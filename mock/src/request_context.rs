//! The request and the resources that a function gets to make an answer.

use serde_json::Value;
use tasklife::{ResourceId, Timestamp};

use crate::kind::ResourceContext;
use crate::path::Template;
use crate::text::query_parameters;

/// A request and the resources of its account, for a function that [makes an
/// answer](crate::OpenApiOptions::with_answer).
///
/// The resources are as they are when the answer is made. If the operation has a task, this is when
/// the task completes.
///
/// ```
/// use http::Method;
/// use serde_json::json;
/// use tasklife_mock::{MockApi, OpenApiOptions};
///
/// let description = json!({"openapi": "3.1.0", "paths": {
///     "/boxes": {"post": {"responses": {"201": {}}}},
///     "/boxes/{boxId}": {"get": {"responses": {"200": {}}}},
///     "/boxes/{boxId}/label": {"get": {"responses": {"200": {}}}},
/// }});
/// let label = "/boxes/{boxId}/label";
/// let options = OpenApiOptions::new("/v1").with_answer(Method::GET, label, |request| {
///     let box_ = request.resource().unwrap_or_default();
///     json!({"text": format!("box {}", box_["name"]), "width": request.query("width")})
/// });
/// let api = MockApi::from_openapi(&description, options)?;
/// let call = |request: http::request::Builder, body: &'static str| {
///     api.handle(&request.body(body).unwrap(), tasklife::MIN_TIME)
/// };
/// call(http::Request::post("/v1/boxes"), r#"{"name": "a"}"#);
/// let answer = call(http::Request::get("/v1/boxes/77899/label?width=9"), "");
/// assert_eq!(answer.body(), r#"{"text":"box \"a\"","width":"9"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestContext<'a> {
    pub(crate) context: &'a dyn ResourceContext,
    /// The path template of the operation.
    pub(crate) path: &'a Template,
    /// The ids on the path.
    pub(crate) ids: &'a [ResourceId],
    pub(crate) query: &'a str,
    pub(crate) body: &'a Value,
    /// The innermost resource on the path.
    pub(crate) resource: Option<Value>,
}

impl RequestContext<'_> {
    /// Returns the body of the request, or `null` if there is none.
    #[must_use]
    pub fn body(&self) -> &Value {
        self.body
    }

    /// Returns the time of the answer.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// Returns the id on the path for a placeholder such as `databaseId`. Returns `None` if the
    /// path has no such placeholder.
    #[must_use]
    pub fn id(&self, placeholder: &str) -> Option<&ResourceId> {
        let at = self.path.names().position(|name| name == placeholder)?;
        self.ids.get(at)
    }

    /// Returns the decoded value of a query parameter. If the query has the parameter several
    /// times, this is the first one.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        query_parameters(self.query).find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the innermost resource on the path, as a `GET` shows it. Returns `None` if the path
    /// has none, or if it is gone.
    #[must_use]
    pub fn resource(&self) -> Option<Value> {
        self.resource.clone()
    }

    /// Returns the resource at a path template such as `/subscriptions/{subscriptionId}`. Its
    /// placeholders stand for the first ids on the request's path, in order. Returns `None` if
    /// there is no such resource.
    #[must_use]
    pub fn resource_at(&self, path: &str) -> Option<Value> {
        self.context.one(path)
    }

    /// Returns all resources at the path template of a list, such as
    /// `/subscriptions/{subscriptionId}/databases`. Its placeholders stand for the first ids on the
    /// request's path, in order. Returns an empty list if no kind of resources is listed there.
    #[must_use]
    pub fn resources(&self, path: &str) -> Vec<Value> {
        self.context.all(path)
    }

    /// What the answer can read of the account.
    pub(crate) fn context(&self) -> &dyn ResourceContext {
        self.context
    }

    /// Returns the ids on the path.
    pub(crate) fn ids(&self) -> &[ResourceId] {
        self.ids
    }
}

impl std::fmt::Debug for RequestContext<'_> {
    /// Leaves out what the client sent, because it can contain secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("path", &self.path)
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}
