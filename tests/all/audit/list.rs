//! The rules about lists, and about tasks that are missing.

use serde_json::{Value, json};
use tasklife::audit::Rule;

use super::{DAY, ONE, TWO, audit, document, not_found, reading};
use crate::support::second;

#[test]
fn a_list_is_sorted_and_has_no_duplicates_or_expired_tasks() {
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
    assert_eq!(audit(&[read(), not_found(2, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), not_found(2, ONE), not_found(3, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), empty(2)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), not_found(10 * DAY - 1, ONE)]), [(2, Rule::Vanished)]);
    assert_eq!(audit(&[read(), not_found(10 * DAY, ONE)]), []);
    assert_eq!(audit(&[read(), not_found(2, TWO)]), []);

    // Submitted, but not yet readable.
    let mut accepted = document(ONE, "received", 0);
    accepted["links"] = json!([{"rel": "task", "href": format!("/tasks/{ONE}")}]);
    assert_eq!(audit(&[reading(0, &accepted), not_found(1, ONE), empty(1)]), []);
    let posted = json!({"at": second(0), "request": "POST /v1/subscriptions", "body": document(ONE, "received", 0)});
    assert_eq!(
        audit(&[posted, not_found(1, ONE), read(), not_found(2, ONE)]),
        [(4, Rule::Vanished)]
    );

    // If a task was first seen at its end, only an earlier list without it shows its age.
    let ended = || reading(9, &document(ONE, "processing-completed", 5));
    assert_eq!(audit(&[ended(), not_found(10, ONE)]), []);
    assert_eq!(audit(&[empty(0), ended(), not_found(10, ONE)]), [(3, Rule::Vanished)]);
}

#[test]
fn an_incomplete_list_reports_no_missing_task() {
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
