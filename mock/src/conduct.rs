//! How clients behaved, according to the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use tasklife::{AccountId, TaskId};

use crate::fault::FaultKind;
use crate::journal::Exchange;

/// How clients behaved: whether they waited as long as asked, how often they polled, and whether
/// they repeated a request with the same `Idempotency-Key`.
///
/// This is an observation, not a verdict. For example, a request that was already on its way when
/// an answer asked to wait is also [too early](Self::too_early).
///
/// ```
/// use tasklife_mock::{Authentication, Conduct, Fault, MockApi, Pace, Script, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
/// api.on_any(Script::new(Pace::Immediate).with_fault(Fault::cut_short().on_submission(1)))?;
/// let send = |key: &str| {
///     let request = http::Request::post("/v1/subscriptions").header("idempotency-key", key);
///     api.handle(&request.body("{}").unwrap(), tasklife::MIN_TIME)
/// };
/// send("order-1"); // the answer is cut short, so the client retries
/// send("order-2");
/// let conduct = Conduct::of(&api.journal());
/// assert_eq!(conduct.repeats.len(), 1);
/// assert!(!conduct.repeats[0].has_same_key(), "two subscriptions may have been made");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Waiting times are measured by the times of the exchanges. If the mock's clock runs faster than
/// real time, a sleeping client appears to wait longer. If the clock stands still, the client does
/// not appear to wait at all.
///
/// In JSON, names are in camel case and durations are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conduct {
    /// The requests that came sooner than an answer had asked for, oldest first.
    pub too_early: Vec<EarlyRequest>,
    /// How often each task was read, by the id in the request, even if no such task exists.
    pub polls: BTreeMap<TaskId, Polls>,
    /// The requests that were sent more than once, ordered by their first exchange.
    pub repeats: Vec<RepeatedRequest>,
}

/// A request that came sooner than the `Retry-After` of an earlier answer allowed.
///
/// A `Retry-After` applies to these later requests:
///
/// - If the earlier request was [over the rate limit](Exchange::is_rate_limited): all requests of
///   the account.
/// - Otherwise, if it was about a task: requests about the same task.
/// - Otherwise: requests of the account with the same method and path, whatever their bodies.
///
/// The answer to a submission, and to each read of an open task, also has a
/// `Retry-After`. Use [`status`](Self::status) to distinguish these from a 429 or 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EarlyRequest {
    /// The [number](Exchange::number) of the earlier exchange, whose answer asked to wait.
    pub asked_by: u64,
    /// The status of the earlier answer, such as 429.
    pub status: u16,
    /// The [number](Exchange::number) of the early exchange: the first one after `asked_by` that
    /// the `Retry-After` applies to.
    pub number: u64,
    /// How long the answer asked to wait.
    #[serde(with = "seconds")]
    pub retry_after: Duration,
    /// How long the client waited, by the times of the exchanges.
    #[serde(with = "seconds")]
    pub waited: Duration,
}

/// How often a task was read: the number of `GET`s of the task or of its result, whatever the
/// answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Polls {
    /// All reads.
    pub total: u64,
    /// The reads after one that showed the end of the task. If the task was
    /// [removed](crate::Script::gone_after) and created again under the same key, reads of the new
    /// task count only after its own end.
    pub after_end: u64,
}

/// A request that was sent more than once.
///
/// The exchanges have the same account, method, path and body, and the method is neither `GET` nor
/// `HEAD`. In addition, one of these holds:
///
/// - They have the same `Idempotency-Key`.
/// - The earlier answer may have been unusable: a 429 or 5xx, or one that was cut short, not JSON
///   or delayed because of a [fault](Exchange::faults).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RepeatedRequest {
    /// The method and path.
    pub request: String,
    /// The [numbers](Exchange::number) of the exchanges.
    pub numbers: Vec<u64>,
    /// The `Idempotency-Key` of each exchange.
    pub idempotency_keys: Vec<Option<String>>,
}

impl RepeatedRequest {
    /// Returns whether all exchanges had the same key, so that the mock carried out the request
    /// once.
    #[must_use]
    pub fn has_same_key(&self) -> bool {
        let first = self.idempotency_keys.first().and_then(Option::as_ref);
        first.is_some() && self.idempotency_keys.iter().all(|key| key.as_ref() == first)
    }
}

/// A duration in seconds.
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

/// The requests that a `Retry-After` applies to.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum About<'a> {
    Account,
    Task(TaskId),
    Request(&'a str, &'a str),
}

/// The requests that can be repeated, in the order of their first exchange.
#[derive(Default)]
struct Sent<'a> {
    repeats: Vec<RepeatedRequest>,
    /// The index in `repeats` of the last request without a usable answer.
    unanswered: BTreeMap<RequestKey<'a>, usize>,
    keyed: BTreeMap<(RequestKey<'a>, &'a str), usize>,
}

/// What repeated requests have in common: account, method, path and body.
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
    /// Evaluates exchanges, oldest first: a whole [journal](crate::MockApi::journal), or a part of
    /// it, such as the exchanges of one account.
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

    /// Records whether an exchange came too early, and what it asks to wait for.
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
    /// Returns the task that the request read by its id.
    fn polled(&self) -> Option<TaskId> {
        let id = self.task_id.filter(|_| self.method == Method::GET)?;
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/').any(|segment| segment.parse() == Ok(id)).then_some(id)
    }

    /// Returns whether the client may have been unable to use the answer.
    fn may_be_unusable(&self) -> bool {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let is_spoiled = self.faults.iter().any(|fault| *fault != FaultKind::Status);
        is_spoiled || status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
    }
}
