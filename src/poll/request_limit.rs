//! How many requests may be sent in a time.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stopwatch::Stopwatch;
use crate::time::Now;

/// How many requests may be sent in a time, shared by all that count on it.
///
/// A clone is the same limit: give one to each [`Poller`](super::Poller) that asks for the same account, and
/// [take](Self::take) for each other request that you send. In any stretch of that length there are no more than
/// so many, so that a server which counts in windows of its own sees no more either. Where a server says that too
/// many came, all that share it wait.
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
/// Time is how far the clock goes forward that its callers read, as with a [`TaskPoller`](super::TaskPoller). They need
/// the same one: of clocks that differ by more than a second, each change from one to the other would pass time.
#[derive(Clone, Debug)]
pub struct RequestLimit {
    requests: NonZeroU32,
    per: Duration,
    window: Arc<Mutex<Window>>,
}

#[derive(Debug, Default)]
struct Window {
    stopwatch: Option<Stopwatch>,
    /// When the last requests were sent: no more than there may be.
    sent: VecDeque<Duration>,
    /// Until when a server wants none.
    paused: Duration,
}

impl RequestLimit {
    /// So many requests in a time; in none, there is no limit.
    #[must_use]
    pub fn new(requests: NonZeroU32, per: Duration) -> Self {
        Self { requests, per, window: Arc::default() }
    }

    /// That of Redis Cloud, as its clients rely on it: 400 requests a minute.
    #[must_use]
    pub fn redis_cloud() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(400).unwrap();
        Self::new(REQUESTS, Duration::from_mins(1))
    }

    /// The time in which there may be so many requests.
    #[must_use]
    pub fn per(&self) -> Duration {
        self.per
    }

    /// Counts a request that is sent now, if there may be one.
    ///
    /// # Errors
    /// Where there may be none: when there may be the next. It is not promised to this caller.
    pub fn take(&self, now: Now) -> Result<(), Now> {
        let mut window = self.window();
        let elapsed = window.read(now);
        while window.sent.front().is_some_and(|sent| elapsed.saturating_sub(*sent) >= self.per) {
            window.sent.pop_front();
        }
        let most = usize::try_from(self.requests.get()).unwrap_or(usize::MAX);
        let is_full = window.sent.len() >= most;
        let first = window.sent.front().filter(|_| is_full);
        let free = first.map_or(Duration::ZERO, |sent| sent.saturating_add(self.per));
        let due = free.max(window.paused);
        if elapsed < due {
            return Err(window.when(due, now));
        }
        window.sent.push_back(elapsed);
        Ok(())
    }

    /// Lets all that share it wait for a time from now on, as a server asked for.
    pub fn pause(&self, time: Duration, now: Now) {
        let mut window = self.window();
        let until = window.read(now).saturating_add(time);
        window.paused = window.paused.max(until);
    }

    /// No call leaves a change half made, so that a poisoned lock guards sound content.
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn read(&mut self, now: Now) -> Duration {
        self.stopwatch.get_or_insert_with(|| Stopwatch::started(now)).read(now)
    }

    fn when(&self, elapsed: Duration, now: Now) -> Now {
        self.stopwatch.as_ref().map_or(now, |stopwatch| stopwatch.when(elapsed))
    }
}
