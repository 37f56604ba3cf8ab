//! The auditor: sound traces pass, and each planted fault is found, by its rule, where it is.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tasklife::audit::{Auditor, Finding, Reading, Rule};
use tasklife::{
    Completion, LinkShape, Links, ListQuery, MemoryStore, Retention, Scope, Target, TaskEvent,
    TaskStatus, TaskStore,
};

use crate::support::{CREATE, account, program, second, submission};

const ONE: &str = "00000000-0000-0000-0000-000000000001";
const TWO: &str = "00000000-0000-0000-0000-000000000002";
const DAY: i64 = 86_400;
const AT: &str = "2019-08-08T00:00:00Z";

/// A document as a server would send it, `at` so many seconds.
fn document(id: &str, status: &str, at: i64) -> Value {
    let mut document = json!({
        "taskId": id,
        "commandType": "subscriptionCreateRequest",
        "status": status,
        "timestamp": second(at),
        "links": [{"rel": "self", "href": format!("https://example.com/v1/tasks/{id}"), "type": "GET"}],
    });
    match status {
        "processing-completed" => document["response"] = json!({"resourceId": 7}),
        "processing-error" => document["response"] = json!({"error": "CODE"}),
        _ => {}
    }
    document
}

fn with(mut document: Value, field: &str, value: Value) -> Value {
    document[field] = value;
    document
}

fn reading(at: i64, body: &Value) -> Value {
    json!({"at": second(at), "body": body})
}

fn missed(at: i64, id: &str) -> Value {
    json!({"at": second(at), "request": format!("GET /v1/tasks/{id}"), "status": 404,
        "body": {"timestamp": second(at), "status": 404, "error": "Not Found", "path": "/"}})
}

/// What is found in a trace: the number of the reading, and the rule.
fn audit(readings: &[Value]) -> Vec<(usize, Rule)> {
    let mut auditor = Auditor::new(Retention::default());
    let mut found = Vec::new();
    for json in readings {
        let reading: Reading = serde_json::from_str(&json.to_string()).unwrap();
        for finding in auditor.observe(&reading) {
            assert!(finding.to_string().starts_with(&format!("{}: ", finding.rule())), "{finding}");
            found.push((finding.reading(), finding.rule()));
        }
    }
    found
}

#[test]
fn the_answers_of_this_crate_are_sound() {
    let store = MemoryStore::default();
    let acme = account("acme");
    for shape in [LinkShape::Map, LinkShape::Array] {
        let links = Links::new("https://example.com/v1").unwrap().with_shape(shape);
        let links = links.with_route(CREATE, "/subscriptions/{resourceId}", "title").unwrap();
        let mut readings = Vec::new();
        let mut note = |at: i64, request: &str, body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            readings
                .push(json!({"at": second(at), "request": request, "status": 200, "body": body}));
        };
        let list = |at: i64| {
            let page = store.list(&acme, &ListQuery::default(), second(at)).unwrap();
            links.list(&page).to_string()
        };
        store.sweep(100, second(100 * DAY)).unwrap();
        let begin = 100 * DAY + i64::from(shape == LinkShape::Array);
        note(begin, "GET /v1/tasks", list(begin));
        for number in 1..=3 {
            let task = store.submit(submission("acme", number), second(begin)).unwrap().into_task();
            note(begin, "POST /v1/subscriptions", links.accepted(&task).to_string());
        }
        for at in begin + 1..begin + 4 {
            let started =
                store.claim(Scope::Any, second(at)).unwrap().unwrap().into_work().unwrap();
            let path = format!("GET /v1/tasks/{}", started.id());
            note(at, &path, links.polled(&started).to_string());
            let end = TaskEvent::complete(Completion::of(at));
            let done = store.apply(Target::exactly(&started), end, second(at)).unwrap().into_task();
            note(at, &path, links.polled(&done).to_string());
            note(at, "GET /v1/tasks", list(at));
        }
        let gone = begin + 10 * DAY;
        note(gone - 1, "GET /v1/tasks", list(gone - 1));
        note(gone, "GET /v1/tasks", list(gone));
        assert_eq!(audit(&readings), []);
        store.sweep(100, second(gone)).unwrap();
    }
}

#[test]
fn statuses_may_be_skipped_but_not_reversed() {
    for from in TaskStatus::ALL {
        for to in TaskStatus::ALL {
            let trace = [(0, from), (1, to)]
                .map(|(at, status)| reading(at, &document(ONE, status.as_str(), at)));
            let expected = if from.is_terminal() {
                vec![(2, Rule::AfterEnd)] // with a new timestamp, even the same status is a change
            } else if to < from {
                vec![(2, Rule::Transition)]
            } else {
                vec![]
            };
            assert_eq!(audit(&trace), expected, "{from} to {to}");
        }
    }
}

#[test]
fn a_single_document_can_break_these_rules() {
    let own = |href: &str| json!([{"rel": "self", "href": href}]);
    let own_href = &format!("/v1/tasks/{ONE}");
    let resource = json!([
        {"rel": "resource", "href": "/v1/subscriptions/7"},
        {"rel": "self", "href": format!("/v1/tasks/{ONE}")},
    ]);
    let received = || document(ONE, "received", 0);
    let faults = [
        (document("task-id", "received", 0), vec![Rule::TaskId]),
        (document(ONE, "processing", 0), vec![Rule::UnknownStatus]),
        (with(received(), "response", json!({"resourceId": 7})), vec![Rule::EarlyResult]),
        (with(received(), "response", json!({"resource": {}})), vec![Rule::EarlyResult]),
        (with(received(), "response", json!({"error": "CODE"})), vec![Rule::EarlyResult]),
        (with(received(), "links", resource.clone()), vec![Rule::EarlyResult]),
        (with(received(), "response", json!({})), vec![]),
        (
            with(document(ONE, "processing-error", 0), "response", json!({})),
            vec![Rule::MissingError],
        ),
        (
            with(document(ONE, "processing-completed", 0), "response", json!({"error": "CODE"})),
            vec![Rule::MisplacedError],
        ),
        (with(document(ONE, "processing-completed", 0), "links", resource), vec![]),
        (with(received(), "links", json!([])), vec![Rule::Link]),
        (with(received(), "links", json!([{"rel": "self"}])), vec![Rule::Link]),
        (with(received(), "links", json!({})), vec![Rule::Link]),
        (with(received(), "links", own("/v1/tasks/7")), vec![Rule::Link]),
        (with(received(), "links", own(&format!("v1/tasks/{ONE}"))), vec![Rule::Link]),
        (with(received(), "links", own(&format!("/v1 /tasks/{ONE}"))), vec![Rule::Link]),
        (with(received(), "links", own(&format!("/v1/tasks/{ONE}?a=b"))), vec![]),
        (with(received(), "timestamp", json!("2019-08-08")), vec![Rule::Document]),
        (with(received(), "status", json!(7)), vec![Rule::Document]),
        (with(received(), "timestamp", json!(null)), vec![Rule::Document]),
        (with(received(), "commandType", json!(null)), vec![Rule::Document]),
        (with(received(), "links", json!([{"rel": "self", "href": own_href, "a": 1}])), vec![]),
        (
            with(received(), "links", json!([{"rel": "self", "href": own_href}, {"rel": "x"}])),
            vec![Rule::Link],
        ),
        (
            with(received(), "links", json!([{"rel": "self", "href": own_href}, {"href": "/x"}])),
            vec![Rule::Link],
        ),
        (
            with(
                received(),
                "links",
                json!([{"rel": "self", "href": own_href}, {"rel": "self", "href": own_href}]),
            ),
            vec![Rule::Link],
        ),
        (with(received(), "_links", json!({"self": {"href": own_href}})), vec![Rule::Link]),
        (with(received(), "links", own(&format!("https://tasks/{ONE}"))), vec![Rule::Link]),
        (with(received(), "links", own(&format!("/v1/%74asks/{ONE}"))), vec![]),
        (json!({"taskId": ONE}), vec![Rule::Document]),
        (json!("gone"), vec![Rule::Document]),
    ];
    for (body, rules) in faults {
        let expected: Vec<_> = rules.into_iter().map(|rule| (1, rule)).collect();
        assert_eq!(audit(&[reading(0, &body)]), expected, "{body}");
        if body.get("taskId").is_some() && body.get("status").is_some() {
            assert_eq!(audit(&[reading(0, &json!({"tasks": [body]}))]), expected, "{body}");
        }
    }
}

#[test]
fn what_was_seen_before_binds_what_is_seen_now() {
    let first = || reading(0, &document(ONE, "processing-in-progress", 10));
    let later = |body: Value| audit(&[first(), reading(1, &body)]);
    let renamed = with(document(ONE, "received", 10), "commandType", json!("other"));
    assert_eq!(later(renamed), [(2, Rule::CommandType), (2, Rule::Transition)]);
    assert_eq!(later(document(ONE, "processing-in-progress", 9)), [(2, Rule::Timestamp)]);
    assert_eq!(later(document(ONE, "processing-in-progress", 10)), []);

    let ended = document(ONE, "processing-completed", 10);
    let again = |body: Value| audit(&[reading(0, &ended), reading(1, &body)]);
    assert_eq!(again(ended.clone()), []);
    let relinked = json!([{"rel": "task", "href": format!("/tasks/{ONE}")}]);
    assert_eq!(again(with(ended.clone(), "links", relinked)), []);
    let other_result = with(ended.clone(), "response", json!({"resourceId": 8}));
    assert_eq!(again(other_result), [(2, Rule::AfterEnd)]);
    assert_eq!(again(with(ended.clone(), "description", json!("!"))), [(2, Rule::AfterEnd)]);
}

#[test]
fn unknown_statuses_count_as_still_running() {
    let trace = ["received", "paused", "processing-in-progress", "paused", "received"];
    let trace: Vec<_> = trace.iter().map(|status| reading(0, &document(ONE, status, 0))).collect();
    let found = audit(&trace);
    let expected = [(2, Rule::UnknownStatus), (4, Rule::UnknownStatus), (5, Rule::Transition)];
    assert_eq!(found, expected);
}

#[test]
fn lists_are_sorted_without_repetition_and_without_what_has_expired() {
    let (old, new) = (document(ONE, "received", 0), document(TWO, "received", 5));
    let list = |at: i64, tasks: &[&Value]| audit(&[reading(at, &json!({"tasks": tasks}))]);
    assert_eq!(list(6, &[&new, &old]), []);
    assert_eq!(list(6, &[&old, &new]), [(1, Rule::ListOrder)]);
    assert_eq!(list(6, &[&old, &old]), [(1, Rule::ListDuplicate)]);
    assert_eq!(list(10 * DAY - 1, &[&new, &old]), []);
    assert_eq!(list(10 * DAY, &[&new, &old]), [(1, Rule::TooOld)]);
    assert_eq!(audit(&[reading(6, &json!([old, new]))]), [(1, Rule::ListOrder)]);
}

#[test]
fn a_task_that_was_read_is_there_until_it_expires() {
    let read = || reading(1, &document(ONE, "received", 0));
    let empty = |at: i64| reading(at, &json!({}));
    assert_eq!(audit(&[read(), missed(2, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), missed(2, ONE), missed(3, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), empty(2)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), missed(10 * DAY - 1, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), missed(10 * DAY, ONE)]), []);
    assert_eq!(audit(&[read(), missed(2, TWO)]), []);

    // Handed out, but not yet readable.
    let mut accepted = document(ONE, "received", 0);
    accepted["links"] = json!([{"rel": "task", "href": format!("/tasks/{ONE}")}]);
    assert_eq!(audit(&[reading(0, &accepted), missed(1, ONE), empty(1)]), []);
    let posted = json!({"at": second(0), "request": "POST /v1/subscriptions", "body": document(ONE, "received", 0)});
    assert_eq!(audit(&[posted, missed(1, ONE), read(), missed(2, ONE)]), [(4, Rule::Vanished)]);

    // How old a task is that was first seen at its end, only a list without it can tell.
    let ended = || reading(9, &document(ONE, "processing-completed", 5));
    assert_eq!(audit(&[ended(), missed(10, ONE)]), []);
    assert_eq!(audit(&[empty(0), ended(), missed(10, ONE)]), [(3, Rule::Vanished)]);
}

#[test]
fn a_list_that_leaves_something_out_tells_of_nothing_missing() {
    let read = || reading(0, &document(ONE, "received", 0));
    let next = json!({"next": {"href": "/v1/tasks?cursor=7"}});
    let bodies = [
        (json!({"tasks": [document(TWO, "received", 1)], "_links": next}), "GET /v1/tasks"),
        (
            json!({"tasks": [document(TWO, "received", 1)],
            "links": [{"rel": "next", "href": "/v1/tasks?cursor=7"}]}),
            "GET /v1/tasks",
        ),
        (json!({}), "GET /v1/tasks?status=processing-error"),
        (json!({}), "GET /v1/tasks?limit=5&cursor=7"),
    ];
    for (body, request) in bodies {
        let list = json!({"at": second(2), "request": request, "body": body});
        assert_eq!(audit(&[read(), list.clone()]), [], "{list}");
    }
    let complete = json!({"at": second(2), "request": "GET /v1/tasks/?limit=5", "body": {}});
    assert_eq!(audit(&[read(), complete]), [(2, Rule::Vanished)]);
}

#[test]
fn accounts_are_watched_apart() {
    let of = |name: &str, body: Value| json!({"at": second(1), "account": name, "body": body});
    let mine = of("a", document(ONE, "processing-in-progress", 1));
    assert_eq!(
        audit(&[mine.clone(), of("b", json!({})), of("b", document(ONE, "received", 0))]),
        []
    );
    assert_eq!(audit(&[mine, of("a", document(ONE, "received", 1))]), [(2, Rule::Transition)]);
}

#[test]
fn an_id_can_be_used_again_after_its_task_has_expired() {
    let again = |at: i64| {
        audit(&[
            reading(1, &document(ONE, "received", 0)),
            reading(2, &document(ONE, "processing-error", 2)),
            reading(at, &document(ONE, "received", at)),
        ])
    };
    assert_eq!(again(10 * DAY), []);
    assert_eq!(again(10 * DAY - 1), [(3, Rule::AfterEnd)]);
}

#[test]
fn what_is_not_about_tasks_is_passed_over() {
    let other = |request: &str, status: u16, body: Value| json!({"at": second(0), "request": request, "status": status, "body": body});
    let trace = [
        other("GET /v1/subscriptions/7", 200, json!({"id": 7, "status": "active"})),
        other("GET /v1/tasks", 500, json!("oh")),
        other("GET /v1/tasks", 401, json!(null)),
        other("POST /v1/subscriptions", 400, json!({"status": 400})),
        json!({"at": second(0), "request": "GET /v1/tasks/7", "status": 304}),
    ];
    assert_eq!(audit(&trace), []);
    assert_eq!(
        audit(&[other("GET /v1/tasks", 200, json!({"status": "ok"}))]),
        [(1, Rule::Document)]
    );
}

/// What comes of one reading: whether it was audited, and the rules that it breaks.
fn of_one(auditor: Auditor, reading: &Value) -> (bool, Vec<Rule>) {
    let mut auditor = auditor;
    let reading: Reading = serde_json::from_str(&reading.to_string()).unwrap();
    let rules = auditor.observe(&reading).iter().map(Finding::rule).collect();
    assert_eq!(auditor.readings(), 1);
    (auditor.audited() == 1, rules)
}

#[test]
fn readings_that_tell_of_tasks_are_audited_and_counted() {
    let auditor = || Auditor::new(Retention::default());
    let task = || document(ONE, "received", 0);
    let list = || json!({"tasks": [task()]});
    let path = format!("/v1/tasks/{ONE}");
    let get = format!("GET {path}");
    let failed = |status: u16| json!({"status": status, "error": "Oh", "path": "/"});
    let (sound, silent) = ((true, vec![]), (false, vec![]));
    let unreadable = (false, vec![Rule::Document]);
    // With an HTTP status.
    for (request, status, body, expected) in [
        (&*get, 200, task(), &sound),
        ("GET /v1/tasks", 200, list(), &sound),
        ("GET /v1/tasks", 200, json!({}), &sound),
        ("get /v1/tasks", 200, list(), &sound),
        ("GET\t/v1/tasks/ HTTP/1.1", 200, list(), &sound),
        ("GET //v1//tasks//", 200, list(), &sound),
        ("GET https://api.example.com/v1/tasks?limit=5#top", 200, list(), &sound),
        ("GET /v1/%74%61sks", 200, list(), &sound),
        ("/v1/tasks", 200, list(), &sound),
        ("GET tasks", 200, list(), &sound),
        (&path, 200, task(), &sound),
        // What should be there and can't be read is a finding, but nothing was audited.
        (&*get, 200, Value::Null, &unreadable),
        (&*get, 204, Value::Null, &unreadable),
        (&*get, 200, json!("<html>"), &unreadable),
        (&*get, 200, failed(404), &unreadable),
        (&*get, 200, json!({"status": "received"}), &unreadable),
        ("GET /v1/tasks", 200, Value::Null, &unreadable),
        ("GET /v1/tasks", 200, json!("<html>"), &unreadable),
        ("GET /v1/tasks", 200, json!({"error": "no"}), &unreadable),
        // Nothing is there, or nothing is told.
        (&*get, 404, failed(404), &sound),
        (&*get, 404, Value::Null, &sound),
        (&*get, 500, failed(500), &silent),
        (&*get, 503, Value::Null, &silent),
        (&*get, 429, json!("slow down"), &silent),
        (&*get, 401, Value::Null, &silent),
        (&*get, 304, Value::Null, &silent),
        (&*get, 0, Value::Null, &silent),
        ("GET /v1/tasks", 404, failed(404), &silent),
        ("GET /v1/tasks", 500, failed(500), &silent),
        // Only the head of an answer.
        (&format!("HEAD {path}"), 200, Value::Null, &silent),
        (&format!("HEAD {path}"), 404, Value::Null, &sound),
        (&format!("HEAD {path}"), 200, task(), &sound),
        ("HEAD /v1/tasks", 200, Value::Null, &silent),
        // Other requests, submissions among them.
        ("POST /v1/subscriptions", 202, task(), &sound),
        ("GET /v1/subscriptions/7/cidr", 202, task(), &sound),
        ("POST /v1/subscriptions", 202, Value::Null, &silent),
        ("POST /v1/subscriptions", 400, failed(400), &silent),
        ("POST /v1/subscriptions", 202, json!({"taskId": null}), &unreadable),
        ("GET /v1/subscriptions", 200, json!({"subscriptions": []}), &silent),
        ("DELETE /v1/subscriptions/7", 204, Value::Null, &silent),
        (&format!("DELETE {path}"), 404, failed(404), &silent),
        // Not where tasks are.
        ("GET /api/jobs", 200, list(), &silent),
        ("GET /v1/Tasks", 200, list(), &silent),
        ("GET /v1/tasks2", 200, list(), &silent),
        ("GET /v1/my-tasks", 200, list(), &silent),
        ("GET https://tasks", 200, list(), &silent),
        ("GET https://tasks/7", 404, failed(404), &silent),
        ("GET /v1/tasks/7/log", 200, json!({}), &silent),
        // No request that can be read: the body decides.
        ("GET", 200, list(), &sound),
        ("", 200, task(), &sound),
    ] {
        let told = json!({"at": second(0), "request": request, "status": status, "body": body});
        assert_eq!(of_one(auditor(), &told), *expected, "{told}");
    }
    // Without one.
    for (body, expected) in [
        (task(), &sound),
        (list(), &sound),
        (json!([]), &sound),
        (json!({"tasks": [], "status": 7}), &sound),
        (failed(404), &sound),
        (failed(500), &silent),
        (with(failed(500), "taskId", json!(ONE)), &unreadable),
        (failed(200), &unreadable),
        (json!("<html>"), &unreadable),
        (Value::Null, &unreadable),
    ] {
        let told = json!({"at": second(0), "request": get, "body": body});
        let at_list = body.is_array() || body.get("tasks").is_some();
        let told = if at_list { with(told, "request", json!("GET /v1/tasks")) } else { told };
        assert_eq!(of_one(auditor(), &told), *expected, "{told}");
        if body != failed(404) {
            assert_eq!(of_one(auditor(), &reading(0, &body)), *expected, "{body}");
        }
    }
}

#[test]
fn a_body_that_fits_no_value_is_audited_no_less() {
    let document = document(ONE, "processing-completed", 0).to_string();
    for odd in ["1e999".to_owned(), "[".repeat(124) + &"]".repeat(124)] {
        let body = document.replace(r#"{"resourceId":7}"#, &format!(r#"{{"resource":{odd}}}"#));
        assert_ne!(body, document);
        for request in ["POST /v1/subscriptions", &format!("GET /v1/tasks/{ONE}")] {
            let line = format!(r#"{{"at":"{AT}","request":"{request}","body":{body}}}"#);
            let mut auditor = Auditor::new(Retention::default());
            assert_eq!(auditor.observe(&serde_json::from_str(&line).unwrap()), []);
            assert_eq!(auditor.audited(), 1, "{line}");
        }
    }
}

#[test]
fn tasks_are_where_the_path_says() {
    let at = |path: &str| Auditor::new(Retention::default()).with_tasks_path(path);
    let list = |target: &str| json!({"at": second(0), "request": format!("GET {target}"), "body": {"tasks": []}});
    for (path, target, expected) in [
        ("/api/jobs", "/api/jobs", true),
        ("/api/jobs/", "/api/jobs/", true),
        ("/api/jobs", "/base/api/jobs?limit=1", true),
        ("/api/jobs", "https://example.com/api/jobs", true),
        ("/api/jobs", "/api/%6Aobs", true),
        ("/api/%6aobs", "/api/jobs", true),
        ("/v1/Tasks", "/v1/Tasks", true),
        ("/v1/Tasks", "/v1/tasks", false),
        ("/api/jobs", "/jobs", false),
        ("/api/jobs", "/v1/tasks", false),
        ("/api/jobs", "/myapi/jobs", false),
        ("/api/jobs", "/api/jobs/7/steps", false),
        ("/api", "https://api/v1", false),
    ] {
        assert_eq!(of_one(at(path).unwrap(), &list(target)).0, expected, "{path} {target}");
    }
    let mut jobs = at("/api/jobs").unwrap();
    let mut task = document(ONE, "received", 0);
    task["links"][0]["href"] = json!(format!("https://example.com/api/jobs/{ONE}"));
    let request = format!("GET /api/jobs/{ONE}");
    let rules = [(200, &task, vec![]), (404, &Value::Null, vec![Rule::Vanished])];
    for (status, body, expected) in rules {
        let told = json!({"at": second(0), "request": request, "status": status, "body": body});
        let found = jobs.observe(&serde_json::from_str(&told.to_string()).unwrap());
        assert_eq!(found.iter().map(Finding::rule).collect::<Vec<_>>(), expected);
    }
    assert_eq!(
        of_one(at("/api/jobs").unwrap(), &reading(0, &document(ONE, "received", 0))).1,
        [Rule::Link]
    );

    for (bad, why) in [
        ("", "that begins with a slash"),
        ("api/jobs", "that begins with a slash"),
        ("https://example.com/api/jobs", "that begins with a slash"),
        ("/", "without empty segments"),
        ("//", "without empty segments"),
        ("/api//jobs", "without empty segments"),
        ("/api/jobs?limit=5", "without a query"),
        ("/api/jobs#top", "without a fragment"),
        ("/api/../jobs", "without the steps"),
        ("/api/%2e", "without the steps"),
        ("/api /jobs", "without the character ' '"),
        ("/api/\njobs", "without the character '\\n'"),
    ] {
        let error = at(bad).unwrap_err().to_string();
        assert!(error.starts_with(&format!("expected a path of tasks {why}")), "{error}");
        assert!(error.ends_with(&format!("got {bad:?}")), "{error}");
    }
}

#[test]
fn the_case_of_an_id_does_not_hide_a_task() {
    let (lower, upper) =
        ("36d4b04d-72d4-4404-8600-a223120a553e", "36D4B04D-72D4-4404-8600-A223120A553E");
    let read = |id: &str, status: &str| reading(1, &document(id, status, 0));
    assert_eq!(audit(&[read(lower, "received"), missed(2, upper)]), [(2, Rule::Vanished)]);
    assert_eq!(
        audit(&[read(lower, "received"), missed(2, "36d4b04d%2d72d4-4404-8600-a223120a553e")]),
        [(2, Rule::Vanished)]
    );
    let back = [read(upper, "processing-in-progress"), read(lower, "received")];
    assert_eq!(audit(&back), [(2, Rule::Transition)]);
    let list = json!([document(lower, "received", 0), document(upper, "received", 0)]);
    assert_eq!(audit(&[reading(1, &list)]), [(1, Rule::ListDuplicate)]);
}

/// A document that lacks its timestamp.
fn undated(id: &str, status: &str) -> Value {
    let mut document = document(id, status, 0);
    document.as_object_mut().unwrap().remove("timestamp");
    document
}

#[test]
fn a_field_that_is_missing_is_named() {
    let mut auditor = Auditor::new(Retention::default());
    let mut body = undated(ONE, "received");
    body.as_object_mut().unwrap().remove("commandType");
    let told: Reading = serde_json::from_str(&reading(0, &body).to_string()).unwrap();
    let found = auditor.observe(&told);
    let what: Vec<_> = found.iter().map(Finding::what).collect();
    let expected = ["commandType", "timestamp"].map(|field| format!("task {ONE} has no {field}"));
    assert_eq!(what, expected);
    assert!(found.iter().all(|finding| finding.rule() == Rule::Document));
    assert_eq!(auditor.audited(), 1);
}

#[test]
fn without_a_timestamp_or_a_command_type_nothing_follows_from_them() {
    /// What is found, but for what the missing fields are.
    fn others(readings: &[Value]) -> Vec<(usize, Rule)> {
        audit(readings).into_iter().filter(|(_, rule)| *rule != Rule::Document).collect()
    }
    let at = |at: i64, status: &str, time: Option<i64>| {
        let dated = |time| document(ONE, status, time);
        reading(at, &time.map_or_else(|| undated(ONE, status), dated))
    };
    let (running, done) = ("processing-in-progress", "processing-completed");

    // Time does not go back but where it is seen to, whatever is between.
    let times = |times: [Option<i64>; 3]| others(&[0, 1, 2].map(|n| at(20, running, times[n])));
    assert_eq!(times([Some(5), None, Some(5)]), []);
    assert_eq!(times([None, None, Some(5)]), []);
    assert_eq!(times([Some(5), None, None]), []);
    assert_eq!(times([Some(5), None, Some(4)]), [(3, Rule::Timestamp)]);

    // An end stays the same, as far as can be told.
    let ends = |times: [Option<i64>; 3]| others(&[0, 1, 2].map(|n| at(20, done, times[n])));
    assert_eq!(ends([Some(5), None, Some(5)]), []);
    assert_eq!(ends([None, Some(5), Some(5)]), []);
    assert_eq!(ends([Some(5), None, Some(6)]), [(3, Rule::AfterEnd)]);
    assert_eq!(ends([None, Some(5), Some(6)]), [(3, Rule::AfterEnd)]);
    let late = [at(1, running, Some(1)), at(2, done, None), at(3, done, Some(3))];
    assert_eq!(others(&late), []);
    let other_end =
        [at(1, done, None), reading(2, &with(undated(ONE, done), "response", json!({})))];
    assert_eq!(others(&other_end), [(2, Rule::AfterEnd)]);

    // In a list, it may stand anywhere; the others keep their order around it.
    let list = |at: i64, tasks: &[Value]| reading(at, &json!({"tasks": tasks}));
    let (first, second) = (undated(ONE, running), document(TWO, running, 5));
    let third = document("00000000-0000-0000-0000-000000000003", running, 6);
    assert_eq!(others(&[list(9, &[first.clone(), second.clone()])]), []);
    assert_eq!(others(&[list(9, &[second.clone(), first.clone()])]), []);
    assert_eq!(others(&[list(9, &[third.clone(), first.clone(), second.clone()])]), []);
    assert_eq!(others(&[list(9, &[second, first.clone(), third])]), [(1, Rule::ListOrder)]);

    // Its age is that of its other documents, or not known.
    let old = list(11 * DAY, &[undated(ONE, running)]);
    assert_eq!(others(&[at(0, running, None), old.clone()]), []);
    assert_eq!(others(&[at(0, running, Some(0)), old]), [(2, Rule::TooOld)]);

    // When it expires, its submission tells, or a list that was without it.
    let received = |time| at(1, "received", time);
    assert_eq!(others(&[received(None), missed(2, ONE)]), []);
    assert_eq!(others(&[received(None), received(Some(0)), missed(2, ONE)]), [(3, Rule::Vanished)]);
    assert_eq!(others(&[received(None), received(Some(0)), missed(10 * DAY, ONE)]), []);
    let listed = [reading(0, &json!({})), received(None), missed(2, ONE)];
    assert_eq!(others(&listed), [(3, Rule::Vanished)]);

    // After that, the id may be another task's; before, it is not.
    for time in [None, Some(0)] {
        let again = |day: i64, new| {
            others(&[at(0, "received", time), at(1, done, time), at(day * DAY, "received", new)])
        };
        assert_eq!(again(10, None), []);
        assert_eq!(again(10, Some(10 * DAY)), []);
        assert_eq!(again(9, None), [(3, Rule::AfterEnd)]);
    }

    // A command type is compared with the last that was told.
    let typed = |name: Option<&str>| {
        reading(1, &with(document(ONE, running, 1), "commandType", json!(name)))
    };
    assert_eq!(others(&[typed(Some("a")), typed(None), typed(Some("a"))]), []);
    assert_eq!(others(&[typed(None), typed(Some("a"))]), []);
    assert_eq!(
        others(&[typed(Some("a")), typed(None), typed(Some("b"))]),
        [(3, Rule::CommandType)]
    );
}

#[test]
fn where_updates_keep_a_task_its_age_is_known_by_the_last() {
    let found = |last: &Value| {
        let mut auditor =
            Auditor::new(Retention::since_update(std::time::Duration::from_hours(48)));
        let readings =
            [reading(0, &document(ONE, "processing-in-progress", 0)), reading(3 * DAY, last)];
        let told = readings.map(|told| serde_json::from_str::<Reading>(&told.to_string()).unwrap());
        let found: Vec<_> = told.iter().flat_map(|reading| auditor.observe(reading)).collect();
        found.iter().map(Finding::rule).collect::<Vec<_>>()
    };
    let list = |task: Value| json!({"tasks": [task]});
    assert_eq!(found(&list(document(ONE, "processing-in-progress", 0))), [Rule::TooOld]);
    assert_eq!(found(&list(document(ONE, "processing-in-progress", 2 * DAY))), []);
    assert_eq!(found(&list(undated(ONE, "processing-in-progress"))), [Rule::Document]);
}

/// Runs the example program on an input: its exit code, and what it prints.
fn run(options: &[&str], input: &str) -> (Option<i32>, String) {
    let (code, out, _) = run_with_errors(options, input);
    (code, out)
}

/// Runs it, and returns what it says on standard error too.
fn run_with_errors(options: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut process = Command::new(program("audit"))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input to the end may close it.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_program_tells_findings_by_line_and_exits_accordingly() {
    let good = reading(0, &document(ONE, "processing-in-progress", 0));
    let bad = reading(0, &document(ONE, "received", 0));
    let trace = format!("{good}\n\n{bad}\n");
    let (code, out) = run(&[], &trace);
    assert_eq!(code, Some(1));
    let expected = format!(
        "line 3: transition: task {ONE} was processing-in-progress, and is received ({})\n",
        Rule::Transition.source()
    );
    assert_eq!(out, expected);

    let (code, out) = run(&["--json", "-"], &trace);
    let finding: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!((&finding["line"], &finding["rule"]), (&json!(3), &json!("transition")));

    let none = (Some(0), String::new());
    assert_eq!(run(&["--allow", "transition"], &trace), none);
    assert_eq!(run(&[], &good.to_string()), none);

    let two_days_old = reading(2 * DAY, &json!([document(ONE, "received", 0)])).to_string();
    assert_eq!(run(&[], &two_days_old), none);
    assert_eq!(run(&["--retention", "2"], &two_days_old).0, Some(1));

    let unreadable = (Some(2), String::new());
    assert_eq!(run(&[], "{}"), unreadable);
    assert_eq!(run(&[], "gone"), unreadable);
    assert_eq!(run(&["/no/such/file"], ""), unreadable);
    assert_eq!(run(&["--allow", "anything"], ""), unreadable);
    assert_eq!(run(&["--retention", "0"], ""), unreadable);
}

#[test]
fn the_program_says_how_much_it_audited_and_fails_where_that_is_nothing() {
    let task = reading(0, &document(ONE, "received", 0));
    let bad = reading(0, &document(ONE, "processing", 0));
    let jobs = |request: &str| json!({"at": second(0), "request": request, "status": 200, "body": {"tasks": []}});
    let failing = json!({"at": second(0), "request": "GET /v1/tasks", "status": 500});
    let unreadable = json!({"at": second(0), "request": "GET /v1/tasks", "status": 200});
    for (options, readings, code, audited) in [
        (&[][..], &[&task][..], 0, "audited 1 of 1 readings"),
        (&[], &[&task, &failing], 0, "audited 1 of 2 readings"),
        (&[], &[&bad], 1, "audited 1 of 1 readings"),
        (&["--json"], &[&bad, &failing], 1, "audited 1 of 2 readings"),
        (&[], &[], 2, "audited 0 of 0 readings"),
        (&[], &[&jobs("GET /api/jobs")], 2, "audited 0 of 1 readings"),
        (&["--json"], &[&jobs("GET /api/jobs")], 2, "audited 0 of 1 readings"),
        (&[], &[&jobs("GET /v1/Tasks")], 2, "audited 0 of 1 readings"),
        (&["--tasks-path", "/api/jobs"], &[&jobs("GET /api/jobs")], 0, "audited 1 of 1 readings"),
        (&["--tasks-path=/v1/Tasks/"], &[&jobs("GET /v1/Tasks")], 0, "audited 1 of 1 readings"),
        (&["--tasks-path", "/api/jobs"], &[&jobs("GET /v1/tasks")], 2, "audited 0 of 1 readings"),
        (&[], &[&failing, &failing], 2, "audited 0 of 2 readings"),
        (&[], &[&unreadable], 1, "audited 0 of 1 readings"),
        (&["--allow", "document"], &[&unreadable], 2, "audited 0 of 1 readings"),
        (&["--allow", "unknown-status"], &[&bad], 0, "audited 1 of 1 readings"),
    ] {
        let input = readings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let (exited, out, error) = run_with_errors(options, &input);
        assert_eq!(
            (exited, &*error),
            (Some(code), &*format!("{audited}\n")),
            "{options:?} {input}"
        );
        assert_eq!(out.lines().count(), usize::from(code == 1), "{out}");
    }
}

#[test]
fn the_program_says_what_it_can_not_do() {
    let task = reading(0, &document(ONE, "received", 0)).to_string();
    let told = |options: &[&str], input: &str| {
        let (code, out, error) = run_with_errors(options, input);
        assert_eq!((code, &*out), (Some(2), ""), "{options:?} {input}");
        error
    };
    let error = told(&[], &format!("{task}\ngone\n{task}\n"));
    assert!(error.starts_with("line 2: no reading: "), "{error}");
    assert!(error.ends_with("\naudited 1 of 1 readings\n"), "{error}");
    for status in [r#""200""#, "-1", "70000", "2e2"] {
        let line = format!(r#"{{"at":"{AT}","request":"GET /v1/tasks","status":{status}}}"#);
        assert!(told(&[], &line).starts_with("line 1: no reading: "), "{line}");
    }
    let error = told(&["--tasks-path", "jobs"], &task);
    assert!(error.starts_with("--tasks-path: expected a path of tasks that begins"), "{error}");
    let rules = Rule::ALL.map(|rule| format!("--allow={rule}"));
    let all = rules.each_ref().map(String::as_str);
    assert!(told(&all, &task).contains("got all of them"));
    let (code, _, error) = run_with_errors(&all[1..], &task);
    assert_eq!((code, &*error), (Some(0), "audited 1 of 1 readings\n"));
}

/// Found by a user: what was cancelled was no end, and a finding by itself.
#[test]
fn what_was_cancelled_has_ended() {
    use tasklife::format::{AzureOperation, AzureResourceManager, Format, GoogleOperation};

    let google = r#"{"name": "operations/7", "done": true, "error": {"code": 1}}"#;
    let formats: [(Box<dyn Format>, &str, &str); 3] = [
        (
            Box::new(GoogleOperation::new("example.com")),
            google,
            r#"{"name": "operations/7", "done": false}"#,
        ),
        (
            Box::new(AzureOperation),
            r#"{"id": "7", "status": "Canceled"}"#,
            r#"{"id": "7", "status": "Running"}"#,
        ),
        (
            Box::new(AzureResourceManager),
            r#"{"status": "Canceled"}"#,
            r#"{"status": "InProgress"}"#,
        ),
    ];
    for (format, cancelled, running) in formats {
        let mut auditor = Auditor::new(Retention::default())
            .with_tasks_path("/operations")
            .unwrap()
            .with_format(format);
        let mut observe = |body: &str| {
            let line = format!(r#"{{"at":"{AT}","request":"GET /operations/7","body":{body}}}"#);
            let findings = auditor.observe(&serde_json::from_str(&line).unwrap());
            findings.iter().map(tasklife::audit::Finding::rule).collect::<Vec<_>>()
        };
        assert_eq!(observe(running), []);
        assert_eq!(observe(cancelled), []);
        assert_eq!(observe(cancelled), []);
        assert_eq!(observe(running), [Rule::AfterEnd]);
    }
}

/// Found by a user.
#[test]
fn a_read_of_a_task_is_answered_with_that_task() {
    let body = document(ONE, "received", 0);
    for (asked, expected) in [(ONE, vec![]), (TWO, vec![Rule::TaskId])] {
        for asked in [asked.to_owned(), asked.to_uppercase()] {
            let line = json!({"at": AT, "request": format!("GET /v1/tasks/{asked}"), "body": body});
            let mut auditor = Auditor::new(Retention::default());
            let findings = auditor.observe(&serde_json::from_value(line).unwrap());
            assert_eq!(findings.iter().map(Finding::rule).collect::<Vec<_>>(), expected);
        }
    }
}
