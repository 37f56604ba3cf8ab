//! What can be asked for, one operation of the description after the other.

use std::time::Duration;

use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tasklife::{AccountId, Scope};
use tasklife_mock::Conduct;

use super::query::{Exchanges, Nothing, Of};
use super::{Answer, RequestContext};
use crate::config::Existing;
use crate::control::{DESCRIPTION, Operation, Refusal};
use crate::server::Server;

/// What the clock is to do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"advance\": \"1h\"}")]
struct ClockChange {
    #[serde(default, deserialize_with = "time")]
    advance: Option<Duration>,
    speed: Option<f64>,
}

/// A time in words, such as `10d` or `1h 30m`, or a number of seconds.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let value = Value::deserialize(from)?;
    let time = match &value {
        Value::String(text) => humantime::parse_duration(text).ok(),
        Value::Number(number) => {
            number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        _ => None,
    };
    let expected = "expected a time such as \"10d\", \"1h 30m\", or a number of seconds";
    time.map(Some).ok_or_else(|| D::Error::custom(format!("{expected}, got {value}")))
}

impl Server {
    pub(super) fn operate(&self, operation: &Operation, asked: &RequestContext<'_>) -> Answer {
        // Between two requests of clients.
        let mut log = self.log();
        if !operation.takes_query {
            asked.query::<Nothing>()?;
        }
        match &*operation.id {
            "health" => Ok(Some(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))),
            "describeControl" => Ok(Some(serde_json::from_str(DESCRIPTION).unwrap_or_default())),
            "describeApi" => Ok(Some(self.api.description())),
            "getScripts" => {
                let of: Of = asked.query()?;
                Ok(Some(self.shown_scripts(of.account.as_ref())))
            }
            "putScripts" => self.put_scripts(asked.query::<Of>()?.account.as_ref(), asked),
            "deleteScripts" => {
                let of: Of = asked.query()?;
                self.replace_scripts(scope(of.account.as_ref()), Vec::new())?;
                Ok(None)
            }
            "getJournal" => {
                let exchanges: Exchanges = asked.query()?;
                let found = exchanges.of(self.api.journal_since(exchanges.since));
                Ok(Some(json!(found)))
            }
            "deleteJournal" => {
                let of: Of = asked.query()?;
                self.api.clear_journal(scope(of.account.as_ref()));
                Ok(None)
            }
            "getConduct" => {
                let exchanges: Exchanges = asked.query()?;
                let found = exchanges.of(self.api.journal_since(exchanges.since));
                Ok(Some(json!(Conduct::of(&found))))
            }
            "reset" => {
                let of: Of = asked.query()?;
                asked.no_body()?;
                let scope = scope(of.account.as_ref());
                self.api.reset(scope);
                self.replace_scripts(scope, self.control.scripts_at_start(scope))?;
                if scope == Scope::Any {
                    self.clock.begin_anew();
                    log.count = 0;
                }
                Ok(None)
            }
            "getClock" => Ok(Some(self.shown_clock())),
            "moveClock" => self.move_clock(&asked.body()?),
            "putResources" => self.put_resources(asked),
            "getAccounts" => Ok(Some(json!(self.api.accounts()))),
            "getCommandTypes" => Ok(Some(json!(self.api.command_types()))),
            "getTasks" => Ok(Some(self.shown_tasks(&asked.query()?))),
            "postEvent" => self.post_event(asked),
            other => {
                Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, format!("{other} is not there")))
            }
        }
    }

    fn shown_clock(&self) -> Value {
        json!({"now": self.clock.now(), "speed": self.clock.speed()})
    }

    fn move_clock(&self, change: &ClockChange) -> Answer {
        if change.advance.is_none() && change.speed.is_none() {
            return Err(Refusal::bad_request("expected `advance`, `speed`, or both"));
        }
        if let Some(speed) = change.speed.filter(|speed| !(speed.is_finite() && *speed >= 0.0)) {
            let message = format!("expected a `speed` from 0 on, got {speed}");
            return Err(Refusal::bad_request(message));
        }
        if let Some(time) = change.advance {
            self.clock.advance(time);
        }
        if let Some(speed) = change.speed {
            self.clock.set_speed(speed);
        }
        self.api.advance(self.clock.now());
        Ok(Some(self.shown_clock()))
    }

    /// Puts resources there, one after the other: where one can't be, those before it are.
    fn put_resources(&self, asked: &RequestContext<'_>) -> Answer {
        let resources: Vec<Existing> = asked.list()?;
        for (at, Existing { account, path, fields }) in resources.into_iter().enumerate() {
            let put = self.api.put_existing(&account, &path, &Value::Object(fields));
            put.map_err(|fault| Refusal::bad_request(format!("[{at}]: {fault}")))?;
        }
        Ok(None)
    }
}

fn scope(account: Option<&AccountId>) -> Scope<'_> {
    account.map_or(Scope::Any, Scope::Account)
}
