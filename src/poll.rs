//! A sans-I/O client that follows tasks: it decides what to ask a server, and when.
//!
//! Every client of an API with tasks has a loop that polls a task until it ends. A [`Poller`] holds
//! the settings for an API, and makes a [`TaskPoller`] for each task. You give the `TaskPoller` the
//! time and the server's answers, and it returns the next step. You send the requests and sleep. It
//! works with servers of any [format](crate::format), built with this crate or not.
//!
//! ```
//! use http::Response;
//! use tasklife::poll::{Poller, Step};
//! # let seconds = std::cell::Cell::new(0);
//! # let now = || tasklife::Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds.get());
//! # let sleep_until = |until: tasklife::Timestamp| seconds.set(until.timestamp());
//! # let answer = |status: &str| {
//! #     let body = format!(r#"{{"taskId": "36d4b04d-72d4-4404-8600-a223120a553e", "status": "{status}"}}"#);
//! #     Response::new(body)
//! # };
//! # let send = |request: http::Request<()>| {
//! #     assert_eq!(request.uri().path(), "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e");
//! #     let status = if seconds.get() < 3 { "received" } else { "processing-completed" };
//! #     Ok::<_, std::io::Error>(answer(status))
//! # };
//! # let accepted = answer("received");
//!
//! // `accepted` is the response to the request that started the task
//! let poller = Poller::new("https://api.example.com/v1")?;
//! let mut task = poller.started_by(&accepted, now())?;
//! let outcome = loop {
//!     match task.next(now()) {
//!         Step::Wait(until) => sleep_until(until),
//!         Step::Send(request) => match send(request) {
//!             Ok(response) => task.answered(&response, now()),
//!             Err(_) => task.unanswered(now()), // the next step tries again
//!         },
//!         Step::Done(outcome) => break outcome,
//!     }
//! };
//! assert_eq!(outcome?.document().task_id(), "36d4b04d-72d4-4404-8600-a223120a553e");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The outcome is `Ok` with the whole document if the task completed. Otherwise it is a
//! [`PollError`]: the operation failed, was cancelled, took too long or is gone, or its status could
//! not be read. Each error names the task.
//!
//! # Laws
//!
//! These hold whatever the server answers, and whatever the clock says. The *accepting answer* is
//! the response to the request that started the task.
//!
//! - **P1** Before each read, the poller waits for the longest of the following waits. They start
//!   when you report the answer to the last read, or that there was none. Before the first read,
//!   they start with the accepting answer.
//!   - What the server [asked for](#when-it-asks). `Retry-After` counts up to the
//!     [longest wait](Poller::with_longest_wait). If a read got no answer, what the answer before it
//!     asked for still counts.
//!   - The caller's [least wait](Poller::with_least_wait).
//!   - The [backoff](Poller::with_backoff).
//!   - The [rate limit](Poller::with_request_limit).
//!
//!   Two reads wait for less:
//!
//!   | read | waits for |
//!   |---|---|
//!   | the first, if you start with an address or an id | only the rate limit |
//!   | the last, when a time limit is over (P3) | all but the backoff |
//! - **P2** The outcome is a completion, a failure or a cancellation if and only if an answer about
//!   this very task shows one. Anything that goes wrong leads to another outcome.
//!   - Once an earlier answer or [`following_id`](Poller::following_id) has given the id, only a
//!     document with this id is about the task. So is a document without an id if the address came
//!     from `Operation-Location` or `Azure-AsyncOperation`, since these lead to one task only.
//!   - Until then, a document is about another task only if its id and the last segment of the
//!     address are different UUIDs.
//!   - At the address of a [result](#what-an-answer-means), no ids are compared, since the answer
//!     may be about the resource.
//! - **P3** Polling ends with the first answer that shows the end of the task. The poller asks as
//!   soon as P1 permits. Otherwise polling goes on at most until one of two limits is over: the [time
//!   limit](Poller::with_time_limit), which counts from the start, or the [processing
//!   limit](Poller::with_processing_limit), which counts from the first answer that shows the task in
//!   progress. Then the poller reads one last time, if P1 permits a read at that point, even if the
//!   caller slept past the limit. After that it gives up.
//! - **P4** All pollers that share a rate limit together send no more requests than it permits, in
//!   any period of its length. The limit relies on one clock: callers whose clocks differ by more
//!   than a second can't share it.
//!
//! # What an answer means
//!
//! | answer | meaning |
//! |---|---|
//! | 200 to 299 with a document about the task | what the document says: completed, failed, cancelled, or still running. An unknown status is still running. A completion with an error is a failure |
//! | 202 without a document; 304 after a request with `If-None-Match` | still running |
//! | 404 | not there yet, within the [window](Poller::with_not_found_window) after the start; then gone |
//! | 410 | gone |
//! | no answer | a failed read |
//! | 408, 425, 429, or any status outside 200 to 499 | a failed read |
//! | a body that is not a document, or is cut short | a failed read |
//! | a document about another task | a failed read |
//! | any other 3xx | a failed read. The next read follows `Location` if its origin is [allowed](Poller::with_allowed_origin). Otherwise it goes to the same address again. A 303 that leads to a result is not understood as one |
//! | any other 4xx | the status can't be read. The poller does not try again |
//!
//! After a failed read the poller tries again, until
//! [more than so many](Poller::with_max_failures) have failed in a row.
//!
//! With [`AzureResourceManager`](crate::format::AzureResourceManager), an accepting answer may have
//! only `Location`. That address has the
//! [result](crate::format::Format::has_result_at_location), and no status:
//!
//! - 202 means still running, whatever the body says.
//! - Any other 2xx is the end, with as much of the result as can be read. It is a completion,
//!   unless the body says that the operation failed or was cancelled.
//! - If the operation failed, most servers answer with the error's own HTTP status. The poller
//!   can't distinguish this from a failure to read. The error's message is in
//!   [`ReadFailure::Status`].
//!
//! # When it asks
//!
//! - A server asks for a wait with `Retry-After`, in seconds or as a date. It can do so in any
//!   answer, and each answer replaces what the one before asked for.
//! - A date is compared with the answer's own `Date`.
//! - Azure's `retry-after-ms` and `x-ms-retry-after-ms` count too.
//! - After `X-Rate-Limit-Remaining: 0`, the wait is at least the period of the [`RequestLimit`], or
//!   a minute without one. A 429 with `Retry-After` overrides this, since it says exactly how long
//!   to wait.
//!
//! A wait that a server asks for holds back one task. But the first of these that applies holds
//! back all pollers with the same `RequestLimit`:
//!
//! 1. After a 429 with `Retry-After`, all wait for as long as it says.
//! 2. After `X-Rate-Limit-Remaining: 0`, all wait for the period of the limit.
//! 3. After any other 429, all wait for the backoff.
//!
//! # Continuing in another process
//!
//! Store the [address](FollowedTask::address) of a task, and whether it
//! [leads to the result](FollowedTask::leads_to_result). After a crash, or with new credentials,
//! continue with [`following`](Poller::following) or
//! [`following_result`](Poller::following_result). If you have only the id, use
//! [`following_id`](Poller::following_id).
//!
//! # Clocks
//!
//! Waits and limits count how far the caller's clock moves forward.
//!
//! - If the clock is set back, the time that has passed still counts. The rest of a wait is counted
//!   from the new time.
//! - A clock that is behind by up to a second does not count as set back: the poller waits until it
//!   catches up.
//! - If the clock jumps forward, the skipped time counts as passed.
//! - If the clock stands still, no time passes.
//!
//! A [`Step::Wait`] is for an instant later than `now`. Only at the
//! [end of time](crate::MAX_TIME) can it be `now` itself.
//!
//! # Hosts and credentials
//!
//! You add the credentials to each request, so an answer must not decide where they go. The poller
//! asks only at the *origin* (scheme, host and port) of the base address, and at those that you
//! [allow](Poller::with_allowed_origin). An address with another origin has these effects:
//!
//! - In the accepting answer, it is a [`StartError`].
//! - In a redirect, it is a failed read.
//! - In any other answer, it is ignored.
//!
//! Configure your HTTP client not to follow redirects. No error shows the query of an address,
//! since some servers put keys there.
//!
//! A task can move. If its address came from [a header](Poller::started_by), and a later answer has
//! another address in the same header, the poller asks there from then on. `Location` counts only
//! in a 202, because in other answers it may be the address of the resource that the task makes.

mod address;
mod answer;
mod backoff;
mod failure;
mod header;
mod outcome;
mod poller;
mod request_limit;
mod start;
mod start_error;
mod stopwatch;
mod task_poller;

pub use backoff::Backoff;
pub use failure::ReadFailure;
pub use outcome::{Ended, FollowedTask, PollError, Unfinished};
pub use poller::Poller;
pub use request_limit::RequestLimit;
pub use start_error::StartError;
pub use task_poller::{Step, TaskPoller};
