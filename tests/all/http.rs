//! Responses (status, headers and body), and the reading of requests.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use serde_json::Value;
use tasklife::format::ListParameters;
use tasklife::{
    ApplyError, BackendError, Completion, LinkShape, Links, ListQuery, MemoryStore, Replies,
    Snapshot, StoreConfig, SubmitError, Submitted, Target, Task, TaskDocument, TaskEvent, TaskId,
    TaskStatus, TaskStore,
};

use crate::support::{CREATE, account, id, second, submission, task};

const BASE: &str = "https://api.example.com/v1";

fn replies() -> Replies {
    let links = Links::new(BASE).unwrap();
    Replies::new(links.with_route(CREATE, "/subscriptions/{resourceId}", "title").unwrap())
}

fn get(path: &str) -> Parts {
    Request::get(path).body(()).unwrap().into_parts().0
}

fn with_header(path: &str, name: &str, value: &str) -> Parts {
    Request::get(path).header(name, value).body(()).unwrap().into_parts().0
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Returns the status, message and path of an error's body, after checking its form.
fn error(response: &Response<String>) -> (u16, String, String) {
    assert_eq!(header(response, "content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(response.body()).unwrap();
    let fields: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    let expected = ["error", "message", "path", "status", "timestamp"];
    assert_eq!(fields.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected.into());
    assert_eq!(body["status"], response.status().as_u16());
    assert_eq!(body["error"], response.status().canonical_reason().unwrap());
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    (response.status().as_u16(), text("message"), text("path"))
}

fn started(task: &Task) -> Task {
    changed(task, TaskEvent::start())
}

fn changed(task: &Task, event: TaskEvent) -> Task {
    let mut clock = tasklife::AccountClock::default();
    clock.advance_to(task);
    let (mut task, at) = (task.clone(), second(1));
    task.apply(event, tasklife::Retention::default(), at, clock.next(at)).unwrap();
    task
}

#[test]
fn the_response_to_a_submission_has_a_location_and_a_retry_after() {
    let task = task(submission("acme", 1), second(0));
    let (request, replies) = (get("/v1/subscriptions"), replies());
    let new = replies.accepted(&request, Ok(Submitted::New(task.clone())), second(0));
    assert_eq!(new.status(), 202);
    assert_eq!(header(&new, "location"), Some(&*format!("{BASE}/tasks/{}", id(1))));
    assert_eq!(header(&new, "retry-after"), Some("1"));
    assert_eq!(header(&new, "content-type"), Some("application/json"));
    assert_eq!(*new.body(), replies.links().accepted(&task).to_string());

    let done = changed(&started(&task), TaskEvent::complete(Completion::of(7)));
    let again = replies.accepted(&request, Ok(Submitted::Existing(done)), second(9));
    assert_eq!((again.status().as_u16(), header(&again, "retry-after")), (202, None));
    assert_eq!(header(&new, "idempotent-replayed"), None);
    assert_eq!(header(&again, "idempotent-replayed"), Some("true"), "a repeat is marked");
}

#[test]
fn each_refusal_of_a_submission_has_its_status() {
    let (plain, keyed) = (get("/v1/x"), with_header("/v1/x", "Idempotency-Key", "k"));
    // Messages mention what the client sent, but not ids, inputs or lanes, which it doesn't know.
    let refusals = [
        (SubmitError::Conflict, &plain, 409, "the task with this id", false),
        (SubmitError::Conflict, &keyed, 422, "this Idempotency-Key", false),
        (SubmitError::InputTooLarge { limit: 3 }, &keyed, 413, "a body of at most 3 bytes", false),
        (SubmitError::AccountFull, &plain, 429, "fewer open tasks", true),
        (SubmitError::StoreFull, &plain, 503, "nothing was applied", true),
        (SubmitError::Expired, &plain, 503, "the clocks of the server", true),
        (BackendError::not_applied("gone").into(), &plain, 503, "nothing was applied", true),
    ];
    for (refusal, request, status, words, again) in refusals {
        let response = replies().accepted(request, Err(refusal), second(0));
        let (got, message, path) = error(&response);
        assert_eq!((got, path.as_str()), (status, "/v1/x"));
        assert!(message.contains(words), "{message}");
        let names_an_id = message.contains("id that is free") || message.contains(" id ");
        assert!(status != 422 || !names_an_id, "{message}");
        assert_eq!(header(&response, "retry-after").is_some(), again, "{status}");
    }
}

#[test]
fn the_response_to_a_backend_error_states_whether_anything_was_applied() {
    let (request, replies) = (get("/v1/tasks/1"), replies());
    let not_applied = || BackendError::not_applied("gone");
    let unknown = || BackendError::unknown("gone");
    for (failure, word) in [(not_applied as fn() -> _, "nothing was applied"), (unknown, "unknown")]
    {
        let responses = [
            replies.accepted(&request, Err(failure().into()), second(0)),
            replies.polled(&request, Err(failure()), second(0)),
            replies.list(&request, Err(failure().into()), second(0)),
            replies.changed(&request, Err(failure().into()), second(0)),
        ];
        for response in responses {
            let (status, message, _) = error(&response);
            assert!(status == 503 && message.contains(word), "{status}: {message}");
        }
    }
}

#[test]
fn a_read_has_an_etag_and_a_matching_request_gets_304() {
    let task = task(submission("acme", 1), second(0));
    let replies = replies();
    let read =
        |task: &Task, request: &Parts| replies.polled(request, Ok(Some(task.clone())), second(0));
    let first = read(&task, &get("/v1/tasks/1"));
    let tag = header(&first, "etag").unwrap().to_owned();
    assert_eq!(
        (first.status().as_u16(), first.body().as_str()),
        (200, &*replies.links().polled(&task).to_string())
    );
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");

    let lists = [format!("W/{tag}"), format!("\"a\" , {tag}"), format!("\"a,\",W/{tag} ,\"\"")];
    for known in lists.into_iter().chain([tag.clone(), "*".to_owned()]) {
        for method in ["GET", "HEAD"] {
            let mut request = with_header("/v1/tasks/1", "If-None-Match", &known);
            request.method = method.parse().unwrap();
            let response = read(&task, &request);
            let status = response.status().as_u16();
            assert_eq!((status, response.body().as_str()), (304, ""), "{method} {known}");
            assert_eq!(header(&response, "etag"), Some(&*tag));
            assert_eq!(header(&response, "retry-after"), Some("1"));
            for name in ["cache-control", "vary"] {
                assert_eq!(header(&response, name), header(&first, name), "RFC 9110, 15.4.5");
            }
        }
    }
    let inside = format!("\"x,{}\"", tag.trim_matches('"'));
    for other in [&inside, tag.trim_end_matches('"'), tag.trim_matches('"'), "\"\"", "", "W/"] {
        let request = with_header("/v1/tasks/1", "If-None-Match", other);
        assert_eq!(read(&task, &request).status(), 200, "{other} does not match");
    }
    let request = with_header("/v1/tasks/1", "If-None-Match", &tag);
    assert_eq!(read(&started(&task), &request).status(), 200, "another revision");

    let others = [
        Links::new("https://api.example.com/v2").unwrap(),
        Links::new("/v1").unwrap(),
        replies.links().clone().with_shape(LinkShape::Array),
    ];
    for links in others {
        let response = Replies::new(links).polled(&request, Ok(Some(task.clone())), second(0));
        assert_eq!(response.status(), 200, "another document");
    }
}

#[test]
fn documents_of_a_restored_store_never_share_an_etag_with_lost_ones() {
    let (store, acme) = (MemoryStore::default(), account("acme"));
    store.submit(submission("acme", 1), second(0)).unwrap();
    let snapshot: Snapshot = store.snapshot();
    let claim = |store: &MemoryStore, at| {
        store.claim(tasklife::Scope::Any, second(at)).unwrap().unwrap().into_work().unwrap()
    };
    let read = |store: &MemoryStore, request: &Parts| {
        replies().polled(request, store.get(&acme, id(1), second(9)), second(9))
    };
    let report = TaskEvent::report_of(tasklife::Progress::of(1, 2));
    store.apply(Target::exactly(&claim(&store, 1)), report, second(2)).unwrap();
    let seen = read(&store, &get("/v1/tasks/1"));
    let known = with_header("/v1/tasks/1", "If-None-Match", header(&seen, "etag").unwrap());
    assert_eq!(read(&store, &known).status(), 304);

    // Whenever the store is restored, its document differs from the lost one, and so does the tag.
    for now in [tasklife::MIN_TIME, second(0), second(3)] {
        let restored = MemoryStore::restore(StoreConfig::default(), snapshot.clone(), now).unwrap();
        assert_eq!(read(&restored, &known).status(), 200);
        let started = claim(&restored, 1);
        let fail = TaskEvent::fail(tasklife::TaskError::new("NO", "No."));
        restored.apply(Target::exactly(&started), fail, second(2)).unwrap();
        let response = read(&restored, &known);
        let document = TaskDocument::from_json(response.body().as_bytes()).unwrap();
        assert_eq!(document.status().known(), Some(TaskStatus::ProcessingError));
    }

    // The same document has the same tag in another store.
    let again = MemoryStore::restore(StoreConfig::default(), store.snapshot(), second(9)).unwrap();
    assert_eq!(read(&again, &known).status(), 304);
}

#[test]
fn caches_keep_no_response_for_another_account() {
    let store = MemoryStore::default();
    let (acme, mine) = (account("acme"), with_header("/v1/tasks", "x-api-key", "acme"));
    let task = store.submit(submission("acme", 1), second(0)).unwrap();
    let list = || store.list(&acme, &ListQuery::default(), second(0));
    let started = |request: &Parts| {
        let started = started(task.task());
        let change =
            tasklife::Change::new(TaskStatus::Received, tasklife::EventKind::Start, started);
        replies().changed(request, Ok(change), second(1))
    };
    let post = Request::post("/v1/tasks/1").body(()).unwrap().into_parts().0;
    let replies = replies();
    let cache = |response: &Response<String>| {
        let vary = header(response, "vary").unwrap_or_default().to_owned();
        (header(response, "cache-control").unwrap().to_owned(), vary)
    };
    let read = ("private, no-cache".to_owned(), "x-api-key, x-api-secret-key".to_owned());
    let not_stored = ("no-store".to_owned(), String::new());
    for (response, expected) in [
        (replies.list(&mine, list(), second(0)), &read),
        (replies.polled(&mine, Ok(Some(task.task().clone())), second(0)), &read),
        (replies.polled(&mine, Ok(None), second(0)), &not_stored),
        (replies.accepted(&post, Ok(task.clone()), second(0)), &not_stored),
        (replies.accepted(&post, Err(SubmitError::Conflict), second(0)), &not_stored),
        (started(&post), &not_stored),
        (replies.refused(&mine, http::StatusCode::UNAUTHORIZED, "no", second(0)), &not_stored),
    ] {
        assert_eq!(cache(&response), *expected, "{response:?}");
    }
    let bearer = http::HeaderValue::from_static("Bearer");
    let replies = replies.with_account_of([http::header::AUTHORIZATION], bearer, |_| None);
    assert_eq!(header(&replies.list(&mine, list(), second(0)), "vary"), Some("authorization"));
    let refused = replies.refused(&mine, http::StatusCode::UNAUTHORIZED, "no", second(0));
    assert_eq!(header(&refused, "www-authenticate"), Some("Bearer"));
}

#[test]
fn every_reason_for_a_missing_task_gives_the_same_response() {
    let store = MemoryStore::default();
    store.submit(submission("acme", 1), second(0)).unwrap();
    let (acme, other) = (account("acme"), account("other"));
    let later = second(864_000);
    let answers: BTreeSet<String> = [(&acme, 1), (&acme, 2), (&other, 1)]
        .into_iter()
        .map(|(account, number)| {
            let read = store.get(account, id(number), later);
            format!("{:?}", replies().polled(&get("/v1/tasks/x"), read, later))
        })
        .chain([format!(
            "{:?}",
            replies().changed(&get("/v1/tasks/x"), Err(ApplyError::NotFound), later)
        )])
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let gone = replies().polled(&get("/v1/tasks/x?y"), Ok(None), later);
    assert_eq!(error(&gone), (404, "there is no such task".to_owned(), "/v1/tasks/x".to_owned()));
}

#[test]
fn retry_after_is_half_the_age_of_the_task_within_bounds() {
    let task = task(submission("acme", 1), second(0));
    let wait = |replies: &Replies, at: i64| -> u64 {
        let response = replies.polled(&get("/"), Ok(Some(task.clone())), second(at));
        header(&response, "retry-after").unwrap().parse().unwrap()
    };
    let replies = replies();
    let waits = [-9, 0, 3, 4, 10, 59, 60, 61, 1_000_000].map(|at| wait(&replies, at));
    assert_eq!(waits, [1, 1, 1, 2, 5, 29, 30, 30, 30]);
    let bounds = Duration::from_millis(1_500)..=Duration::from_millis(4_900);
    let narrow = replies.with_retry_after(bounds);
    assert_eq!([0, 6, 100].map(|at| wait(&narrow, at)), [2, 3, 4]);
    let odd = narrow.with_retry_after(Duration::from_secs(9)..=Duration::from_secs(1));
    assert_eq!(wait(&odd, 100), 9);
    assert_eq!(wait(&odd.with_retry_after(Duration::MAX..=Duration::MAX), 100), u64::MAX);
}

#[test]
fn a_change_gets_the_response_of_a_read_and_its_refusals_have_their_status() {
    let config = StoreConfig::default().with_max_in_progress(NonZeroU32::MIN);
    let store = MemoryStore::new(config);
    let tasks = [1, 2].map(|n| store.submit(submission("acme", n), second(0)).unwrap().into_task());
    let (request, replies) = (get("/v1/tasks/1"), replies());
    let apply = |task: &Task, event: TaskEvent| {
        replies.changed(&request, store.apply(Target::exactly(task), event, second(1)), second(1))
    };
    let started = apply(&tasks[0], TaskEvent::start());
    assert_eq!(started.status(), 200);
    assert!(header(&started, "etag").is_some());
    let document = TaskDocument::from_json(started.body().as_bytes()).unwrap();
    assert_eq!(document.status().known(), Some(TaskStatus::ProcessingInProgress));
    assert_eq!(apply(&tasks[0], TaskEvent::start()).status(), 412);
    assert_eq!(apply(&tasks[1], TaskEvent::start()).status(), 409);
    assert_eq!(error(&apply(&tasks[1], TaskEvent::report())).0, 409);
}

#[test]
fn each_page_of_a_list_links_to_the_next() {
    let store = MemoryStore::default();
    let acme = account("acme");
    for number in 1..=5 {
        store.submit(submission("acme", number), second(0)).unwrap();
    }
    for shape in LinkShape::ALL {
        let replies = Replies::new(Links::new(BASE).unwrap().with_shape(shape));
        let mut path = "/v1/tasks?limit=2&status=received&status=initialized&other=%26".to_owned();
        let mut seen = Vec::new();
        loop {
            let request = get(&path);
            let query = replies.list_query(&request, second(1)).unwrap();
            let response = replies.list(&request, store.list(&acme, &query, second(1)), second(1));
            let body: Value = serde_json::from_str(response.body()).unwrap();
            let list = TaskDocument::list_from_json(response.body().as_bytes()).unwrap();
            seen.extend(list.tasks().iter().map(|task| task.id().unwrap()));
            let next = match shape {
                LinkShape::Map => body["_links"]["next"]["href"].as_str(),
                LinkShape::Array => body["links"][0]["href"].as_str(),
            };
            let link = header(&response, "link").map(str::to_owned);
            assert_eq!(link, next.map(|next| format!("<{next}>; rel=\"next\"")));
            match next {
                Some(next) => {
                    next.strip_prefix("https://api.example.com").unwrap().clone_into(&mut path);
                }
                None => break,
            }
        }
        assert_eq!(seen, [5, 4, 3, 2, 1].map(id));
    }
}

#[test]
fn without_a_query_a_list_has_all_tasks_up_to_the_maximum_limit() {
    let query = replies().list_query(&get("/v1/tasks"), second(0)).unwrap();
    assert_eq!(query.limit(), ListParameters::MAX_LIMIT);
    assert!(query.statuses().eq(TaskStatus::ALL));
    let empty = MemoryStore::default().list(&account("acme"), &query, second(0));
    let response = replies().list(&get("/v1/tasks"), empty, second(0));
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "{}"));
    assert_eq!(header(&response, "link"), None);
}

#[test]
fn a_malformed_query_is_rejected() {
    let replies = replies();
    let cursor = ListQuery::default().cursor(&account("acme"), 7_u64.try_into().unwrap());
    let read = |query: &str| {
        let request = get(&format!("/v1/tasks?{query}"));
        replies.list_query(&request, second(0)).map_err(Box::new)
    };
    assert_eq!(
        read(&format!("cursor={cursor}")).unwrap(),
        replies.list_query(&get("/"), second(0)).unwrap().after(cursor)
    );
    let parsed = read("changedSince=7&%73tatus=processing%2dcompleted&&x&=").unwrap();
    assert_eq!(parsed.since().map(u64::from), Some(7));
    assert!(parsed.statuses().eq([TaskStatus::ProcessingCompleted]));

    let rejected = [
        ("limit=0", "limit: expected 1 to 1000, got \"0\""),
        ("limit=1001", "limit: expected 1 to 1000, got \"1001\""),
        ("limit=", "limit: expected 1 to 1000, got \"\""),
        ("limit=-1", "limit: expected 1 to 1000"),
        ("limit=1&limit=1", "limit: expected one value, got more"),
        ("cursor=page-2", "cursor: expected a cursor of 32 hexadecimal digits"),
        ("status=done", "status: expected one of initialized"),
        ("status=%ff", "status: expected one of initialized"),
        (
            "changedSince=yesterday",
            "changedSince: expected a revision, 0 to 9223372036854775807, got \"yesterday\"",
        ),
        ("changedSince=99999999999999999999", "changedSince: expected a revision, 0 to 9223"),
        // An unencoded `+` means a space, so a sign would not survive in the link to the next page.
        ("limit=%2B5", "limit: expected 1 to 1000, got \"+5\""),
        ("changedSince=%2B5", "changedSince: expected a revision"),
    ];
    for (query, message) in rejected {
        let (status, got, path) = error(&read(query).unwrap_err());
        assert_eq!((status, path.as_str()), (400, "/v1/tasks"));
        assert!(got.starts_with(message), "{query}: {got}");
    }
    let foreign = read(&format!("cursor={cursor}")).unwrap();
    let list = MemoryStore::default().list(&account("other"), &foreign, second(0));
    let (status, message, _) = error(&replies.list(&get("/v1/tasks"), list, second(0)));
    assert!(status == 400 && message.starts_with("cursor: "), "{message}");
}

#[test]
fn an_idempotency_key_gives_a_task_id_of_its_account() {
    let (replies, acme) = (replies(), account("acme"));
    let id_of_key =
        |request: &Parts| replies.id_of_key(request, &acme, second(0)).map_err(Box::new);
    let key = |value: &str| id_of_key(&with_header("/", "idempotency-key", value));
    assert_eq!(id_of_key(&get("/")).unwrap(), None);
    assert_eq!(key("order-7").unwrap(), Some(TaskId::for_key(&acme, "order-7")));
    assert!(key(&"k".repeat(255)).unwrap().is_some());
    let refused = |value: &str| error(&key(value).unwrap_err());
    for (value, words) in [(String::new(), "got 0"), ("k".repeat(256), "got 256")] {
        let (status, message, _) = refused(&value);
        assert!(status == 400 && message.ends_with(words), "{message}");
    }
    assert!(refused("schlüssel").1.contains("visible ASCII"));
    let twice = Request::get("/").header("idempotency-key", "a").header("idempotency-key", "a");
    let twice = twice.body(()).unwrap().into_parts().0;
    assert!(error(&id_of_key(&twice).unwrap_err()).1.contains("one Idempotency-Key"));
}

#[test]
fn the_task_id_is_read_from_the_path() {
    let (replies, text) = (replies(), id(7).to_string());
    let named = |path: &str| replies.id_in_path(&get(path), second(0)).ok();
    for path in [
        format!("/v1/tasks/{text}"),
        format!("/tasks/{text}/?x=tasks/1"),
        format!("/v1/tasks/{}/cancel", text.to_uppercase()),
        format!("/tasks/x/tasks/{}", text.replace('-', "%2D")),
    ] {
        assert_eq!(named(&path), Some(id(7)), "{path}");
    }
    let again = format!("/v1/tasks/{text}/tasks");
    for path in
        [&*again, "/", "/v1/tasks", "/v1/tasks/", "/v1/tasks/7", "/v1/Tasks/{id}", "/v1/jobs/{id}"]
    {
        assert_eq!(named(&path.replace("{id}", &text)), None, "{path}");
    }
    let refused = replies.id_in_path(&get("/v1/tasks/7"), second(0)).unwrap_err();
    let unknown = replies.polled(&get("/v1/tasks/7"), Ok(None), second(0));
    assert_eq!(format!("{refused:?}"), format!("{unknown:?}"), "the same as for an unknown task");
}

#[test]
fn a_401_has_a_challenge_and_a_429_has_a_retry_after() {
    let refused = |status| {
        let status = http::StatusCode::from_u16(status).unwrap();
        replies().refused(&get("/x"), status, "a key is missing", second(0))
    };
    assert_eq!(error(&refused(401)), (401, "a key is missing".to_owned(), "/x".to_owned()));
    assert_eq!(header(&refused(401), "www-authenticate"), Some("ApiKey"));
    assert_eq!(header(&refused(403), "www-authenticate"), None);
    assert!(header(&refused(429), "retry-after").is_some());
}

#[test]
fn a_document_that_is_not_a_task_is_returned_unchanged() {
    let response = replies().document(&get("/v1/subscriptions/7"), r#"{"id":7}"#.to_owned());
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, r#"{"id":7}"#));
    assert_eq!(header(&response, "cache-control"), Some("private, no-cache"));
}
