//! Rate limits.

use std::num::NonZeroU32;
use std::time::Duration;

use tasklife::Scope;
use tasklife_mock::{Conduct, MockApi, RateLimit};

use super::{Client, acme, api, error, listed, request, second};

fn limited(requests: u32) -> MockApi {
    let requests = NonZeroU32::new(requests).unwrap();
    let other = "umbrella".parse().unwrap();
    api()
        .with_account("other", "secret", other)
        .with_rate_limit(RateLimit::new(requests, Duration::from_mins(1)))
}

#[test]
fn requests_over_the_limit_are_refused_until_the_minute_is_over() {
    let api = limited(3);
    let left = |seconds: f64| {
        let answer = api.get("/v1/tasks", seconds);
        let left = answer.headers()["x-rate-limit-remaining"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), left)
    };
    let seen = [5.0, 6.0, 7.0, 7.5, 64.999, 65.0].map(left);
    let expected = [(200, "2"), (200, "1"), (200, "0"), (429, "0"), (429, "0"), (200, "2")];
    assert_eq!(seen.each_ref().map(|(status, left)| (*status, &**left)), expected);
    // The next minute starts with the next request.
    assert_eq!(left(300.0), (200, "2".into()));
    assert_eq!(left(359.0).1, "1");
    assert_eq!(left(360.0).1, "2");
    assert_eq!(left(300.0), (200, "1".into()), "a clock that goes back is no new minute");
}

#[test]
fn a_refused_request_has_a_retry_after_and_no_effect() {
    let api = limited(1);
    api.get("/v1/tasks", 0.0);
    let refused = api.call("POST", "/v1/subscriptions", "{}", 0.5);
    assert_eq!(refused.headers()["retry-after"], "60");
    assert!(error(&refused).1.contains("Retry-After"));
    assert_eq!(listed(&api.get("/v1/tasks", 60.0)), [] as [String; 0]);
    let journal = api.journal();
    assert_eq!(journal.iter().map(|x| x.is_rate_limited).collect::<Vec<_>>(), [false, true, false]);
    let conduct = Conduct::of(&journal);
    let early = &conduct.too_early[..];
    assert_eq!(early.len(), 1, "{early:?}");
    assert_eq!((early[0].asked_by, early[0].number), (2, 3));
    assert_eq!(early[0].waited, Duration::from_millis(59_500));
}

#[test]
fn each_account_has_its_own_limit_and_unknown_keys_are_not_counted() {
    let api = limited(2);
    api.get("/v1/tasks", 0.0);
    for _ in 0..5 {
        let mut unknown = request("GET", "/v1/tasks", "");
        unknown.headers_mut().insert("x-api-secret-key", "wrong".parse().unwrap());
        let answer = api.handle(&unknown, second(0.0));
        assert_eq!(answer.status(), 401);
        assert!(!answer.headers().contains_key("x-rate-limit-remaining"));
    }
    let mut other = request("GET", "/v1/tasks", "");
    other.headers_mut().insert("x-api-key", "other".parse().unwrap());
    assert_eq!(api.handle(&other, second(0.0)).headers()["x-rate-limit-remaining"], "1");
    // Requests for missing resources count, too.
    assert_eq!(api.get("/v1/nothing", 0.0).headers()["x-rate-limit-remaining"], "0");
    assert_eq!(api.get("/v1/nothing", 0.0).status(), 429);
    api.reset(Scope::Account(&acme()));
    assert_eq!(api.get("/v1/tasks", 0.0).headers()["x-rate-limit-remaining"], "1");
}
