//! The polling client: what answers mean, and when and where it asks. The tests of the mock check its
//! laws against a server.

mod address;
mod answer;
mod clock;
mod hostile;
mod last_read;
mod other_task;
mod wait;

use std::time::Duration;

use http::{Request, Response};
use tasklife::Timestamp;
use tasklife::poll::{Ended, PollError, Poller, Step, TaskPoller};

use crate::support::second;

pub(crate) const BASE: &str = "https://api.example.com/v1";
pub(crate) const ID: &str = "36d4b04d-72d4-4404-8600-a223120a553e";
pub(crate) const OTHER: &str = "36d4b04d-72d4-4404-8600-a223120a553f";

pub(crate) fn poller() -> Poller {
    Poller::new(BASE).unwrap()
}

pub(crate) fn address() -> String {
    format!("{BASE}/tasks/{ID}")
}

/// A document about the task.
pub(crate) fn document(status: &str) -> String {
    format!(r#"{{"taskId": "{ID}", "status": "{status}"}}"#)
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<String> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value.as_bytes());
    }
    response.body(body.to_owned()).unwrap()
}

/// A poller of the task, which an answer with these headers accepted in second 0.
pub(crate) fn started(poller: &Poller, headers: &[(&str, &str)]) -> TaskPoller {
    poller.started_by(&answer(202, headers, &document("received")), second(0)).unwrap()
}

/// Waits until the poller has a request, and returns that.
pub(crate) fn asked(poller: &mut TaskPoller, now: &mut Timestamp) -> Request<()> {
    for _ in 0..1_000 {
        match poller.next(*now) {
            Step::Wait(until) => *now = until,
            Step::Send(request) => return request,
            Step::Done(outcome) => panic!("expected a request, got {outcome:?}"),
        }
    }
    panic!("expected a request, got no end of waiting")
}

/// Waits until the next request. Returns how long that took.
pub(crate) fn waits(poller: &mut TaskPoller, now: &mut Timestamp) -> Duration {
    let before = *now;
    asked(poller, now);
    now.signed_duration_since(before).to_std().unwrap()
}

/// Returns the outcome, if there is one now.
pub(crate) fn outcome(poller: &mut TaskPoller, now: Timestamp) -> Option<Result<Ended, PollError>> {
    match poller.next(now) {
        Step::Done(outcome) => Some(outcome),
        _ => None,
    }
}

/// Polls until the end. `send` returns the answers, or `None` for a request that failed.
pub(crate) fn ends(
    poller: &mut TaskPoller,
    now: &mut Timestamp,
    mut send: impl FnMut(&Request<()>, Timestamp) -> Option<Response<String>>,
) -> Result<Ended, PollError> {
    for _ in 0..100_000 {
        match poller.next(*now) {
            Step::Wait(until) => {
                assert!(until > *now, "expected a later instant");
                *now = until;
            }
            Step::Send(request) => match send(&request, *now) {
                Some(response) => poller.answered(&response, *now),
                None => poller.unanswered(*now),
            },
            Step::Done(outcome) => return outcome,
        }
    }
    panic!("expected an end")
}
