//! The rules that a single document can break.

use serde_json::json;
use tasklife::Retention;
use tasklife::audit::{Auditor, Finding, Reading, Rule};

use super::{ONE, audit, document, reading, with, without_timestamp};

#[test]
fn a_single_document_breaks_the_rule_of_its_fault() {
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
fn a_missing_field_is_named() {
    let mut auditor = Auditor::new(Retention::default());
    let mut body = without_timestamp(ONE, "received");
    body.as_object_mut().unwrap().remove("commandType");
    let reading: Reading = serde_json::from_str(&reading(0, &body).to_string()).unwrap();
    let found = auditor.observe(&reading);
    let what: Vec<_> = found.iter().map(Finding::what).collect();
    let expected = ["commandType", "timestamp"].map(|field| format!("task {ONE} has no {field}"));
    assert_eq!(what, expected);
    assert!(found.iter().all(|finding| finding.rule() == Rule::Document));
    assert_eq!(auditor.audited(), 1);
}
