//! Finished answers: statuses, headers, bodies, and how requests are read.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use serde_json::Value;
use tasklife::http::{Rejection, Replies};
use tasklife::{
    ApplyError, BackendError, Completion, LinkShape, Links, ListQuery, MemoryStore, StoreConfig,
    SubmitError, Submitted, Target, Task, TaskDocument, TaskEvent, TaskId, TaskStatus, TaskStore,
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

/// The fields of an error's body, checked for its form.
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
fn an_accepted_task_is_answered_with_where_it_is_and_when_to_look() {
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
}

#[test]
fn every_refusal_of_a_submission_has_its_status() {
    let (plain, keyed) = (get("/v1/x"), with_header("/v1/x", "Idempotency-Key", "k"));
    let refusals = [
        (SubmitError::Conflict, &plain, 409, false),
        (SubmitError::Conflict, &keyed, 422, false),
        (SubmitError::InputTooLarge { limit: 3 }, &keyed, 413, false),
        (SubmitError::AccountFull, &plain, 429, true),
        (SubmitError::StoreFull { sweep_helps: false }, &plain, 503, true),
        (SubmitError::Expired, &plain, 503, true),
        (BackendError::not_applied("gone").into(), &plain, 503, true),
    ];
    for (refusal, request, status, again) in refusals {
        let message = refusal.to_string();
        let response = replies().accepted(request, Err(refusal), second(0));
        assert_eq!(error(&response), (status, message, "/v1/x".to_owned()));
        assert_eq!(header(&response, "retry-after").is_some(), again, "{status}");
    }
}

#[test]
fn a_failed_backend_says_whether_anything_may_have_happened() {
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
fn a_read_has_a_tag_and_is_not_repeated_to_who_knows_it() {
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

    for known in [tag.clone(), format!("W/{tag}"), format!("\"a\" , {tag}"), "*".to_owned()] {
        let response = read(&task, &with_header("/v1/tasks/1", "If-None-Match", &known));
        assert_eq!((response.status().as_u16(), response.body().as_str()), (304, ""), "{known}");
        assert_eq!(header(&response, "etag"), Some(&*tag));
        assert_eq!(header(&response, "retry-after"), Some("1"));
    }
    let request = with_header("/v1/tasks/1", "If-None-Match", &tag);
    assert_eq!(read(&started(&task), &request).status(), 200, "another revision");

    let others = [
        Links::new(BASE).unwrap(),
        Links::new("/v1").unwrap(),
        replies.links().clone().with_shape(LinkShape::Array),
        replies.links().clone().with_error_form(tasklife::ErrorForm::Code),
    ];
    for links in others {
        let response = Replies::new(links).polled(&request, Ok(Some(task.clone())), second(0));
        assert_eq!(response.status(), 200, "another document");
    }
}

#[test]
fn what_is_not_there_is_answered_alike() {
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
fn a_client_is_asked_to_wait_half_the_age_within_bounds() {
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
}

#[test]
fn a_change_is_answered_as_a_read_and_its_refusals_have_their_status() {
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
fn a_list_leads_through_all_its_pages() {
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
            let query = replies.list_query(&request).unwrap();
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
fn without_a_query_the_list_is_whole_up_to_the_cap() {
    let query = replies().list_query(&get("/v1/tasks")).unwrap();
    assert_eq!(query.limit().get(), Replies::MAX_LIMIT);
    assert!(query.statuses().eq(TaskStatus::ALL));
    let empty = MemoryStore::default().list(&account("acme"), &query, second(0));
    let response = replies().list(&get("/v1/tasks"), empty, second(0));
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "{}"));
    assert_eq!(header(&response, "link"), None);
}

#[test]
fn a_query_that_can_not_be_read_is_rejected() {
    let replies = replies();
    let cursor = ListQuery::default().cursor(&account("acme"), 7_u64.try_into().unwrap());
    let read = |query: &str| replies.list_query(&get(&format!("/v1/tasks?{query}")));
    assert_eq!(
        read(&format!("cursor={cursor}")).unwrap(),
        replies.list_query(&get("/")).unwrap().after(cursor)
    );
    let spelled = read("changedSince=7&%73tatus=processing%2dcompleted&&x&=").unwrap();
    assert_eq!(spelled.since().map(u64::from), Some(7));
    assert!(spelled.statuses().eq([TaskStatus::ProcessingCompleted]));

    let rejected = [
        ("limit=0", "expected a limit of 1 to 1000, got \"0\""),
        ("limit=1001", "expected a limit of 1 to 1000, got \"1001\""),
        ("limit=", "expected a limit of 1 to 1000, got \"\""),
        ("limit=-1", "expected a limit of 1 to 1000"),
        ("limit=1&limit=1", "expected limit once"),
        ("cursor=page-2", "cursor: expected a cursor of 32 hexadecimal digits"),
        ("status=done", "status: expected one of initialized"),
        ("status=%ff", "status: expected one of initialized"),
        ("changedSince=yesterday", "changedSince: expected a revision"),
    ];
    for (query, message) in rejected {
        let rejection = read(query).unwrap_err();
        assert!(rejection.to_string().starts_with(message), "{query}: {rejection}");
        let response = replies.rejected(&get("/v1/tasks"), &rejection, second(0));
        assert_eq!(error(&response), (400, rejection.to_string(), "/v1/tasks".to_owned()));
    }
    let foreign = read(&format!("cursor={cursor}")).unwrap();
    let list = MemoryStore::default().list(&account("other"), &foreign, second(0));
    assert_eq!(error(&replies.list(&get("/v1/tasks"), list, second(0))).0, 400);
}

#[test]
fn a_key_stands_for_a_task_of_its_account() {
    let (replies, acme) = (replies(), account("acme"));
    let key = |value: &str| replies.task_id(&with_header("/", "idempotency-key", value), &acme);
    assert_eq!(replies.task_id(&get("/"), &acme), Ok(None));
    assert_eq!(key("order-7"), Ok(Some(TaskId::for_key(&acme, "order-7"))));
    assert_eq!(key(&"k".repeat(255)).map(|id| id.is_some()), Ok(true));
    for (value, message) in [(String::new(), "got 0"), ("k".repeat(256), "got 256")] {
        let rejection = key(&value).unwrap_err();
        assert_eq!(rejection.status(), 400);
        assert!(rejection.to_string().ends_with(message), "{rejection}");
    }
    assert!(key("schlüssel").unwrap_err().to_string().contains("visible ASCII"));
    let twice = Request::get("/").header("idempotency-key", "a").header("idempotency-key", "a");
    let twice = twice.body(()).unwrap().into_parts().0;
    assert!(
        replies.task_id(&twice, &acme).unwrap_err().to_string().contains("one Idempotency-Key")
    );

    let own = Rejection::new(http::StatusCode::UNAUTHORIZED, "a key is missing");
    assert_eq!(error(&replies.rejected(&get("/x"), &own, second(0))).0, 401);
}
