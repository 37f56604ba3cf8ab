//! Scripts, in JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tasklife::{AccountId, CommandType, Completion, ResourceId, TaskError};
use tasklife_mock::{MockApi, Pace, Script};

use super::fault::FaultConfig;
use super::{pace, script_at_pace};

/// A script, and the requests that it applies to.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(
    expecting = "an object such as {\"command\": \"databaseCreateRequest\", \"pace\": \"reads:3\"}"
)]
pub(crate) struct ScriptConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<CommandType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<Map<String, Value>>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    pace: Option<Pace>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    initialized: Option<Pace>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    received: Option<Pace>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    in_progress: Option<Pace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    progress: Vec<u8>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    resource: Option<Pace>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resource_fails: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<Complete>,
    #[serde(deserialize_with = "pace", skip_serializing_if = "Option::is_none")]
    gone_after: Option<Pace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultConfig>,
}

/// The error of a task that fails: its code alone, or an object.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Failure {
    Code(String),
    Error(Box<ErrorConfig>),
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(code) => Ok(Self::Code(code)),
            other => serde_json::from_value(other).map(Self::Error).map_err(D::Error::custom),
        }
    }
}

/// The error of a task that fails, as an object.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "a code, or an object such as {\"code\": \"DATABASE_NOT_CREATED\"}")]
pub(crate) struct ErrorConfig {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_info: Option<String>,
}

/// The result of a task that completes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"resourceId\": 77899}")]
struct Complete {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_resource_id: Option<ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Map<String, Value>>,
}

impl ScriptConfig {
    /// Creates a script that fails the tasks of a command type.
    pub(crate) fn failing(command: CommandType, code: String) -> Self {
        let fail = Some(Failure::Code(code));
        Self { command: Some(command), fail, ..Self::default() }
    }

    /// Returns the account whose requests the script applies to, or `None` if it is every account.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// Restricts the script to the requests of an account.
    ///
    /// # Errors
    ///
    /// Returns a message if the script names another account.
    pub(crate) fn restrict_to(&mut self, account: &AccountId) -> Result<(), String> {
        match &self.account {
            Some(other) if other != account => {
                Err(format!("expected the account {account} of the query, got {other}"))
            }
            _ => {
                self.account = Some(account.clone());
                Ok(())
            }
        }
    }

    /// Checks that the script can be set in an API.
    ///
    /// # Errors
    ///
    /// Returns a message with the field that the API refuses.
    pub(crate) fn check(&self, api: &MockApi, advance: Pace) -> Result<(), String> {
        if self.command.is_none() && self.when.is_some() {
            return Err("expected `when` together with a `command`".into());
        }
        let checked = api.check_script(self.command.as_ref(), &self.script(advance)?);
        checked.map_err(|error| error.to_string())
    }

    /// Sets the script in an API. Tasks end at the pace `advance`, unless the script sets their
    /// pace.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub(crate) fn set(&self, api: &MockApi, advance: Pace) -> Result<(), String> {
        self.check(api, advance)?;
        let script = self.script(advance)?;
        let set = match (self.command.clone(), self.when.clone()) {
            (Some(command), None) => api.on(command, script),
            (Some(command), Some(when)) => {
                let wanted = Value::Object(when);
                api.on_if(command, move |body| contains(body, &wanted), script)
            }
            (None, _) => api.on_any(script),
        };
        set.map_err(|error| error.to_string())
    }

    /// Creates the script. Tasks end at the pace `advance`, unless the script sets their pace.
    fn script(&self, advance: Pace) -> Result<Script, String> {
        let mut script = match (self.pace, self.received, self.in_progress) {
            (pace, None, None) => script_at_pace(pace.unwrap_or(advance)),
            (None, received, in_progress) => Script::in_steps(
                received.unwrap_or(Pace::Immediate),
                in_progress.unwrap_or(Pace::Immediate),
            ),
            _ => return Err("expected `pace`, or `received` and `inProgress`, not both".into()),
        };
        script = script.reporting(self.progress.iter().copied());
        if let Some(account) = &self.account {
            script = script.for_account(account.clone());
        }
        if let Some(initialized) = self.initialized {
            script = script.initialized(initialized);
        }
        if let Some(resource) = self.resource {
            script = script.resource(resource);
        }
        if self.resource_fails {
            script = script.resource_failing();
        }
        if let Some(gone) = self.gone_after {
            script = script.gone_after(gone);
        }
        for (at, fault) in self.faults.iter().enumerate() {
            let faults = fault.faults().map_err(|e| format!("faults[{at}]: {e}"))?;
            script = faults.into_iter().fold(script, Script::with_fault);
        }
        match (&self.fail, &self.complete) {
            (Some(_), Some(_)) => Err("expected `fail` or `complete`, not both".into()),
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
    pub(crate) fn error(&self) -> TaskError {
        const DESCRIPTION: &str = "The operation was made to fail.";
        let config = match self {
            Self::Code(code) => return TaskError::new(code.clone(), DESCRIPTION),
            Self::Error(config) => config,
        };
        let description = config.description.clone().unwrap_or_else(|| DESCRIPTION.to_owned());
        let mut error = TaskError::new(config.code.clone(), description);
        if let Some(status) = &config.status {
            error = error.with_status(status.clone());
        }
        if let Some(info) = &config.additional_info {
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
            completion = added.map_err(|_| "expected a `resource` with less nesting")?;
        }
        Ok(completion)
    }
}

/// Returns whether a value contains another.
///
/// An object contains another if it has all of its fields, and each field contains the other's. A
/// list contains another if for each of the other's elements, some element contains it. Any other
/// value contains only its equal.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(fields), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| fields.get(name).is_some_and(|value| contains(value, wanted))),
        (Value::Array(elements), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| elements.iter().any(|element| contains(element, wanted)))
        }
        // 1 and 1.0 are equal.
        (Value::Number(number), Value::Number(wanted)) => {
            number == wanted
                || number.is_f64() != wanted.is_f64() && number.as_f64() == wanted.as_f64()
        }
        _ => value == wanted,
    }
}
