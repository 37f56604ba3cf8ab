//! A whole API of tasks that move by themselves, for the tests of its clients. No I/O.
//!
//! [`MockApi`] takes an `http::Request` and a `now` and gives the `http::Response`. A [`Script`]
//! says what becomes of the tasks of a command type, and a [`Pace`] how fast. Afterwards the
//! [journal](MockApi::journal) tells what the client did.
//!
//! ```
//! use tasklife_mock::tasklife::{CommandType, TaskError};
//! use tasklife_mock::{MockApi, Pace, Script};
//!
//! const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
//!
//! // The documented API, in which the first two GETs of a new task are answered with 404; of those
//! // after that, the third shows its end.
//! let api = MockApi::redis_cloud("/v1")?
//!     .with_account("key", "secret", "acme".parse()?)
//!     .with_visibility_lag(Pace::Reads(2));
//! api.on(CREATE, Script::new(Pace::Reads(3)))?;
//! let refused = TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "Payment info was not found.");
//! let failing = Script::new(Pace::Reads(1)).failing(refused);
//! api.on_if(CREATE, |body| body["name"] == "broken", failing)?;
//!
//! // What a client would send.
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
//! // What did the client do?
//! let journal = api.journal();
//! let polls = journal.iter().filter(|x| x.method == "GET" && x.path == task).map(|x| x.status);
//! assert!(polls.eq([404, 404, 200, 200, 200]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What goes wrong
//!
//! A script can let a task report [progress](Script::reporting), never end, or [end and be
//! gone](Script::gone_after), and let something go wrong with the answers about it: each [`Fault`] says what, and
//! on which of them. A [`RateLimit`] is for all requests. How the client took it, [`Conduct`] reads from the
//! journal: whether it waited, how often it polled, whether it sent the same key again.
//! [`reset`](MockApi::reset) begins anew between two tests.
//!
//! # Which API
//!
//! [`MockApi::redis_cloud`] is the API of Redis Cloud, with every operation of its public description.
//! [`MockApi::from_openapi`] makes any other of its OpenAPI description: [`OpenApi`] says beside it what that
//! doesn't say, such as which of its answers are tasks. [`MockApi::new`] begins with nothing:
//! operations and resources are added one by one. What each answers, tools can read in its
//! [description](MockApi::description).
//!
//! # Where it drops in
//!
//! In a unit test, as above: no server, no port, and time is what the test says. The types of `tasklife`
//! and of `http` are part of the interface: both are exported, so that they can be named without a
//! dependency of one's own.
//!
//! The program `tasklife-mock`, behind the default feature `program`, is this at a socket; the library
//! alone reads no clock, makes no random number and does no I/O. It is steered over HTTP, for tests in other
//! languages.
#![doc = include_str!("servers.md")]

mod accepted;
mod account;
mod accounts;
mod active;
mod answer;
mod api;
mod asked;
mod at_once;
mod call;
mod conduct;
mod describe;
mod description;
mod effect;
mod error;
mod fault;
pub mod guide;
mod immediate;
mod journal;
mod keys;
mod kind;
mod openapi;
mod operation;
mod pace;
mod pages;
mod paging;
mod path;
mod rate;
mod redis_cloud;
mod rejection;
mod request;
mod resource;
mod route;
mod schema;
mod script;
mod scripts;
mod steering;
mod text;
mod visibility;
mod watch;
mod work;

#[doc(no_inline)]
pub use {http, tasklife};

pub use api::MockApi;
pub use asked::Asked;
pub use conduct::{Conduct, Polls, Repeat, TooEarly};
pub use error::MockError;
pub use fault::{Disruption, Fault, FaultKind};
pub use journal::Exchange;
pub use keys::KeyIn;
pub use openapi::OpenApi;
pub use pace::{Pace, PaceError};
pub use rate::RateLimit;
pub use script::Script;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
