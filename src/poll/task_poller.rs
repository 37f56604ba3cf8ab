//! Polling one task.

mod update;
mod wait;

use alloc::boxed::Box;
use alloc::string::ToString;
use core::time::Duration;

use http::header::{ACCEPT, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION};
use http::{Request, Response, Uri};

use super::ReadFailure;
use super::answer::{Answer, AnsweredRequest};
use super::backoff::Waits;
use super::outcome::{Ended, FollowedTask, PollError};
use super::poller::Poller;
use super::stopwatch::Stopwatch;
use crate::document::TaskDocument;
use crate::time::Timestamp;

/// The next step in polling a task.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "callers take it apart at once")]
pub enum Step {
    /// Wait until this instant, then ask for the next step. Asking earlier does no harm.
    Wait(Timestamp),
    /// Add your credentials to this request, and send it. Then report the
    /// [answer](TaskPoller::answered), or that there was [none](TaskPoller::unanswered). The
    /// request is a `GET` without a body.
    Send(Request<()>),
    /// Stop. The outcome says how the task ended, or why that is unknown.
    Done(Result<Ended, PollError>),
}

/// Polls one task, without I/O: it decides what to ask and when, and you report the answers.
///
/// Create one with a [`Poller`]. The [module](super#laws) states the laws that it obeys.
///
/// ```
/// use std::time::Duration;
/// use tasklife::poll::{Poller, Step};
///
/// let accepted = http::Response::builder().status(202).header("retry-after", "5");
/// let accepted = accepted.header("location", "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e").body("")?;
/// let now = "2026-01-01T00:00:00Z".parse()?;
/// let mut task = Poller::new("https://api.example.com/v1")?.started_by(&accepted, now)?;
///
/// let later = "2026-01-01T00:00:05Z".parse()?;
/// assert!(matches!(task.next(now), Step::Wait(until) if until == later));
/// let Step::Send(request) = task.next(later) else { panic!("expected a request") };
/// assert_eq!(
///     request.uri(),
///     "https://api.example.com/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e"
/// );
///
/// // so soon after the start, a 404 means "not there yet"
/// let not_found = http::Response::builder().status(404).body("")?;
/// task.answered(&not_found, later);
/// let again = later + Duration::from_secs(2);
/// assert!(matches!(task.next(later), Step::Wait(until) if until == again));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TaskPoller {
    poller: Poller,
    task: FollowedTask,
    /// The address to which the last answer redirected.
    redirect: Option<Uri>,
    /// The header that the task's address came from.
    header: Option<HeaderName>,
    stopwatch: Stopwatch,
    /// When to ask next, by the stopwatch.
    due: Duration,
    /// When to ask next without regard to the backoff. This counts for the last read.
    due_without_backoff: Duration,
    /// Whether the last read took place.
    has_read_last: bool,
    backoff_waits: Waits,
    state: State,
    etag: Option<HeaderValue>,
    document: Option<TaskDocument>,
    failure: Option<ReadFailure>,
    /// How many reads have failed in a row.
    failures: u32,
    /// How many reads were answered with 404.
    not_found: u32,
    /// Whether a read ever found the task.
    was_found: bool,
    /// Since when the task is known to be in progress, by the stopwatch.
    in_progress_since: Option<Duration>,
}

#[derive(Clone, Debug)]
enum State {
    Waiting,
    /// A request was returned, and its answer was not reported yet.
    AwaitingAnswer,
    Done(Box<Result<Ended, PollError>>),
}

/// The address of a task.
pub(super) struct TaskAddress {
    pub(super) uri: Uri,
    /// The header that it came from.
    pub(super) header: Option<HeaderName>,
    /// Whether it has only the result, and no status.
    pub(super) is_result: bool,
}

impl TaskPoller {
    /// Starts polling a task now. The first read is due at once.
    pub(super) fn new(
        poller: Poller,
        id: Option<Box<str>>,
        address: Option<TaskAddress>,
        now: Timestamp,
    ) -> Self {
        let (address, header, is_result) = match address {
            Some(TaskAddress { uri, header, is_result }) => (Some(uri), header, is_result),
            None => (None, None, false),
        };
        let address_text = address.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            backoff_waits: poller.backoff.waits(&address_text),
            poller,
            task: FollowedTask { id, address, is_result },
            redirect: None,
            header,
            stopwatch: Stopwatch::started(now),
            due: Duration::ZERO,
            due_without_backoff: Duration::ZERO,
            has_read_last: false,
            state: State::Waiting,
            etag: None,
            document: None,
            failure: None,
            failures: 0,
            not_found: 0,
            was_found: false,
            in_progress_since: None,
        }
    }

    /// Returns the task.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.task
    }

    /// Returns the last document, if there was one.
    #[must_use]
    pub fn document(&self) -> Option<&TaskDocument> {
        self.document.as_ref()
    }

    /// Returns why the last read failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&ReadFailure> {
        self.failure.as_ref()
    }

    /// Returns the next step.
    ///
    /// If you call it after a [`Step::Send`] without reporting an answer, the request counts as
    /// [unanswered](Self::unanswered).
    #[must_use]
    pub fn next(&mut self, now: Timestamp) -> Step {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::AwaitingAnswer) {
            self.unanswered(now);
        }
        let is_over = elapsed >= self.deadline();
        if matches!(self.state, State::Waiting) && is_over && !self.may_read_last(elapsed, now) {
            self.stop(elapsed, PollError::TimedOut);
        }
        if let State::Done(outcome) = &self.state {
            return Step::Done((**outcome).clone());
        }
        if is_over {
            self.has_read_last = true;
            self.state = State::AwaitingAnswer;
            return Step::Send(self.request());
        }
        let deadline = self.stopwatch.when(self.deadline());
        if elapsed < self.due {
            return Step::Wait(self.stopwatch.when(self.due).min(deadline));
        }
        if let Some(limit) = &self.poller.rate_limit
            && let Err(free) = limit.take(now)
        {
            return Step::Wait(free.min(deadline));
        }
        self.state = State::AwaitingAnswer;
        Step::Send(self.request())
    }

    /// Reports the answer to the last request, even if it is cut short or about something else.
    ///
    /// A late answer counts like any other. An answer after the end changes nothing.
    pub fn answered<B: AsRef<[u8]>>(&mut self, response: &Response<B>, now: Timestamp) {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::Done(_)) {
            return;
        }
        self.state = State::Waiting;
        let (status, headers) = (response.status(), response.headers());
        self.wait(status, headers, elapsed, now);
        let redirect = self.redirect.take();
        let request = AnsweredRequest {
            poller: &self.poller,
            task: &self.task,
            address: redirect.as_ref().or(self.task.address()),
            has_only_status: self.header != Some(LOCATION),
            has_only_this_task: self.header.as_ref().is_some_and(|header| *header != LOCATION),
            is_conditional: self.etag.is_some(),
        };
        match request.read(status, headers, response.body().as_ref()) {
            Answer::Running(document) => {
                self.redirect = redirect;
                self.keep_polling(document, status, headers, elapsed);
            }
            Answer::Ended(document) => self.end(document),
            Answer::Retry(failure) => self.fail(failure, elapsed),
            Answer::Redirect(failure, address) => {
                (self.redirect, self.etag) = (Some(address), None);
                self.fail(failure, elapsed);
            }
            Answer::NotFound(failure) => self.not_found(failure, elapsed),
            Answer::Gone(failure) => {
                self.failure = Some(failure);
                self.stop(elapsed, PollError::Gone);
            }
            Answer::Refused(failure) => {
                self.failure = Some(failure);
                self.stop(elapsed, PollError::ReadFailed);
            }
        }
    }

    /// Reports that the last request got no answer: the connection failed, or it took too long.
    /// This counts as a failed read, and the poller tries again.
    pub fn unanswered(&mut self, now: Timestamp) {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::Done(_)) {
            return;
        }
        self.state = State::Waiting;
        self.fail(ReadFailure::NoAnswer, elapsed);
        self.wait_without_answer(elapsed);
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        let address = self.redirect.as_ref().or(self.task.address());
        *request.uri_mut() = address.cloned().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(etag) = &self.etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        request
    }
}
