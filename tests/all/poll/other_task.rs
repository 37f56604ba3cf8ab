//! Answers about something other than the task: a resource, or another task.

use tasklife::TaskStatus;
use tasklife::format::{AzureOperation, AzureResourceManager};
use tasklife::poll::{PollError, ReadFailure, TaskPoller};

use super::{ID, address, answer, asked, document, outcome, poller, started};
use crate::support::second;

fn read(task: &mut TaskPoller, status: u16, headers: &[(&str, &str)], body: &str) {
    let mut now = second(0);
    asked(task, &mut now);
    task.answered(&answer(status, headers, body), now);
}

fn path(task: &mut TaskPoller) -> String {
    asked(task, &mut second(0)).uri().path().to_owned()
}

#[test]
fn the_location_of_a_resource_is_not_followed() {
    for (status, expected) in [(200, "/v1/tasks/7"), (201, "/v1/tasks/7"), (202, "/v1/widgets/7")] {
        let mut task = started(&poller(), &[("location", "/v1/tasks/7")]);
        read(&mut task, status, &[("location", "/v1/widgets/7")], &document("received"));
        assert_eq!(path(&mut task), expected, "{status}");
    }
    // Azure's headers lead only to a status.
    for header in ["operation-location", "azure-asyncoperation"] {
        for status in [200, 202] {
            let azure = poller().with_format(AzureOperation);
            let mut task = started(&azure, &[(header, "/v1/operations/7")]);
            let body = r#"{"id": "7", "status": "Running"}"#;
            read(&mut task, status, &[(header, "/v2/operations/7")], body);
            assert_eq!(path(&mut task), "/v2/operations/7", "{header} {status}");
        }
    }
}

#[test]
fn an_accepting_body_about_a_resource_is_not_taken_for_the_task() {
    let azure = poller().with_format(AzureOperation);
    let start = |headers: &[(&str, &str)], body: &str| {
        azure.started_by(&answer(201, headers, body), second(0)).unwrap()
    };
    let place = ("operation-location", "/v1/operations/op-7?api-version=1");
    let widget = r#"{"id": "widget-1", "status": "succeeded"}"#;
    let mut task = start(&[place], widget);
    assert_eq!(task.task().id(), None);
    read(&mut task, 200, &[], r#"{"id": "op-7", "status": "Failed"}"#);
    let end = outcome(&mut task, second(0));
    assert!(matches!(end, Some(Err(PollError::Failed(_)))), "{end:?}");
    // The header or the address shows that it is the task.
    let mut task = start(&[place, ("operation-id", "widget-1")], widget);
    assert!(outcome(&mut task, second(0)).unwrap().is_ok());
    let mut task = start(&[place], r#"{"id": "op-7", "status": "Succeeded"}"#);
    assert!(outcome(&mut task, second(0)).unwrap().is_ok());
    // This holds in every format.
    let other = [("operation-location", "/v1/operations/op-7")];
    assert_eq!(started(&poller(), &other).task().id(), None);
    let own = [("azure-asyncoperation", &*address())];
    assert_eq!(started(&poller(), &own).task().id(), Some(ID));
}

#[test]
fn a_resource_does_not_end_a_task_that_is_followed_by_its_status() {
    let manager = poller().with_format(AzureResourceManager);
    let resource = r#"{"name": "7", "properties": {"provisioningState": "Succeeded"}}"#;
    let mut task = manager.following("/v1/operations/7", second(0)).unwrap();
    assert!(!task.task().leads_to_result());
    read(&mut task, 200, &[], resource);
    assert_eq!(outcome(&mut task, second(0)), None);
    assert!(matches!(task.failure(), Some(ReadFailure::Unreadable(_))));
    let mut task = manager.following_result("/v1/operations/7/result", second(0)).unwrap();
    assert!(task.task().leads_to_result());
    read(&mut task, 202, &[], "");
    assert_eq!((outcome(&mut task, second(0)), task.failure()), (None, None));
    read(&mut task, 200, &[], resource);
    assert!(outcome(&mut task, second(0)).unwrap().is_ok());
    assert!(manager.following_result("https://evil.example/", second(0)).is_err());
}

#[test]
fn every_2xx_except_202_is_the_end_at_the_address_of_a_result() {
    let manager = poller().with_format(AzureResourceManager);
    for status in 200..=299 {
        for body in [
            "",
            r#"{"value": []}"#,
            "[]",
            "\"x\"",
            "cut sho",
            r#"{"name": "7", "properties": {"provisioningState": "Updating"}}"#,
            r#"{"name": "7", "properties": {"provisioningState": "Succeeded"}}"#,
        ] {
            let mut task = started(&manager, &[("location", "/v1/results/7")]);
            assert!(task.task().leads_to_result());
            read(&mut task, status, &[], body);
            let end = outcome(&mut task, second(0));
            if status == 202 {
                assert_eq!((end, task.failure()), (None, None), "{body}");
            } else {
                let end = end.unwrap().expect(body);
                let known = end.document().status().known();
                assert_eq!(known, Some(TaskStatus::ProcessingCompleted), "{body}");
            }
        }
    }
}

#[test]
fn a_task_can_be_followed_by_its_id_alone() {
    let jobs = poller().with_tasks_path("/jobs").unwrap();
    for id in [ID, "7", "a_b-c.d~e"] {
        let mut task = jobs.following_id(id, second(0)).unwrap();
        let mut now = second(0);
        assert_eq!(asked(&mut task, &mut now).uri().path(), format!("/v1/jobs/{id}"));
        assert_eq!((now, task.task().id()), (second(0), Some(id)), "expected a request at once");
        let other = r#"{"taskId": "other", "status": "processing-completed"}"#;
        task.answered(&answer(200, &[], other), now);
        assert_eq!(task.failure(), Some(&ReadFailure::OtherTask("other".into())));
    }
    for id in ["", "..", "a/b", "a?b", "a#b", "a b", "ö"] {
        let error = jobs.following_id(id, second(0)).unwrap_err();
        let expected = format!("expected an id of letters, digits and -_~. only, got {id:?}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_document_without_an_id_is_not_the_task_if_the_id_is_known() {
    let body = document("processing-completed").replace(ID, "");
    let mut task = started(&poller(), &[]);
    read(&mut task, 200, &[], &body);
    assert_eq!(outcome(&mut task, second(0)), None);
    assert_eq!(task.failure(), Some(&ReadFailure::OtherTask("".into())));
    // At an address that has only this task, a document needs no id.
    let manager = poller().with_format(AzureResourceManager);
    let mut task = started(&manager, &[("azure-asyncoperation", "/v1/operations/7")]);
    read(&mut task, 200, &[], r#"{"name": "7", "status": "Running"}"#);
    assert_eq!(task.task().id(), Some("7"));
    read(&mut task, 200, &[], r#"{"status": "Succeeded"}"#);
    assert!(outcome(&mut task, second(0)).unwrap().is_ok());
}
