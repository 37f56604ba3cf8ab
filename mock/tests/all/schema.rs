//! Checks answers against an OpenAPI description, with a third-party validator.

use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

/// The schemas of a description, prepared for the validator.
pub(crate) struct Schemas {
    root: Value,
    registry: Registry<'static>,
    is_3_0: bool,
}

impl Schemas {
    pub(crate) fn new(description: &Value) -> Self {
        let is_3_0 = description["openapi"].as_str().unwrap().starts_with("3.0");
        let mut root = description.clone();
        if is_3_0 {
            replace_nullable(&mut root);
        }
        let draft = if is_3_0 { Draft::Draft4 } else { Draft::Draft202012 };
        let registry = Registry::new().draft(draft).add("urn:description", root.clone());
        let registry = registry.unwrap().prepare().unwrap();
        Self { root, registry, is_3_0 }
    }

    /// Returns the first error of a value against the schema at a JSON pointer, if there is one.
    pub(crate) fn error(&self, pointer: &str, value: &Value) -> Option<String> {
        let draft = if self.is_3_0 { Draft::Draft4 } else { Draft::Draft202012 };
        let pointer =
            pointer.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20").replace('#', "%23");
        let pointer = pointer.replace('+', "%2B");
        let schema = json!({ "$ref": format!("urn:description#{pointer}") });
        let options = jsonschema::options().with_draft(draft).should_validate_formats(true);
        let options = options.with_registry(&self.registry);
        let validator = options.build(&schema).expect("a schema");
        let error = validator.iter_errors(value).next();
        error.map(|error| format!("{error}, at {}: {value}", error.instance_path()))
    }

    /// Returns the pointer to the schema of an operation's answer, if the answer is JSON and has
    /// one.
    pub(crate) fn answer(&self, method: &str, path: &str, status: u16) -> Option<String> {
        let escaped = |step: &str| step.replace('~', "~0").replace('/', "~1");
        let operation = format!("/paths/{}/{}", escaped(path), method.to_lowercase());
        let status = [status.to_string(), "2XX".into(), "default".into()];
        let mut found = status.iter().find_map(|status| {
            let at = format!("{operation}/responses/{status}");
            self.root.pointer(&at).map(|_| at)
        })?;
        if let Some(reference) = self.root.pointer(&found)?["$ref"].as_str() {
            found = reference.strip_prefix('#')?.to_owned();
        }
        let content = self.root.pointer(&found)?["content"].as_object()?;
        let is_json = |name: &&String| name.contains("json") || *name == "*/*";
        let name = content.keys().find(is_json)?;
        let schema = format!("{found}/content/{}/schema", escaped(name));
        self.root.pointer(&schema).map(|_| schema)
    }
}

/// Replaces `nullable`, which OpenAPI 3.0 has, with the type `null` of JSON Schema.
fn replace_nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                if let Some(name) = fields.get("type").filter(|it| it.is_string()).cloned() {
                    fields.insert("type".into(), json!([name, "null"]));
                }
                if let Some(Value::Array(values)) = fields.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            fields.values_mut().for_each(replace_nullable);
        }
        Value::Array(values) => values.iter_mut().for_each(replace_nullable),
        _ => {}
    }
}
