//! Limits on the number of requests in a period.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stopwatch::Stopwatch;
use crate::time::Timestamp;

/// A rate limit: the number of requests that may be sent in a period.
///
/// Clones share the same limit. Give a clone to each [`Poller`](super::Poller) that uses the same
/// account, and call [`take`](Self::take) before each other request that you send.
///
/// The limit holds for every period of this length, wherever it starts. So a server that counts in
/// windows of its own never sees more requests either. If a server says that it got too many, all
/// that share the limit wait.
///
/// ```
/// use core::num::NonZeroU32;
/// use std::time::Duration;
/// use tasklife::poll::RequestLimit;
///
/// let limit = RequestLimit::new(NonZeroU32::MIN, Duration::from_secs(2)); // one every two seconds
/// let (now, later) = ("2026-01-01T00:00:00Z".parse()?, "2026-01-01T00:00:02Z".parse()?);
/// assert_eq!(limit.take(now), Ok(()));
/// assert_eq!(limit.clone().take(now), Err(later));
/// assert_eq!(limit.take(later), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Time is how far the callers' clock moves forward, as with a [`TaskPoller`](super::TaskPoller).
/// All callers must use the same clock. If two clocks differ by more than a second, time passes
/// with each change from one to the other.
#[derive(Clone, Debug)]
pub struct RequestLimit {
    requests: NonZeroU32,
    period: Duration,
    window: Arc<Mutex<Window>>,
}

#[derive(Debug, Default)]
struct Window {
    stopwatch: Option<Stopwatch>,
    /// When the last requests were sent, at most as many as the limit.
    sent: VecDeque<Duration>,
    /// Until when no request may be sent, because a server asked for that.
    paused_until: Duration,
}

impl RequestLimit {
    /// Creates a limit of this many requests in each period. If the period is zero, there is no
    /// limit.
    #[must_use]
    pub fn new(requests: NonZeroU32, period: Duration) -> Self {
        Self { requests, period, window: Arc::default() }
    }

    /// Creates the limit that Redis Cloud's clients assume: 400 requests a minute.
    #[must_use]
    pub fn redis_cloud() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(400).unwrap();
        Self::new(REQUESTS, Duration::from_mins(1))
    }

    /// Returns the period for which the number of requests is limited.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Counts a request that you send now, if the limit permits it.
    ///
    /// # Errors
    ///
    /// Returns the instant at which the next request is permitted, if none is now. Another caller
    /// may be faster then.
    pub fn take(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut window = self.window();
        let elapsed = window.read(now);
        while window.sent.front().is_some_and(|sent| elapsed.saturating_sub(*sent) >= self.period) {
            window.sent.pop_front();
        }
        let max = usize::try_from(self.requests.get()).unwrap_or(usize::MAX);
        let is_full = window.sent.len() >= max;
        let oldest = window.sent.front().filter(|_| is_full);
        let free = oldest.map_or(Duration::ZERO, |sent| sent.saturating_add(self.period));
        let due = free.max(window.paused_until);
        if elapsed < due {
            return Err(window.instant_of(due, now));
        }
        window.sent.push_back(elapsed);
        Ok(())
    }

    /// Permits no requests for this long, as a server asked.
    pub fn pause(&self, time: Duration, now: Timestamp) {
        let mut window = self.window();
        let until = window.read(now).saturating_add(time);
        window.paused_until = window.paused_until.max(until);
    }

    /// Locks the window. No call leaves it half changed, so a poisoned lock does not matter.
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn read(&mut self, now: Timestamp) -> Duration {
        self.stopwatch.get_or_insert_with(|| Stopwatch::started(now)).read(now)
    }

    fn instant_of(&self, elapsed: Duration, now: Timestamp) -> Timestamp {
        self.stopwatch.as_ref().map_or(now, |stopwatch| stopwatch.when(elapsed))
    }
}
