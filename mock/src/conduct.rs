//! What a client did, as far as a journal tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde::{Serialize, Serializer};
use tasklife::{AccountId, TaskId};

use crate::journal::Exchange;

/// What clients did: whether they waited as long as they were told, how often they polled, and whether they
/// repeated a request under the same key.
///
/// It says what was, and not whose fault it is: a request that was on its way when an answer asked to
/// wait came too early, too.
///
/// ```
/// use tasklife_mock::{Conduct, Fault, KeyIn, MockApi, Pace, Script, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_keys(KeyIn::Nowhere("acme".parse()?));
/// api.on_any(Script::new(Pace::AtOnce).faulting(Fault::cut_short().on_submission(1)))?;
/// let send = |key: &str| {
///     let request = http::Request::post("/v1/subscriptions").header("idempotency-key", key);
///     api.handle(&request.body("{}").unwrap(), tasklife::MIN_TIME)
/// };
/// send("order-1"); // the answer is cut short, so the client asks again
/// send("order-2");
/// let conduct = Conduct::of(&api.journal());
/// assert_eq!(conduct.repeats.len(), 1);
/// assert!(!conduct.repeats[0].has_same_key(), "it may have made two");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// As JSON its names are in camel case, and times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conduct {
    /// The requests that came before the time that an answer had asked to wait, oldest first.
    pub too_early: Vec<TooEarly>,
    /// How often each task was read that was read at all, by its id.
    pub polls: BTreeMap<TaskId, Polls>,
    /// The requests that were sent more than once, in the order of the first.
    pub repeats: Vec<Repeat>,
}

/// A request that came too early.
///
/// What an answer with `Retry-After` is about is its task; without one, the same method and path; and if the
/// request was [one too many](Exchange::is_one_too_many), all of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TooEarly {
    /// The [number](Exchange::number) of the exchange whose answer asked to wait.
    pub told: u64,
    /// That of the first exchange after it about the same.
    pub came: u64,
    /// How long it was to wait.
    #[serde(serialize_with = "seconds")]
    pub asked: Duration,
    /// How long it waited, by the times of the exchanges.
    #[serde(serialize_with = "seconds")]
    pub waited: Duration,
}

/// How often a task was read: `GET`s of it, whatever the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Polls {
    /// In all.
    pub all: u64,
    /// After the first that showed its end.
    pub after_end: u64,
}

/// A request that was sent again: by the same account, with the same method, other than `GET` and `HEAD`, path
/// and body; after an answer of which the client can't have made anything (429, 5xx, a [fault](Exchange::faults)),
/// or under the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Repeat {
    /// Method and path.
    pub request: String,
    /// The [numbers](Exchange::number) of the exchanges.
    pub numbers: Vec<u64>,
    /// The key with which each came.
    pub keys: Vec<Option<String>>,
}

impl Repeat {
    /// Whether all of them had the same key, so that what they ask for is done once.
    #[must_use]
    pub fn has_same_key(&self) -> bool {
        let first = self.keys.first().and_then(Option::as_ref);
        first.is_some() && self.keys.iter().all(|key| key.as_ref() == first)
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// What a request to wait is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum About<'a> {
    Account,
    Task(TaskId),
    Request(&'a str, &'a str),
}

/// A request that may be sent again.
type Sent<'a> = (Option<&'a AccountId>, &'a str, &'a str, &'a str);

impl Conduct {
    /// What some exchanges tell, oldest first: all of a [journal](crate::MockApi::journal), or those of one
    /// account, or of one time.
    #[must_use]
    pub fn of<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let mut conduct = Self::default();
        let mut waits: BTreeMap<(Option<&AccountId>, About<'_>), &Exchange> = BTreeMap::new();
        let mut ended = BTreeSet::new();
        let mut sent: BTreeMap<Sent<'_>, (Repeat, bool)> = BTreeMap::new();
        let mut repeats: Vec<Repeat> = Vec::new();
        for exchange in exchanges {
            conduct.look_at_wait(&mut waits, exchange);
            if let (Some(id), &Method::GET) = (exchange.task_id, &exchange.method) {
                let polls = conduct.polls.entry(id).or_default();
                polls.all += 1;
                polls.after_end += u64::from(ended.contains(&id));
                if exchange.task_status.is_some_and(tasklife::TaskStatus::is_terminal) {
                    ended.insert(id);
                }
            }
            if ![Method::GET, Method::HEAD].contains(&exchange.method) {
                let account = exchange.account.as_ref();
                let (method, path) = (exchange.method.as_str(), &*exchange.path);
                let known = sent.entry((account, method, path, &exchange.request_body));
                let fresh = || (Repeat::new(exchange), false);
                let (repeat, failed) = known.or_insert_with(fresh);
                if repeat.numbers.first() != Some(&exchange.number) {
                    let key = &exchange.idempotency_key;
                    let is_same = key.is_some() && repeat.keys.last() == Some(key);
                    if *failed || is_same {
                        repeat.numbers.push(exchange.number);
                        repeat.keys.push(key.clone());
                    } else {
                        repeats.push(std::mem::replace(repeat, Repeat::new(exchange)));
                    }
                }
                *failed = exchange.tells_nothing();
            }
        }
        repeats.extend(sent.into_values().map(|(repeat, _)| repeat));
        repeats.retain(|repeat| repeat.numbers.len() > 1);
        repeats.sort_by(|one, other| one.numbers.cmp(&other.numbers));
        Self { repeats, ..conduct }
    }

    /// Whether an exchange came too early, and what it asks for itself.
    fn look_at_wait<'a>(
        &mut self,
        waits: &mut BTreeMap<(Option<&'a AccountId>, About<'a>), &'a Exchange>,
        exchange: &'a Exchange,
    ) {
        let account = exchange.account.as_ref();
        let own = || match exchange.task_id {
            Some(id) => About::Task(id),
            None => About::Request(exchange.method.as_str(), &exchange.path),
        };
        for about in [About::Account, own()] {
            let Some(told) = waits.remove(&(account, about)) else { continue };
            let asked = Duration::from_secs(told.retry_after.unwrap_or_default());
            let waited = exchange.at.signed_duration_since(told.at);
            let waited = waited.max(TimeDelta::zero()).to_std().unwrap_or_default();
            if waited < asked {
                let (told, came) = (told.number, exchange.number);
                self.too_early.push(TooEarly { told, came, asked, waited });
            }
        }
        if exchange.retry_after.is_some_and(|seconds| seconds > 0) {
            let about = if exchange.is_one_too_many { About::Account } else { own() };
            waits.insert((account, about), exchange);
        }
    }
}

impl Repeat {
    fn new(exchange: &Exchange) -> Self {
        Self {
            request: format!("{} {}", exchange.method, exchange.path),
            numbers: vec![exchange.number],
            keys: vec![exchange.idempotency_key.clone()],
        }
    }
}

impl Exchange {
    /// Whether a client can't have made anything of the answer.
    fn tells_nothing(&self) -> bool {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        !self.faults.is_empty() || status.is_server_error() || self.status == 429
    }
}
