//! A client that follows tasks, without I/O: what to ask a server, and when.
//!
//! Every client of an API with tasks has a loop that asks whether its task has ended. A [`Poller`] knows how the
//! tasks of an API are followed, and makes a [`TaskPoller`] for each. That one is told the time and the answers, and
//! says what to do. It works for servers of any [format](crate::format), built with this crate or not; sending
//! requests and sleeping is up to the caller:
//!
//! ```
//! use http::Response;
//! use tasklife::poll::{Poller, Step};
//! # let seconds = std::cell::Cell::new(0);
//! # let now = || tasklife::Now::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds.get());
//! # let sleep_until = |until: tasklife::Now| seconds.set(until.timestamp());
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
//! // `accepted` is the answer to the request that started the task
//! let mut poller = Poller::new("https://api.example.com/v1")?.started_by(&accepted, now())?;
//! let outcome = loop {
//!     match poller.next(now()) {
//!         Step::Wait(until) => sleep_until(until),
//!         Step::Ask(request) => match send(request) {
//!             Ok(response) => poller.answered(&response, now()),
//!             Err(_) => poller.failed(now()), // it is tried again
//!         },
//!         Step::Done(outcome) => break outcome,
//!     }
//! };
//! assert_eq!(outcome?.document().task_id(), "36d4b04d-72d4-4404-8600-a223120a553e");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An outcome is `Ok` with the whole document of a task that completed, or a [`PollError`], which tells apart that the
//! operation failed, was cancelled, took too long, is gone, and that its status could not be read. Each names the
//! task.
//!
//! # Laws
//!
//! Whatever the server answers, and whatever the clock says:
//!
//! - P1 Between two reads, and before the first, it waits for the longest of: what the server [asked for](#when) with
//!   its last answer, up to the [longest wait](Poller::with_longest_wait); the caller's
//!   [least wait](Poller::with_least_wait); the [back-off](Poller::with_backoff); the
//!   [rate limit](Poller::with_rate_limit).
//! - P2 It ends with a completion, a failure or a cancellation exactly where an answer about this very task shows one.
//!   What else goes wrong is another outcome.
//! - P3 It ends with the first answer that shows the end, and asks as soon as the wait of P1 is over, if others have not
//!   taken what the rate limit has room for. Where no answer shows the end, it ends when the
//!   [time limit](Poller::with_time_limit) is over.
//! - P4 All that share a rate limit ask no more often than it says, in any stretch of its length.
//!
//! # What an answer means
//!
//! | answer | meaning |
//! |---|---|
//! | 200 to 299 with a document about the task | what it says: completed, failed, cancelled, and else still running. An unknown status is still running; one that says it has completed and has an error has failed |
//! | 202 without a document; 304 | still running |
//! | 404 | not yet, within the [window](Poller::with_not_found_window) after the start; then gone |
//! | 410 | gone |
//! | no answer; 408, 425, 429, 500 to 599; no document, such as one that was cut short; one about another task | tried again, up to [so many](Poller::with_max_failures) in a row |
//! | 300 to 399 | tried again where `Location` leads, if that [may be asked](Poller::with_origin), and else where it was; counted with the former |
//! | any other 4xx | the status can't be read, and it is not tried again |
//!
//! With [`AzureResourceManager`](crate::format::AzureResourceManager), where the accepting answer has only `Location`, the
//! [result](crate::format::Format::has_result_at_location) alone is at that address: then 202 is running, whatever its
//! body says, and 204 a completion. If that operation fails, the server answers with the error's own HTTP status, which
//! can't be told from a failure to read; its words are in [`ReadFailure::Status`].
//!
//! # When
//!
//! A server asks for a wait with `Retry-After`, in seconds or as a date, in any answer: each later one replaces it. A
//! date is compared with the answer's `Date`. Azure's `retry-after-ms` and `x-ms-retry-after-ms` count too. With
//! `X-Rate-Limit-Remaining: 0` the wait is no less than the length of the [`RateLimit`], or a minute; in a 429 with
//! `Retry-After`, the latter says it better. After either, all that share the limit wait.
//!
//! # Another process
//!
//! The [address](FollowedTask::address) of a task is all that has to be kept to go on with it, after a crash or with new
//! credentials: see [`following`](Poller::following).
//!
//! # Clocks
//!
//! Waits and limits are counted by how far the caller's clock goes forward. A clock that is set back takes nothing away
//! from what has passed: it is counted from there on, so that a wait takes no longer than it would have, and begins
//! where it was. (One that is behind by up to a second is waited for.) A clock that jumps forward passes the time
//! that it jumped over. One that stands still passes none.
//!
//! # Where, and with which credentials
//!
//! The caller adds the credentials to each request. So an answer decides only over paths: an address of another scheme,
//! host or port than that of the base address is not asked, unless [allowed](Poller::with_origin). One in the accepting
//! answer is a [`StartError`]. One in a later answer is passed over, and a redirect counts as a failed read. Let the HTTP
//! client follow no redirects by itself.
//!
//! An address in the first header is [followed](Poller::started_by) when a later answer has another one there.

mod address;
mod backoff;
mod failure;
mod header;
mod outcome;
mod poller;
mod rate_limit;
mod reading;
mod start;
mod stopwatch;
mod task_poller;

pub use backoff::Backoff;
pub use failure::ReadFailure;
pub use outcome::{Ended, FollowedTask, PollError, Unfinished};
pub use poller::Poller;
pub use rate_limit::RateLimit;
pub use start::StartError;
pub use task_poller::{Step, TaskPoller};
