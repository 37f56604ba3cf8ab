//! Creates a subscription at the mock over a socket, and polls its task to the end.
//!
//!     cargo run -p tasklife-mock                   in one terminal
//!     cargo run -p tasklife-mock --example poll    in another
//!
//! The optional argument is the base address of the API. It defaults to `http://127.0.0.1:8080/v1`.

use std::error::Error;
use std::thread::sleep;

use tasklife::chrono::Utc;
use tasklife::poll::{Ended, Poller, Step};
use tasklife_mock::http::{HeaderMap, HeaderValue, Request, Response};

/// Requests a subscription with this body, and polls its task to the end.
#[expect(clippy::disallowed_methods, reason = "a client reads the clock")]
pub(crate) fn follow(base: &str, body: &str) -> Result<Ended, Box<dyn Error>> {
    // The poller follows redirects, since it knows where the keys may go.
    let agent = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
    let agent = agent.build().new_agent();

    let mut request = Request::post([base, "/subscriptions"].concat()).body(body)?;
    sign(request.headers_mut());
    let accepted = read_body(agent.run(request)?)?;
    let mut poller = Poller::new(base)?.started_by(&accepted, Utc::now())?;
    println!("accepted: {}", poller.task());
    loop {
        match poller.next(Utc::now()) {
            Step::Wait(until) => {
                let wait = until.signed_duration_since(Utc::now()).to_std().unwrap_or_default();
                println!("waiting for {wait:.1?}");
                sleep(wait);
            }
            Step::Send(mut request) => {
                sign(request.headers_mut());
                match agent.run(request).and_then(read_body) {
                    Ok(response) => poller.answered(&response, Utc::now()),
                    Err(_) => poller.unanswered(Utc::now()),
                }
                match (poller.failure(), poller.document()) {
                    (Some(failure), _) => println!("{failure}"),
                    (None, Some(document)) => println!("status: {}", document.status()),
                    (None, None) => println!("still running"),
                }
            }
            Step::Done(outcome) => return Ok(outcome?),
        }
    }
}

/// Adds the credentials of an account.
fn sign(headers: &mut HeaderMap) {
    headers.insert("x-api-key", HeaderValue::from_static("acme"));
    headers.insert("x-api-secret-key", HeaderValue::from_static("secret-of-acme"));
}

/// Reads the whole body of an answer.
fn read_body(response: Response<ureq::Body>) -> Result<Response<Vec<u8>>, ureq::Error> {
    let (head, mut body) = response.into_parts();
    Ok(Response::from_parts(head, body.read_to_vec()?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080/v1".into());
    let ended = follow(&base, r#"{"name": "test"}"#)?;
    println!("{:#}", ended.document());
    Ok(())
}
