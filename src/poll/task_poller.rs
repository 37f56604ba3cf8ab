//! Following one task.

mod wait;

use alloc::boxed::Box;
use alloc::string::ToString;
use core::time::Duration;

use http::header::{ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION};
use http::{Request, Response, StatusCode, Uri};

use super::address::Directory;
use super::backoff::Waits;
use super::outcome::{Ended, FollowedTask, Known, PollError, Unfinished};
use super::poller::Poller;
use super::reading::{Asked, Reading};
use super::stopwatch::Stopwatch;
use super::{ReadFailure, header};
use crate::document::{ReportedStatus, TaskDocument};
use crate::status::TaskStatus;
use crate::time::Now;

/// What to do next about a task.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum Step {
    /// Nothing before this instant. Ask for the next step then; to do so earlier does no harm.
    Wait(Now),
    /// Send this request, with credentials; then tell what was [answered](TaskPoller::answered), or that
    /// [nothing](TaskPoller::unanswered) was. It is a `GET` without a body.
    Send(Request<()>),
    /// Nothing any more: it is known how the task ended, or why that can't be known.
    Done(Result<Ended, PollError>),
}

/// Follows one task: says what to ask and when, and is told the answers. No I/O.
///
/// A [`Poller`] makes it. The laws that hold for it are [with the module](super#laws).
///
/// ```
/// use std::time::Duration;
/// use tasklife::poll::{Poller, Step};
///
/// let accepted = http::Response::builder().status(202).header("retry-after", "5");
/// let accepted = accepted.header("location", "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e").body("")?;
/// let now = "2026-01-01T00:00:00Z".parse()?;
/// let mut poller = Poller::new("https://api.example.com/v1")?.started_by(&accepted, now)?;
///
/// let later = "2026-01-01T00:00:05Z".parse()?;
/// assert!(matches!(poller.next(now), Step::Wait(until) if until == later));
/// let Step::Send(request) = poller.next(later) else { panic!("it is time to ask") };
/// assert_eq!(
///     request.uri(),
///     "https://api.example.com/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e"
/// );
///
/// // the server may have it in a moment
/// let unknown = http::Response::builder().status(404).body("")?;
/// poller.answered(&unknown, later);
/// let again = later + Duration::from_secs(2);
/// assert!(matches!(poller.next(later), Step::Wait(until) if until == again));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TaskPoller {
    poller: Poller,
    task: FollowedTask,
    /// Where a redirect leads.
    moved: Option<Uri>,
    /// The header that the address came from.
    header: Option<HeaderName>,
    stopwatch: Stopwatch,
    /// When to ask next, by the stopwatch.
    due: Duration,
    /// The same without the back-off, which the last look does not wait for.
    due_at_least: Duration,
    /// Whether there was a look since the time is over.
    has_looked: bool,
    waits: Waits,
    state: State,
    etag: Option<HeaderValue>,
    document: Option<TaskDocument>,
    failure: Option<ReadFailure>,
    failures: u32,
    not_found: u32,
    /// Whether the task was ever there when it was asked for.
    was_found: bool,
    /// Since when the task is known to be in progress.
    in_progress: Option<Duration>,
}

#[derive(Clone, Debug)]
enum State {
    Waiting,
    /// A request was handed out, and nothing was told of it yet.
    Asked,
    Done(Box<Result<Ended, PollError>>),
}

/// Where a task is asked for.
pub(super) struct Place {
    pub(super) address: Uri,
    pub(super) header: Option<HeaderName>,
    /// Whether what is there is the result alone.
    pub(super) is_result: bool,
}

impl TaskPoller {
    /// Follows a task from now on, first asking when asked to.
    pub(super) fn new(
        poller: Poller,
        id: Option<Box<str>>,
        place: Option<Place>,
        now: Now,
    ) -> Self {
        let (address, header, is_result) = match place {
            Some(Place { address, header, is_result }) => (Some(address), header, is_result),
            None => (None, None, false),
        };
        let of = address.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            waits: poller.backoff.waits(&of),
            poller,
            task: FollowedTask { id, address, is_result },
            moved: None,
            header,
            stopwatch: Stopwatch::started(now),
            due: Duration::ZERO,
            due_at_least: Duration::ZERO,
            has_looked: false,
            state: State::Waiting,
            etag: None,
            document: None,
            failure: None,
            failures: 0,
            not_found: 0,
            was_found: false,
            in_progress: None,
        }
    }

    /// The task that is followed.
    #[must_use]
    pub fn task(&self) -> &FollowedTask {
        &self.task
    }

    /// What the server told of it last, if it did.
    #[must_use]
    pub fn document(&self) -> Option<&TaskDocument> {
        self.document.as_ref()
    }

    /// Why the last read failed; none, where it did not.
    #[must_use]
    pub fn failure(&self) -> Option<&ReadFailure> {
        self.failure.as_ref()
    }

    /// What to do next.
    ///
    /// Who calls it again without telling what became of a request, has lost the answer: it counts as
    /// [unanswered](Self::unanswered).
    #[must_use]
    pub fn next(&mut self, now: Now) -> Step {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::Asked) {
            self.unanswered(now);
        }
        let is_over = elapsed >= self.deadline();
        if matches!(self.state, State::Waiting) && is_over && !self.may_look(elapsed, now) {
            self.stop(elapsed, PollError::TimedOut);
        }
        if let State::Done(outcome) = &self.state {
            return Step::Done((**outcome).clone());
        }
        if is_over {
            self.has_looked = true;
            self.state = State::Asked;
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
        self.state = State::Asked;
        Step::Send(self.request())
    }

    /// Tells what the last request was answered, be it cut short, or about something else.
    ///
    /// An answer that comes late is as good; one that comes after the end changes nothing.
    pub fn answered<B: AsRef<[u8]>>(&mut self, response: &Response<B>, now: Now) {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::Done(_)) {
            return;
        }
        self.state = State::Waiting;
        let (status, headers) = (response.status(), response.headers());
        self.wait(status, headers, elapsed, now);
        let moved = self.moved.take();
        let asked = Asked {
            poller: &self.poller,
            task: &self.task,
            address: moved.as_ref().or(self.task.address()),
            is_monitor: self.header != Some(LOCATION),
            has_own_address: self.header.as_ref().is_some_and(|header| *header != LOCATION),
            is_conditional: self.etag.is_some(),
        };
        match asked.read(status, headers, response.body().as_ref()) {
            Reading::Running(document) => {
                self.moved = moved;
                self.goes_on(document, status, headers, elapsed);
            }
            Reading::Ended(document) => self.end(document),
            Reading::Again(failure) => self.fail(failure, elapsed),
            Reading::Moved(failure, address) => {
                (self.moved, self.etag) = (Some(address), None);
                self.fail(failure, elapsed);
            }
            Reading::NotFound(failure) => self.not_found(failure, elapsed),
            Reading::Gone(failure) => {
                self.failure = Some(failure);
                self.stop(elapsed, PollError::Gone);
            }
            Reading::Refused(failure) => {
                self.failure = Some(failure);
                self.stop(elapsed, PollError::ReadFailed);
            }
        }
    }

    /// Tells that the last request had no answer: the connection failed, or it took too long. It counts as a failed
    /// read, and is tried again.
    pub fn unanswered(&mut self, now: Now) {
        let elapsed = self.stopwatch.read(now);
        if matches!(self.state, State::Done(_)) {
            return;
        }
        self.state = State::Waiting;
        self.fail(ReadFailure::NoAnswer, elapsed);
        self.wait_without_answer(elapsed);
    }

    /// Takes what a document shows of a task that has ended.
    pub(super) fn end(&mut self, document: TaskDocument) {
        self.note_id(&document);
        let has_error = document.response().is_some_and(|response| response.error().is_some());
        let status = document.status().clone();
        self.document = Some(document.clone());
        let ended = Ended::new(self.task.clone(), document);
        self.state = State::Done(Box::new(match status {
            ReportedStatus::Cancelled(_) => Err(PollError::Cancelled(ended)),
            ReportedStatus::Known(TaskStatus::ProcessingCompleted) if !has_error => Ok(ended),
            _ => Err(PollError::Failed(ended)),
        }));
    }

    /// Takes what a document shows of a task that goes on.
    pub(super) fn note(&mut self, document: TaskDocument, elapsed: Duration) {
        self.note_id(&document);
        if document.status().known() == Some(TaskStatus::ProcessingInProgress) {
            self.in_progress.get_or_insert(elapsed);
        }
        self.document = Some(document);
    }

    fn note_id(&mut self, document: &TaskDocument) {
        let id = Some(document.task_id()).filter(|id| !id.is_empty() && !self.task.is_result);
        if self.task.id.is_none() {
            self.task.id = id.map(Box::from);
        }
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        let address = self.moved.as_ref().or(self.task.address());
        *request.uri_mut() = address.cloned().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(etag) = &self.etag {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        request
    }

    fn goes_on(
        &mut self,
        document: Option<TaskDocument>,
        status: StatusCode,
        headers: &HeaderMap,
        elapsed: Duration,
    ) {
        (self.failures, self.failure, self.was_found) = (0, None, true);
        if let Some(document) = document {
            self.note(document, elapsed);
            self.etag = headers.get(ETAG).cloned();
        }
        self.has_looked = elapsed >= self.deadline();
        // The server may have it elsewhere by now. `Location` is the task's in a 202 only: in others it may well be that
        // of what the task makes.
        let is_its = |header: &&HeaderName| **header != LOCATION || status == StatusCode::ACCEPTED;
        let header = self.header.as_ref().filter(is_its);
        let to = header.and_then(|header| header::text(headers, header));
        let from = self.task.address.as_ref().map(Directory::of);
        let to = to.zip(from).and_then(|(to, from)| from.resolve(to, &self.poller.sites).ok());
        if let Some(to) = to.filter(|to| Some(to) != self.task.address.as_ref()) {
            self.task.address = Some(to);
            (self.moved, self.etag) = (None, None);
        }
    }

    fn not_found(&mut self, failure: ReadFailure, elapsed: Duration) {
        let (window, reads) = self.poller.not_found_window;
        self.not_found = self.not_found.saturating_add(1);
        let is_new = !self.was_found && self.not_found <= reads;
        self.failure = Some(failure);
        if !is_new && elapsed > window {
            self.stop(elapsed, PollError::Gone);
        }
    }

    fn fail(&mut self, failure: ReadFailure, elapsed: Duration) {
        self.failure = Some(failure);
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.poller.max_failures {
            self.stop(elapsed, PollError::ReadFailed);
        }
    }

    fn stop(&mut self, elapsed: Duration, why: fn(Unfinished) -> PollError) {
        self.state = State::Done(Box::new(Err(why(Unfinished::new(Known {
            task: self.task.clone(),
            document: self.document.clone(),
            failure: self.failure.clone(),
            followed_for: elapsed,
        })))));
    }
}
