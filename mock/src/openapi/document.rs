//! Parses a description: its operations, with their parameters and responses.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tasklife::CommandType;

use crate::path::{PathFault, Template};
use crate::schema::{Root, Schema, escaped};
use crate::text::Excerpt;

/// A description of version 3.0 or 3.1. All of its references can be resolved.
pub(super) struct Document {
    root: Arc<Root>,
}

/// An operation of a description.
pub(super) struct Described {
    pub(super) method: Method,
    pub(super) path: Template,
    /// The path as written.
    pub(super) written: String,
    pub(super) id: Option<String>,
    /// Its `x-command-type`.
    pub(super) command: Option<CommandType>,
    /// The schema of the request body.
    pub(super) body: Option<Schema>,
    pub(super) needs_body: bool,
    /// Whether a body need not be JSON.
    pub(super) takes_other_types: bool,
    /// The successful responses, lowest status first.
    pub(super) answers: Vec<Success>,
    /// The status with which it is accepted, if it creates a task.
    pub(super) accepted: Option<StatusCode>,
    /// Whether it has `x-ms-long-running-operation`, as in descriptions of Azure.
    pub(super) is_long_running: bool,
    pub(super) parameters: Vec<Value>,
}

/// A successful response of an operation.
pub(super) struct Success {
    pub(super) status: StatusCode,
    /// Its body, if it is JSON.
    pub(super) content: Option<Content>,
}

#[derive(Clone)]
pub(super) struct Content {
    pub(super) schema: Schema,
    pub(super) example: Option<Value>,
}

/// The error of a description that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum DocumentFault {
    #[error("expected an OpenAPI description of version 3.0 or 3.1, got {0}")]
    Version(Excerpt),
    #[error("expected an object with the paths of the API, at `paths`")]
    NoPaths,
    #[error("expected an object, at {0}")]
    NoObject(String),
    #[error("expected a reference to something in the description, got {0}, at {1}")]
    Reference(Excerpt, String),
    #[error("{0}, at {1}")]
    Path(PathFault, String),
    #[error("expected the name of a schema of tasks in components.schemas, got {0}")]
    NoSchema(Excerpt),
}

impl Document {
    pub(super) fn new(value: &Value) -> Result<Self, DocumentFault> {
        let version = value["openapi"].as_str().map(str::to_owned);
        let known =
            version.as_deref().is_some_and(|it| it.starts_with("3.0") || it.starts_with("3.1"));
        if !known {
            let got = version.or_else(|| Some(format!("swagger {}", value["swagger"].as_str()?)));
            let got = got.unwrap_or_else(|| "a value without `openapi`".into());
            return Err(DocumentFault::Version(Excerpt::of(&got)));
        }
        check_references(value, value, &mut String::from("#"))?;
        Ok(Self { root: Arc::new(Root::new(value.clone())) })
    }

    pub(super) fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// Returns the operations, in the order of their paths.
    pub(super) fn operations(&self) -> Result<Vec<Described>, DocumentFault> {
        let paths = self.root["paths"].as_object().ok_or(DocumentFault::NoPaths)?;
        let mut operations = Vec::new();
        // Names that start with `x-` are extensions.
        for (written, item) in paths.iter().filter(|(written, _)| !written.starts_with("x-")) {
            let at = format!("/paths/{}", escaped(written));
            let (item, at) = self.resolved(item, at);
            let fields = item.as_object().ok_or_else(|| DocumentFault::NoObject(at.clone()))?;
            // A suffix after `#` distinguishes variants of an operation. The first variant is used.
            let (plain, form) = written.split_once('#').unwrap_or((written, ""));
            let plain = plain.strip_suffix('/').filter(|it| !it.is_empty()).unwrap_or(plain);
            let path = Template::parse(plain)
                .map_err(|fault| DocumentFault::Path(fault, format!("paths: {written}")))?;
            for (method, value) in fields {
                let method = match method.as_str() {
                    "get" => Method::GET,
                    "put" => Method::PUT,
                    "post" => Method::POST,
                    "delete" => Method::DELETE,
                    "patch" => Method::PATCH,
                    // A HEAD is answered like a GET. Other methods are not mocked.
                    _ => continue,
                };
                let is_there =
                    |it: &Described| !form.is_empty() && it.method == method && it.path == path;
                if operations.iter().any(is_there) {
                    continue;
                }
                let at = format!("{at}/{}", method.as_str().to_ascii_lowercase());
                let value = value.as_object().ok_or_else(|| DocumentFault::NoObject(at.clone()))?;
                operations.push(self.operation(
                    (method, path.clone(), written),
                    value,
                    fields,
                    &at,
                ));
            }
        }
        Ok(operations)
    }

    fn operation(
        &self,
        (method, path, written): (Method, Template, &str),
        value: &Map<String, Value>,
        item: &Map<String, Value>,
        at: &str,
    ) -> Described {
        let body = value.get("requestBody");
        let body = body.map(|body| self.resolved(body, format!("{at}/requestBody")));
        let content = body.as_ref().and_then(|(body, at)| self.content(body, at));
        let types = body.as_ref().and_then(|(body, _)| body.get("content")?.as_object());
        let takes_other_types = types.is_some_and(|types| types.keys().any(|name| !is_json(name)));
        let mut answers: Vec<Success> = Vec::new();
        let responses = value.get("responses").and_then(Value::as_object);
        for (status, response) in responses.into_iter().flatten() {
            let code = match status.as_str() {
                "default" if responses.is_some_and(|all| all.len() == 1) => Some(200),
                range if range.eq_ignore_ascii_case("2XX") => Some(200),
                code => code.parse().ok().filter(|code| (200..300).contains(code)),
            };
            let Some(status_code) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
                continue;
            };
            let at = format!("{at}/responses/{}", escaped(status));
            let (response, at) = self.resolved(response, at);
            answers.push(Success { status: status_code, content: self.content(response, &at) });
        }
        answers.sort_by_key(|answer| answer.status);
        let parameters = [item.get("parameters"), value.get("parameters")];
        let parameters = parameters.into_iter().flatten().filter_map(Value::as_array).flatten();
        let parameters = parameters.map(|it| self.resolved(it, String::new()).0.clone()).collect();
        let required = body.as_ref().and_then(|(body, _)| body.get("required"));
        Described {
            method,
            path,
            written: written.to_owned(),
            id: value.get("operationId").and_then(Value::as_str).map(str::to_owned),
            command: value.get("x-command-type").and_then(|it| it.as_str()?.parse().ok()),
            body: content.map(|content| content.schema),
            takes_other_types,
            accepted: None,
            needs_body: required == Some(&Value::Bool(true)),
            answers,
            is_long_running: value.get("x-ms-long-running-operation") == Some(&Value::Bool(true)),
            parameters,
        }
    }

    /// Returns the JSON content of a request or response.
    fn content(&self, value: &Value, at: &str) -> Option<Content> {
        let content = value.get("content")?.as_object()?;
        let found = content.iter().find(|(name, _)| is_json(name));
        let (name, media) = found.or_else(|| content.iter().find(|(name, _)| *name == "*/*"))?;
        let examples = media.get("examples").and_then(Value::as_object);
        let first = examples.and_then(|all| {
            let (example, _) = self.resolved(all.values().next()?, String::new());
            example.get("value")
        });
        let schema = Schema::at(&self.root, &format!("{at}/content/{}/schema", escaped(name)));
        Some(Content { schema, example: media.get("example").or(first).cloned() })
    }

    /// Resolves the reference in a value. Returns the value and its pointer.
    fn resolved<'a>(&'a self, mut value: &'a Value, mut at: String) -> (&'a Value, String) {
        for _ in 0..16 {
            let reference = value.get("$ref").and_then(Value::as_str);
            let Some(pointer) = reference.and_then(|reference| reference.strip_prefix('#')) else {
                break;
            };
            let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
            let Some(target) = self.root.pointer(&pointer) else { break };
            (value, at) = (target, pointer.into_owned());
        }
        (value, at)
    }
}

/// Returns whether a media type is JSON.
fn is_json(name: &str) -> bool {
    let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/json" || name.ends_with("+json")
}

/// Checks that every reference can be resolved. Examples and other data are skipped.
fn check_references(root: &Value, value: &Value, at: &mut String) -> Result<(), DocumentFault> {
    let length = at.len();
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').map(|pointer| {
                    percent_encoding::percent_decode_str(pointer).decode_utf8_lossy().into_owned()
                });
                if pointer.is_none_or(|pointer| root.pointer(&pointer).is_none()) {
                    return Err(DocumentFault::Reference(Excerpt::of(reference), at.clone()));
                }
            }
            for (name, value) in fields {
                let is_data = ["example", "examples", "default", "enum", "const", "value"];
                if is_data.contains(&name.as_str()) && !at.ends_with("/properties") {
                    continue;
                }
                at.push('/');
                at.push_str(&escaped(name));
                check_references(root, value, at)?;
                at.truncate(length);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                check_references(root, value, at)?;
                at.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}
