//! Links: which addresses and routes are refused, and how ids are encoded.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tasklife::{
    Completion, LinkError, LinkShape, Links, ResourceId, Task, TaskDocument, TaskError, TaskEvent,
};

use crate::document::arbitrary::{completions, tasks};
use crate::document::{ID, OTHER, completed, task};
use crate::support::CREATE;

const BOTH: &str = "/fixed/subscriptions/{additionalResourceId}/databases/{resourceId}";

/// The address of the link with this relation in the reply to a read.
fn href(links: &Links, task: &Task, rel: &str) -> Option<String> {
    let document = json!(links.polled(task));
    document["_links"][rel]["href"].as_str().map(str::to_owned)
}

fn routed(base: &str, route: &str) -> Links {
    Links::new(base).unwrap().with_route(CREATE, route, "title").unwrap()
}

#[test]
fn a_base_address_is_unchanged_except_for_a_trailing_slash() {
    for base in [
        "https://api.redislabs.com/v1",
        "http://localhost",
        "http://localhost:8080",
        "https://example.com:0/a/b/c",
        "https://example.com:65535",
        "http://127.0.0.1:80/v1",
        "http://[::1]",
        "http://[2001:db8::7]:443/v1",
        "https://under_score.example-host.com/v1",
        "/v1",
        "/a/b",
        "/a%20b/-._~!$&'()*+,;=:@",
        "/...",
        "/%2e%2e%2e",
        "",
    ] {
        let slash = format!("{base}/");
        let given = [base, &slash];
        // An empty text is not an address, but `/` is.
        for given in given.into_iter().filter(|given| !given.is_empty()) {
            let links = Links::new(given).unwrap();
            let expected = format!("{base}/tasks/{ID}");
            assert_eq!(href(&links, &task(CREATE, []), "self"), Some(expected), "{given}");
        }
    }
}

fn base(text: &str) -> Result<Links, LinkError> {
    Links::new(text)
}

fn route(text: &str) -> Result<Links, LinkError> {
    Links::new("/v1")?.with_route(CREATE, text, "title")
}

/// Asserts that each text is refused, and that the error states what was expected and the text.
fn assert_refused<'a>(
    read: fn(&str) -> Result<Links, LinkError>,
    expected: &str,
    texts: impl IntoIterator<Item = &'a str>,
) {
    for text in texts {
        let error = read(text).expect_err(text);
        assert_eq!(error.to_string(), format!("expected {expected}, got {text:?}"));
    }
}

#[test]
fn a_malformed_base_address_is_refused() {
    for (expected, texts) in [
        (
            "such as https://api.example.com/v1 or /v1",
            "v1 api.example.com/v1 ftp://example.com file:///v1 mailto:a@example.com \
             https: https:/example.com ?a #a . .. \n/v1",
        ),
        (
            "with a host name or address",
            "https:///v1 http://:80/v1 https://-/v1 https://../v1 https://a..b/v1 https://höst/v1 https://a,b/ \
             https://a\\b/v1 https://a%2fb/ https://a\n/v1 https://[::1 https://[::1]x/v1 \
             https://[::g]/v1 https://[127.0.0.1]/v1 https://[]/v1",
        ),
        (
            "with a port from 0 to 65535",
            "https://example.com: https://example.com:/v1 https://example.com:65536 \
             https://example.com:+80 https://example.com:80:80 https://example.com:a \
             https://example.com:８０ http://[::1]:/v1 http://[::1]:x/v1",
        ),
        ("without a query", "https://example.com? https://example.com?a=/b#c"),
        ("without a fragment", "https://example.com# https://example.com#a?b"),
    ] {
        assert_refused(base, &format!("a base address {expected}"), texts.split(' '));
    }
    assert_refused(base, "a base address such as https://api.example.com/v1 or /v1", ["", " /v1"]);
    for secret in ["https://user:word@example.com/v1", "https://word@[::1]"] {
        let message = base(secret).unwrap_err().to_string();
        assert!(
            message.starts_with("expected a base address without user information"),
            "{message}"
        );
        assert!(!message.contains("word"), "{message}");
    }
    assert!(base("https://exa mple.com/v1").is_err());
}

#[test]
fn a_malformed_route_or_title_is_refused() {
    for (expected, texts) in [
        ("that begins with a slash", "subscriptions {resourceId} https://example.com/a ? . \n/a"),
        (
            "whose placeholders are {resourceId} and {additionalResourceId}, each a whole segment",
            "/{id} /{} /{ /} /a{resourceId} /{resourceId}a /{resourceId /resourceId} \
             /{resourceId}{resourceId} /{resourceid} /{{resourceId}} /a?b={resourceId}",
        ),
        ("without empty segments", "/ /a/ /{resourceId}/ //{resourceId}"),
    ] {
        assert_refused(route, &format!("a route {expected}"), texts.split(' '));
    }
    assert_refused(route, "a route that begins with a slash", ["", " /a"]);
    let title = |title: &str| Links::new("/v1")?.with_route(CREATE, "/a", title);
    let expected = "a title that is not empty and has no control characters";
    assert_refused(title, expected, ["", "\n", "a\r\nb", "\0", "\u{7f}", "\u{85}"]);
}

#[test]
fn a_malformed_path_is_refused_in_a_base_address_and_in_a_route() {
    let cases: [(&str, &[&str]); _] = [
        ("without a query", &["/?", "/a?", "/a?b=/c", "/a?b#c"]),
        ("without a fragment", &["/#", "/a#", "/a#b?c"]),
        ("without empty segments", &["//", "//a", "//example.com/a", "/a//", "/a//b"]),
        (
            "without the segments `.` and `..`",
            &["/.", "/..", "/a/./b", "/a/../b", "/a/..", "/%2e", "/%2e%2e/a", "/.%2E", "/%2E./a"],
        ),
        ("without the character ' '", &["/ ", "/a b", "/a "]),
        ("without the character '\\n'", &["/a\n", "/\n"]),
        ("without the character '\\r'", &["/a\r\nb: c"]),
        ("without the character '\\0'", &["/\0"]),
        ("without the character '\\u{7f}'", &["/\u{7f}"]),
        ("without the character 'é'", &["/é", "/a/é"]),
        ("without the character '%'", &["/%", "/a%/b", "/%2", "/%zz", "/%é9", "/%2%2e"]),
        ("without the character '\\\\'", &["/\\", "/\\example.com", "/..\\.."]),
        ("without the character '\"'", &["/\"", "/a\">"]),
        ("without the character '<'", &["/<"]),
    ];
    for (expected, paths) in cases {
        assert_refused(route, &format!("a route {expected}"), paths.iter().copied());
        let expected = format!("a base address {expected}");
        assert_refused(base, &expected, paths.iter().copied());
        let below: Vec<_> = paths.iter().map(|path| format!("http://[::1]:80{path}")).collect();
        assert_refused(base, &expected, below.iter().map(String::as_str));
    }
}

#[test]
fn an_error_shows_only_the_beginning_of_a_long_text() {
    let error = Links::new(&"é".repeat(1_000)).unwrap_err().to_string();
    assert!(error.ends_with(&format!("or /v1, got \"{}\"", "é".repeat(24))), "{error}");
}

#[test]
fn an_id_is_percent_encoded() {
    for (id, segment) in [
        (ResourceId::from(77_899), "77899"),
        (ResourceId::from(i64::MIN), "-9223372036854775808"),
        (ResourceId::from(i64::MAX), "9223372036854775807"),
        (ResourceId::from("node-3._~"), "node-3._~"),
        (ResourceId::from("..."), "..."),
        (ResourceId::from("a/b"), "a%2Fb"),
        (ResourceId::from("../../accounts"), "..%2F..%2Faccounts"),
        (ResourceId::from("%2e%2E"), "%252e%252E"),
        (ResourceId::from("a?b#c;d=e&f+g"), "a%3Fb%23c%3Bd%3De%26f%2Bg"),
        (ResourceId::from("é \r\n\0"), "%C3%A9%20%0D%0A%00"),
        (ResourceId::from("\"<{}>\\"), "%22%3C%7B%7D%3E%5C"),
    ] {
        let task = completed(CREATE, Completion::of(id));
        let links = routed("https://api.example.com/v1/", "/a/{resourceId}/b");
        let expected = format!("https://api.example.com/v1/a/{segment}/b");
        assert_eq!(href(&links, &task, "resource"), Some(expected));
    }
    for id in ["", ".", ".."] {
        let task = completed(CREATE, Completion::of(id).with_additional_resource_id(id));
        assert_eq!(href(&routed("/", "/a/{resourceId}"), &task, "resource"), None);
        assert_eq!(href(&routed("/", "/a/{additionalResourceId}"), &task, "resource"), None);
        assert_eq!(href(&routed("/", "/a"), &task, "resource"), Some("/a".to_owned()));
    }
}

#[test]
fn a_route_belongs_to_one_command_type_and_can_be_replaced() {
    let links = routed("/", "/old").with_route(CREATE, "/new/{resourceId}", "second").unwrap();
    let made = Completion::of(7);
    let document = json!(links.polled(&completed(CREATE, made.clone())));
    let expected = json!({"href": "/new/7", "title": "second", "type": "GET"});
    assert_eq!(document["_links"]["resource"], expected);
    assert_eq!(href(&links, &completed(OTHER, made), "resource"), None);
    let running = [
        task(CREATE, []),
        task(CREATE, [TaskEvent::start()]),
        task(CREATE, [TaskEvent::fail(TaskError::new("GONE", "It went."))]),
    ];
    for task in running {
        assert_eq!(href(&routed("/", "/always"), &task, "resource"), None);
    }
}

/// Returns `true` if an id can be a path segment.
fn fits(id: Option<&ResourceId>) -> bool {
    id.is_some_and(|id| !["", ".", ".."].contains(&id.to_string().as_str()))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    String::from_utf8(decoded).unwrap()
}

proptest! {
    #[test]
    fn an_id_fills_exactly_one_segment(
        completion in completions(),
        base in select(vec!["https://example.com/v1", "http://[::1]:80", "/v1", ""]),
        route in select(vec!["/a", "/a/{resourceId}", "/{additionalResourceId}", BOTH]),
    ) {
        let id = |segment: &str| match segment {
            "{resourceId}" => Some(completion.resource_id()),
            "{additionalResourceId}" => Some(completion.additional_resource_id()),
            _ => None,
        };
        let links = routed(&format!("{base}/"), route);
        let href = href(&links, &completed(CREATE, completion.clone()), "resource");
        prop_assert_eq!(href.is_some(), route.split('/').filter_map(id).all(fits));
        if let Some(href) = href {
            let path = href.strip_prefix(base).unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~%".contains(c);
            prop_assert!(path.chars().all(plain), "{}", path);
            let segments: Vec<_> = path.split('/').map(percent_decoded).collect();
            let expected = route.split('/').map(|segment| match id(segment) {
                Some(id) => id.unwrap().to_string(),
                None => segment.to_owned(),
            });
            prop_assert_eq!(segments, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_reply_links_the_resource_if_there_is_one_and_then_the_task(
        task in tasks(),
        shape in select(vec![LinkShape::Map, LinkShape::Array]),
    ) {
        let links = routed("/", "/a/{resourceId}").with_shape(shape);
        let read = |document: tasklife::Document<'_>| {
            let read = TaskDocument::from_json(document.to_string().as_bytes()).unwrap();
            read.links().iter().map(|link| link.rel().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let made = task.outcome().and_then(Result::ok).and_then(Completion::resource_id);
        let linked = *task.command_type() == CREATE && fits(made);
        let expected: &[&str] = if linked { &["resource", "self"] } else { &["self"] };
        prop_assert_eq!(read(links.polled(&task)), expected);
        prop_assert_eq!(read(links.accepted(&task)), ["task"]);
    }
}
