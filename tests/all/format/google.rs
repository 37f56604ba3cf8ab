//! Google's long-running operations, as in AIP-151 and AIP-193.

use serde_json::json;
use tasklife::format::{Format, GoogleOperation};
use tasklife::{Completion, TaskStatus};

use super::{after, completed, failed, id, json, links, running};

const STRUCT: &str = "type.googleapis.com/google.protobuf.Struct";

fn google() -> GoogleOperation {
    GoogleOperation::new("example.com")
}

#[test]
fn an_operation_has_a_name_and_says_whether_it_is_done() {
    let operation = json(&google().polled(&links(), &running()));
    assert_eq!(
        operation,
        json!({
            "name": format!("operations/{}", id(7)),
            "metadata": {"@type": STRUCT, "value": {
                "verb": "subscriptionCreateRequest",
                "state": "processing-in-progress",
                "progressPercent": 25,
                "createTime": "2019-08-08T00:00:00Z",
                "updateTime": "2019-08-08T00:00:02Z",
            }},
            "done": false,
        })
    );
    let reply = google().accepted(&links(), &after([]));
    assert_eq!((reply.status(), json(&reply)["done"].clone()), (200, json!(false)));
}

#[test]
fn an_operation_that_is_done_has_a_response_or_an_error() {
    let resource = Completion::of(7).with_resource(&json!({"id": 7, "name": "a"})).unwrap();
    for (completion, expected) in [
        (resource, json!({"@type": STRUCT, "value": {"id": 7, "name": "a"}})),
        (Completion::of(7), json!({"@type": STRUCT, "value": {"resourceId": 7}})),
        (Completion::default(), json!({"@type": "type.googleapis.com/google.protobuf.Empty"})),
    ] {
        let operation = json(&google().polled(&links(), &completed(completion)));
        assert_eq!(operation["response"], expected);
        assert_eq!((&operation["done"], operation.get("error")), (&json!(true), None));
        assert_eq!(operation["metadata"]["value"]["endTime"], "2019-08-08T00:00:02Z");
    }
    let operation = json(&google().polled(&links(), &failed()));
    assert_eq!(
        operation["error"],
        json!({
            "code": 5,
            "message": "Subscription was not found.",
            "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SUBSCRIPTION_NOT_FOUND",
                "domain": "example.com",
                "metadata": {"status": "404 NOT_FOUND", "info": "It was deleted."},
            }],
        })
    );
    assert_eq!((&operation["done"], operation.get("response")), (&json!(true), None));
}

#[test]
fn custom_types_have_their_fields_beside_the_type_name() {
    let google = google()
        .with_metadata_type("type.googleapis.com/video.v1.Metadata")
        .with_response_type("type.googleapis.com/video.v1.Video");
    let resource = Completion::default().with_resource(&json!({"id": 7})).unwrap();
    let operation = json(&google.polled(&links(), &completed(resource)));
    assert_eq!(operation["metadata"]["@type"], "type.googleapis.com/video.v1.Metadata");
    assert_eq!(operation["metadata"]["verb"], "subscriptionCreateRequest");
    assert_eq!(
        operation["response"],
        json!({"@type": "type.googleapis.com/video.v1.Video", "id": 7})
    );
    let empty = Completion::default().with_resource(&json!({})).unwrap();
    let operation = json(&google.polled(&links(), &completed(empty)));
    assert_eq!(operation["response"], json!({"@type": "type.googleapis.com/video.v1.Video"}));
}

#[test]
fn operations_of_other_services_are_read() {
    let read = |text: &str| google().read_task(text.as_bytes()).unwrap();
    let running = read(
        r#"{"name": "projects/p/locations/l/operations/op-7",
            "metadata": {"@type": "type.googleapis.com/google.cloud.common.OperationMetadata",
                "verb": "create", "statusDetail": "Working.", "apiVersion": "v1", "createTime": "x"}}"#,
    );
    assert_eq!(running.task_id(), "op-7");
    assert_eq!(running.status().known(), Some(TaskStatus::ProcessingInProgress));
    assert_eq!(running.command_type(), Some("create"));
    assert_eq!(running.description(), Some("Working."));
    // Metadata that does not fit is ignored.
    let odd =
        read(r#"{"name": "7", "metadata": {"@type": "t", "verb": 7, "state": {"a": 1E999}}}"#);
    assert_eq!(odd.status().known(), Some(TaskStatus::ProcessingInProgress));
    let done =
        read(r#"{"name": "7", "done": true, "response": {"@type": "video.v1.Video", "x": 1}}"#);
    assert_eq!(done.status().known(), Some(TaskStatus::ProcessingCompleted));
    let resource = done.response().unwrap().resource();
    assert_eq!(resource, Some(r#"{"@type": "video.v1.Video", "x": 1}"#));
    let own = read(r#"{"name": "7", "done": true, "response": {"@type": "a", "value": {"x": 1}}}"#);
    let resource = own.response().unwrap().resource();
    assert_eq!(resource, Some(r#"{"@type": "a", "value": {"x": 1}}"#), "a field of its own");
    let failed = read(r#"{"name": "7", "done": true, "error": {"code": 7, "message": "No."}}"#);
    let error = failed.response().unwrap().error().unwrap();
    assert_eq!(error.code(), Some("PERMISSION_DENIED"));
    assert_eq!(error.status(), Some("403 PERMISSION_DENIED"));
    let odd = read(r#"{"name": "7", "done": true, "error": {"code": -3}}"#);
    assert_eq!(odd.response().unwrap().error().unwrap().code(), Some("UNKNOWN"));
    for text in [r#"{"done": true}"#, "[]", "{}", r#"{"name": 7}"#, "7", ""] {
        assert!(google().read_task(text.as_bytes()).is_err(), "{text}");
    }
    let last = google().read_list(br#"{"operations": [], "nextPageToken": ""}"#).unwrap();
    assert_eq!((last.tasks().len(), last.next()), (0, None));
    assert!(google().read_list(b"{}").unwrap().tasks().is_empty());
}

/// Regression, found with Google's client, which recognizes `UNIMPLEMENTED` by 501.
#[test]
fn a_method_that_is_not_allowed_is_refused_as_unimplemented() {
    let at = super::second(0);
    let refusal = |status, reason| {
        google().refused(&tasklife::format::Refusal::new(status, reason, "no", "/", at))
    };
    let message = refusal(405, "Method Not Allowed");
    let expected = json!({"error": {"code": 501, "message": "no", "status": "UNIMPLEMENTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "UNIMPLEMENTED", "domain": "example.com", "metadata": {}}]}});
    assert_eq!((message.status(), json(&message)), (501, expected));
    for (status, expected) in [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ABORTED"),
        (412, "FAILED_PRECONDITION"),
        (413, "INVALID_ARGUMENT"),
        (422, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ] {
        assert_eq!(json(&refusal(status, ""))["error"]["status"], expected, "{status}");
    }
}
