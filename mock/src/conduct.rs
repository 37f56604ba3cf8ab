//! What a client did, as far as a journal tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use tasklife::{AccountId, TaskId};

use crate::fault::FaultKind;
use crate::journal::Exchange;

/// What clients did: whether they waited as long as they were told, how often they polled, and whether they
/// repeated a request under the same key.
///
/// It says what was, and not whose fault it is: a request that was on its way when an answer asked to
/// wait came too early, too.
///
/// ```
/// use tasklife_mock::{Conduct, Fault, Authentication, MockApi, Pace, Script, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
/// api.on_any(Script::new(Pace::Immediate).with_fault(Fault::cut_short().on_submission(1)))?;
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
/// Times are those of the exchanges: where a clock runs faster than that of the world, or stands still, a client that
/// sleeps in the world waits for longer, or not at all.
///
/// As JSON its names are in camel case, and times are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conduct {
    /// The requests that came before the time that an answer had asked to wait, oldest first.
    pub too_early: Vec<EarlyRequest>,
    /// How often each task was read, by the id that was asked for, were it unknown.
    pub polls: BTreeMap<TaskId, Polls>,
    /// The requests that were sent more than once, in the order of the first.
    pub repeats: Vec<RepeatedRequest>,
}

/// A request that came too early.
///
/// What an answer with `Retry-After` is about is its task; where it has no task, all requests of the account with the
/// same method and path, whatever their bodies; and if the request was [one too
/// many](Exchange::is_rate_limited), all requests of the account. The answer to a submission, and to each read of a
/// task that has not ended, has a `Retry-After`, too: its [`status`](Self::status) tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EarlyRequest {
    /// The [number](Exchange::number) of the exchange whose answer asked to wait.
    pub asked_by: u64,
    /// The status of that answer, such as 429.
    pub status: u16,
    /// That of the first exchange after it about the same.
    pub number: u64,
    /// How long it was to wait.
    #[serde(with = "seconds")]
    pub retry_after: Duration,
    /// How long it waited, by the times of the exchanges.
    #[serde(with = "seconds")]
    pub waited: Duration,
}

/// How often a task was read: `GET`s of it, or of what it came to, whatever the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Polls {
    /// In all.
    pub total: u64,
    /// After one that showed its end, unless it was [gone](crate::Script::gone_after) since, and made anew under the same
    /// key.
    pub after_end: u64,
}

/// A request that was sent again: by the same account, with the same method, other than `GET` and `HEAD`, path
/// and body; under the same key, or after an answer of which the client may have made nothing: 429, 5xx, or one that
/// was cut short, no JSON, or late, as a [fault](Exchange::faults) asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RepeatedRequest {
    /// Method and path.
    pub request: String,
    /// The [numbers](Exchange::number) of the exchanges.
    pub numbers: Vec<u64>,
    /// The key with which each came.
    pub idempotency_keys: Vec<Option<String>>,
}

impl RepeatedRequest {
    /// Whether all of them had the same key, so that what they ask for is done once.
    #[must_use]
    pub fn has_same_key(&self) -> bool {
        let first = self.idempotency_keys.first().and_then(Option::as_ref);
        first.is_some() && self.idempotency_keys.iter().all(|key| key.as_ref() == first)
    }
}

/// A time in seconds.
mod seconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What a request to wait is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum About<'a> {
    Account,
    Task(TaskId),
    Request(&'a str, &'a str),
}

/// The requests that may be sent again: by account, method, path and body.
#[derive(Default)]
struct Sent<'a> {
    repeats: Vec<RepeatedRequest>,
    /// The last of them without an answer that told anything, and the last under each key: places in the list.
    unanswered: BTreeMap<RequestKey<'a>, usize>,
    keyed: BTreeMap<(RequestKey<'a>, &'a str), usize>,
}

/// What is asked for: account, method, path and body.
type RequestKey<'a> = (Option<&'a AccountId>, &'a str, &'a str, &'a str);

impl<'a> Sent<'a> {
    fn add(&mut self, exchange: &'a Exchange) {
        let account = exchange.account.as_ref();
        let request_key: RequestKey<'_> =
            (account, exchange.method.as_str(), &exchange.path, &exchange.request_body);
        let key = exchange.idempotency_key.as_deref();
        let known = key.and_then(|key| self.keyed.get(&(request_key, key)).copied());
        let known = known.or_else(|| self.unanswered.get(&request_key).copied());
        let at = known.unwrap_or(self.repeats.len());
        if known.is_none() {
            let request = format!("{} {}", exchange.method, exchange.path);
            self.repeats.push(RepeatedRequest {
                request,
                numbers: Vec::new(),
                idempotency_keys: Vec::new(),
            });
        }
        let repeat = &mut self.repeats[at];
        repeat.numbers.push(exchange.number);
        repeat.idempotency_keys.push(exchange.idempotency_key.clone());
        if let Some(key) = key {
            self.keyed.insert((request_key, key), at);
        }
        if exchange.may_be_unusable() {
            self.unanswered.insert(request_key, at);
        } else if self.unanswered.get(&request_key) == Some(&at) {
            self.unanswered.remove(&request_key);
        }
    }

    fn into_repeats(mut self) -> Vec<RepeatedRequest> {
        self.repeats.retain(|repeat| repeat.numbers.len() > 1);
        self.repeats
    }
}

impl Conduct {
    /// What some exchanges tell, oldest first: all of a [journal](crate::MockApi::journal), or those of one
    /// account, or of one time.
    #[must_use]
    pub fn of<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let mut conduct = Self::default();
        let mut waits: BTreeMap<(Option<&AccountId>, About<'_>), &Exchange> = BTreeMap::new();
        let mut ended = BTreeSet::new();
        let mut sent = Sent::default();
        for exchange in exchanges {
            conduct.check_wait(&mut waits, exchange);
            if let Some(id) = exchange.polled() {
                let polls = conduct.polls.entry(id).or_default();
                polls.total += 1;
                polls.after_end += u64::from(ended.contains(&id));
            }
            match (exchange.task_id, exchange.task_status) {
                (Some(id), Some(status)) if status.is_terminal() => drop(ended.insert(id)),
                (Some(id), Some(_)) => drop(ended.remove(&id)),
                _ => {}
            }
            if ![Method::GET, Method::HEAD].contains(&exchange.method) {
                sent.add(exchange);
            }
        }
        Self { repeats: sent.into_repeats(), ..conduct }
    }

    /// Whether an exchange came too early, and what it asks for itself.
    fn check_wait<'a>(
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
            let Some(earlier) = waits.remove(&(account, about)) else { continue };
            let retry_after = Duration::from_secs(earlier.retry_after.unwrap_or_default());
            let waited = exchange.at.signed_duration_since(earlier.at);
            let waited = waited.max(TimeDelta::zero()).to_std().unwrap_or_default();
            if waited < retry_after {
                self.too_early.push(EarlyRequest {
                    number: exchange.number,
                    asked_by: earlier.number,
                    status: earlier.status,
                    retry_after,
                    waited,
                });
            }
        }
        if exchange.retry_after.is_some_and(|seconds| seconds > 0) {
            let about = if exchange.is_rate_limited { About::Account } else { own() };
            waits.insert((account, about), exchange);
        }
    }
}

impl Exchange {
    /// The task that was asked for by its id.
    fn polled(&self) -> Option<TaskId> {
        let id = self.task_id.filter(|_| self.method == Method::GET)?;
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/').any(|segment| segment.parse() == Ok(id)).then_some(id)
    }

    /// Whether a client may have made nothing of the answer.
    fn may_be_unusable(&self) -> bool {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let is_spoiled = self.faults.iter().any(|fault| *fault != FaultKind::Status);
        is_spoiled || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
    }
}
