//! CORS: pages of other origins that call the API.

use super::{Mock, keys, run};

const APP: &str = "Origin: http://localhost:5173\r\n";
const PREFLIGHT: &str = "Origin: http://localhost:5173\r\nAccess-Control-Request-Method: POST\r\n\
                         Access-Control-Request-Headers: x-api-key,idempotency-key\r\n";

#[test]
fn a_page_of_an_allowed_origin_calls_the_api_and_reads_the_answer() {
    let mock = Mock::start(&["--cors", "http://localhost:5173", "--cors", "https://app.example"]);
    let preflight = mock.0.send("OPTIONS", "/v1/subscriptions", PREFLIGHT, b"");
    assert_eq!(preflight.status, 200);
    let header = |name: &str| preflight.header(name);
    assert_eq!(header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(header("access-control-allow-methods"), Some("POST"));
    assert_eq!(header("access-control-allow-headers"), Some("x-api-key,idempotency-key"));
    assert_eq!(header("access-control-max-age"), Some("600"));
    assert_eq!(header("access-control-allow-credentials"), None);

    let headers = format!("{APP}{}", keys("acme"));
    let accepted = mock.0.send("POST", "/v1/subscriptions", &headers, b"{}");
    assert_eq!(accepted.status, 202);
    assert_eq!(accepted.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(accepted.header("access-control-expose-headers"), Some("*"));
    // The page can also read an error. Requests without an `Origin` are answered as before.
    let refused = mock.0.send("GET", "/v1/tasks", APP, b"");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(mock.get("acme", "/v1/tasks").status, 200);
    // Pages of other origins are not allowed, and preflights are not in the journal.
    let foreign = PREFLIGHT.replace("localhost:5173", "evil.example");
    let foreign = mock.0.send("OPTIONS", "/v1/subscriptions", &foreign, b"");
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    let journal = mock.0.send("GET", "/_mock/journal?method=OPTIONS", "", b"");
    assert_eq!(journal.body, "[]");
}

#[test]
fn an_allowed_origin_may_call_the_api_but_not_control_the_mock() {
    let mock = Mock::start(&["--cors", "*"]);
    let allowed = mock.0.send("GET", "/v1/tasks", &format!("{APP}{}", keys("acme")), b"");
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    let preflight = mock.0.send("OPTIONS", "/_mock/reset", PREFLIGHT, b"");
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    assert_eq!(mock.0.send("POST", "/_mock/reset", APP, b"").status, 403);
    assert_eq!(mock.0.send("GET", "/", APP, b"").header("access-control-allow-origin"), None);
}

#[test]
fn without_the_option_pages_of_other_origins_read_nothing() {
    let mock = Mock::start(&[]);
    let preflight = mock.0.send("OPTIONS", "/v1/subscriptions", PREFLIGHT, b"");
    assert!(preflight.status >= 400, "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    for origin in
        ["localhost:5173", "http://localhost:5173/", "http://", "null", "http://a@b", "a b", ""]
    {
        let started = run(&["--cors", origin]);
        let stderr = String::from_utf8(started.stderr).unwrap();
        assert!(
            !started.status.success() && stderr.contains("expected an origin"),
            "{origin}: {stderr}"
        );
    }
}
