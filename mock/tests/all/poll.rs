//! The poller of `tasklife` against the mock: its laws for any script, format and clock, and known faults of
//! other pollers.

mod law;
mod report;

use http::{Request, Response};
use tasklife::Timestamp;
use tasklife::format::{AzureOperation, AzureResourceManager, Format, GoogleOperation, RedisCloud};
use tasklife::poll::{Ended, PollError, Poller, Step, TaskPoller};
use tasklife_mock::MockApi;

use crate::api::request;

const BASE: &str = "https://api.example.com/v1";

fn formats() -> [Box<dyn Format>; 4] {
    [
        Box::new(RedisCloud),
        Box::new(GoogleOperation::new("example.com")),
        Box::new(AzureOperation),
        Box::new(AzureResourceManager),
    ]
}

/// An API with its tasks at `/operations` in this format, and a poller for it.
fn speaking(api: MockApi, format: usize) -> (MockApi, Poller) {
    let [spoken, read] = [formats(), formats()]
        .map(|mut all| std::mem::replace(&mut all[format], Box::new(RedisCloud)));
    let api = api.with_links(|links| links.with_tasks_path("/operations")).unwrap();
    let api = api.with_replies(|replies| replies.with_format(spoken));
    let poller =
        Poller::new(BASE).unwrap().with_format(read).with_tasks_path("/operations").unwrap();
    (api, poller)
}

fn submit(api: &MockApi, body: &str, now: Timestamp) -> Response<String> {
    api.handle(&request("POST", "/v1/subscriptions", body), now)
}

/// Sends a request with the keys of `acme`.
fn send(api: &MockApi, polled: Request<()>, now: Timestamp) -> Response<String> {
    let (mut head, ()) = polled.into_parts();
    for (name, value) in request("GET", "/", "").headers() {
        head.headers.insert(name, value.clone());
    }
    api.handle(&Request::from_parts(head, ""), now)
}

/// Polls a task to its end, and waits as the poller asks.
fn follow(api: &MockApi, task: &mut TaskPoller, now: &mut Timestamp) -> Result<Ended, PollError> {
    for _ in 0..100_000 {
        match task.next(*now) {
            Step::Wait(until) => *now = until,
            Step::Send(request) => task.answered(&send(api, request, *now), *now),
            Step::Done(outcome) => return outcome,
        }
    }
    panic!("expected an end")
}
