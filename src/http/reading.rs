//! What a server reads from a request.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::TimeDelta;
use http::request::Parts;
use http::{HeaderName, Response, StatusCode};

use super::refusal_reason::{self, RefusalReason};
use super::{Replies, X_API_KEY, request};
use crate::id::{AccountId, TaskId};
use crate::link::Links;
use crate::store::ListQuery;
use crate::time::{MAX_TIME, Timestamp, clamp_time};

impl Replies {
    /// Returns replies for one request, whose links lead to the host that the client sees, as the
    /// [origin](Self::with_origin) specifies.
    ///
    /// Call this before you do anything else for the request.
    ///
    /// ```
    /// use tasklife::{Links, Origin, Replies};
    ///
    /// let replies = Replies::new(Links::new("/v1")?).with_origin(Origin::Host);
    /// let request = http::Request::get("/v1/tasks").header("host", "api.example.com").body(())?;
    /// let (request, ()) = request.into_parts();
    /// let replies = replies.for_request(&request, tasklife::MIN_TIME).expect("a good Host");
    /// assert_eq!(replies.links().base(), "http://api.example.com/v1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the response to the request if its `Host` is malformed or occurs twice. Also returns
    /// it if the origin needs a host and the request has none.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn for_request(&self, request: &Parts, now: Timestamp) -> Result<Self, Response<String>> {
        let base = self.links.base();
        let (scheme, path) = match base.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.find('/').map_or("", |at| &rest[at..])),
            None => ("http", base),
        };
        match self.origin.of(request, scheme) {
            Ok(None) => Ok(self.clone()),
            Ok(Some(origin)) => {
                // This can't fail: `of` checked the origin, and `Links` the path.
                let links = Links::clone(&self.links).with_base(&(origin + path));
                Ok(links.map_or_else(|_| self.clone(), |links| self.clone().with_links(links)))
            }
            Err(reason) => Err(self.refuse(request, &reason, now)),
        }
    }

    /// Returns the account that a request belongs to, as [configured](Self::with_account_of).
    ///
    /// # Errors
    ///
    /// Returns the response to the request, 401, if no known account is identified.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn account_of(
        &self,
        request: &Parts,
        now: Timestamp,
    ) -> Result<AccountId, Response<String>> {
        let account = match &self.account_of {
            Some(account_of) => account_of.find(request),
            None => request.headers.get(X_API_KEY).and_then(|key| key.to_str().ok()?.parse().ok()),
        };
        account.ok_or_else(|| {
            let names: Vec<&str> = self.credentials.iter().map(HeaderName::as_str).collect();
            let names = if names.is_empty() { "credentials".into() } else { names.join(", ") };
            let message = format!("expected {names} of a known account");
            self.refuse(request, &RefusalReason::new(StatusCode::UNAUTHORIZED, message), now)
        })
    }

    /// Returns the task id that a client's idempotency key stands for, or `None` if the request has
    /// no key.
    ///
    /// The same key of the same account always gives the same id. The key is in the header
    /// `Idempotency-Key`, unless you [set another](Self::with_key_header).
    ///
    /// # Errors
    ///
    /// Returns the response to the request if the header occurs more than once, is empty, is longer
    /// than 255 bytes, or is not visible ASCII.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn id_of_key(
        &self,
        request: &Parts,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Option<TaskId>, Response<String>> {
        request::id_of_key(request, &self.key, account)
            .map_err(|reason| self.refuse(request, &reason, now))
    }

    /// Returns the id of the task that a request's path names.
    ///
    /// It is the segment after the last occurrence of the [path of tasks](Links::with_tasks_path).
    /// Anything after the id is ignored, such as a trailing slash or a further path like `/result`.
    ///
    /// # Errors
    ///
    /// Returns the response to the request if there is no such segment, or if it is not a UUID. The
    /// response is the same as for a task that doesn't exist.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn id_in_path(&self, request: &Parts, now: Timestamp) -> Result<TaskId, Response<String>> {
        let path = request::task_path(request, self.links.tasks_path());
        path.and_then(|path| path.id)
            .ok_or_else(|| self.refuse(request, &refusal_reason::no_task(), now))
    }

    /// Returns the query of a request for the list, according to the
    /// [parameters](Self::with_list_parameters).
    ///
    /// # Errors
    ///
    /// Returns the response to the request if a parameter has an invalid value or occurs twice.
    #[expect(clippy::result_large_err, reason = "it is returned to a client as it is")]
    pub fn list_query(
        &self,
        request: &Parts,
        now: Timestamp,
    ) -> Result<ListQuery, Response<String>> {
        self.parameters().read(request.uri.query().unwrap_or_default()).map_err(|error| {
            self.refuse(request, &RefusalReason::bad_request(error.to_string()), now)
        })
    }

    /// Returns the instant until which to hold the response, if the client asks for that.
    ///
    /// A client asks with `Prefer: wait=N`, in seconds (RFC 7240). The instant is at most the
    /// [longest wait](Self::with_longest_wait) after `now`.
    ///
    /// This method does not wait. A server that holds responses looks at the task again until it
    /// has ended or the instant has come. It then responds with the task's latest state: to a
    /// submission with [`accepted`](Self::accepted), and to a read with [`polled`](Self::polled).
    /// The status remains the format's.
    ///
    /// ```
    /// let replies = tasklife::Replies::new(tasklife::Links::new("/v1")?);
    /// let request = http::Request::post("/v1/videos").header("prefer", "respond-async, wait=5");
    /// let (request, ()) = request.body(())?.into_parts();
    /// let now = "2026-01-01T00:00:00Z".parse()?;
    /// assert_eq!(replies.hold_until(&request, now), Some("2026-01-01T00:00:05Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn hold_until(&self, request: &Parts, now: Timestamp) -> Option<Timestamp> {
        let wait = request::wait(request)?.min(self.longest_wait);
        let until = TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait));
        Some(until.map_or(MAX_TIME, clamp_time))
    }
}
