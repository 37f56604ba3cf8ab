//! Wire formats: documents look as the specifications show, and read back as what was written.

mod azure;
mod google;
mod parameters;
mod replies;

use proptest::prelude::*;
use tasklife::format::{
    AzureOperation, AzureResourceManager, Format, GoogleOperation, Message, NextPage, RedisCloud,
    Refusal,
};
use tasklife::testing::strategy;
use tasklife::{
    Completion, Links, ListQuery, Page, Progress, ReportedError, ReportedStatus, Revision, Task,
    TaskError, TaskEvent, TaskStatus,
};

use crate::support::{CREATE, account, id, second, submission, task};

fn links() -> Links {
    let links =
        Links::new("https://api.example.com/v1").unwrap().with_tasks_path("/operations").unwrap();
    links.with_route(CREATE, "/subscriptions/{resourceId}", "title").unwrap()
}

fn formats() -> [Box<dyn Format>; 4] {
    [
        Box::new(RedisCloud),
        Box::new(GoogleOperation::new("example.com")),
        Box::new(AzureOperation),
        Box::new(AzureResourceManager),
    ]
}

/// A task after these events, one per second.
fn after(events: impl IntoIterator<Item = TaskEvent>) -> Task {
    let mut clock = tasklife::AccountClock::default();
    let mut task = task(submission("acme", 7), second(0));
    clock.advance_to(&task);
    for (event, at) in events.into_iter().zip(1..) {
        task.apply(event, tasklife::Retention::default(), second(at), clock.next(second(at)))
            .unwrap();
        clock.advance_to(&task);
    }
    task
}

fn running() -> Task {
    after([TaskEvent::start(), TaskEvent::report_of(Progress::of(1, 4))])
}

fn completed(completion: Completion) -> Task {
    after([TaskEvent::start(), TaskEvent::complete(completion)])
}

fn failed() -> Task {
    let error = TaskError::new("SUBSCRIPTION_NOT_FOUND", "Subscription was not found.")
        .with_status("404 NOT_FOUND")
        .with_additional_info("It was deleted.");
    after([TaskEvent::start(), TaskEvent::fail(error)])
}

fn json(message: &Message) -> serde_json::Value {
    serde_json::from_str(message.body()).unwrap()
}

/// The status as which a format shows a task. Azure's formats do not distinguish `initialized` from
/// `received`.
fn shown(format: &dyn Format, task: &Task) -> TaskStatus {
    let is_redis = format!("{format:?}") == "RedisCloud";
    let is_google = format!("{format:?}").starts_with("Google");
    match task.status() {
        TaskStatus::Initialized if !is_redis && !is_google => TaskStatus::Received,
        status => status,
    }
}

proptest! {
    /// The law of formats.
    #[test]
    fn a_written_task_reads_back_as_the_same(task in strategy::tasks()) {
        let links = links();
        for format in formats() {
            let message = format.polled(&links, &task);
            let read = format.read_task(message.body().as_bytes()).unwrap();
            prop_assert_eq!(read.id().unwrap(), task.id());
            let status = shown(&*format, &task);
            prop_assert_eq!(read.status(), &ReportedStatus::from(status), "{:?}", format);
            let error = read.response().and_then(|response| response.error());
            match task.outcome() {
                Some(Err(expected)) => {
                    let error = error.unwrap();
                    prop_assert_eq!(error.code(), Some(expected.code()));
                    prop_assert_eq!(error.description(), Some(expected.description()));
                }
                Some(Ok(expected)) => {
                    prop_assert!(error.is_none());
                    let resource = read.response().and_then(|response| response.resource());
                    prop_assert_eq!(resource, expected.resource(), "{:?}", format);
                }
                None => prop_assert!(error.is_none()),
            }
            prop_assert!(format.is_task(message.body().as_bytes()));
        }
    }

    #[test]
    fn a_written_page_reads_back_with_all_its_tasks(
        tasks in proptest::collection::vec(strategy::tasks(), 0..5),
        goes_on: bool,
    ) {
        let links = links();
        let cursor = ListQuery::default().cursor(&account("acme"), Revision::default());
        let href = format!("https://api.example.com/v1/operations?cursor={cursor}");
        let next = goes_on.then(|| NextPage::new(cursor, href));
        let page = Page::new(tasks, next.as_ref().map(NextPage::cursor), Revision::default());
        for format in formats() {
            let message = format.list(&links, &page, next.as_ref());
            prop_assert_eq!(message.status(), 200);
            let read = format.read_list(message.body().as_bytes()).unwrap();
            let ids: Vec<_> = read.tasks().iter().map(|task| task.id().unwrap()).collect();
            let expected: Vec<_> = page.tasks().iter().map(Task::id).collect();
            prop_assert_eq!(ids, expected);
            for (read, task) in read.tasks().iter().zip(page.tasks()) {
                let alone = format.polled(&links, task);
                let alone = format.read_task(alone.body().as_bytes()).unwrap();
                prop_assert_eq!(read, &alone);
            }
            prop_assert_eq!(read.next().is_some(), goes_on, "{:?}", format);
            if let Some(next) = read.next() {
                let says = next.contains(&cursor.to_string());
                prop_assert!(says, "{}", next);
            }
            prop_assert!(format.is_list(message.body().as_bytes()));
        }
    }

    #[test]
    fn a_written_refusal_reads_back(status in 400_u16..600, message in ".{0,40}") {
        let status = http::StatusCode::from_u16(status).unwrap();
        let reason = status.canonical_reason().unwrap_or_default();
        let refusal = Refusal::new(status.as_u16(), reason, &message, "/v1/tasks", second(0));
        for format in formats() {
            let written = format.refused(&refusal);
            let is_google = format!("{format:?}").starts_with("Google");
            let status = if is_google && status == 405 { 501 } else { status.as_u16() };
            prop_assert_eq!(written.status(), status);
            let read = format.read_refusal(written.body().as_bytes()).unwrap();
            prop_assert_eq!(read.message.as_deref(), Some(&*message));
            prop_assert!(read.status.is_none_or(|read| read == status));
            prop_assert!(read.code.is_some());
        }
    }

    /// No text makes reading panic.
    #[test]
    fn no_text_makes_reading_panic(
        text in proptest::string::string_regex(concat!(
            r#"\{("(name|id|status|done|metadata|response|error|value|taskId|operations|tasks|properties|"#,
            r#"nextLink|nextPageToken)":(null|true|1E999|7|-1|"x"|"Succeeded"|\{\}|\[\]|\{"code":1\}|"#,
            r#"\{"@type":"t","value":\{\}\}|\[\{"id":"7","status":"Running"\}\]),?){0,5}\}?"#,
        )).unwrap(),
    ) {
        for format in formats() {
            let _ = format.read_task(text.as_bytes());
            let _ = format.read_list(text.as_bytes());
            let _ = format.read_refusal(text.as_bytes());
            let _ = format.read_accepted(&|_| None, text.as_bytes());
            let (_, _) = (format.is_task(text.as_bytes()), format.is_list(text.as_bytes()));
        }
    }
}

#[test]
fn every_format_refuses_deep_nesting() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for field in ["metadata", "response", "result", "properties", "resource"] {
        let text = format!(
            r#"{{"name": "7", "id": "7", "taskId": "7", "status": "received", "{field}": {deep}}}"#
        );
        for format in formats() {
            let error = format.read_task(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("127 levels deep"), "{format:?}: {error}");
        }
    }
}

#[test]
fn the_reply_to_a_submission_has_the_address_of_the_task() {
    let task = after([]);
    let address = format!("https://api.example.com/v1/operations/{}", id(7));
    let expected = [
        ("RedisCloud", address.clone()),
        ("GoogleOperation", format!("operations/{}", id(7))),
        ("AzureOperation", address.clone()),
        ("AzureResourceManager", address),
    ];
    for (format, (name, expected)) in formats().iter().zip(expected) {
        assert!(format!("{format:?}").starts_with(name));
        let reply = format.accepted(&links(), &task);
        let header = |name: &str| {
            let mut headers = reply.headers().iter();
            headers.find(|(known, _)| *known == name).map(|(_, value)| value.as_str().into())
        };
        let read = format.read_accepted(&header, reply.body().as_bytes()).unwrap();
        assert_eq!(read.href.as_deref(), Some(&*expected), "{name}");
        if let Some(task) = read.task {
            assert_eq!(task.id().unwrap(), id(7), "{name}");
        }
    }
}

#[test]
fn the_address_of_redis_clouds_live_api_is_in_its_links() {
    let body = format!(
        r#"{{"taskId": "{0}", "status": "received", "links": [{{"rel": "task", "href": "/v1/tasks/{0}"}}]}}"#,
        id(7)
    );
    let read = RedisCloud.read_accepted(&|_| None, body.as_bytes()).unwrap();
    assert_eq!(read.href.as_deref(), Some(&*format!("/v1/tasks/{}", id(7))));
}

#[test]
fn a_cancelled_operation_has_ended_without_a_result() {
    let google = GoogleOperation::new("example.com");
    let cancelled: [(&dyn Format, &[u8]); 4] = [
        (&google, br#"{"name": "operations/7", "done": true, "error": {"code": 1}}"#),
        (&AzureOperation, br#"{"id": "7", "status": "Canceled"}"#),
        (&AzureOperation, br#"{"id": "7", "status": "cancelled"}"#),
        (&AzureResourceManager, br#"{"name": "7", "status": "Canceled"}"#),
    ];
    for (format, text) in cancelled {
        let read = format.read_task(text).unwrap();
        assert_eq!(read.task_id(), "7");
        assert!(matches!(read.status(), ReportedStatus::Cancelled(_)), "{read:?}");
        assert!(read.status().is_terminal() && read.status().known().is_none());
    }
}

#[test]
fn ids_without_a_resource_read_back() {
    let google = GoogleOperation::new("example.com");
    let task = completed(Completion::of(77_899).with_additional_resource_id("a"));
    for format in [&RedisCloud as &dyn Format, &google, &AzureOperation] {
        let message = format.polled(&links(), &task);
        let read = format.read_task(message.body().as_bytes()).unwrap();
        let response = read.response().unwrap();
        assert_eq!(response.resource_id(), Some(&77_899.into()), "{format:?}");
        assert_eq!(response.additional_resource_id(), Some(&"a".into()), "{format:?}");
        assert_eq!(response.resource(), None, "{format:?}");
    }
}

#[test]
fn an_error_keeps_its_code_and_additional_information() {
    for format in formats() {
        let message = format.polled(&links(), &failed());
        let read = format.read_task(message.body().as_bytes()).unwrap();
        let response = read.response().unwrap();
        assert_eq!(response.additional_info(), Some("It was deleted."), "{format:?}");
        let Some(ReportedError::Object { code, description, .. }) = response.error() else {
            panic!("{read:?}");
        };
        assert_eq!(code.as_deref(), Some("SUBSCRIPTION_NOT_FOUND"));
        assert_eq!(description.as_deref(), Some("Subscription was not found."));
    }
}

/// Regression, found by `a_written_page_reads_back_with_all_its_tasks`.
#[test]
fn an_empty_page_with_a_next_page_is_a_list() {
    let text = br#"{"_links":{"next":{"href":"/v1/tasks?cursor=1","type":"GET"}}}"#;
    assert!(RedisCloud.is_list(text));
    assert_eq!(RedisCloud.read_list(text).unwrap().next(), Some("/v1/tasks?cursor=1"));
    assert!(!RedisCloud.is_list(br#"{"status": 404}"#));
}

/// Regression, found by `a_written_task_reads_back_as_the_same`.
#[test]
fn a_resource_without_fields_is_a_resource() {
    let task = completed(Completion::of(7).with_resource(&serde_json::json!({})).unwrap());
    for format in formats() {
        let message = format.polled(&links(), &task);
        let read = format.read_task(message.body().as_bytes()).unwrap();
        assert_eq!(read.response().unwrap().resource(), Some("{}"), "{format:?}");
    }
}

/// Regression: serde reads a struct from an array of its fields too.
#[test]
fn an_array_is_not_read_as_an_object() {
    for text in [
        r#"["7","k","Running",null,null,null,null,null]"#,
        r#"["operations/7",true,null,null,null]"#,
        r#"[{"error":{"code":404}}]"#,
        r#"{"error":["NotFound","m"]}"#,
        r#"{"name":"7","id":"7","status":"Failed","done":true,"error":["c","m"]}"#,
        r#"[["7"],"x"]"#,
        r#"{"value":[["7","Running"]],"operations":[["operations/7"]]}"#,
    ] {
        for format in &formats()[1..] {
            let text = text.as_bytes();
            assert!(format.read_task(text).is_err(), "{format:?}: {text:?}");
            assert!(format.read_list(text).is_err(), "{format:?}: {text:?}");
            assert!(format.read_refusal(text).is_err(), "{format:?}: {text:?}");
        }
    }
    // A result may be an array. It is kept, and not taken for ids, metadata or a state.
    let result = AzureOperation.read_task(br#"{"id":"7","status":"Succeeded","result":[7,8]}"#);
    let result = result.unwrap().response().unwrap().clone();
    assert_eq!((result.resource(), result.resource_id()), (Some("[7,8]"), None));
    let text = br#"{"name":"7","metadata":["t",{}],"done":true,"error":{"details":[["a","b"]]}}"#;
    let read = GoogleOperation::new("a").read_task(text).unwrap();
    assert_eq!(read.command_type(), None);
    assert_eq!(read.response().unwrap().error().unwrap().code(), Some("UNKNOWN"));
    let text = br#"{"name":"7","properties":["Failed"]}"#;
    let read = AzureResourceManager.read_task(text).unwrap();
    assert_eq!(read.status().known(), Some(TaskStatus::ProcessingCompleted));
    let error = GoogleOperation::new("a").read_task(b"[]").unwrap_err().to_string();
    assert!(error.contains("expected an object"), "{error}");
}

#[test]
fn a_refusal_returns_what_it_was_created_with() {
    let refusal = Refusal::new(404, "Not Found", "there is none", "/v1/tasks/7", second(3));
    let parts = (refusal.status(), refusal.reason(), refusal.message(), refusal.path());
    assert_eq!(parts, (404, "Not Found", "there is none", "/v1/tasks/7"));
    assert_eq!(refusal.at(), second(3));
}
