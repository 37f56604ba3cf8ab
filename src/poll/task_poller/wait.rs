//! When to ask next.

use core::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;

use super::TaskPoller;
use crate::poll::{RequestLimit, header};
use crate::time::Timestamp;

/// How long to wait after a server said that no requests are left, if the period of its limit is
/// unknown.
const DEFAULT_PERIOD: Duration = Duration::from_mins(1);

impl TaskPoller {
    /// Delays the next read until this instant, unless it is due even later.
    ///
    /// Call it to continue in another process: pass the instant of the last
    /// [`Step::Wait`](super::Step::Wait) in the former process. If the instant is further away than
    /// the [longest wait](crate::poll::Poller::with_longest_wait), the poller waits only for that
    /// long.
    pub fn wait_until(&mut self, at: Timestamp, now: Timestamp) {
        let elapsed = self.stopwatch.read(now);
        let wait = at.signed_duration_since(now).to_std().unwrap_or(Duration::ZERO);
        let due = elapsed.saturating_add(wait.min(self.poller.longest_wait));
        self.due = self.due.max(due);
        self.due_without_backoff = self.due_without_backoff.max(due);
    }

    /// Waits before the first read, after the accepting answer.
    pub(in crate::poll) fn wait_before_first_read(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        now: Timestamp,
    ) {
        let elapsed = self.stopwatch.read(now);
        self.wait(status, headers, elapsed, now);
    }

    /// Waits after an answer, as law P1 says.
    pub(super) fn wait(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        elapsed: Duration,
        now: Timestamp,
    ) {
        let backoff = self.backoff_waits.next();
        let poller = &self.poller;
        let limit = poller.rate_limit.as_ref();
        let asked = header::wait(headers, now).map(|asked| asked.min(poller.longest_wait));

        // In a 429, `Retry-After` is about all requests. In other answers it is about this task.
        let is_too_many = status == StatusCode::TOO_MANY_REQUESTS;
        let asked_of_all = asked.filter(|_| is_too_many);
        let has_none_left = asked_of_all.is_none() && header::has_no_requests_left(headers);
        let period = has_none_left.then(|| limit.map_or(DEFAULT_PERIOD, RequestLimit::period));
        let pause = asked_of_all.or(period).or(is_too_many.then_some(backoff));
        if let (Some(limit), Some(pause)) = (limit, pause) {
            limit.pause(pause, now);
        }

        let without_backoff =
            poller.least_wait.max(asked.unwrap_or_default()).max(period.unwrap_or_default());
        self.due = elapsed.saturating_add(without_backoff.max(backoff));
        self.due_without_backoff = elapsed.saturating_add(without_backoff);
    }

    /// Waits after a request without an answer. What the previous answer asked for still counts.
    pub(super) fn wait_without_answer(&mut self, elapsed: Duration) {
        let least = self.poller.least_wait;
        let wait = self.backoff_waits.next().max(least);
        self.due = self.due.max(elapsed.saturating_add(wait));
        self.due_without_backoff = self.due_without_backoff.max(elapsed.saturating_add(least));
    }

    /// Returns when the time limit or the processing limit is over, by the stopwatch.
    pub(super) fn deadline(&self) -> Duration {
        let end_of_processing = self
            .in_progress_since
            .map_or(Duration::MAX, |since| since.saturating_add(self.poller.processing_limit));
        end_of_processing.min(self.poller.time_limit)
    }

    /// Returns whether the last read may take place, now that the time is over. If so, it is
    /// counted in the rate limit.
    pub(super) fn may_read_last(&self, elapsed: Duration, now: Timestamp) -> bool {
        let is_due = !self.has_read_last && elapsed >= self.due_without_backoff;
        is_due && self.poller.rate_limit.as_ref().is_none_or(|limit| limit.take(now).is_ok())
    }
}
