//! A script as the file has it: what becomes of certain tasks.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use tasklife::{AccountId, CommandType, Completion, ResourceId, TaskError};
use tasklife_mock::{MockApi, Pace, Script};

use super::fault::FaultConfig;
use super::{moving_at, pace};

/// A script, and the requests that it is for.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object with `command`, and with what becomes of its tasks")]
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

/// The error that a task ends in: its code, or more of it.
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

/// An error.
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

/// The result that a task ends in.
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
    /// One that lets the tasks of a command type fail.
    pub(crate) fn failing(command: CommandType, code: String) -> Self {
        let fail = Some(Failure::Code(code));
        Self { command: Some(command), fail, ..Self::default() }
    }

    /// For whose requests it is, if for one account's.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// Makes it be for the requests of an account.
    ///
    /// # Errors
    /// Where it is for another's.
    pub(crate) fn for_account(&mut self, account: &AccountId) -> Result<(), String> {
        match &self.account {
            Some(other) if other != account => {
                Err(format!("expected the account {account}, as the query says, got {other}"))
            }
            _ => {
                self.account = Some(account.clone());
                Ok(())
            }
        }
    }

    /// Whether it can be set in an API.
    ///
    /// # Errors
    /// What of it can't be.
    pub(crate) fn check(&self, api: &MockApi, advance: Pace) -> Result<(), String> {
        if self.command.is_none() && self.when.is_some() {
            return Err("expected a `command` beside `when`".into());
        }
        let checked = api.check_script(self.command.as_ref(), &self.script(advance)?);
        checked.map_err(|fault| fault.to_string())
    }

    /// Sets it in an API, in which tasks move at a pace where it says nothing of its own.
    ///
    /// # Errors
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
        set.map_err(|fault| fault.to_string())
    }

    /// The script, which moves tasks at a pace where it says nothing of its own.
    fn script(&self, advance: Pace) -> Result<Script, String> {
        let mut script = match (self.pace, self.received, self.in_progress) {
            (pace, None, None) => moving_at(pace.unwrap_or(advance)),
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
        let bare;
        let error = match self {
            Self::Error(error) => &**error,
            Self::Code(code) => {
                let (status, description, additional_info) = (None, None, None);
                bare = ErrorConfig { code: code.clone(), status, description, additional_info };
                &bare
            }
        };
        let description = error.description.clone();
        let description = description.unwrap_or_else(|| "The operation was made to fail.".into());
        let mut made = TaskError::new(error.code.clone(), description);
        if let Some(status) = &error.status {
            made = made.with_status(status.clone());
        }
        if let Some(info) = &error.additional_info {
            made = made.with_additional_info(info.clone());
        }
        made
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
