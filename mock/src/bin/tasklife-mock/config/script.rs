//! A script as the file has it: what becomes of certain tasks.

use serde::Deserialize;
use serde_json::{Map, Value};
use tasklife::{CommandType, Completion, ResourceId, TaskError};
use tasklife_mock::{Pace, Script};

use super::{moving_at, pace};

/// A script, and the requests that it is for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object with `command`, and with what becomes of its tasks")]
pub(super) struct ScriptConfig {
    command: CommandType,
    when: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "pace")]
    pace: Option<Pace>,
    #[serde(default, deserialize_with = "pace")]
    initialized: Option<Pace>,
    #[serde(default, deserialize_with = "pace")]
    received: Option<Pace>,
    #[serde(default, deserialize_with = "pace")]
    in_progress: Option<Pace>,
    #[serde(default, deserialize_with = "pace")]
    resource: Option<Pace>,
    #[serde(default)]
    resource_fails: bool,
    fail: Option<Failure>,
    complete: Option<Complete>,
}

/// The error that a task ends in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"code\": \"DATABASE_NOT_CREATED\"}")]
struct Failure {
    code: String,
    status: Option<String>,
    description: Option<String>,
    additional_info: Option<String>,
}

/// The result that a task ends in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"resourceId\": 77899}")]
struct Complete {
    resource_id: Option<ResourceId>,
    additional_resource_id: Option<ResourceId>,
    resource: Option<Map<String, Value>>,
}

impl ScriptConfig {
    pub(super) fn command(&self) -> &CommandType {
        &self.command
    }

    /// What a request's body must meet.
    pub(super) fn condition(&self) -> Option<impl Fn(&Value) -> bool + Send + Sync + 'static> {
        let wanted = Value::Object(self.when.clone()?);
        Some(move |body: &Value| contains(body, &wanted))
    }

    /// The script, which moves tasks at a pace where it says nothing of its own.
    pub(super) fn script(&self, advance: Pace) -> Result<Script, &'static str> {
        let mut script = match (self.pace, self.received, self.in_progress) {
            (pace, None, None) => moving_at(pace.unwrap_or(advance)),
            (None, received, in_progress) => Script::in_steps(
                received.unwrap_or(Pace::AtOnce),
                in_progress.unwrap_or(Pace::AtOnce),
            ),
            _ => return Err("expected `pace`, or `received` and `inProgress`, not both"),
        };
        if let Some(initialized) = self.initialized {
            script = script.initialized(initialized);
        }
        if let Some(resource) = self.resource {
            script = script.resource(resource);
        }
        if self.resource_fails {
            script = script.resource_failing();
        }
        match (&self.fail, &self.complete) {
            (Some(_), Some(_)) => Err("expected `fail` or `complete`, not both"),
            (Some(failure), None) => Ok(script.failing(failure.error())),
            (None, Some(complete)) => {
                let completion = complete.completion()?;
                Ok(script.completing(move |_| completion.clone()))
            }
            (None, None) => Ok(script),
        }
    }
}

impl Failure {
    fn error(&self) -> TaskError {
        let description = self.description.clone();
        let description = description.unwrap_or_else(|| "The operation was made to fail.".into());
        let mut error = TaskError::new(self.code.clone(), description);
        if let Some(status) = &self.status {
            error = error.with_status(status.clone());
        }
        if let Some(info) = &self.additional_info {
            error = error.with_additional_info(info.clone());
        }
        error
    }
}

impl Complete {
    fn completion(&self) -> Result<Completion, &'static str> {
        let mut completion =
            self.resource_id.clone().map_or_else(Completion::default, Completion::of);
        if let Some(id) = &self.additional_resource_id {
            completion = completion.with_additional_resource_id(id.clone());
        }
        if let Some(resource) = &self.resource {
            let added = completion.with_resource(resource);
            completion = added.map_err(|_| "expected a `resource` that is nested less deeply")?;
        }
        Ok(completion)
    }
}

/// Whether a value has all that is wanted: an object at least these fields, a list something for
/// each of these elements, and all else is equal.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(fields), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| fields.get(name).is_some_and(|value| contains(value, wanted))),
        (Value::Array(elements), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| elements.iter().any(|element| contains(element, wanted)))
        }
        // 1 and 1.0 are the same number.
        (Value::Number(number), Value::Number(wanted)) => {
            number == wanted
                || number.is_f64() != wanted.is_f64() && number.as_f64() == wanted.as_f64()
        }
        _ => value == wanted,
    }
}
