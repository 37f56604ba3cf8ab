//! A mock of an HTTP API with long-running operations ("tasks"), to test its clients. No I/O.
//!
//! [`MockApi`] takes an `http::Request` and the time, and returns the `http::Response`. Its tasks
//! move through their statuses on their own: a [`Script`] says how a task goes and how it ends, and
//! a [`Pace`] how fast. Afterwards, the [journal](MockApi::journal) lists what the client did.
//!
//! ```
//! use tasklife_mock::tasklife::{CommandType, TaskError};
//! use tasklife_mock::{MockApi, Pace, Script};
//!
//! const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
//!
//! // The API of Redis Cloud. The first two reads of a new task get a 404, as on the live API.
//! let api = MockApi::redis_cloud("/v1")?
//!     .with_account("key", "secret", "acme".parse()?)
//!     .with_visibility_lag(Pace::Reads(2));
//! // The third read after that shows that the task has completed.
//! api.on(CREATE, Script::new(Pace::Reads(3)))?;
//! // The task for a subscription named "broken" fails, with a code of the live API.
//! let error = TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "Payment info was not found.");
//! let failing = Script::new(Pace::Reads(1)).failing(error);
//! api.on_if(CREATE, |body| body["name"] == "broken", failing)?;
//!
//! // The requests that a client would send
//! let now = "2019-08-08T06:49:15.929Z".parse()?;
//! let request = |method: &str, path: &str| {
//!     let request = http::Request::builder().method(method).uri(path);
//!     request.header("x-api-key", "key").header("x-api-secret-key", "secret")
//! };
//! let accepted = api.handle(&request("POST", "/v1/subscriptions").body(r#"{"name": "test"}"#)?, now);
//! assert_eq!(accepted.status(), 202);
//! let task = accepted.headers()["location"].to_str()?.to_owned();
//!
//! let polls = [(); 5].map(|()| api.handle(&request("GET", &task).body("").unwrap(), now));
//! assert_eq!(polls.each_ref().map(|poll| poll.status().as_u16()), [404, 404, 200, 200, 200]);
//! assert!(polls[4].body().contains(r#""status":"processing-completed""#));
//!
//! // What the client did
//! let journal = api.journal();
//! let polls = journal.iter().filter(|x| x.method == "GET" && x.path == task).map(|x| x.status);
//! assert!(polls.eq([404, 404, 200, 200, 200]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Choose an API
//!
//! - [`MockApi::redis_cloud`] has every operation of the public API of Redis Cloud.
//! - [`MockApi::from_openapi`] builds an API from its OpenAPI description. [`OpenApiOptions`] adds
//!   what the description does not say, such as which responses are tasks.
//! - [`MockApi::new`] starts empty. You add operations and resources one by one.
//!
//! [`MockApi::description`] returns the OpenAPI description of what the mock answers.
//!
//! # Make things go wrong
//!
//! - A [`Script`] can make a task fail, never end, report [progress](Script::reporting), or
//!   [disappear after its end](Script::gone_after).
//! - A [`Fault`] spoils some of the responses about a task: an error status, a body that is cut
//!   short or not JSON, or a delay.
//! - A [`RateLimit`] answers 429 when an account sends too many requests.
//! - [`Conduct`] reads the journal and reports how the client behaved: whether it waited as asked,
//!   how often it polled, and whether it retried with the same `Idempotency-Key`.
//!
//! Between two tests, [`reset`](MockApi::reset) returns the mock to its initial state.
//!
//! # Use it in a test
//!
//! In a unit test, call [`MockApi::handle`] as above. You need no server and no port, and time is
//! whatever the test passes. The types of `tasklife` and `http` are part of the interface, so this
//! crate re-exports both.
//!
//! For tests in other languages, run the program `tasklife-mock` (the default feature `program`).
//! It serves the mock on a socket, and tests control it over HTTP. The library alone reads no
//! clock, uses no random numbers and does no I/O.
#![doc = include_str!("servers.md")]

pub mod guide;

// The API and its setup.
mod api;
mod description;
mod error;
mod keys;
mod openapi;
mod redis_cloud;
mod schema;

// What a path leads to: operations and kinds of resources.
mod effect;
mod kind;
mod operation;
mod path;
mod route;

// Answering a request.
mod answer;
mod call;
mod immediate;
mod pages;
mod paging;
mod rate;
mod rejection;
mod request;
mod request_context;
mod text;
mod work;

// The state of an account: tasks and resources.
mod accepted;
mod account;
mod accounts;
mod active;
mod describe;
mod resource;
mod visibility;
mod watch;

// How tasks go, and what goes wrong.
mod fault;
mod pace;
mod script;
mod scripts;

// What a test does: it controls the mock, and reads what clients did.
mod conduct;
mod control;
mod journal;

#[doc(no_inline)]
pub use {http, tasklife};

pub use api::MockApi;
pub use conduct::{Conduct, EarlyRequest, Polls, RepeatedRequest};
pub use error::MockError;
pub use fault::{Fault, FaultKind, TransportFault};
pub use journal::Exchange;
pub use keys::Authentication;
pub use openapi::OpenApiOptions;
pub use pace::{Pace, PaceError};
pub use rate::RateLimit;
pub use request_context::RequestContext;
pub use script::Script;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
