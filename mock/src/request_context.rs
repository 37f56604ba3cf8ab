//! What a function that makes an answer is told: a request, and the resources of its account.

use serde_json::Value;
use tasklife::{Now, ResourceId};

use crate::kind::ResourceContext;
use crate::path::Template;
use crate::text::query_parameters;

/// A request, and the resources of its account as they are when its answer is made: for a task, when that
/// completes.
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
/// let open = OpenApiOptions::new("/v1").with_answer(Method::GET, label, |asked| {
///     let box_ = asked.resource().unwrap_or_default();
///     json!({"text": format!("box {}", box_["name"]), "width": asked.query("width")})
/// });
/// let api = MockApi::from_openapi(&description, open)?;
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
    /// The path, with the names of its placeholders.
    pub(crate) path: &'a Template,
    /// All ids on the path.
    pub(crate) ids: &'a [ResourceId],
    pub(crate) query: &'a str,
    pub(crate) body: &'a Value,
    /// The innermost resource on the path.
    pub(crate) resource: Option<Value>,
}

impl RequestContext<'_> {
    /// The body; `null` where there is none.
    #[must_use]
    pub fn body(&self) -> &Value {
        self.body
    }

    /// The instant of the answer.
    #[must_use]
    pub fn now(&self) -> Now {
        self.context.now()
    }

    /// The id that the path has for a placeholder, such as `databaseId`; none, where it has no such placeholder.
    #[must_use]
    pub fn id(&self, placeholder: &str) -> Option<&ResourceId> {
        let at = self.path.names().position(|name| name == placeholder)?;
        self.ids.get(at)
    }

    /// The value of a parameter in the query, decoded; the first, where there are more.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        query_parameters(self.query).find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The innermost resource on the path, as it describes itself; none, where the path has none or it is gone.
    #[must_use]
    pub fn resource(&self) -> Option<Value> {
        self.resource.clone()
    }

    /// The resource at a path whose placeholders stand for the first ids on the request's path, such as
    /// `/subscriptions/{subscriptionId}`; none, where there is none.
    #[must_use]
    pub fn resource_at(&self, path: &str) -> Option<Value> {
        self.context.one(path)
    }

    /// All resources at a path whose placeholders stand for the first ids on the request's path, such as
    /// `/subscriptions/{subscriptionId}/databases`; none, where it is not that of a kind of resources.
    #[must_use]
    pub fn resources(&self, path: &str) -> Vec<Value> {
        self.context.all(path)
    }

    /// The resources of the account.
    pub(crate) fn context(&self) -> &dyn ResourceContext {
        self.context
    }

    /// All ids on the path.
    pub(crate) fn ids(&self) -> &[ResourceId] {
        self.ids
    }
}

impl std::fmt::Debug for RequestContext<'_> {
    /// Without what the client sent: there may be secrets in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestContext")
            .field("path", &self.path)
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}
