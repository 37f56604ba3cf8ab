//! How the tasks of an API are followed.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use http::Uri;

use super::address::{Directory, Site};
use super::{Backoff, RequestLimit};
use crate::format::{Format, RedisCloud};
use crate::link::{LinkError, Links};

/// How the tasks of an API are followed: it makes a [`TaskPoller`](super::TaskPoller) for each task, of which none
/// knows of another.
///
/// Cheap enough to clone for each task. With the exception of the address all has a default:
///
/// | | unless set |
/// |---|---|
/// | [`with_format`](Self::with_format) | the documents are those of [`RedisCloud`] |
/// | [`with_tasks`](Self::with_tasks) | tasks are below `/tasks`, where only an id is known |
/// | [`with_further_origin`](Self::with_further_origin) | only the host of the base address is asked |
/// | [`with_request_address`](Self::with_request_address) | a relative address without a slash is below the base address |
/// | [`with_backoff`](Self::with_backoff) | waits of 1 s, and then doubled, up to 30 s |
/// | [`with_least_wait`](Self::with_least_wait) | none |
/// | [`with_longest_wait`](Self::with_longest_wait) | no server asks for more than an hour |
/// | [`with_request_limit`](Self::with_request_limit) | none; where a server says that no request is left, a minute's wait |
/// | [`with_not_found_window`](Self::with_not_found_window) | 404 is "not yet" for 30 s, and 5 times |
/// | [`with_max_failures`](Self::with_max_failures) | 20 reads in a row may fail: for about 8 minutes |
/// | [`with_time_limit`](Self::with_time_limit) | a day |
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
    pub(super) base: Directory,
    pub(super) request: Option<Directory>,
    pub(super) sites: Vec<Site>,
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
    /// A poller for the tasks of the API at this base address, such as `https://api.example.com/v1`; or a path such
    /// as `/v1`, where the one who sends the requests adds the host.
    ///
    /// The credentials that are sent along are for the host of this address. So no other is asked, whatever an
    /// answer says, unless it is [allowed](Self::with_further_origin); below a path, no address with a host is.
    ///
    /// # Errors
    /// Where it is no such address.
    pub fn new(base: &str) -> Result<Self, LinkError> {
        let links = Links::new(base)?;
        // What links can be made of, is an address.
        let uri = links.base().parse::<Uri>().unwrap_or_default();
        Ok(Self {
            base: Directory::below(&uri),
            request: None,
            sites: Site::of(&uri).into_iter().collect(),
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

    /// Sets the path of tasks below the base address, such as `/operations`: below it is asked for a task of which no more
    /// is known than its id, by the accepting answer or to [who follows it](Self::following_id).
    ///
    /// # Errors
    /// Where it is no path.
    pub fn with_tasks(self, path: &str) -> Result<Self, LinkError> {
        let links = Links::clone(&self.links).with_tasks(path)?;
        Ok(Self { links: Arc::new(links), ..self })
    }

    /// Allows another host to be asked, such as `https://operations.example.com`, with the scheme and the port that
    /// the address has. What is sent along with a request goes there too.
    ///
    /// # Errors
    /// Where it is no address with a host.
    pub fn with_further_origin(mut self, origin: &str) -> Result<Self, LinkError> {
        let links = Links::new(origin)?;
        let site = links.base().parse().ok().as_ref().and_then(Site::of);
        self.sites.push(site.ok_or_else(|| LinkError::no_host(origin))?);
        Ok(self)
    }

    /// Sets where the request goes that starts the next task: an address in a header of the answer that is relative
    /// and has no slash in front is relative to it (RFC 9110, section 10.2.2).
    #[must_use]
    pub fn with_request_address(self, address: &Uri) -> Self {
        let request = self.base.beside(address);
        Self { request: Some(request), ..self }
    }

    /// Sets how long to wait between reads where nobody says more.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Sets the least time between two reads of a task, and between the accepting answer and the first read. It adds to
    /// what the server asks for, and never takes from it: the longer of the two counts. Who begins with an
    /// [address](Self::following) or an [id](Self::following_id) asks at once.
    #[must_use]
    pub fn with_least_wait(self, least_wait: Duration) -> Self {
        Self { least_wait, ..self }
    }

    /// Sets how long a server can make a task wait at the most: where it asks for more, this counts. The wait for a
    /// [rate limit](Self::with_request_limit) is not bounded by it, nor is that after a server said that no request is left:
    /// these last as long as the limit, which is the caller's own, or a minute.
    #[must_use]
    pub fn with_longest_wait(self, longest_wait: Duration) -> Self {
        Self { longest_wait, ..self }
    }

    /// Sets a limit of reads in a time, for all tasks of this poller, its clones, and all others that have the same.
    #[must_use]
    pub fn with_request_limit(self, limit: RequestLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }

    /// Sets how long a 404 is taken for "not yet": for this time after the start, and for so many reads. Whichever lasts
    /// longer counts. Once the task was there, the time alone does.
    ///
    /// The API of Redis Cloud hands out an id a moment before its task can be read; its public client in Go takes
    /// five such answers.
    #[must_use]
    pub fn with_not_found_window(self, time: Duration, reads: u32) -> Self {
        Self { not_found_window: (time, reads), ..self }
    }

    /// Sets how many reads in a row may fail, and be tried again, before the status counts as
    /// [unread](super::PollError::ReadFailed); with 0 the first failure ends it. A 429 counts as any other. With the default
    /// back-off, 20 last for about 8 minutes: who wants to outlast a longer outage, allows more.
    #[must_use]
    pub fn with_max_failures(self, max_failures: u32) -> Self {
        Self { max_failures, ..self }
    }

    /// Sets how long a task is followed; [`Duration::MAX`] for as long as it takes. If it may ask when the time is over,
    /// it takes a last look.
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// Sets how long a task may take from when it is first seen in progress. What it waits before, for its turn
    /// behind others of its account, does not count. The [end](super::PollError::TimedOut) is the same as with the
    /// [time limit](Self::with_time_limit).
    #[must_use]
    pub fn with_processing_limit(self, processing_limit: Duration) -> Self {
        Self { processing_limit, ..self }
    }
}
