//! Which readings are audited.

use serde_json::{Value, json};
use tasklife::Retention;
use tasklife::audit::{Auditor, Finding, Rule};

use super::{AT, ONE, audit, audit_one, document, reading, with};
use crate::support::second;

#[test]
fn readings_about_tasks_are_audited_and_counted() {
    let auditor = || Auditor::new(Retention::default());
    let task = || document(ONE, "received", 0);
    let list = || json!({"tasks": [task()]});
    let path = format!("/v1/tasks/{ONE}");
    let get = format!("GET {path}");
    let failed = |status: u16| json!({"status": status, "error": "Oh", "path": "/"});
    let (sound, ignored) = ((true, vec![]), (false, vec![]));
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
        // A body that should be there and can't be read is a finding, but is not audited.
        (&*get, 200, Value::Null, &unreadable),
        (&*get, 204, Value::Null, &unreadable),
        (&*get, 200, json!("<html>"), &unreadable),
        (&*get, 200, failed(404), &unreadable),
        (&*get, 200, json!({"status": "received"}), &unreadable),
        ("GET /v1/tasks", 200, Value::Null, &unreadable),
        ("GET /v1/tasks", 200, json!("<html>"), &unreadable),
        ("GET /v1/tasks", 200, json!({"error": "no"}), &unreadable),
        // The task is not there, or the answer says nothing about tasks.
        (&*get, 404, failed(404), &sound),
        (&*get, 404, Value::Null, &sound),
        (&*get, 500, failed(500), &ignored),
        (&*get, 503, Value::Null, &ignored),
        (&*get, 429, json!("slow down"), &ignored),
        (&*get, 401, Value::Null, &ignored),
        (&*get, 304, Value::Null, &ignored),
        (&*get, 0, Value::Null, &ignored),
        ("GET /v1/tasks", 404, failed(404), &ignored),
        ("GET /v1/tasks", 500, failed(500), &ignored),
        // HEAD.
        (&format!("HEAD {path}"), 200, Value::Null, &ignored),
        (&format!("HEAD {path}"), 404, Value::Null, &sound),
        (&format!("HEAD {path}"), 200, task(), &sound),
        ("HEAD /v1/tasks", 200, Value::Null, &ignored),
        // Other requests, submissions among them.
        ("POST /v1/subscriptions", 202, task(), &sound),
        ("GET /v1/subscriptions/7/cidr", 202, task(), &sound),
        ("POST /v1/subscriptions", 202, Value::Null, &ignored),
        ("POST /v1/subscriptions", 400, failed(400), &ignored),
        ("POST /v1/subscriptions", 202, json!({"taskId": null}), &unreadable),
        ("GET /v1/subscriptions", 200, json!({"subscriptions": []}), &ignored),
        ("DELETE /v1/subscriptions/7", 204, Value::Null, &ignored),
        (&format!("DELETE {path}"), 404, failed(404), &ignored),
        // Other paths.
        ("GET /api/jobs", 200, list(), &ignored),
        ("GET /v1/Tasks", 200, list(), &ignored),
        ("GET /v1/tasks2", 200, list(), &ignored),
        ("GET /v1/my-tasks", 200, list(), &ignored),
        ("GET https://tasks", 200, list(), &ignored),
        ("GET https://tasks/7", 404, failed(404), &ignored),
        ("GET /v1/tasks/7/log", 200, json!({}), &ignored),
        // The request can't be read, so the body decides.
        ("GET", 200, list(), &sound),
        ("", 200, task(), &sound),
    ] {
        let observed = json!({"at": second(0), "request": request, "status": status, "body": body});
        assert_eq!(audit_one(auditor(), &observed), *expected, "{observed}");
    }
    // Without an HTTP status.
    for (body, expected) in [
        (task(), &sound),
        (list(), &sound),
        (json!([]), &sound),
        (json!({"tasks": [], "status": 7}), &sound),
        (failed(404), &sound),
        (failed(500), &ignored),
        (with(failed(500), "taskId", json!(ONE)), &unreadable),
        (failed(200), &unreadable),
        (json!("<html>"), &unreadable),
        (Value::Null, &unreadable),
    ] {
        let observed = json!({"at": second(0), "request": get, "body": body});
        let at_list = body.is_array() || body.get("tasks").is_some();
        let observed =
            if at_list { with(observed, "request", json!("GET /v1/tasks")) } else { observed };
        assert_eq!(audit_one(auditor(), &observed), *expected, "{observed}");
        if body != failed(404) {
            assert_eq!(audit_one(auditor(), &reading(0, &body)), *expected, "{body}");
        }
    }
}

#[test]
fn answers_that_are_not_about_tasks_are_ignored() {
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

#[test]
fn a_body_that_does_not_fit_a_json_value_is_audited() {
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
fn tasks_are_only_at_the_path_that_was_set() {
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
        assert_eq!(audit_one(at(path).unwrap(), &list(target)).0, expected, "{path} {target}");
    }
    let mut jobs = at("/api/jobs").unwrap();
    let mut task = document(ONE, "received", 0);
    task["links"][0]["href"] = json!(format!("https://example.com/api/jobs/{ONE}"));
    let request = format!("GET /api/jobs/{ONE}");
    let rules = [(200, &task, vec![]), (404, &Value::Null, vec![Rule::Vanished])];
    for (status, body, expected) in rules {
        let observed = json!({"at": second(0), "request": request, "status": status, "body": body});
        let found = jobs.observe(&serde_json::from_str(&observed.to_string()).unwrap());
        assert_eq!(found.iter().map(Finding::rule).collect::<Vec<_>>(), expected);
    }
    assert_eq!(
        audit_one(at("/api/jobs").unwrap(), &reading(0, &document(ONE, "received", 0))).1,
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
        ("/api/../jobs", "without the segments"),
        ("/api/%2e", "without the segments"),
        ("/api /jobs", "without the character ' '"),
        ("/api/\njobs", "without the character '\\n'"),
    ] {
        let error = at(bad).unwrap_err().to_string();
        assert!(error.starts_with(&format!("expected a path of tasks {why}")), "{error}");
        assert!(error.ends_with(&format!("got {bad:?}")), "{error}");
    }
}
