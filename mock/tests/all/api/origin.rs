//! The host of links.

use http::{Request, Response, Version};
use tasklife::Origin;
use tasklife_mock::MockApi;

use super::{error, second};

fn api(base: &str) -> MockApi {
    MockApi::redis_cloud(base).unwrap().with_open_accounts(9)
}

fn post(api: &MockApi, target: &str, headers: &[(&str, &str)]) -> Response<String> {
    let request =
        headers.iter().fold(Request::post(target), |all, (name, value)| all.header(*name, *value));
    let request = request.header("x-api-key", "key").header("x-api-secret-key", "secret");
    api.handle(&request.body("{}").unwrap(), second(0.0))
}

/// The base address of every link: to an accepted task, its resource and the next page.
fn base_of(api: &MockApi, target: &str, headers: &[(&str, &str)]) -> String {
    let accepted = post(api, target, headers);
    assert_eq!(accepted.status(), 202, "{accepted:?}");
    let location = accepted.headers()["location"].to_str().unwrap();
    let (base, id) = location.rsplit_once("/tasks/").unwrap();
    assert!(accepted.body().contains(&format!(r#""href":"{base}/tasks/{id}""#)), "{accepted:?}");

    post(api, target, headers);
    let path = target.strip_suffix("/subscriptions").unwrap();
    let get = |path: String| {
        let request =
            headers.iter().fold(Request::get(path), |all, (name, value)| all.header(*name, *value));
        let request = request.header("x-api-key", "key").header("x-api-secret-key", "secret");
        api.handle(&request.body("").unwrap(), second(9.0))
    };
    let read = get(format!("{path}/tasks/{id}"));
    assert!(read.body().contains(&format!(r#""href":"{base}/subscriptions/"#)), "{read:?}");
    let list = get(format!("{path}/tasks?limit=1"));
    let next = list.headers()["link"].to_str().unwrap().to_owned();
    assert!(next.starts_with(&format!("<{base}/tasks?limit=1&cursor=")), "{next}");
    base.to_owned()
}

#[test]
fn links_lead_to_the_base_address_by_default() {
    let host = [("host", "mock:8080"), ("forwarded", "host=evil"), ("x-forwarded-host", "evil")];
    for base in ["https://api.example.com/v1", "/v1", "http://0.0.0.0:1/v1"] {
        assert_eq!(base_of(&api(base), "/v1/subscriptions", &host), base);
        assert_eq!(base_of(&api(base), "/v1/subscriptions", &[]), base);
    }
}

#[test]
fn links_follow_the_host_of_the_request() {
    let follow = |base: &str| api(base).with_replies(|replies| replies.with_origin(Origin::Host));
    for (base, host, expected) in [
        ("http://0.0.0.0:8080/v1", "mock:8080", "http://mock:8080/v1"),
        ("https://0.0.0.0/v1", "mock", "https://mock/v1"),
        ("/v1", "127.0.0.1:80", "http://127.0.0.1:80/v1"),
        ("http://0.0.0.0/v1", "[::1]:7", "http://[::1]:7/v1"),
    ] {
        let headers = [("host", host), ("forwarded", "host=evil;proto=https")];
        assert_eq!(base_of(&follow(base), "/v1/subscriptions", &headers), expected);
        let request = Request::get("/v1/tasks").header("host", host).body(()).unwrap();
        assert_eq!(follow(base).base_of(&request, second(0.0)).unwrap(), expected);
    }
    // The host of an absolute target comes before the header, as in HTTP/2 (RFC 9112, section 3.2.2).
    let absolute = "https://target:9/v1/subscriptions";
    let headers = [("host", "mock:8080")];
    assert_eq!(base_of(&follow("http://0.0.0.0/v1"), absolute, &headers), "https://target:9/v1");
}

#[test]
fn links_follow_the_headers_of_a_trusted_proxy() {
    let api = api("http://0.0.0.0:8080/v1")
        .with_replies(|replies| replies.with_origin(Origin::Forwarded));
    let host = ("host", "mock:8080");
    for (headers, expected) in [
        (vec![host], "http://mock:8080/v1"),
        (vec![host, ("x-forwarded-host", "a.example, b")], "http://a.example/v1"),
        (
            vec![host, ("x-forwarded-host", "a.example"), ("x-forwarded-proto", "HTTPS,http")],
            "https://a.example/v1",
        ),
        (vec![host, ("x-forwarded-proto", "https")], "https://mock:8080/v1"),
        (
            vec![host, ("forwarded", r#"for=1.2.3.4;Host="a.example:1";proto=https, host=b"#)],
            "https://a.example:1/v1",
        ),
        (
            vec![host, ("forwarded", "proto=https"), ("x-forwarded-host", "evil")],
            "https://mock:8080/v1",
        ),
        (vec![("forwarded", "host=a.example")], "http://a.example/v1"),
        (vec![host, ("x-forwarded-host", "")], "http://mock:8080/v1"),
        (
            vec![host, ("forwarded", r#"for="x,y;host=evil";host=a.example, host=b"#)],
            "http://a.example/v1",
        ),
    ] {
        assert_eq!(base_of(&api, "/v1/subscriptions", &headers), expected, "{headers:?}");
    }
    let list = Request::get("/v1/tasks").header("host", "mock").header("x-api-key", "key");
    let list =
        api.handle(&list.header("x-api-secret-key", "secret").body("").unwrap(), second(0.0));
    let vary = "x-api-key, x-api-secret-key, forwarded, x-forwarded-host, x-forwarded-proto";
    assert_eq!(list.headers()["vary"], vary);

    for (name, value, words) in [
        ("x-forwarded-host", "a/b", "X-Forwarded-Host: expected a host name or address"),
        ("x-forwarded-proto", "gopher", "X-Forwarded-Proto: expected http or https, got"),
        ("forwarded", "host=\"a b\"", "Forwarded, host: expected a host name"),
        ("forwarded", "proto=x", "Forwarded, proto: expected http or https"),
    ] {
        let (status, message) = error(&post(&api, "/v1/subscriptions", &[host, (name, value)]));
        assert!(status == 400 && message.starts_with(words), "{message}");
    }
}

#[test]
fn a_malformed_or_repeated_host_is_refused() {
    for origin in [Origin::Base, Origin::Host, Origin::Forwarded] {
        let api = api("http://0.0.0.0:8080/v1").with_replies(|replies| replies.with_origin(origin));
        let refused = |headers: &[(&str, &str)]| {
            let (status, message) = error(&post(&api, "/v1/subscriptions", headers));
            assert_eq!(status, 400, "{headers:?}");
            message
        };
        for host in [
            ".",
            "a..b",
            ":",
            "a b",
            "mock:port",
            "mock:99999",
            "user@mock",
            "mock/v1",
            "-",
            "é",
            "[::",
        ] {
            let message = refused(&[("host", host)]);
            assert!(message.starts_with("Host: expected a host name or address"), "{message}");
        }
        for (host, name) in [("example.com.", "example.com."), ("mock:", "mock")] {
            let accepted = post(&api, "/v1/subscriptions", &[("host", host)]);
            assert_eq!(accepted.status(), 202, "{host}");
            let leads_to = accepted.headers()["location"].to_str().unwrap();
            let follows = leads_to.starts_with(&format!("http://{name}/v1/"));
            assert_eq!(follows, origin != Origin::Base, "{leads_to}");
        }
        let twice = refused(&[("host", "mock"), ("host", "mock")]);
        assert_eq!(twice, "expected the header host once, got it again");
    }
    assert!(api("/v1").store().is_empty());
}

#[test]
fn without_a_host_only_http_1_0_is_answered() {
    let api =
        api("http://0.0.0.0:8080/v1").with_replies(|replies| replies.with_origin(Origin::Host));
    let (status, message) = error(&post(&api, "/v1/subscriptions", &[]));
    assert_eq!((status, message.as_str()), (400, "expected the header Host, got none"));
    assert_eq!(
        post(&api, "/v1/subscriptions", &[("host", "")]).status(),
        400,
        "an empty one is none"
    );
    let foreign = error(&post(&api, "gopher://mock/v1/subscriptions", &[])).1;
    assert!(foreign.starts_with("the target: expected http or https"), "{foreign}");
    let request = Request::get("/v1/tasks").version(Version::HTTP_10).body(()).unwrap();
    assert_eq!(api.base_of(&request, second(0.0)).unwrap(), "http://0.0.0.0:8080/v1");
}

#[test]
fn links_lead_to_a_public_base_unless_the_host_is_followed() {
    let api = || {
        let api = api("http://0.0.0.0:8080/v1");
        api.with_links(|links| links.with_base("https://mock.example.com/redis/v1")).unwrap()
    };
    let headers = [("host", "mock:8080"), ("forwarded", "host=a;proto=http")];
    for (origin, expected) in [
        (Origin::Base, "https://mock.example.com/redis/v1"),
        (Origin::Host, "https://mock:8080/redis/v1"),
        (Origin::Forwarded, "http://a/redis/v1"),
    ] {
        let api = api().with_replies(|replies| replies.with_origin(origin));
        assert_eq!(base_of(&api, "/v1/subscriptions", &headers), expected, "{origin:?}");
    }
    assert!(api().with_links(|links| links.with_base("mock")).is_err());
}
