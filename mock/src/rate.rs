//! Rate limits.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use http::HeaderValue;
use http::header::{HeaderMap, HeaderName, RETRY_AFTER};
use tasklife::{MAX_TIME, Timestamp};

use crate::fault::whole_seconds;

/// A limit on the number of requests that an account may make in a period.
///
/// Further requests get a 429 and have no effect. Their `Retry-After` says when the period ends, at
/// least 1 second later.
///
/// A period starts with a request, and after its end the next request starts a new one. Requests
/// with unknown keys belong to no account and are not counted. Every answer to a counted request
/// has the number of remaining requests in a header.
///
/// ```
/// use tasklife_mock::{Authentication, MockApi, RateLimit, http, tasklife};
///
/// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
/// let api = api.with_rate_limit(RateLimit::redis_cloud());
/// let request = http::Request::get("/v1/tasks").body("")?;
/// let answers = [(); 401].map(|()| api.handle(&request, tasklife::MIN_TIME));
/// let remaining = |at: usize| answers[at].headers()["x-rate-limit-remaining"].to_str().unwrap();
/// assert_eq!((remaining(0), remaining(399), remaining(400)), ("399", "0", "0"));
/// assert_eq!((answers[399].status().as_u16(), answers[400].status().as_u16()), (200, 429));
/// assert_eq!(answers[400].headers()["retry-after"], "60");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    requests: NonZeroU32,
    per: Duration,
    header: HeaderName,
}

impl RateLimit {
    /// Creates a limit of `requests` per period. A period of zero means no limit. The header with
    /// the remaining requests is `X-Rate-Limit-Remaining`.
    #[must_use]
    pub const fn new(requests: NonZeroU32, per: Duration) -> Self {
        Self { requests, per, header: HeaderName::from_static("x-rate-limit-remaining") }
    }

    /// Returns the limit of Redis Cloud, as its clients expect it: 400 requests a minute.
    #[must_use]
    pub const fn redis_cloud() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(400).unwrap();
        Self::new(REQUESTS, Duration::from_mins(1))
    }

    /// Sets the name of the header with the remaining requests.
    #[must_use]
    pub fn with_header(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }
}

/// The current period of an account.
#[derive(Debug, Default)]
pub(crate) struct Window {
    began: Option<Timestamp>,
    count: u32,
}

/// What remains of a period after a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) requests: u32,
    /// How long the period still lasts, if the request was over the limit.
    pub(crate) wait: Option<Duration>,
}

impl Window {
    /// Counts a request.
    pub(crate) fn count(&mut self, limit: &RateLimit, now: Timestamp) -> Left {
        let end = |began: Timestamp| {
            let per = TimeDelta::from_std(limit.per).ok();
            per.and_then(|per| began.checked_add_signed(per)).unwrap_or(MAX_TIME)
        };
        let began = self.began.filter(|began| now < end(*began));
        let began = began.unwrap_or_else(|| {
            self.count = 0;
            now
        });
        self.began = Some(began);
        if self.count >= limit.requests.get() {
            // At most one period, even if the clock went back.
            let wait = end(began).signed_duration_since(now).to_std().unwrap_or_default();
            return Left { requests: 0, wait: Some(wait.min(limit.per)) };
        }
        self.count += 1;
        Left { requests: limit.requests.get() - self.count, wait: None }
    }
}

impl Left {
    /// Writes the headers of an answer.
    pub(crate) fn tell(self, limit: &RateLimit, headers: &mut HeaderMap) {
        headers.insert(limit.header.clone(), HeaderValue::from(self.requests));
        if let Some(wait) = self.wait {
            headers.insert(RETRY_AFTER, whole_seconds(wait).into());
        }
    }
}
