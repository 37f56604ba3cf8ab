//! The settings of [`Replies`].

use alloc::sync::Arc;
use core::ops::RangeInclusive;
use core::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::account::AccountOf;
use super::{Origin, Replies};
use crate::format::{Format, ListParameters};
use crate::id::AccountId;
use crate::link::Links;

impl Replies {
    /// Sets the links of the responses.
    #[must_use]
    pub fn with_links(self, links: Links) -> Self {
        Self { links: Arc::new(links), ..self }
    }

    /// Sets the format of the responses. The default is [`RedisCloud`](crate::format::RedisCloud).
    ///
    /// It also sets the parameters of lists, unless you set [others](Self::with_list_parameters).
    ///
    /// ```
    /// use tasklife::format::GoogleOperation;
    /// use tasklife::{Links, Replies};
    ///
    /// let links = Links::new("https://video.example.com/v1")?.with_tasks_path("/operations")?;
    /// let replies = Replies::new(links).with_format(GoogleOperation::new("video.example.com"));
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn with_format(self, format: impl Format + 'static) -> Self {
        let format_parameters = format.list_parameters();
        Self { format: Arc::new(format), format_parameters, ..self }
    }

    /// Reports errors as problem details (RFC 9457) instead of in the format's own form.
    #[must_use]
    pub fn with_problem_details(self) -> Self {
        Self { problem_details: true, ..self }
    }

    /// Sets the parameters of lists, instead of those of the [format](Self::with_format).
    ///
    /// ```
    /// use core::num::NonZeroUsize;
    /// use tasklife::{Links, Replies, format::ListParameters};
    ///
    /// let most = NonZeroUsize::new(50).unwrap();
    /// let parameters = ListParameters::default().with_limit("per_page", most).with_cursor("page");
    /// let replies = Replies::new(Links::new("/api")?).with_list_parameters(parameters);
    /// let (request, ()) = http::Request::get("/api/tasks?per_page=20").body(())?.into_parts();
    /// let query = replies.list_query(&request, tasklife::MIN_TIME).expect("a good query");
    /// assert_eq!(query.limit().get(), 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_list_parameters(self, parameters: ListParameters) -> Self {
        Self { parameters: Some(parameters), ..self }
    }

    /// Sets the bounds of `Retry-After`. The default is 1 to 30 seconds.
    ///
    /// The value is half the task's age, within the bounds. It is in whole seconds, so the lower
    /// bound is rounded up and the upper bound down.
    #[must_use]
    pub fn with_retry_after(mut self, bounds: RangeInclusive<Duration>) -> Self {
        let more = u64::from(bounds.start().subsec_nanos() > 0);
        let shortest = bounds.start().as_secs().saturating_add(more);
        self.retry_after = shortest..=bounds.end().as_secs().max(shortest);
        self
    }

    /// Sets how long a response can be [held](Self::hold_until). The default is one minute.
    #[must_use]
    pub fn with_longest_wait(self, longest: Duration) -> Self {
        Self { longest_wait: longest, ..self }
    }

    /// Sets how the [account](Self::account_of) of a request is identified.
    ///
    /// `account_of` reads the account from the head of a request. `headers` are the headers that it
    /// reads. `challenge` is the `WWW-Authenticate` header of a 401 response (RFC 9110, section
    /// 11.6.1).
    ///
    /// By default, `x-api-key` contains the account's id. An `x-api-secret-key` is
    /// not needed, and is not checked. The default challenge is `ApiKey`.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use http::header::AUTHORIZATION;
    /// # let links = tasklife::Links::new("/v1")?;
    ///
    /// let bearer = HeaderValue::from_static(r#"Bearer realm="tasks""#);
    /// let replies = tasklife::Replies::new(links).with_account_of([AUTHORIZATION], bearer, |head| {
    ///     let token = head.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    ///     token.parse().ok() // here a token is an account id; a real server looks it up
    /// });
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn with_account_of(
        self,
        headers: impl IntoIterator<Item = HeaderName>,
        challenge: HeaderValue,
        account_of: impl Fn(&Parts) -> Option<AccountId> + Send + Sync + 'static,
    ) -> Self {
        let (credentials, account_of) = (headers.into_iter().collect(), AccountOf::new(account_of));
        Self { credentials, challenge, account_of: Some(account_of), ..self }
    }

    /// Returns whether you [set](Self::with_account_of) how accounts are identified.
    #[must_use]
    pub fn has_account_of(&self) -> bool {
        self.account_of.is_some()
    }

    /// Sets the header with a client's idempotency key. The default is `Idempotency-Key`.
    #[must_use]
    pub fn with_key_header(self, header: HeaderName) -> Self {
        Self { key: header, ..self }
    }

    /// Returns the header with a client's idempotency key.
    #[must_use]
    pub fn key_header(&self) -> &HeaderName {
        &self.key
    }

    /// Sets which host links lead to; see [`Origin`] and [`for_request`](Self::for_request). The
    /// default is the host of the base address.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}
