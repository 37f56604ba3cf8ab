//! Where the poller asks.

use http::Uri;
use tasklife::format::{AzureOperation, AzureResourceManager, GoogleOperation};
use tasklife::poll::{Poller, ReadFailure};

use super::{BASE, ID, address, answer, asked, document, outcome, poller, started};
use crate::support::second;

/// Returns the first address that is asked after an accepting answer, or why there is none.
fn asks(poller: &Poller, headers: &[(&str, &str)], body: &str) -> Result<String, String> {
    let task = poller.started_by(&answer(202, headers, body), second(0));
    let mut task = task.map_err(|error| error.to_string())?;
    let request = asked(&mut task, &mut second(0));
    assert_eq!(request.method(), "GET");
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(Some(request.uri()), task.task().address());
    Ok(request.uri().to_string())
}

#[test]
fn an_accepting_answer_gives_the_address_in_the_order_of_preference() {
    let plain = poller();
    let at = |path: &str| Ok(format!("https://api.example.com{path}"));
    let linked = |rel: &str| {
        format!(
            r#"{{"taskId": "{ID}", "status": "received", "links": [{{"rel": "{rel}", "href": "/v1/l"}}]}}"#
        )
    };
    let (headers, body) = (
        [("location", "/v1/c"), ("azure-asyncoperation", "/v1/b"), ("operation-location", "/v1/a")],
        linked("task"),
    );
    assert_eq!(asks(&plain, &headers, &body), at("/v1/a"));
    assert_eq!(asks(&plain, &headers[..2], &body), at("/v1/b"));
    assert_eq!(asks(&plain, &headers[..1], &body), at("/v1/c"));
    assert_eq!(asks(&plain, &headers[..1], "cut sho"), at("/v1/c"));
    assert_eq!(asks(&plain, &[], &body), at("/v1/l"));
    assert_eq!(asks(&plain, &[], &linked("self")), at("/v1/l"));
    assert_eq!(asks(&plain, &[], &linked("other")), Ok(address()));
    assert_eq!(asks(&plain, &[("location", "")], &document("received")), Ok(address()));
    let jobs = poller().with_tasks_path("/jobs").unwrap();
    assert_eq!(asks(&jobs, &[], &document("received")), at(&format!("/v1/jobs/{ID}")));
    assert_eq!(asks(&plain, &[], r#"{"taskId": "7", "status": "new"}"#), at("/v1/tasks/7"));

    let google = poller().with_format(GoogleOperation::new("example.com"));
    assert_eq!(asks(&google, &[], r#"{"name": "operations/7"}"#), at("/v1/operations/7"));
    let azure = poller().with_format(AzureOperation);
    assert_eq!(asks(&azure, &headers[2..], ""), at("/v1/a"));
    let manager = poller().with_format(AzureResourceManager);
    assert_eq!(asks(&manager, &headers[..2], "{}"), at("/v1/b"));
    assert_eq!(asks(&manager, &headers[..1], "{}"), at("/v1/c"));
}

#[test]
fn relative_addresses_are_resolved() {
    let request: Uri = format!("{BASE}/subscriptions/5?dry=1").parse().unwrap();
    for (location, below_base, beside_request) in [
        ("/v2/x?a=b#c", "/v2/x?a=b", "/v2/x?a=b"),
        ("x", "/v1/x", "/v1/subscriptions/x"),
        ("../x", "/x", "/v1/x"),
        ("./x/./y/../z", "/v1/x/z", "/v1/subscriptions/x/z"),
        ("../../../../x/..", "/", "/"),
        ("?x=/../y", "/v1/?x=/../y", "/v1/subscriptions/?x=/../y"),
        ("//api.example.com/x", "/x", "/x"),
        ("https://API.example.com:443/x", "", ""),
    ] {
        for (poller, expected) in
            [(poller(), below_base), (poller().with_request_address(&request), beside_request)]
        {
            let got = asks(&poller, &[("location", location)], "").unwrap();
            let got: Uri = got.parse().unwrap();
            if !expected.is_empty() {
                let path = got.path_and_query().unwrap();
                assert_eq!(path.as_str(), expected, "{location}");
            }
            assert!(got.host().unwrap().eq_ignore_ascii_case("api.example.com"), "{location}");
        }
    }
    let path: Uri = "/v1/subscriptions/5".parse().unwrap();
    let beside = asks(&poller().with_request_address(&path), &[("location", "x")], "");
    assert_eq!(beside, Ok("https://api.example.com/v1/subscriptions/x".into()));
    // Google's names are relative to the base address, whatever the address of the request.
    let google = poller().with_format(GoogleOperation::new("e")).with_request_address(&request);
    let named = asks(&google, &[], r#"{"name": "operations/7"}"#);
    assert_eq!(named, Ok("https://api.example.com/v1/operations/7".into()));
}

const FORBIDDEN: [&str; 9] = [
    "https://evil.example/v1/tasks/7",
    "//evil.example/v1/tasks/7",
    "http://api.example.com/v1/tasks/7",
    "https://api.example.com:8443/v1/tasks/7",
    "https://api.example.com.evil.example/",
    "https://api.example.com./",
    "https://evil.example#@api.example.com/",
    "https://sub.api.example.com/",
    "HTTPS://evil.example",
];
const MALFORMED: [&str; 14] = [
    "https://api.example.com@evil.example/",
    "https://user@api.example.com/",
    "https://user:secret@api.example.com/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "javascript:alert(1)",
    "ftp://api.example.com/x",
    "file:///etc/passwd",
    "https:",
    "https://",
    "https:api.example.com/x",
    "https://api.example.com:99999/x",
    "/v1/a b",
    "#x",
];

#[test]
fn no_answer_leads_credentials_to_another_host() {
    for location in FORBIDDEN.iter().chain(&MALFORMED) {
        let refused = poller()
            .started_by(&answer(202, &[("location", location)], &document("received")), second(0))
            .expect_err(location);
        assert_eq!(refused.is_forbidden_origin(), FORBIDDEN.contains(location), "{location}");
        assert!(refused.to_string().contains(ID), "{refused}");
        assert!(poller().following(location, second(0)).is_err(), "{location}");
        // In a later answer, the address is ignored.
        let mut now = second(0);
        let mut task = started(&poller(), &[("location", "/v1/tasks/8")]);
        let first = asked(&mut task, &mut now).uri().clone();
        task.answered(&answer(202, &[("location", location)], &document("received")), now);
        assert_eq!(asked(&mut task, &mut now).uri(), &first, "{location}");
        task.answered(&answer(307, &[("location", location)], ""), now);
        assert_eq!(asked(&mut task, &mut now).uri(), &first, "{location}");
        assert_eq!(task.failure(), Some(&ReadFailure::BadRedirect((*location).into())));
    }
    let task = format!(
        r#"{{"taskId": "{ID}", "status": "received", "links": [{{"rel": "task", "href": "https://evil.example/"}}]}}"#
    );
    assert!(asks(&poller(), &[], &task).unwrap_err().contains("evil.example"));
}

#[test]
fn another_host_can_be_allowed() {
    let open = poller().with_allowed_origin("https://operations.example.com:8443").unwrap();
    let there = "https://operations.example.com:8443/x";
    assert_eq!(asks(&open, &[("location", there)], ""), Ok(there.into()));
    assert!(asks(&open, &[("location", "https://operations.example.com/x")], "").is_err());
    assert_eq!(
        poller().with_allowed_origin("/x").unwrap_err().to_string(),
        "expected an origin with a host name or address, got \"/x\""
    );
}

#[test]
fn a_poller_without_a_host_asks_only_paths() {
    let poller = Poller::new("/v1").unwrap();
    assert_eq!(asks(&poller, &[], &document("received")), Ok(format!("/v1/tasks/{ID}")));
    assert_eq!(asks(&poller, &[("location", "../x")], ""), Ok("/x".into()));
    for location in FORBIDDEN.iter().chain(&MALFORMED).chain(&[
        "https://api.example.com/x",
        "//api.example.com/x",
        "/..//evil.example",
        "/.//evil.example",
        "x/../..//evil.example",
    ]) {
        assert!(asks(&poller, &[("location", location)], "").is_err(), "{location}");
    }
    let root = Poller::new("/").unwrap();
    assert_eq!(asks(&root, &[], &document("received")), Ok(format!("/tasks/{ID}")));
}

#[test]
fn moves_and_redirects_are_followed_and_a_failed_redirect_is_abandoned() {
    let mut now = second(0);
    let mut task = started(&poller(), &[("location", "/v1/a")]);
    let path = |task: &mut tasklife::poll::TaskPoller, now: &mut _| {
        asked(task, now).uri().path().to_owned()
    };
    assert_eq!(path(&mut task, &mut now), "/v1/a");
    // The server has moved the task.
    task.answered(&answer(202, &[("location", "b")], &document("received")), now);
    assert_eq!(task.task().address().unwrap().path(), "/v1/b");
    assert_eq!(path(&mut task, &mut now), "/v1/b");
    // A redirect is followed for as long as its target answers.
    task.answered(&answer(302, &[("location", "/v1/c")], ""), now);
    assert_eq!(path(&mut task, &mut now), "/v1/c");
    task.answered(&answer(200, &[], &document("received")), now);
    assert_eq!(path(&mut task, &mut now), "/v1/c");
    task.answered(&answer(503, &[], ""), now);
    assert_eq!(path(&mut task, &mut now), "/v1/b");
    assert_eq!(task.task().address().unwrap().path(), "/v1/b");
    // A circular redirect ends.
    let circle = (0..25).find_map(|_| {
        task.answered(&answer(301, &[("location", "/v1/b")], ""), now);
        let end = outcome(&mut task, now);
        if end.is_none() {
            asked(&mut task, &mut now);
        }
        end
    });
    assert!(matches!(circle, Some(Err(tasklife::poll::PollError::ReadFailed(_)))), "{circle:?}");
}

#[test]
fn a_start_error_says_what_the_answer_lacks() {
    for (status, headers, body, message) in [
        (202, &[][..], "", "expected a task or its address, got an answer with neither: "),
        (
            202,
            &[],
            r#"{"taskId": "a/b", "status": "received"}"#,
            r#"expected the address of task "a/b""#,
        ),
        (
            202,
            &[],
            r#"{"taskId": "..", "status": "received"}"#,
            r#"expected the address of task "..""#,
        ),
        (
            400,
            &[("location", "/v1/tasks/7")],
            r#"{"message": "no such plan"}"#,
            r#"expected the request to be accepted, got 400 Bad Request: "no such plan""#,
        ),
        (503, &[], "", "expected the request to be accepted, got 503 Service Unavailable"),
        (
            303,
            &[("location", "/v1/tasks/7")],
            "",
            "expected the request to be accepted, got 303 See Other",
        ),
    ] {
        let error = poller().started_by(&answer(status, headers, body), second(0)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(error.status().map(|status| status.as_u16()), (status != 202).then_some(status));
    }
    for base in ["", "x", "ftp://a", "https://a@b", "https://a/v1?x"] {
        assert!(Poller::new(base).is_err(), "{base}");
    }
}
