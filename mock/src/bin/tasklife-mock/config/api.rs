//! The API of the file: Redis Cloud, the API of an OpenAPI description, or an API of your own.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tasklife::{AccountId, CommandType, Links, StoreConfig};
use tasklife_mock::http::{HeaderName, Method, StatusCode};
use tasklife_mock::{Authentication, MockApi, OpenApiOptions};

use super::Config;
use crate::options::Options;

/// An operation that creates a task.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(expecting = "an object with `method`, `path` and `command`")]
pub(super) struct OperationConfig {
    method: String,
    path: String,
    command: CommandType,
    status: Option<u16>,
}

/// A kind of resources.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as {\"path\": \"/widgets/{widgetId}\", \"idField\": \"id\"}")]
pub(super) struct ResourceConfig {
    path: String,
    id_field: Option<String>,
}

/// Where requests have the key of their account.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"none\", \"basic\", \"bearer\", or an object such as {\"header\": \"x-token\"}"
)]
pub(super) enum KeysConfig {
    Word(KeysWord),
    Headers(KeyHeaders),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeysWord {
    None,
    Basic,
    Bearer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyHeaders {
    header: String,
    secret: Option<String>,
}

impl Config {
    /// Creates the API that the file and the options describe, without accounts.
    ///
    /// # Errors
    ///
    /// Returns a message with the file or option and the place, if the API cannot have something
    /// that they ask for.
    pub(super) fn bare_api(&self, base: &str, options: &Options) -> Result<MockApi, String> {
        let tasks_are = options.tasks_are.as_deref().or(self.tasks_are.as_deref());
        let api = match (&options.openapi, &self.openapi) {
            (Some(file), _) => {
                let api = self.described_api(base, file, tasks_are);
                api.map_err(|error| format!("--openapi: {}: {error}", file.display()))?
            }
            (None, Some(name)) => {
                let file = self.file.with_file_name(name);
                let api = self.described_api(base, &file, tasks_are);
                let in_field = |error| format!("openapi: {}: {error}", file.display());
                api.map_err(|error| self.in_file(&in_field(error)))?
            }
            (None, None) if tasks_are.is_some() => {
                let expected = "expected an OpenAPI description that has this schema";
                return Err(match &options.tasks_are {
                    Some(_) => format!("--tasks-are: {expected}"),
                    None => self.in_file(&format!("tasksAre: {expected}")),
                });
            }
            (None, None) if self.operations.is_empty() && self.resources.is_empty() => {
                MockApi::redis_cloud(base).map_err(|error| error.to_string())?
            }
            (None, None) => self.listed_api(base)?,
        };
        let api = if self.check_bodies { api.with_checked_bodies() } else { api };
        match &self.keys {
            Some(keys) => {
                let authentication = keys.authentication().map_err(|error| self.in_file(&error))?;
                Ok(api.with_authentication(authentication))
            }
            None => Ok(api),
        }
    }

    /// Creates the API of a description. The `operations` of the file create tasks, too.
    fn described_api(
        &self,
        base: &str,
        file: &Path,
        tasks_are: Option<&str>,
    ) -> Result<MockApi, String> {
        let text = fs::read_to_string(file).map_err(|e| e.to_string())?;
        let description: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let mut description_options = OpenApiOptions::new(base);
        if let Some(name) = tasks_are {
            description_options = description_options.with_task_schema(name);
        }
        for (at, operation) in self.operations.iter().enumerate() {
            let method = operation.method().map_err(|e| format!("operations[{at}]: {e}"))?;
            description_options = description_options
                .with_task(method.clone(), &operation.path)
                .with_command(method, &operation.path, operation.command.clone());
        }
        let mut api =
            MockApi::from_openapi(&description, description_options).map_err(|e| e.to_string())?;
        for (at, operation) in self.operations.iter().enumerate() {
            api = operation.set_status(api).map_err(|e| format!("operations[{at}]: {e}"))?;
        }
        self.with_resources(api)
    }

    /// Creates an API that only has the `operations` and `resources` of the file.
    fn listed_api(&self, base: &str) -> Result<MockApi, String> {
        let links = Links::new(base).map_err(|error| error.to_string())?;
        let mut api = self.with_resources(MockApi::new(links, StoreConfig::default()))?;
        for (at, operation) in self.operations.iter().enumerate() {
            let added = operation.add(api).and_then(|api| operation.set_status(api));
            api = added.map_err(|error| self.in_list("operations", at, error))?;
        }
        // Without `keys`, every request is for one account.
        Ok(match (&self.keys, "default".parse::<AccountId>()) {
            (None, Ok(account)) => api.with_authentication(Authentication::None(account)),
            _ => api,
        })
    }

    fn with_resources(&self, mut api: MockApi) -> Result<MockApi, String> {
        for (at, resource) in self.resources.iter().enumerate() {
            let id_field = resource.id_field.as_deref().unwrap_or("id");
            let added = api.with_resource(&resource.path, id_field);
            api = added.map_err(|error| self.in_list("resources", at, error))?;
        }
        Ok(api)
    }
}

impl OperationConfig {
    fn method(&self) -> Result<Method, String> {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&self.method.as_str());
        let method = if known { self.method.parse().ok() } else { None };
        let expected = "expected one of GET, POST, PUT, PATCH, DELETE as `method`";
        method.ok_or_else(|| format!("{expected}, got {:?}", self.method))
    }

    fn add(&self, api: MockApi) -> Result<MockApi, String> {
        let added = api.with_operation(self.method()?, &self.path, self.command.clone());
        added.map_err(|error| error.to_string())
    }

    /// Sets the status with which the operation is accepted, if the file has one.
    fn set_status(&self, api: MockApi) -> Result<MockApi, String> {
        let Some(status) = self.status else { return Ok(api) };
        let expected = "expected a `status` from 200 to 299";
        let success = StatusCode::from_u16(status).ok().filter(StatusCode::is_success);
        let status = success.ok_or_else(|| format!("{expected}, got {status}"))?;
        api.with_accepted(self.command.clone(), status).map_err(|error| error.to_string())
    }
}

impl KeysConfig {
    /// Returns whether requests need a secret as well as a key.
    pub(super) fn needs_secret(&self) -> bool {
        matches!(
            self,
            Self::Word(KeysWord::Basic) | Self::Headers(KeyHeaders { secret: Some(_), .. })
        )
    }

    fn authentication(&self) -> Result<Authentication, String> {
        let header = |name: &str| {
            let parsed = name.parse::<HeaderName>();
            parsed.map_err(|_| format!("keys: expected the name of a header, got {name:?}"))
        };
        Ok(match self {
            Self::Word(KeysWord::None) => {
                Authentication::None("default".parse().map_err(|error| format!("keys: {error}"))?)
            }
            Self::Word(KeysWord::Basic) => Authentication::Basic,
            Self::Word(KeysWord::Bearer) => Authentication::Bearer,
            Self::Headers(KeyHeaders { header: name, secret: None }) => {
                Authentication::Header(header(name)?)
            }
            Self::Headers(KeyHeaders { header: name, secret: Some(secret) }) => {
                Authentication::HeaderWithSecret(header(name)?, header(secret)?)
            }
        })
    }
}
