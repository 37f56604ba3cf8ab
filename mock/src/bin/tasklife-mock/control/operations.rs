//! The operations of the description.

use std::time::Duration;

use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tasklife::Scope;
use tasklife_mock::Conduct;

use super::query::{AccountQuery, EmptyQuery, JournalQuery};
use super::request::{Answer, ControlRequest};
use super::{DESCRIPTION, Operation, Refusal};
use crate::config::Existing;
use crate::server::Server;

/// A change of the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"advance\": \"1h\"}")]
struct ClockChange {
    #[serde(default, deserialize_with = "duration")]
    advance: Option<Duration>,
    speed: Option<f64>,
}

/// Reads a duration such as `10d` or `1h 30m`, or a number of seconds.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let value = Value::deserialize(from)?;
    let duration = match &value {
        Value::String(text) => humantime::parse_duration(text).ok(),
        Value::Number(number) => {
            number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        _ => None,
    };
    let expected = "expected a duration such as \"10d\" or \"1h 30m\", or a number of seconds";
    duration.map(Some).ok_or_else(|| D::Error::custom(format!("{expected}, got {value}")))
}

impl Server {
    /// Carries out an operation of the description.
    pub(super) fn carry_out(&self, operation: &Operation, request: &ControlRequest<'_>) -> Answer {
        // No client's request is handled while this is locked.
        let mut log = self.log();
        if !operation.takes_query {
            request.query::<EmptyQuery>()?;
        }
        match &*operation.id {
            "health" => Ok(Some(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))),
            "describeControl" => Ok(Some(serde_json::from_str(DESCRIPTION).unwrap_or_default())),
            "describeApi" => Ok(Some(self.api.description())),
            "getScripts" => {
                let query: AccountQuery = request.query()?;
                Ok(Some(self.scripts_json(query.scope())))
            }
            "putScripts" => self.put_scripts(request),
            "deleteScripts" => {
                let query: AccountQuery = request.query()?;
                self.replace_scripts(query.scope(), Vec::new())?;
                Ok(None)
            }
            "getJournal" => {
                let query: JournalQuery = request.query()?;
                Ok(Some(json!(query.select(self.api.journal_since(query.since)))))
            }
            "deleteJournal" => {
                let query: AccountQuery = request.query()?;
                self.api.clear_journal(query.scope());
                Ok(None)
            }
            "getConduct" => {
                let query: JournalQuery = request.query()?;
                let exchanges = query.select(self.api.journal_since(query.since));
                Ok(Some(json!(Conduct::of(&exchanges))))
            }
            "reset" => {
                let query: AccountQuery = request.query()?;
                request.expect_no_body()?;
                let scope = query.scope();
                self.api.reset(scope);
                self.replace_scripts(scope, self.control.initial_scripts(scope))?;
                if scope == Scope::Any {
                    self.clock.reset();
                    log.count = 0;
                }
                Ok(None)
            }
            "getClock" => Ok(Some(self.clock_json())),
            "moveClock" => self.move_clock(&request.body()?),
            "putResources" => self.put_resources(request),
            "getAccounts" => Ok(Some(json!(self.api.accounts()))),
            "getCommandTypes" => Ok(Some(json!(self.api.command_types()))),
            "getTasks" => Ok(Some(self.tasks_json(&request.query()?))),
            "postEvent" => self.post_event(request),
            other => {
                let message = format!("the operation {other} is not implemented");
                Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message))
            }
        }
    }

    fn clock_json(&self) -> Value {
        json!({"now": self.clock.now(), "speed": self.clock.speed()})
    }

    fn move_clock(&self, change: &ClockChange) -> Answer {
        if change.advance.is_none() && change.speed.is_none() {
            return Err(Refusal::bad_request("expected `advance`, `speed`, or both"));
        }
        if let Some(speed) = change.speed.filter(|speed| !(speed.is_finite() && *speed >= 0.0)) {
            let message = format!("expected a `speed` of 0 or more, got {speed}");
            return Err(Refusal::bad_request(message));
        }
        if let Some(duration) = change.advance {
            self.clock.advance(duration);
        }
        if let Some(speed) = change.speed {
            self.clock.set_speed(speed);
        }
        self.api.advance(self.clock.now());
        Ok(Some(self.clock_json()))
    }

    /// Adds resources in the order of the list. If one is refused, those before it are still added.
    fn put_resources(&self, request: &ControlRequest<'_>) -> Answer {
        let resources: Vec<Existing> = request.list()?;
        for (at, Existing { account, path, fields }) in resources.into_iter().enumerate() {
            let put = self.api.put_existing(&account, &path, &Value::Object(fields));
            put.map_err(|error| Refusal::bad_request(format!("[{at}]: {error}")))?;
        }
        Ok(None)
    }
}
