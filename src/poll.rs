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
//!         Step::Send(request) => match send(request) {
//!             Ok(response) => poller.answered(&response, now()),
//!             Err(_) => poller.unanswered(now()), // it is tried again
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
//! - P1 Between two reads, and between the accepting answer and the first read, it waits for the longest of these: what
//!   the server [asked for](#when), in the answer to the last read or, where a read had none, in the one before, up to
//!   the [longest wait](Poller::with_longest_wait); the caller's [least wait](Poller::with_least_wait); the
//!   [back-off](Poller::with_backoff); the [rate limit](Poller::with_request_limit). Who begins with an address or an id
//!   waits for the rate limit alone. The last look of P3 does not wait for the back-off.
//! - P2 It ends with a completion, a failure or a cancellation exactly where an answer about this very task shows one.
//!   What else goes wrong is another outcome. Where neither the accepting answer nor a read told the id yet, and the
//!   address ends with no UUID, a document with another task's id can't be told from one about the task.
//! - P3 It ends with the first answer that shows the end. It asks as soon as the wait of P1 is over, unless others have
//!   used up the rate limit by then. Where no answer shows the end, it ends when the
//!   [time limit](Poller::with_time_limit) is over, or the [limit of processing](Poller::with_processing_limit). If it
//!   may ask then, it takes a last look before: also when the caller slept for longer.
//! - P4 All that share a rate limit ask no more often than it says, in any stretch of its length. It counts
//!   by one clock: those whose clocks differ by more than a second can't share a limit.
//!
//! # What an answer means
//!
//! | answer | meaning |
//! |---|---|
//! | 200 to 299 with a document about the task | what it says: completed, failed, cancelled, and else still running. An unknown status is still running; one that says it has completed and has an error has failed |
//! | 202 without a document; 304 | still running |
//! | 404 | not yet, within the [window](Poller::with_not_found_window) after the start; then gone |
//! | 410 | gone |
//! | no answer; 408, 425, 429, 500 to 599; no document, such as one that was cut short; one about another task | a failed read. It is tried again, up to [so many](Poller::with_max_failures) times in a row |
//! | 300 to 399 | a failed read too. The next one goes where `Location` leads, if that [may be asked](Poller::with_further_origin), and else where this one went |
//! | 303 to what the task came to | the same: that a redirect leads to a result, and not to a status, is not understood |
//! | any other 4xx | the status can't be read, and it is not tried again |
//!
//! A document without an id completes nothing where the id is known, unless the address came from
//! `Operation-Location` or `Azure-AsyncOperation`: there is no other task.
//!
//! With [`AzureResourceManager`](crate::format::AzureResourceManager), where the accepting answer has only `Location`, the
//! [result](crate::format::Format::has_result_at_location) alone is at that address. Then 202 is running, whatever its
//! body says. Each other 2xx is the end, with as much of the result as can be read: a completion, unless the body says
//! that the operation failed or was cancelled. If the operation fails, most servers answer with the error's own HTTP
//! status, which can't be told from a failure to read; its words are in [`ReadFailure::Status`].
//!
//! # When
//!
//! A server asks for a wait with `Retry-After`, in seconds or as a date, in any answer: each later one replaces it. A
//! date is compared with the answer's `Date`. Azure's `retry-after-ms` and `x-ms-retry-after-ms` count too. With
//! `X-Rate-Limit-Remaining: 0` the wait is no less than the length of the [`RequestLimit`], or a minute where there is
//! none. A 429 with `Retry-After` tells exactly how long to wait, so that this alone counts.
//!
//! What a server asks of one task keeps no other waiting. All that share a limit wait after a 429, for its
//! `Retry-After`, or else for the back-off; and after `X-Rate-Limit-Remaining: 0`, for the length of the limit.
//!
//! # Another process
//!
//! Keep the [address](FollowedTask::address) of a task, and [follow](Poller::following) it from there after a crash, or
//! with new credentials. Keep also whether it [leads to the result](FollowedTask::leads_to_result) alone: such a task is
//! followed with [`following_result`](Poller::following_result). Where only the id was kept, there is
//! [`following_id`](Poller::following_id).
//!
//! # Clocks
//!
//! Waits and limits are counted by how far the caller's clock goes forward. If the clock is set back, the time that has
//! passed still counts, and the rest of a wait is counted from the new reading on. (A clock that is behind by up to a
//! second was not set back: it is waited for.) If the clock jumps forward, the time that it jumped over has passed. If
//! it stands still, none has. A [`Step::Wait`] is for a later instant than now, but at the [end of time](crate::MAX_TIME),
//! where it may be for now.
//!
//! # Where, and with which credentials
//!
//! The caller adds the credentials to each request. So an answer decides only over paths: an address of another scheme,
//! host or port than that of the base address is not asked, unless [allowed](Poller::with_further_origin). If the
//! accepting answer has one, that is a [`StartError`]. In a later answer it is passed over, and in a redirect it is a
//! failed read. Let the HTTP client follow no redirects by itself. No error shows the query of an address: some servers
//! put keys there.
//!
//! A task may move. If its address came from [a header](Poller::started_by), and a later answer has another address in
//! the same header, that is asked from then on. `Location` counts only in a 202: elsewhere it may be that of what the task
//! makes.

mod address;
mod backoff;
mod failure;
mod header;
mod outcome;
mod poller;
mod reading;
mod request_limit;
mod start;
mod stopwatch;
mod task_poller;

pub use backoff::Backoff;
pub use failure::ReadFailure;
pub use outcome::{Ended, FollowedTask, PollError, Unfinished};
pub use poller::Poller;
pub use request_limit::RequestLimit;
pub use start::StartError;
pub use task_poller::{Step, TaskPoller};
