//! The rules about several documents of one task.

use serde_json::{Value, json};
use tasklife::audit::{Auditor, Finding, Reading, Rule};
use tasklife::{Retention, TaskStatus};

use super::{AT, DAY, ONE, TWO, audit, document, not_found, reading, with, without_timestamp};
use crate::support::second;

#[test]
fn statuses_may_be_skipped_but_not_reversed() {
    for from in TaskStatus::ALL {
        for to in TaskStatus::ALL {
            let trace = [(0, from), (1, to)]
                .map(|(at, status)| reading(at, &document(ONE, status.as_str(), at)));
            let expected = if from.is_terminal() {
                vec![(2, Rule::AfterEnd)] // the timestamp changes, even if the status does not
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
fn a_document_must_agree_with_earlier_ones_about_its_task() {
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

/// Regression: a cancelled task counted as running, and its status as unknown.
#[test]
fn a_cancelled_task_has_ended() {
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

#[test]
fn accounts_are_audited_separately() {
    let of = |name: &str, body: Value| json!({"at": second(1), "account": name, "body": body});
    let mine = of("a", document(ONE, "processing-in-progress", 1));
    assert_eq!(
        audit(&[mine.clone(), of("b", json!({})), of("b", document(ONE, "received", 0))]),
        []
    );
    assert_eq!(audit(&[mine, of("a", document(ONE, "received", 1))]), [(2, Rule::Transition)]);
}

#[test]
fn an_id_may_be_reused_after_its_task_has_expired() {
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
fn uuids_are_compared_without_regard_to_case_and_encoding() {
    let (lower, upper) =
        ("36d4b04d-72d4-4404-8600-a223120a553e", "36D4B04D-72D4-4404-8600-A223120A553E");
    let read = |id: &str, status: &str| reading(1, &document(id, status, 0));
    assert_eq!(audit(&[read(lower, "received"), not_found(2, upper)]), [(2, Rule::Vanished)]);
    assert_eq!(
        audit(&[read(lower, "received"), not_found(2, "36d4b04d%2d72d4-4404-8600-a223120a553e")]),
        [(2, Rule::Vanished)]
    );
    let back = [read(upper, "processing-in-progress"), read(lower, "received")];
    assert_eq!(audit(&back), [(2, Rule::Transition)]);
    let list = json!([document(lower, "received", 0), document(upper, "received", 0)]);
    assert_eq!(audit(&[reading(1, &list)]), [(1, Rule::ListDuplicate)]);
}

/// Regression: an answer with another task was accepted.
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

#[test]
fn with_retention_since_the_update_the_last_timestamp_decides_the_age() {
    let found = |last: &Value| {
        let mut auditor =
            Auditor::new(Retention::since_update(std::time::Duration::from_hours(48)));
        let readings =
            [reading(0, &document(ONE, "processing-in-progress", 0)), reading(3 * DAY, last)];
        let readings =
            readings.map(|json| serde_json::from_str::<Reading>(&json.to_string()).unwrap());
        let found: Vec<_> = readings.iter().flat_map(|reading| auditor.observe(reading)).collect();
        found.iter().map(Finding::rule).collect::<Vec<_>>()
    };
    let list = |task: Value| json!({"tasks": [task]});
    assert_eq!(found(&list(document(ONE, "processing-in-progress", 0))), [Rule::TooOld]);
    assert_eq!(found(&list(document(ONE, "processing-in-progress", 2 * DAY))), []);
    assert_eq!(found(&list(without_timestamp(ONE, "processing-in-progress"))), [Rule::Document]);
}
