//! The auditor: it accepts correct traces, and reports each planted fault under its rule.

mod document;
mod history;
mod list;
mod missing_fields;
mod program;
mod reading;

use serde_json::{Value, json};
use tasklife::audit::{Auditor, Finding, Reading, Rule};
use tasklife::{
    Completion, LinkShape, Links, ListQuery, MemoryStore, Retention, Scope, Target, TaskEvent,
    TaskStore,
};

use crate::support::{CREATE, account, second, submission};

const ONE: &str = "00000000-0000-0000-0000-000000000001";
const TWO: &str = "00000000-0000-0000-0000-000000000002";
const DAY: i64 = 86_400;
const AT: &str = "2019-08-08T00:00:00Z";

/// A document as a server sends it, with second `at` as its timestamp.
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

/// A document without a timestamp.
fn without_timestamp(id: &str, status: &str) -> Value {
    let mut document = document(id, status, 0);
    document.as_object_mut().unwrap().remove("timestamp");
    document
}

/// A reading of an answer to an unknown request.
fn reading(at: i64, body: &Value) -> Value {
    json!({"at": second(at), "body": body})
}

/// A reading of a 404 for a task.
fn not_found(at: i64, id: &str) -> Value {
    json!({"at": second(at), "request": format!("GET /v1/tasks/{id}"), "status": 404,
        "body": {"timestamp": second(at), "status": 404, "error": "Not Found", "path": "/"}})
}

/// Audits a trace. Returns the number of the reading and the rule of each finding.
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

/// Audits one reading. Returns whether it was audited, and the rules that it breaks.
fn audit_one(mut auditor: Auditor, reading: &Value) -> (bool, Vec<Rule>) {
    let reading: Reading = serde_json::from_str(&reading.to_string()).unwrap();
    let rules = auditor.observe(&reading).iter().map(Finding::rule).collect();
    assert_eq!(auditor.readings(), 1);
    (auditor.audited() == 1, rules)
}

#[test]
fn the_answers_of_this_crate_break_no_rule() {
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
