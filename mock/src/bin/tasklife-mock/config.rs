//! The configuration file, and the API that it and the options describe.

mod api;
mod fault;
mod script;

use std::fmt::Display;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tasklife::{AccountId, Origin, Retention, StoreConfig};
use tasklife_mock::{MockApi, Pace, RateLimit, Script};

use crate::options::Options;
use api::{KeysConfig, OperationConfig, ResourceConfig};
pub(crate) use script::{Failure, ScriptConfig};

/// How many keys may open an account if the file has no `accounts`.
const OPEN_ACCOUNTS: usize = 1_000;
const MAX_TASKS: usize = 1_000_000;
/// The default of `--advance`.
const ADVANCE: Pace = Pace::After(Duration::from_secs(2));

/// The content of the file. `--help` explains its fields.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object such as {\"advance\": \"reads:3\"}")]
pub(crate) struct Config {
    #[serde(skip)]
    file: PathBuf,
    base: Option<String>,
    openapi: Option<String>,
    tasks_are: Option<String>,
    operations: Vec<OperationConfig>,
    resources: Vec<ResourceConfig>,
    keys: Option<KeysConfig>,
    check_bodies: bool,
    accounts: Vec<Login>,
    open_accounts: Option<usize>,
    #[serde(deserialize_with = "pace")]
    advance: Option<Pace>,
    #[serde(deserialize_with = "pace")]
    visibility_lag: Option<Pace>,
    max_in_progress: Option<NonZeroU32>,
    max_open: Option<usize>,
    max_tasks: Option<usize>,
    max_input: Option<usize>,
    retention_days: Option<u32>,
    rate_limit: Option<NonZeroU32>,
    existing: Vec<Existing>,
    scripts: Vec<ScriptConfig>,
}

/// A key that may call, and its account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `key`, `secret` and `account`")]
struct Login {
    key: String,
    /// Not needed if `keys` names no place for a secret.
    #[serde(default)]
    secret: String,
    account: AccountId,
}

/// A resource that exists without a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `account` and `path`")]
pub(crate) struct Existing {
    pub(crate) account: AccountId,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) fields: Map<String, Value>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Returns a message with the file, the place and what was expected, if the file cannot be read
    /// or is not a valid configuration.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let in_file = |error: &dyn Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|e| in_file(&e))?;
        if !text.trim_start().starts_with('{') {
            return Err(in_file(&"expected a JSON object"));
        }
        let config: Self = serde_json::from_str(&text).map_err(|e| in_file(&e))?;
        let base = config.base();
        if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/')) {
            let expected = "expected a path such as /v1, or an empty string";
            return Err(in_file(&format!("base: {expected}, got {base:?}")));
        }
        Ok(Self { file: file.to_owned(), ..config })
    }

    /// Returns the path of the base address.
    pub(crate) fn base(&self) -> &str {
        self.base.as_deref().unwrap_or("/v1")
    }

    /// Returns the limit of a request body, in bytes.
    pub(crate) fn max_body(&self) -> usize {
        self.max_input.unwrap_or(StoreConfig::default().max_input())
    }

    /// Creates the API that the file and the options describe. The options override the file.
    ///
    /// # Errors
    ///
    /// Returns a message with the file or option and the place, if the API cannot have something
    /// that they ask for.
    pub(crate) fn api(&self, base: &str, options: &Options) -> Result<MockApi, String> {
        let lag = options.not_found_for.map(Pace::Reads).or(self.visibility_lag);
        let mut api = self
            .bare_api(base, options)?
            .with_config(self.store())
            .with_visibility_lag(lag.unwrap_or(Pace::Immediate))
            .with_links(|links| Ok(links.with_shape(options.links)))
            .map_err(|error| error.to_string())?;
        if let Some(path) = &options.tasks {
            api =
                api.with_links(|l| l.with_tasks_path(path)).map_err(|e| format!("--tasks: {e}"))?;
        }
        if let Some(url) = &options.public_url {
            api = api.with_links(|l| l.with_base(url)).map_err(|e| format!("--public-url: {e}"))?;
        }
        let origin = match &options.public_url {
            Some(_) => Origin::Base,
            None if options.trust_forwarded => Origin::Forwarded,
            None => Origin::Host,
        };
        let format = options.format.format("mock.tasklife");
        api = api.with_replies(|replies| {
            let replies = replies.with_origin(origin).with_format(format);
            replies.with_retry_after(MIN_WAIT..=longest_wait(options.speed))
        });
        for (at, Login { key, secret, account }) in self.accounts.iter().enumerate() {
            self.check_login(at).map_err(|error| self.in_list("accounts", at, error))?;
            api = api.with_account(key, secret, account.clone());
        }
        let open = if self.accounts.is_empty() { OPEN_ACCOUNTS } else { 0 };
        let open = self.open_accounts.unwrap_or(open);
        api = api.with_open_accounts(open);
        for (at, Existing { account, path, fields }) in self.existing.iter().enumerate() {
            let in_entry = |error: &dyn Display| self.in_list("existing", at, error);
            if open == 0 && !self.accounts.iter().any(|login| login.account == *account) {
                return Err(in_entry(&format!(
                    "expected one of `accounts`, got {:?}",
                    account.as_str()
                )));
            }
            let fields = Value::Object(fields.clone());
            api = api.with_existing(account, path, &fields).map_err(|e| in_entry(&e))?;
        }
        if let Some(requests) = options.rate_limit.or(self.rate_limit) {
            api = api.with_rate_limit(RateLimit::new(requests, Duration::from_mins(1)));
        }
        Ok(api)
    }

    /// Returns the pace of tasks whose script sets none.
    pub(crate) fn advance(&self, options: &Options) -> Pace {
        options.advance.or(self.advance).unwrap_or(ADVANCE)
    }

    fn store(&self) -> StoreConfig {
        let mut store = StoreConfig::default()
            .with_max_tasks(self.max_tasks.unwrap_or(MAX_TASKS))
            .with_max_open(self.max_open.unwrap_or(usize::MAX))
            .with_max_input(self.max_body());
        if let Some(width) = self.max_in_progress {
            store = store.with_max_in_progress(width);
        }
        if let Some(days) = self.retention_days {
            let days = Duration::from_hours(24 * u64::from(days));
            store = store.with_retention(Retention::since_submission(days));
        }
        store
    }

    fn check_login(&self, at: usize) -> Result<(), &'static str> {
        let login = &self.accounts[at];
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic());
        let needs_secret = self.keys.as_ref().is_none_or(KeysConfig::needs_secret);
        if !visible(&login.key) || (needs_secret && !visible(&login.secret)) {
            return Err("expected a key and a secret of visible ASCII characters");
        }
        if self.accounts[..at].iter().any(|other| other.key == login.key) {
            return Err("expected a key that no other account has");
        }
        Ok(())
    }

    /// Sets the scripts of the file and the options in the API, and returns them.
    ///
    /// # Errors
    ///
    /// Returns a message with the place of the first script that the API refuses.
    pub(crate) fn set_scripts(
        &self,
        api: &MockApi,
        options: &Options,
    ) -> Result<Vec<ScriptConfig>, String> {
        let advance = self.advance(options);
        api.on_any(script_at_pace(advance)).map_err(|error| error.to_string())?;
        for (at, script) in self.scripts.iter().enumerate() {
            script.set(api, advance).map_err(|error| self.in_list("scripts", at, error))?;
        }
        let mut scripts = self.scripts.clone();
        for failure in &options.fail {
            let script = ScriptConfig::failing(failure.command.clone(), failure.code.clone());
            script.set(api, advance).map_err(|error| format!("--fail: {error}"))?;
            scripts.push(script);
        }
        Ok(scripts)
    }

    /// Adds the file and the place to the message of an error in a list.
    fn in_list(&self, list: &str, at: usize, error: impl Display) -> String {
        self.in_file(&format!("{list}[{at}]: {error}"))
    }

    /// Adds the file to the message of an error.
    fn in_file(&self, error: &str) -> String {
        format!("{}: {error}", self.file.display())
    }
}

const MIN_WAIT: Duration = Duration::from_secs(1);

/// Returns the longest `Retry-After`: 30 seconds of the mock's clock, but at least [`MIN_WAIT`] and
/// at most 30 real seconds. Clients sleep in real time, so they wait less if the clock runs faster.
fn longest_wait(speed: f64) -> Duration {
    let longest = Duration::from_secs(30);
    Duration::try_from_secs_f64(longest.as_secs_f64() / speed.max(1.0))
        .map_or(longest, |wait| wait.clamp(MIN_WAIT, longest))
}

/// Creates a script in which tasks end at this pace. Their resource is pending for half the time,
/// or for the same number of reads.
pub(crate) fn script_at_pace(pace: Pace) -> Script {
    match pace {
        Pace::After(time) => Script::new(pace).resource(Pace::After(time / 2)),
        _ => Script::new(pace),
    }
}

/// Reads a pace from a string, or from a number of seconds.
fn pace<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Pace>, D::Error> {
    let value = Value::deserialize(from)?;
    let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match (value, seconds) {
        (_, Some(time)) => Ok(Some(Pace::After(time))),
        (Value::String(text), _) => text.parse().map(Some).map_err(D::Error::custom),
        (other, _) => other.to_string().parse().map(Some).map_err(D::Error::custom),
    }
}
