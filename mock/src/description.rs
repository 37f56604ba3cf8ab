//! The OpenAPI description of the mock itself.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::api::MockApi;
use crate::effect::Shows;
use crate::keys::Authentication;
use crate::operation::{Operation, OperationReply, Shape};
use crate::path::Template;

impl MockApi {
    /// Returns the OpenAPI description of what the mock answers, for tools that generate requests
    /// or clients. It has the operations with their statuses, parameters and authentication, and
    /// the schemas of the description from which the API was [made](Self::from_openapi). Request
    /// bodies are described as any JSON object, unless they are
    /// [validated](Self::with_checked_bodies).
    ///
    /// ```
    /// let api = tasklife_mock::MockApi::redis_cloud("/v1")?;
    /// let description = api.description();
    /// let create = &description["paths"]["/subscriptions"]["post"];
    /// assert_eq!(create["operationId"], "subscriptionCreateRequest");
    /// assert_eq!(description["servers"][0]["url"], "/v1");
    /// # Ok::<(), tasklife_mock::MockError>(())
    /// ```
    #[must_use]
    pub fn description(&self) -> Value {
        let root = self.routes.operations().iter().find_map(|operation| match &operation.reply {
            OperationReply::Immediate { shape: Shape::Schema { schema, .. }, .. } => {
                Some(schema.root())
            }
            _ => operation.body.as_ref().map(crate::schema::Schema::root),
        });
        let version = root.and_then(|root| root["openapi"].as_str()).unwrap_or("3.0.3");
        let mut components = root.map(|root| root["components"].clone()).unwrap_or_default();
        let (schemes, security) = security(&self.authentication);
        components["securitySchemes"] = schemes;

        let mut paths: Vec<(Template, Map<String, Value>)> = Vec::new();
        let mut ids: Vec<String> = Vec::new();
        for operation in self.routes.operations() {
            let at = paths.iter().position(|(path, _)| *path == operation.path);
            let at = at.unwrap_or_else(|| {
                paths.push((operation.path.clone(), Map::new()));
                paths.len() - 1
            });
            // An `operationId` must be unique.
            let id = operation.command().map(ToString::to_string).filter(|id| !ids.contains(id));
            ids.extend(id.clone());
            let described = self.operation(operation, &paths[at].0, id);
            paths[at].1.insert(operation.method.as_str().to_ascii_lowercase(), described);
        }
        let mut paths: Map<String, Value> =
            paths.into_iter().map(|(path, item)| (path.to_string(), Value::Object(item))).collect();
        let tasks = self.replies.links().tasks_path();
        let read = |description: &str| self.answered(&[(StatusCode::OK, json!({}), description)]);
        paths.insert(tasks.into(), json!({"get": {"responses": read("The tasks.")}}));
        let parameter = json!({
            "name": "taskId", "in": "path", "required": true, "schema": {"type": "string"},
        });
        let task = json!({"get": {"parameters": [parameter], "responses": read("The task.")}});
        paths.insert(format!("{tasks}/{{taskId}}"), task);
        json!({
            "openapi": version,
            "info": {"title": "A mock of a task API", "version": env!("CARGO_PKG_VERSION")},
            "servers": [{"url": self.replies.links().base()}],
            "security": security,
            "paths": paths,
            "components": components,
        })
    }

    fn operation(&self, operation: &Operation, path: &Template, id: Option<String>) -> Value {
        let (status, schema) = match &operation.reply {
            OperationReply::Task { accepted, .. } => (*accepted, json!({"type": "object"})),
            OperationReply::Immediate {
                status,
                shape: Shape::Schema { schema, .. } | Shape::Resource(Some(schema)),
            } => (*status, schema.value().clone()),
            OperationReply::Immediate { status, shape: Shape::Resource(None) } => {
                (*status, json!({"type": "object"}))
            }
            OperationReply::Immediate { status, shape: Shape::Nothing } => (*status, Value::Null),
        };
        let mut described = json!({"responses": self.answered(&[(status, schema, "Success.")])});
        if let Some(id) = id {
            described["operationId"] = json!(id);
        }
        let ids = path.names().map(|name| {
            let schema = json!({"type": "string", "minLength": 1});
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        });
        let mut parameters: Vec<Value> = ids.collect();
        let lists = matches!(self.routes.shows(operation), Shows::All(_));
        if lists && operation.command().is_none() {
            parameters.extend(operation.paging.parameters());
        }
        described["parameters"] = parameters.into();
        if operation.method != Method::GET {
            let checked = operation.body.as_ref().filter(|_| self.checks_bodies);
            let schema = checked.map_or_else(|| json!({"type": "object"}), |it| it.value().clone());
            described["requestBody"] = json!({
                "required": self.needs_body(operation),
                "content": {"application/json": {"schema": schema}},
            });
        }
        described
    }

    /// Returns the responses of an operation: the successful ones given, and the errors.
    fn answered(&self, fine: &[(StatusCode, Value, &str)]) -> Value {
        let mut answers = Map::new();
        for (status, schema, description) in fine {
            let mut answer = json!({"description": description});
            if !schema.is_null() {
                answer["content"] = json!({"application/json": {"schema": schema}});
            }
            answers.insert(status.as_str().into(), answer);
        }
        for (status, description) in [
            (400, "The request is malformed."),
            (401, "The key is missing or unknown."),
            (404, "Not found."),
            (409, "It already exists."),
            (413, "The body is too long."),
            (422, "The Idempotency-Key was used for another request."),
            (429, "The account has reached a limit."),
            (503, "The store is full."),
        ] {
            if status != 401 || !matches!(self.authentication, Authentication::None(_)) {
                answers.insert(status.to_string(), json!({"description": description}));
            }
        }
        Value::Object(answers)
    }
}

/// Returns the security schemes, and the requirement that names them.
fn security(authentication: &Authentication) -> (Value, Value) {
    let headers = authentication.headers();
    if *authentication == Authentication::Bearer {
        let schemes = json!({"bearer": {"type": "http", "scheme": "bearer"}});
        return (schemes, json!([{"bearer": []}]));
    }
    if *authentication == Authentication::Basic {
        let schemes = json!({"basic": {"type": "http", "scheme": "basic"}});
        return (schemes, json!([{"basic": []}]));
    }
    let scheme = |name: &http::HeaderName| {
        (name.to_string(), json!({"type": "apiKey", "in": "header", "name": name.as_str()}))
    };
    let schemes: Map<String, Value> = headers.iter().map(scheme).collect();
    let required: Map<String, Value> =
        headers.iter().map(|name| (name.to_string(), json!([]))).collect();
    let required = if required.is_empty() { json!([]) } else { json!([required]) };
    (Value::Object(schemes), required)
}
