//! Azure's long-running operations, of the data plane and of Resource Manager.

use serde_json::json;
use tasklife::format::{AzureOperation, AzureResourceManager, Format, Message};
use tasklife::{Completion, Links, TaskError, TaskEvent, TaskStatus};

use super::{after, completed, failed, id, json, links, running};

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let mut headers = message.headers().iter();
    headers.find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_status_monitor_says_where_the_operation_is() {
    let reply = AzureOperation.accepted(&links(), &after([]));
    let address = format!("https://api.example.com/v1/operations/{}", id(7));
    assert_eq!(reply.status(), 202);
    assert_eq!(header(&reply, "operation-location"), Some(&*address));
    assert_eq!(header(&reply, "operation-id"), Some(&*id(7).to_string()));
    assert_eq!(json(&reply)["status"], "NotStarted");
    assert_eq!(
        json(&AzureOperation.polled(&links(), &running())),
        json!({
            "id": id(7),
            "kind": "subscriptionCreateRequest",
            "status": "Running",
            "percentComplete": 25,
            "createdDateTime": "2019-08-08T00:00:00Z",
            "lastUpdatedDateTime": "2019-08-08T00:00:02Z",
        })
    );
}

#[test]
fn a_status_monitor_has_a_result_or_an_error() {
    let plain = Links::new("/v1").unwrap();
    let resource = Completion::of(7).with_resource(&json!({"id": 7})).unwrap();
    let monitor = json(&AzureOperation.polled(&links(), &completed(resource)));
    assert_eq!((&monitor["status"], &monitor["result"]), (&json!("Succeeded"), &json!({"id": 7})));
    assert_eq!(monitor["resourceLocation"], "https://api.example.com/v1/subscriptions/7");
    let monitor = json(&AzureOperation.polled(&plain, &completed(Completion::of(7))));
    assert_eq!(monitor["result"], json!({"resourceId": 7}));
    let monitor = json(&AzureOperation.polled(&plain, &completed(Completion::default())));
    assert_eq!((monitor.get("result"), monitor.get("resourceLocation")), (None, None));
    let monitor = json(&AzureOperation.polled(&plain, &failed()));
    assert_eq!(
        (&monitor["status"], &monitor["error"]),
        (
            &json!("Failed"),
            &json!({
                "code": "SUBSCRIPTION_NOT_FOUND",
                "message": "Subscription was not found.",
                "innererror": {"code": "SUBSCRIPTION_NOT_FOUND", "message": "It was deleted."},
            })
        )
    );
}

#[test]
fn resource_manager_has_an_address_for_the_operation_and_one_for_the_result() {
    let reply = AzureResourceManager.accepted(&links(), &after([]));
    let address = format!("https://api.example.com/v1/operations/{}", id(7));
    assert_eq!(reply.status(), 202);
    assert_eq!(header(&reply, "azure-asyncoperation"), Some(&*address));
    assert_eq!(header(&reply, "location"), Some(&*(address + "/result")));
    assert_eq!(json(&reply), json!({"properties": {"provisioningState": "Accepted"}}));
    assert_eq!(
        json(&AzureResourceManager.polled(&links(), &running())),
        json!({
            "id": format!("/v1/operations/{}", id(7)),
            "name": id(7),
            "status": "InProgress",
            "startTime": "2019-08-08T00:00:00Z",
            "percentComplete": 25,
        })
    );
}

#[test]
fn the_result_is_the_answer_to_the_original_request() {
    let result = |task| AzureResourceManager.result(&links(), &task).unwrap();
    let pending = result(running());
    assert_eq!(pending.status(), 202);
    assert!(header(&pending, "location").unwrap().ends_with("/result"));
    assert_eq!(json(&pending), json!({"properties": {"provisioningState": "InProgress"}}));

    let done = result(completed(Completion::of(7)));
    assert_eq!(done.status(), 200);
    let expected = json!({"id": "/v1/subscriptions/7", "name": "7",
        "properties": {"provisioningState": "Succeeded"}});
    assert_eq!(json(&done), expected);

    let own = json!({"id": "/x", "properties": {"provisioningState": "Canceled", "size": 1}});
    let resource = Completion::default().with_resource(&own).unwrap();
    assert_eq!(
        json(&result(completed(resource))),
        own,
        "expected the resource's own fields to stay"
    );
    let resource = Completion::default().with_resource(&json!({"properties": 7})).unwrap();
    assert_eq!(json(&result(completed(resource))), json!({"properties": 7}));

    let nothing = result(completed(Completion::default()));
    assert_eq!((nothing.status(), nothing.body()), (204, ""));

    let gone = result(failed());
    assert_eq!(gone.status(), 404);
    assert_eq!(json(&gone)["error"]["code"], "SUBSCRIPTION_NOT_FOUND");
    for (status, expected) in [("200 OK", 500), ("broken", 500), ("503 X", 503), ("", 500)] {
        let error = TaskError::new("X", "x").with_status(status);
        let failed = result(after([TaskEvent::fail(error)]));
        assert_eq!(failed.status(), expected, "{status}");
    }
    assert!(
        AzureOperation.result(&links(), &running()).is_none(),
        "expected the result in the monitor"
    );
}

#[test]
fn statuses_are_read_in_any_case_and_unknown_ones_are_running() {
    let azure = |status: &str| {
        let text = format!(r#"{{"id": "7", "status": "{status}"}}"#);
        AzureOperation.read_task(text.as_bytes()).unwrap().status().clone()
    };
    assert_eq!(azure("succeeded").known(), Some(TaskStatus::ProcessingCompleted));
    assert_eq!(azure("FAILED").known(), Some(TaskStatus::ProcessingError));
    assert_eq!(azure("notStarted").known(), Some(TaskStatus::Received));
    assert_eq!((azure("Paused").known(), azure("Paused").is_terminal()), (None, false));
    let read = |text: &str| {
        AzureResourceManager.read_task(text.as_bytes()).map(|read| read.status().known().unwrap())
    };
    // "Any other value indicates that the operation is still running."
    let (running, done) = (TaskStatus::ProcessingInProgress, TaskStatus::ProcessingCompleted);
    assert_eq!(read(r#"{"name": "7", "status": "Hydrating"}"#).unwrap(), running);
    let state = r#"{"id": "/a/7", "properties": {"provisioningState": "Updating"}}"#;
    assert_eq!(read(state).unwrap(), running);
    assert_eq!(read(r#"{"id": "/a/7", "properties": {"size": 1}}"#).unwrap(), done);
    let error = read("{}").unwrap_err().to_string();
    assert!(error.contains("`id` or a `name`"), "{error}");
    // The contract requires only a status.
    assert_eq!(read(r#"{"status": "InProgress"}"#).unwrap(), running);
    // A resource is not a task.
    assert!(!AzureResourceManager.is_task(state.as_bytes()));
    assert!(AzureResourceManager.is_task(br#"{"name": "7", "status": "Failed"}"#));
}

#[test]
fn a_refusal_has_its_code_in_a_header_too() {
    let refusal = tasklife::format::Refusal::new(
        405,
        "Method Not Allowed",
        "expected GET",
        "/",
        super::second(0),
    );
    let unnamed = tasklife::format::Refusal::new(599, "", "x", "/", super::second(0));
    assert_eq!(json(&AzureOperation.refused(&unnamed))["error"]["code"], "599");
    for format in [&AzureOperation as &dyn Format, &AzureResourceManager] {
        let message = format.refused(&refusal);
        assert_eq!(header(&message, "x-ms-error-code"), Some("MethodNotAllowed"));
        let expected = json!({"error": {"code": "MethodNotAllowed", "message": "expected GET"}});
        assert_eq!(json(&message), expected);
    }
}

/// Regression: Azure's client read the deleted resource, and took the 404 for the task's.
#[test]
fn a_deletion_has_no_link_to_the_resource() {
    let links = links().with_deletion(super::CREATE);
    let task = completed(Completion::of(7));
    assert_eq!(links.resource_href(&task), None);
    assert!(
        links.polled(&task).to_string().contains("/subscriptions/7"),
        "expected the link, as in the live API"
    );
    assert_eq!(json(&AzureOperation.polled(&links, &task)).get("resourceLocation"), None);
    let result = AzureResourceManager.result(&links, &task).unwrap();
    assert_eq!((result.status(), result.body()), (204, ""));
    let with_resource = Completion::of(7).with_resource(&json!({"was": 7})).unwrap();
    assert_eq!(
        AzureResourceManager.result(&links, &completed(with_resource)).unwrap().status(),
        200
    );
}

#[test]
fn the_link_to_the_resource_reads_back_and_an_empty_next_link_is_none() {
    let monitor = AzureOperation.polled(&links(), &completed(Completion::of(7)));
    let read = AzureOperation.read_task(monitor.body().as_bytes()).unwrap();
    let href = read.link("resource").unwrap().href();
    assert_eq!(href, Some("https://api.example.com/v1/subscriptions/7"));
    let list = AzureOperation.read_list(br#"{"value": [], "nextLink": ""}"#).unwrap();
    assert_eq!(list.next(), None);
}

#[test]
fn parameters_that_would_leave_out_or_sort_tasks_are_refused() {
    for format in [&AzureOperation as &dyn Format, &AzureResourceManager] {
        let parameters = format.list_parameters();
        for name in ["filter", "top", "skip", "orderby", "$filter", "$top", "$skip", "$orderby"] {
            let error = parameters.read(&format!("{name}=1")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: expected no value")), "{error}");
        }
        assert!(parameters.read("api-version=2024-01-01").is_ok());
    }
}
