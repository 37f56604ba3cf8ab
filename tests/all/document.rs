//! Documents are written as the API's documentation shows them, and can be read back.

pub(crate) mod arbitrary;
mod read;
mod refused;

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tasklife::{
    AccountClock, CommandType, Completion, ErrorForm, LinkShape, Links, MIN_TIME, Page, Progress,
    Retention, Revision, Submission, Task, TaskDocument, TaskError, TaskEvent, Timestamp,
};

use crate::support::{CREATE, at};

pub(crate) const OTHER: CommandType = CommandType::from_static("other");
pub(crate) const ID: &str = "36d4b04d-72d4-4404-8600-a223120a553e";
const AT: &str = "2019-08-08T06:49:15.929Z";
const RECEIVED: &str = "Task request received and is being queued for processing.";
const COMPLETED: &str = "Request processing completed successfully and its resources are now being \
                         provisioned / de-provisioned.";
const FAILED: &str =
    "Task request failed during processing. See error information for failure details.";

fn submission(id: &str, command: CommandType) -> Submission {
    Submission::new("acme".parse().unwrap(), id.parse().unwrap(), command)
}

/// Returns the task of a submission after the permitted ones among some events.
fn follow(
    submission: Submission,
    now: Timestamp,
    events: impl IntoIterator<Item = (TaskEvent, Timestamp)>,
) -> Task {
    let (retention, mut clock) = (Retention::default(), AccountClock::default());
    let mut task = Task::new(submission, retention, now, clock.next(now));
    for (event, now) in events {
        clock.advance_to(&task);
        if task.status().after(event.kind()).is_some() {
            task.apply(event, retention, now, clock.next(now)).unwrap();
        }
    }
    task
}

/// Returns a task that was received and had some events at [`AT`].
pub(crate) fn task(command: CommandType, events: impl IntoIterator<Item = TaskEvent>) -> Task {
    let now = at(AT);
    follow(submission(ID, command), now, events.into_iter().map(|event| (event, now)))
}

pub(crate) fn completed(command: CommandType, completion: Completion) -> Task {
    task(command, [TaskEvent::start(), TaskEvent::complete(completion)])
}

fn page(tasks: Vec<Task>) -> Page {
    Page::new(tasks, None, Revision::default())
}

/// Returns links with a route for [`CREATE`].
fn links(base: &str) -> Links {
    let links = Links::new(base).unwrap();
    links.with_route(CREATE, "/subscriptions/{resourceId}", "getSubscriptionInformation").unwrap()
}

#[test]
fn the_documented_examples_are_written_byte_for_byte() {
    let links = links("https://api.redislabs.com/v1");
    let new = submission("f3ec0e7b-0548-46e3-82f3-1977012ec738", CREATE);
    let received = follow(new, at("2019-08-08T09:07:39.826Z"), []);
    assert_eq!(
        format!("{:#}\n", links.accepted(&received)),
        include_str!("documents/same/documented-received.json")
    );
    assert_eq!(
        format!("{:#}\n", links.polled(&completed(CREATE, Completion::of(77_899)))),
        include_str!("documents/same/documented-completed.json")
    );
}

#[test]
fn fields_are_written_in_order_and_only_if_they_have_a_value() {
    let running = |event| task(OTHER, [TaskEvent::start(), event]);
    let half = TaskEvent::report_of(Progress::of(1, 2));
    let resource = r#"{ "b":1.50e+3, "a":[ ], "B":"\u002f" }"#;
    let full = Completion::of("node/3")
        .with_additional_resource_id(i64::MIN)
        .with_resource(&RawValue::from_string(resource.to_owned()).unwrap())
        .unwrap();
    let ids = r#""resourceId":"node/3","additionalResourceId":-9223372036854775808"#;
    let response = format!(r#"{{{ids},"resource":{resource}}}"#);
    let full = [TaskEvent::start(), half.clone(), TaskEvent::complete(full)];
    let gone = TaskError::new("GONE", "It \"went\".").with_status("410 GONE");
    let info = gone.clone().with_additional_info("7");
    let completed = [TaskEvent::start(), TaskEvent::complete(Completion::default())];
    for (task, fields) in [
        (follow(submission(ID, OTHER).initialized(), at(AT), []), r#""initialized",$timestamp"#),
        (task(OTHER, []), r#""received","description":"$received",$timestamp"#),
        (running(TaskEvent::report()), r#""processing-in-progress",$timestamp"#),
        (
            running(half.with_description("1\n\"of 2\"")),
            r#""processing-in-progress","description":"1\n\"of 2\"","progress":50,$timestamp"#,
        ),
        (
            task(OTHER, completed),
            r#""processing-completed","description":"$completed",$timestamp,"response":{}"#,
        ),
        (
            task(OTHER, full.map(|event| event.with_description(""))),
            r#""processing-completed","description":"","progress":50,$timestamp,"response":$response"#,
        ),
        (
            running(TaskEvent::fail(gone)),
            r#""processing-error","description":"$failed",$timestamp,"response":{$error}"#,
        ),
        (
            task(OTHER, [TaskEvent::fail(info).with_description("No.")]),
            r#""processing-error","description":"No.",$timestamp,"response":{$error,"additionalInfo":"7"}"#,
        ),
    ] {
        let document = r#"{"taskId":"$id","commandType":"other","status":$fields,$links}"#;
        let expected = [
            ("$fields", fields),
            ("$timestamp", r#""timestamp":"2019-08-08T06:49:15.929Z""#),
            ("$received", RECEIVED),
            ("$completed", COMPLETED),
            ("$failed", FAILED),
            ("$response", &response),
            (
                "$error",
                r#""error":{"type":"GONE","status":"410 GONE","description":"It \"went\"."}"#,
            ),
            ("$links", r#""_links":{"self":{"href":"/v1/tasks/$id","type":"GET"}}"#),
            ("$id", ID),
        ];
        let expected = expected
            .iter()
            .fold(document.to_owned(), |text, (name, value)| text.replace(name, value));
        assert_eq!(links("/v1").polled(&task).to_string(), expected);
    }
}

#[test]
fn links_have_two_shapes_and_errors_two_forms() {
    let array = links("/v1").with_shape(LinkShape::Array).with_error_form(ErrorForm::Code);
    let made = completed(CREATE, Completion::of(7));
    let lost = TaskError::new("GONE", "It went.").with_additional_info("7");
    let lost = task(CREATE, [TaskEvent::fail(lost)]);
    let resource =
        r#""href":"/v1/subscriptions/7","title":"getSubscriptionInformation","type":"GET"}"#;
    let self_link = format!(r#""href":"/v1/tasks/{ID}","type":"GET"}}"#);
    let status =
        format!(r#""href":"/v1/tasks/{ID}","title":"getTaskStatusUpdates","type":"GET"}}"#);
    for (document, end) in [
        (
            links("/v1").polled(&made),
            format!(r#""_links":{{"resource":{{{resource},"self":{{{self_link}}}}}"#),
        ),
        (links("/v1").accepted(&made), format!(r#""_links":{{"task":{{{status}}}}}"#)),
        (
            array.polled(&made),
            format!(r#""links":[{{"rel":"resource",{resource},{{"rel":"self",{self_link}]}}"#),
        ),
        (array.accepted(&made), format!(r#""links":[{{"rel":"task",{status}]}}"#)),
        (
            array.polled(&lost),
            r#""response":{"error":"GONE","additionalInfo":"7"},"#.to_owned()
                + &format!(r#""links":[{{"rel":"self",{self_link}]}}"#),
        ),
    ] {
        let json = document.to_string();
        assert!(json.ends_with(&end), "{json}\ndoes not end with\n{end}");
    }
}

#[test]
fn every_way_to_write_a_document_gives_the_same_json() {
    let links = links("/");
    let two = page(vec![completed(CREATE, Completion::of(7)), task(OTHER, [])]);
    for document in [links.accepted(&two.tasks()[0]), links.list(&two)] {
        let compact = serde_json::to_string(&document).unwrap();
        assert_eq!(document.to_string(), compact);
        assert_eq!(format!("{document:#}"), serde_json::to_string_pretty(&document).unwrap());
        let mut out = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        document.write_to(&mut out);
        assert_eq!(out, format!("HTTP/1.1 200 OK\r\n\r\n{compact}").into_bytes());
        let value = serde_json::to_value(document).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(&compact).unwrap());
    }
    let none = page(vec![]);
    assert_eq!(format!("{} {:#}", links.list(&none), links.list(&none)), "{} {}");
    let document = links.polled(&two.tasks()[0]);
    let read: TaskDocument = serde_json::from_value(json!(document)).unwrap();
    assert_eq!(read.to_string(), document.to_string());
}

#[test]
fn each_character_is_escaped_at_any_position() {
    let links = links("/v1");
    for character in (0..0x100_u32).filter_map(char::from_u32) {
        for (before, after) in (0..40).flat_map(|len| (0..=len).map(move |at| (at, len - at))) {
            let words = "a".repeat(before) + &character.to_string() + &"z".repeat(after);
            let expected = format!(r#""description":{},"#, json!(words));
            let task = task(OTHER, [TaskEvent::start().with_description(words)]);
            let mut out = Vec::new();
            links.polled(&task).write_to(&mut out);
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains(&expected), "{out}\ndoes not contain\n{expected}");
        }
    }
}

#[test]
fn the_array_shape_matches_the_public_schema() {
    /// `TaskStateUpdate` of the public description, plus `progress`, which only this crate has.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "decoding them is the check")]
    struct Update {
        task_id: String,
        command_type: String,
        status: String,
        description: Option<String>,
        progress: Option<u8>,
        timestamp: chrono::DateTime<chrono::FixedOffset>,
        response: Option<Response>,
        links: Vec<BTreeMap<String, String>>,
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "decoding them is the check")]
    struct Response {
        resource_id: Option<i32>,
        additional_resource_id: Option<i32>,
        resource: Option<serde_json::Map<String, Value>>,
        error: Option<String>,
        additional_info: Option<String>,
    }

    let links = links("/v1").with_shape(LinkShape::Array).with_error_form(ErrorForm::Code);
    let full = Completion::of(i32::MAX).with_additional_resource_id(i32::MIN);
    let error = TaskError::new("SUBSCRIPTION_NOT_FOUND", "Gone.").with_additional_info("7");
    let report = TaskEvent::report_of(Progress::of(1, 2)).with_description("Half.");
    let tasks = vec![
        follow(submission(ID, CREATE).initialized(), MIN_TIME, []),
        task(CREATE, []),
        task(CREATE, [TaskEvent::start(), report]),
        completed(CREATE, full.with_resource(&json!({"a": [1]})).unwrap()),
        task(CREATE, [TaskEvent::fail(error)]),
    ];
    let list: BTreeMap<String, Vec<Update>> =
        serde_json::from_value(json!(links.list(&page(tasks.clone())))).unwrap();
    let accepted = tasks.iter().map(|task| serde_json::from_value(json!(links.accepted(task))));
    for (update, task) in list["tasks"].iter().zip(&tasks) {
        uuid::Uuid::parse_str(&update.task_id).unwrap();
        assert_eq!(update.status, task.status().as_str());
    }
    assert_eq!(list["tasks"].len(), accepted.collect::<Result<Vec<Update>, _>>().unwrap().len());
}
