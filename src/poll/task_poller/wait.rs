//! When a task is asked for.

use core::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;

use super::TaskPoller;
use crate::poll::{RequestLimit, header};
use crate::time::Now;

/// How long the window of a limit lasts of which no more is known than that it is spent.
const WINDOW: Duration = Duration::from_mins(1);

impl TaskPoller {
    /// Asks no earlier than at this instant: that of the last [`Step::Wait`](super::Step::Wait), where the task was
    /// followed in another process before. If that is further away than the
    /// [longest wait](crate::poll::Poller::with_longest_wait), it waits for no more than the latter.
    pub fn wait_until(&mut self, at: Now, now: Now) {
        let elapsed = self.stopwatch.read(now);
        let wait = at.signed_duration_since(now).to_std().unwrap_or(Duration::ZERO);
        let due = elapsed.saturating_add(wait.min(self.poller.longest_wait));
        self.due = self.due.max(due);
        self.due_at_least = self.due_at_least.max(due);
    }

    /// Waits before the first read, as the accepting answer asks for.
    pub(in crate::poll) fn wait_first(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        now: Now,
    ) {
        let elapsed = self.stopwatch.read(now);
        self.wait(status, headers, elapsed, now);
    }

    /// Waits for the longest of what anybody asks for.
    pub(super) fn wait(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        elapsed: Duration,
        now: Now,
    ) {
        let backoff = self.waits.next();
        let poller = &self.poller;
        let asked = header::wait(headers, now).map(|asked| asked.min(poller.longest_wait));
        let mut least = poller.least_wait.max(asked.unwrap_or_default());
        let limit = poller.rate_limit.as_ref();
        // Of other answers, `Retry-After` is about the task, and not about requests.
        let is_one_too_many = status == StatusCode::TOO_MANY_REQUESTS;
        let of_requests = asked.filter(|_| is_one_too_many);
        let is_spent = of_requests.is_none() && header::is_spent(headers);
        let window = is_spent.then(|| limit.map_or(WINDOW, RequestLimit::per));
        least = least.max(window.unwrap_or_default());
        // What is asked of this task alone keeps no other from asking.
        let of_all = of_requests.or(window).or(is_one_too_many.then_some(backoff));
        if let (Some(limit), Some(wait)) = (limit, of_all) {
            limit.pause(wait, now);
        }
        self.due = elapsed.saturating_add(least.max(backoff));
        self.due_at_least = elapsed.saturating_add(least);
    }

    /// Waits after a request without an answer: what the answer before asked for still counts.
    pub(super) fn wait_without_answer(&mut self, elapsed: Duration) {
        let least = self.poller.least_wait;
        let wait = self.waits.next().max(least);
        self.due = self.due.max(elapsed.saturating_add(wait));
        self.due_at_least = self.due_at_least.max(elapsed.saturating_add(least));
    }

    /// When following it ends, by the stopwatch.
    pub(super) fn deadline(&self) -> Duration {
        let of_processing = self
            .in_progress
            .map_or(Duration::MAX, |since| since.saturating_add(self.poller.processing_limit));
        of_processing.min(self.poller.time_limit)
    }

    /// Whether there may be a last look, now that the time is over. It takes its place in the rate limit.
    pub(super) fn may_look(&self, elapsed: Duration, now: Now) -> bool {
        let is_due = !self.has_looked && elapsed >= self.due_at_least;
        is_due && self.poller.rate_limit.as_ref().is_none_or(|limit| limit.take(now).is_ok())
    }
}
