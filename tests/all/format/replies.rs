//! Replies in every format, and with custom paths, words and headers.

use http::{HeaderName, Request, Response, StatusCode};
use proptest::prelude::*;
use tasklife::format::{
    AzureOperation, AzureResourceManager, BuiltIn, Format, GoogleOperation, ListParameters,
    RedisCloud,
};
use tasklife::{
    Links, MemoryStore, Origin, Replies, Submitted, TaskDocument, TaskEvent, TaskStatus, TaskStore,
};

use super::{account, after, completed, failed, formats, id, links, running, second, submission};
use http::request::Parts;

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(method).uri(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn get(path: &str) -> Parts {
    head("GET", path, &[])
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn all_replies() -> [Replies; 4] {
    let replies = Replies::new(links());
    [
        replies.clone().with_format(RedisCloud),
        replies.clone().with_format(GoogleOperation::new("example.com")),
        replies.clone().with_format(AzureOperation),
        replies.with_format(AzureResourceManager),
    ]
}

#[test]
fn every_format_links_all_pages() {
    let store = MemoryStore::default();
    let acme = account("acme");
    for number in 1..=5 {
        store.submit(submission("acme", number), second(0)).unwrap();
    }
    for replies in all_replies() {
        let name = format!("{:?}", replies.format());
        let google = name.starts_with("Google");
        let limit = match &*name {
            "RedisCloud" => "limit",
            _ if google => "pageSize",
            _ => "maxpagesize",
        };
        let mut path = format!("/v1/operations?{limit}=2&other=1");
        let mut seen = Vec::new();
        for _ in 0..4 {
            let request = get(&path);
            let query = replies.list_query(&request, second(1)).unwrap();
            let response = replies.list(&request, store.list(&acme, &query, second(1)), second(1));
            assert_eq!(header(&response, "cache-control"), Some("private, no-cache"));
            let list = replies.format().read_list(response.body().as_bytes()).unwrap();
            seen.extend(list.tasks().iter().map(|task| task.id().unwrap()));
            path = match list.next() {
                Some(token) if google => format!("/v1/operations?{limit}=2&pageToken={token}"),
                Some(next) => next.strip_prefix("https://api.example.com").unwrap().to_owned(),
                None => break,
            };
        }
        assert_eq!(seen, [5, 4, 3, 2, 1].map(id), "{name}");
    }
}

#[test]
fn every_format_has_the_headers_about_caches_and_retries() {
    for replies in all_replies() {
        let path = format!("/v1/operations/{}", id(7));
        let running = replies.polled(&get(&path), Ok(Some(running())), second(3));
        assert_eq!(running.status(), 200);
        assert_eq!(header(&running, "retry-after"), Some("1"));
        assert_eq!(header(&running, "content-type"), Some("application/json"));
        let tag = header(&running, "etag").unwrap();
        let again = head("GET", &path, &[("if-none-match", tag)]);
        let again = replies.polled(&again, Ok(Some(super::running())), second(3));
        assert_eq!((again.status().as_u16(), again.body().as_str()), (304, ""));
        let ended = replies.polled(&get(&path), Ok(Some(failed())), second(3));
        assert_eq!(header(&ended, "retry-after"), None);
        let accepted = replies.accepted(&get("/"), Ok(Submitted::New(after([]))), second(0));
        assert!(accepted.status().is_success());
        assert_eq!(header(&accepted, "cache-control"), Some("no-store"));
        assert_eq!(header(&accepted, "retry-after"), Some("1"));
    }
}

#[test]
fn a_head_has_the_head_of_the_get_and_the_length_of_its_body() {
    for replies in all_replies() {
        let path = format!("/v1/operations/{}", id(7));
        for task in [Some(running()), None] {
            let [get, head] = ["GET", "HEAD"].map(|method| {
                replies.polled(&head(method, &path, &[]), Ok(task.clone()), second(3))
            });
            let mut expected = get.headers().clone();
            expected.insert("content-length", get.body().len().into());
            assert_eq!((head.status(), head.headers()), (get.status(), &expected));
            assert!(head.body().is_empty() && !get.body().is_empty());
        }
    }
}

#[test]
fn only_resource_manager_has_the_result_at_its_own_address() {
    let path = format!("/v1/operations/{}/result", id(7));
    for other in ["/Result", "/x", "/result/result", "/x/result"] {
        let path = get(&format!("/v1/operations/{}{other}", id(7)));
        let replies = Replies::new(links()).with_format(AzureResourceManager);
        let read = replies.polled(&path, Ok(Some(running())), second(3));
        assert_eq!(read.status(), 200, "expected {other} to be left to the server");
    }
    for replies in all_replies() {
        let name = format!("{:?}", replies.format());
        let read = |task| replies.polled(&get(&path), Ok(Some(task)), second(3));
        assert_eq!(replies.id_in_path(&get(&path), second(0)).unwrap(), id(7));
        let (pending, done) = (read(running()), read(completed(tasklife::Completion::of(7))));
        if name == "AzureResourceManager" {
            assert_eq!((pending.status(), done.status()), (StatusCode::ACCEPTED, StatusCode::OK));
            assert_eq!(header(&pending, "retry-after"), Some("1"));
            assert_eq!((header(&pending, "etag"), header(&done, "etag").is_some()), (None, true));
            assert_eq!(read(failed()).status(), 404);
        } else {
            assert_eq!(
                (pending.status(), done.status()),
                (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
            );
        }
    }
}

#[test]
fn problem_details_replace_the_errors_of_every_format() {
    for replies in all_replies() {
        let replies = replies.with_problem_details();
        let refused = replies.polled(&get("/v1/operations/7"), Ok(None), second(0));
        assert_eq!(refused.status(), 404);
        assert_eq!(header(&refused, "content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(refused.body()).unwrap();
        assert_eq!(
            problem,
            serde_json::json!({
                "type": "about:blank", "title": "Not Found", "status": 404,
                "detail": "there is no such task", "instance": "/v1/operations/7",
            })
        );
    }
}

#[test]
fn sentences_and_titles_can_be_set() {
    let links = Links::new("/api").unwrap().with_tasks_path("/v2/jobs").unwrap();
    let links = links
        .with_task_title("getJob")
        .unwrap()
        .with_sentence(TaskStatus::Received, "In the queue.")
        .with_sentence(TaskStatus::ProcessingCompleted, "")
        .with_sentence(TaskStatus::ProcessingInProgress, String::from("At work."));
    let accepted = links.accepted(&after([])).to_string();
    let accepted = TaskDocument::from_json(accepted.as_bytes()).unwrap();
    assert_eq!(accepted.description(), Some("In the queue."));
    let link = accepted.link("task").unwrap();
    assert_eq!(link.title(), Some("getJob"));
    assert_eq!(link.href(), Some(&*format!("/api/v2/jobs/{}", id(7))));
    let described = |task| {
        let read = links.polled(&task).to_string();
        TaskDocument::from_json(read.as_bytes()).unwrap().description().map(String::from)
    };
    assert_eq!(described(running()), Some("At work.".into()));
    assert_eq!(described(completed(tasklife::Completion::of(7))), None);
    let worded = after([TaskEvent::start().with_description("Own words.")]);
    assert_eq!(described(worded), Some("Own words.".into()));
    assert_eq!(described(failed()), TaskStatus::ProcessingError.description().map(String::from));
    assert!(links.clone().with_task_title("").is_err());
    assert!(links.with_task_title("a\nb").is_err());
}

#[test]
fn the_path_of_the_tasks_is_checked_and_survives_another_base() {
    let links = Links::new("https://a.example/v1").unwrap();
    for (path, expected) in [
        ("jobs", "begins with a slash"),
        ("", "begins with a slash"),
        ("/", "empty segments"),
        ("/jobs/", "empty segments"),
        ("/a//b", "empty segments"),
        ("/../jobs", "the segments"),
        ("/jobs?x", "without a query"),
        ("/jo bs", "without the character ' '"),
    ] {
        let error = links.clone().with_tasks_path(path).unwrap_err().to_string();
        assert!(
            error.starts_with("expected a path of tasks ") && error.contains(expected),
            "{error}"
        );
    }
    let moved = links.with_tasks_path("/a/b").unwrap().with_base("http://b.example/").unwrap();
    assert_eq!(moved.list_href(), "http://b.example/a/b");
    assert_eq!((moved.base(), moved.tasks_path()), ("http://b.example", "/a/b"));
}

proptest! {
    #[test]
    fn every_address_leads_back_to_its_task_for_every_path_of_tasks(
        base in "(https://a\\.example)?(/[a-z]{1,3}){0,2}",
        tasks in "(/([a-z]{1,3}|tasks|%41|a\\.b)){1,3}",
        format in 0..4_usize,
    ) {
        let base = if base.is_empty() { "/".into() } else { base };
        let links = Links::new(&base).unwrap().with_tasks_path(&tasks).unwrap();
        let replies = all_replies()[format].clone().with_links(links);
        let accepted = replies.accepted(&get("/"), Ok(Submitted::New(after([]))), second(0));
        let known = |name: &str| header(&accepted, name).map(Box::from);
        let read = replies.format().read_accepted(&known, accepted.body().as_bytes()).unwrap();
        let href = read.href.unwrap();
        let path = href.split_once("://").map_or(&*href, |(_, rest)| &rest[rest.find('/').unwrap()..]);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        for path in [path.clone(), path.clone() + "/", path + "?x=1"] {
            prop_assert_eq!(replies.id_in_path(&get(&path), second(0)).unwrap(), id(7), "{}", path);
        }
    }
}

#[test]
fn a_client_can_wait_for_an_answer() {
    let replies = Replies::new(links()).with_longest_wait(core::time::Duration::from_secs(20));
    let until = |prefer: &[&str]| {
        let headers: Vec<_> = prefer.iter().map(|value| ("prefer", *value)).collect();
        replies.hold_until(&head("GET", "/", &headers), second(0))
    };
    for (prefer, expected) in [
        (&[][..], None),
        (&["respond-async"], None),
        (&["wait=5"], Some(5)),
        (&["respond-async, wait=5"], Some(5)),
        (&["respond-async; foo=\"x\"", "Wait = \"7\"; a=b"], Some(7)),
        (&["wait=0"], Some(0)),
        (&["wait=9999999999"], Some(20)),
        (&["wait=99999999999999999999"], Some(20)),
        (&["foo=\"a, wait=5\""], None),
        (&["foo=\"a;\"; b, wait=5"], Some(5)),
        (&["wait=+5"], None),
        (&["wait=-1"], None),
        (&["wait"], None),
        (&["wait=soon, wait=5"], None),
        (&["waiting=5"], None),
    ] {
        assert_eq!(until(prefer), expected.map(second), "{prefer:?}");
    }
    let last = replies.hold_until(&head("GET", "/", &[("prefer", "wait=9")]), tasklife::MAX_TIME);
    assert_eq!(last, Some(tasklife::MAX_TIME));
    let applied = |prefer: &str| {
        let request = head("POST", "/", &[("prefer", prefer)]);
        let accepted = replies.accepted(&request, Ok(Submitted::New(after([]))), second(0));
        header(&accepted, "preference-applied").map(String::from)
    };
    assert_eq!(applied("wait=5, Respond-Async"), Some("respond-async".into()));
    assert_eq!(applied("wait=5"), None);
}

#[test]
fn the_account_of_a_request_can_be_read_from_any_header() {
    let default = Replies::new(links());
    let find = |replies: &Replies, headers: &[(&str, &str)]| {
        replies.account_of(&head("GET", "/v1/x", headers), second(0)).map_err(Box::new)
    };
    assert_eq!(find(&default, &[("x-api-key", "acme")]).unwrap(), account("acme"));
    let unknown = find(&default, &[]).unwrap_err();
    assert_eq!(unknown.status(), 401);
    assert_eq!(header(&unknown, "www-authenticate"), Some("ApiKey"));
    assert!(unknown.body().contains("x-api-key, x-api-secret-key"), "{}", unknown.body());
    let challenge = http::HeaderValue::from_static("Bearer");
    let bearer =
        default.with_account_of([http::header::AUTHORIZATION], challenge.clone(), |head| {
            let token =
                head.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
            token.parse().ok()
        });
    assert_eq!(find(&bearer, &[("authorization", "Bearer acme")]).unwrap(), account("acme"));
    let unknown = find(&bearer, &[("x-api-key", "acme")]).unwrap_err();
    assert_eq!(header(&unknown, "www-authenticate"), Some("Bearer"));
    assert!(
        unknown.body().contains("expected authorization of a known account"),
        "{}",
        unknown.body()
    );
    let read = bearer.polled(&get("/v1/operations/7"), Ok(Some(running())), second(0));
    assert_eq!(header(&read, "vary"), Some("authorization"));
    let secret = bearer.with_account_of([], challenge, |_| None);
    let unknown = find(&secret, &[]).unwrap_err();
    assert!(
        unknown.body().contains("expected credentials of a known account"),
        "{}",
        unknown.body()
    );
    let read = secret.polled(&get("/v1/operations/7"), Ok(Some(running())), second(0));
    assert_eq!(header(&read, "vary"), None);
}

#[test]
fn the_header_of_the_idempotency_key_can_be_set() {
    let replies =
        Replies::new(links()).with_key_header(HeaderName::from_static("repeatability-request-id"));
    let id_of = |name: &str, value: &str| {
        let request = head("POST", "/", &[(name, value)]);
        replies.id_of_key(&request, &account("acme"), second(0)).map_err(Box::new)
    };
    assert!(id_of("repeatability-request-id", "k").unwrap().is_some());
    assert!(id_of("idempotency-key", "k").unwrap().is_none());
    let refused = id_of("repeatability-request-id", "").unwrap_err();
    assert!(refused.body().contains("Repeatability-Request-Id"), "{}", refused.body());
    let request = head("POST", "/", &[("repeatability-request-id", "k")]);
    let conflict = replies.accepted(&request, Err(tasklife::SubmitError::Conflict), second(0));
    assert_eq!(conflict.status(), 422);
    assert!(conflict.body().contains("this Repeatability-Request-Id"), "{}", conflict.body());
}

#[test]
fn custom_list_parameters_override_those_of_the_format_in_either_order() {
    let most = core::num::NonZeroUsize::new(9).unwrap();
    let parameters = ListParameters::default().with_limit("n", most);
    let replies = || Replies::new(links());
    for replies in [
        replies().with_format(AzureOperation).with_list_parameters(parameters.clone()),
        replies().with_list_parameters(parameters).with_format(AzureOperation),
    ] {
        let query = |query: &str| {
            let request = get(&format!("/v1/operations?{query}"));
            replies.list_query(&request, second(0)).map_err(Box::new)
        };
        assert_eq!(query("n=5").unwrap().limit().get(), 5);
        assert_eq!(query("n=10").unwrap_err().status(), 400);
    }
}

#[test]
fn links_have_the_host_that_the_client_sees() {
    let base = |origin: Origin, base: &str, headers: &[(&str, &str)]| {
        let links = Links::new(base).unwrap().with_tasks_path("/jobs").unwrap();
        let request = head("GET", "/v1/jobs", headers);
        let replies = Replies::new(links).with_origin(origin).for_request(&request, second(0));
        replies.map(|replies| replies.links().list_href().to_owned()).map_err(Box::new)
    };
    let host = [("host", "a.example:8080")];
    assert_eq!(base(Origin::Base, "/v1", &host).unwrap(), "/v1/jobs");
    assert_eq!(base(Origin::Host, "/v1", &host).unwrap(), "http://a.example:8080/v1/jobs");
    let secure = base(Origin::Host, "https://b.example/v1", &host);
    assert_eq!(secure.unwrap(), "https://a.example:8080/v1/jobs");
    let forwarded = [("host", "a.example"), ("forwarded", "for=1;host=c.example;proto=https")];
    assert_eq!(base(Origin::Forwarded, "/v1", &forwarded).unwrap(), "https://c.example/v1/jobs");
    for (origin, headers) in [
        (Origin::Host, &[][..]),
        (Origin::Base, &[("host", "a b")]),
        (Origin::Base, &[("host", "a"), ("host", "b")]),
    ] {
        assert_eq!(base(origin, "/v1", headers).unwrap_err().status(), 400, "{headers:?}");
    }
    let replies = Replies::new(links()).with_origin(Origin::Forwarded);
    let read = replies.polled(&get("/v1/operations/7"), Ok(Some(running())), second(0));
    let vary = header(&read, "vary").unwrap();
    assert_eq!(vary, "x-api-key, x-api-secret-key, forwarded, x-forwarded-host, x-forwarded-proto");
}

#[test]
fn replies_return_their_format() {
    assert_eq!(formats().len(), all_replies().len());
    for (format, replies) in formats().into_iter().zip(all_replies()) {
        assert_eq!(format!("{format:?}"), format!("{:?}", replies.format()));
    }
}

/// A format that writes the same message for everything.
#[derive(Debug)]
struct Fixed(tasklife::format::Message);

impl Format for Fixed {
    fn accepted(&self, _: &Links, _: &tasklife::Task) -> tasklife::format::Message {
        self.0.clone()
    }

    fn polled(&self, _: &Links, _: &tasklife::Task) -> tasklife::format::Message {
        self.0.clone()
    }

    fn list(
        &self,
        _: &Links,
        _: &tasklife::Page,
        _: Option<&tasklife::format::NextPage>,
    ) -> tasklife::format::Message {
        self.0.clone()
    }

    fn refused(&self, _: &tasklife::format::Refusal<'_>) -> tasklife::format::Message {
        self.0.clone()
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, tasklife::DocumentError> {
        RedisCloud.read_task(json)
    }

    fn read_list(&self, json: &[u8]) -> Result<tasklife::ListDocument, tasklife::DocumentError> {
        RedisCloud.read_list(json)
    }

    fn read_refusal(
        &self,
        json: &[u8],
    ) -> Result<tasklife::format::ReportedRefusal, tasklife::DocumentError> {
        RedisCloud.read_refusal(json)
    }
}

#[test]
fn an_invalid_message_becomes_a_valid_response() {
    use tasklife::format::Message;

    let answer = |message: Message| {
        let replies = Replies::new(links()).with_format(Fixed(message));
        replies.accepted(&get("/"), Ok(Submitted::New(after([]))), second(0))
    };
    for status in [0, 99, 100, 101, 199, 600, 999, 1000, u16::MAX] {
        let response = answer(Message::new(status, "{}"));
        assert_eq!((response.status().as_u16(), response.body().as_str()), (500, ""), "{status}");
    }
    for status in [204, 304] {
        let response = answer(Message::new(status, "{}"));
        assert_eq!((response.status().as_u16(), response.body().as_str()), (status, ""));
        assert_eq!(header(&response, "content-type"), None);
    }
    let response = answer(
        Message::new(202, "not JSON")
            .with_header("content-length", "7")
            .with_header("transfer-encoding", "chunked")
            .with_header("bad name", "x")
            .with_header("x-bad", "a\nb")
            .with_header("x-good", "é")
            .with_media_type("text/plain"),
    );
    for name in ["content-length", "transfer-encoding", "x-bad"] {
        assert_eq!(header(&response, name), None, "{name}");
    }
    assert_eq!(response.headers()["x-good"].as_bytes(), "é".as_bytes());
    assert_eq!(header(&response, "content-type"), Some("text/plain"));
    assert_eq!(response.body(), "not JSON");
}

#[test]
fn a_built_in_format_that_is_chosen_by_name_behaves_like_the_type() {
    let fixed: [&dyn Format; 4] =
        [&RedisCloud, &GoogleOperation::new("example.com"), &AzureOperation, &AzureResourceManager];
    for (name, fixed) in BuiltIn::ALL.into_iter().zip(fixed) {
        let chosen: BuiltIn = name.as_str().parse().unwrap();
        let chosen = chosen.format("example.com");
        assert_eq!(format!("{chosen:?}"), format!("{fixed:?}"));
        assert_eq!(chosen.required(), fixed.required());
        let task = completed(tasklife::Completion::of(7));
        assert_eq!(chosen.result(&links(), &task), fixed.result(&links(), &task));
        assert_eq!(chosen.accepted(&links(), &task), fixed.accepted(&links(), &task));
    }
    assert!(!RedisCloud.required().is_empty(), "expected parts, so that forwarding is tested");
}

#[test]
fn a_boxed_format_behaves_like_the_type() {
    for (chosen, fixed) in formats().into_iter().zip(all_replies()) {
        let replies = Replies::new(links()).with_format(chosen);
        let path = get(&format!("/v1/operations/{}", id(7)));
        let [chosen, fixed] =
            [&replies, &fixed].map(|replies| replies.polled(&path, Ok(Some(failed())), second(3)));
        assert_eq!(chosen.body(), fixed.body());
        let query = get("/v1/operations?pageSize=5000&limit=3&maxpagesize=4");
        assert!(replies.list_query(&query, second(0)).is_ok());
    }
}
