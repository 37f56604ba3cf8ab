//! The settings for polling the tasks of an API.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use http::Uri;

use super::address::{BaseUri, Origin};
use super::{Backoff, RequestLimit};
use crate::format::{Format, RedisCloud};
use crate::link::{LinkError, Links};

/// The settings for polling the tasks of an API. It makes a [`TaskPoller`](super::TaskPoller) for
/// each task.
///
/// Cloning it is cheap. The `TaskPoller`s are independent of each other, except for a shared
/// [`RequestLimit`]. Only the base address has no default:
///
/// | setting | default |
/// |---|---|
/// | [`with_format`](Self::with_format) | [`RedisCloud`] |
/// | [`with_tasks_path`](Self::with_tasks_path) | `/tasks` |
/// | [`with_allowed_origin`](Self::with_allowed_origin) | only the origin of the base address |
/// | [`with_request_address`](Self::with_request_address) | a relative address without a leading slash is below the base address |
/// | [`with_backoff`](Self::with_backoff) | 1 s, doubling up to 30 s |
/// | [`with_least_wait`](Self::with_least_wait) | 0 s |
/// | [`with_longest_wait`](Self::with_longest_wait) | 1 hour |
/// | [`with_request_limit`](Self::with_request_limit) | none; if a server says that no requests are left, a wait of 1 minute |
/// | [`with_not_found_window`](Self::with_not_found_window) | 30 s and 5 reads |
/// | [`with_max_failures`](Self::with_max_failures) | 20 in a row, about 8 minutes |
/// | [`with_time_limit`](Self::with_time_limit) | 1 day |
/// | [`with_processing_limit`](Self::with_processing_limit) | none |
///
/// ```
/// use std::time::Duration;
/// use tasklife::format::GoogleOperation;
/// use tasklife::poll::{Backoff, Poller};
///
/// let poller = Poller::new("https://video.example.com/v1")?
///     .with_format(GoogleOperation::new("video.example.com"))
///     .with_backoff(Backoff::new(Duration::from_secs(2), Duration::from_secs(60)))
///     .with_time_limit(Duration::from_mins(30));
/// # Ok::<(), tasklife::LinkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Poller {
    pub(super) links: Arc<Links>,
    pub(super) base: BaseUri,
    /// The base for relative addresses in headers, if it differs.
    pub(super) request_base: Option<BaseUri>,
    pub(super) allowed_origins: Vec<Origin>,
    pub(super) format: Arc<dyn Format>,
    pub(super) backoff: Backoff,
    pub(super) least_wait: Duration,
    pub(super) longest_wait: Duration,
    pub(super) rate_limit: Option<RequestLimit>,
    pub(super) not_found_window: (Duration, u32),
    pub(super) max_failures: u32,
    pub(super) time_limit: Duration,
    pub(super) processing_limit: Duration,
}

impl Poller {
    /// Creates a poller for the tasks of the API at this base address, such as
    /// `https://api.example.com/v1`.
    ///
    /// The base address can be only a path, such as `/v1`. Then you add the host to each request,
    /// and no address with a host is asked unless its origin is
    /// [allowed](Self::with_allowed_origin).
    ///
    /// The credentials that you send are for the host of this address. So the poller asks no other
    /// host, whatever an answer says, unless you [allow](Self::with_allowed_origin) it.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the base address is neither an `http` or `https` URL nor a path.
    pub fn new(base: &str) -> Result<Self, LinkError> {
        let links = Links::new(base)?;
        // `Links` has checked that this is an address.
        let uri = links.base().parse::<Uri>().unwrap_or_default();
        Ok(Self {
            base: BaseUri::below(&uri),
            request_base: None,
            allowed_origins: Origin::of(&uri).into_iter().collect(),
            links: Arc::new(links),
            format: Arc::new(RedisCloud),
            backoff: Backoff::default(),
            least_wait: Duration::ZERO,
            longest_wait: Duration::from_hours(1),
            rate_limit: None,
            not_found_window: (Duration::from_secs(30), 5),
            max_failures: 20,
            time_limit: Duration::from_hours(24),
            processing_limit: Duration::MAX,
        })
    }

    /// Sets the format of the documents.
    #[must_use]
    pub fn with_format(self, format: impl Format + 'static) -> Self {
        Self { format: Arc::new(format), ..self }
    }

    /// Sets the path of the tasks below the base address, such as `/operations`.
    ///
    /// It matters for a task of which only the id is known: from the accepting answer, or from
    /// [`following_id`](Self::following_id).
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if it is not a path.
    pub fn with_tasks_path(self, path: &str) -> Result<Self, LinkError> {
        let links = Links::clone(&self.links).with_tasks_path(path)?;
        Ok(Self { links: Arc::new(links), ..self })
    }

    /// Allows requests to another origin, such as `https://operations.example.com`. Its scheme,
    /// host and port must match exactly. Your credentials will go there too.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if it is not an address with a host.
    pub fn with_allowed_origin(mut self, origin: &str) -> Result<Self, LinkError> {
        let links = Links::new(origin)?;
        let parsed = links.base().parse().ok().as_ref().and_then(Origin::of);
        self.allowed_origins.push(parsed.ok_or_else(|| LinkError::no_host(origin))?);
        Ok(self)
    }

    /// Sets the address of the request that starts the next task.
    ///
    /// If the answer has a relative address in a header, without a leading slash, it is relative to
    /// this one (RFC 9110, section 10.2.2).
    #[must_use]
    pub fn with_request_address(self, address: &Uri) -> Self {
        let request_base = self.base.beside_on_same_host(address);
        Self { request_base: Some(request_base), ..self }
    }

    /// Sets how long to wait between reads if nothing else demands a longer wait.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Sets the least time between two reads of a task, and between the accepting answer and the
    /// first read.
    ///
    /// If the server asks for a longer wait, that counts. If you start with an
    /// [address](Self::following) or an [id](Self::following_id), the first read is not delayed.
    #[must_use]
    pub fn with_least_wait(self, least_wait: Duration) -> Self {
        Self { least_wait, ..self }
    }

    /// Sets the longest wait that a server can ask for. If it asks for more, the poller waits for
    /// this long.
    ///
    /// This does not bound the wait for a [rate limit](Self::with_request_limit), nor the wait after
    /// a server said that no requests are left. The latter lasts for the period of your rate limit,
    /// or a minute without one.
    #[must_use]
    pub fn with_longest_wait(self, longest_wait: Duration) -> Self {
        Self { longest_wait, ..self }
    }

    /// Sets a rate limit for the reads of all tasks of this poller and its clones, and of all other
    /// pollers with a clone of the limit.
    #[must_use]
    pub fn with_request_limit(self, limit: RequestLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }

    /// Sets how long a 404 means "not there yet": for this time after the start, or for this many
    /// reads, whichever is longer. Once the task was found, only the time counts.
    ///
    /// Redis Cloud's API returns an id a moment before its task can be read. Its public Go client
    /// tolerates five such answers.
    #[must_use]
    pub fn with_not_found_window(self, time: Duration, reads: u32) -> Self {
        Self { not_found_window: (time, reads), ..self }
    }

    /// Sets how many reads in a row may fail before polling ends with
    /// [`ReadFailed`](super::PollError::ReadFailed). With 0, the first failure ends it.
    ///
    /// A 429 counts like any other failure. With the default backoff, 20 failures take about
    /// 8 minutes. To survive a longer outage, allow more.
    #[must_use]
    pub fn with_max_failures(self, max_failures: u32) -> Self {
        Self { max_failures, ..self }
    }

    /// Sets how long to poll a task. [`Duration::MAX`] means for as long as it takes.
    ///
    /// When the time is over, the poller reads the task one last time, if it may.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// Sets how long a task may take once it has been seen in progress.
    ///
    /// The time before that, when the task waits for others of its account, does not count. When
    /// the time is over, polling ends as with the [time limit](Self::with_time_limit), in
    /// [`TimedOut`](super::PollError::TimedOut).
    #[must_use]
    pub fn with_processing_limit(self, processing_limit: Duration) -> Self {
        Self { processing_limit, ..self }
    }
}
