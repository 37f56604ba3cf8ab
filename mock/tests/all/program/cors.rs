//! Pages of other origins.

use super::{Mock, keys, run};

const APP: &str = "Origin: http://localhost:5173\r\n";
const PREFLIGHT: &str = "Origin: http://localhost:5173\r\nAccess-Control-Request-Method: POST\r\n\
                         Access-Control-Request-Headers: x-api-key,idempotency-key\r\n";

#[test]
fn a_page_under_development_calls_the_api_and_reads_the_answer() {
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
    // A refusal can be read, too; and what is asked without a page is answered as ever.
    let refused = mock.0.send("GET", "/v1/tasks", APP, b"");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("http://localhost:5173"));
    assert_eq!(mock.get("acme", "/v1/tasks").status, 200);
    // Others' pages get nothing, and the journal has no preflight.
    let foreign = PREFLIGHT.replace("localhost:5173", "evil.example");
    let foreign = mock.0.send("OPTIONS", "/v1/subscriptions", &foreign, b"");
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    let journal = mock.0.send("GET", "/_mock/journal?method=OPTIONS", "", b"");
    assert_eq!(journal.body, "[]");
}

#[test]
fn it_may_call_but_not_steer() {
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
fn without_it_pages_of_others_read_nothing() {
    let mock = Mock::start(&[]);
    let preflight = mock.0.send("OPTIONS", "/v1/subscriptions", PREFLIGHT, b"");
    assert!(preflight.status >= 400, "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    for origin in
        ["localhost:5173", "http://localhost:5173/", "http://", "null", "http://a@b", "a b", ""]
    {
        let started = run(&["--cors", origin]);
        let said = String::from_utf8(started.stderr).unwrap();
        assert!(
            !started.status.success() && said.contains("expected an origin"),
            "{origin}: {said}"
        );
    }
}
