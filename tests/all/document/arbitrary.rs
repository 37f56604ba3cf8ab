//! Arbitrary tasks and their documents.

use std::borrow::Cow;

use proptest::bool::weighted;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use serde_json::value::RawValue;
use tasklife::{
    CommandType, Completion, ErrorForm, LinkShape, Links, MAX_TIME, MIN_TIME, Progress,
    ReportedError, ResourceId, Submission, Task, TaskDocument, TaskError, TaskEvent, TaskId,
    Timestamp,
};

use super::read::assert_same_content;
use super::{OTHER, follow, page};
use crate::support::CREATE;

fn texts() -> impl Strategy<Value = String> {
    let nasty = "\"\\/\0\n\u{1b}\u{7f}\u{85}\u{2028}\u{feff}%{}[]?#:. é😀";
    let nasty = select(nasty.chars().collect::<Vec<_>>());
    let short = vec(prop_oneof![any::<char>(), nasty], 0..12).prop_map(String::from_iter);
    // A character to escape can be at any position of the words that the writer processes.
    let plain = "[a-z]{0,40}";
    prop_oneof![2 => short.clone(), 1 => (plain, short, plain).prop_map(|(a, b, c)| a + &b + &c)]
}

/// Ids of resources, including some that can't be a path segment.
fn ids() -> impl Strategy<Value = ResourceId> {
    prop_oneof![
        2 => any::<i64>().prop_map(ResourceId::from),
        2 => texts().prop_map(ResourceId::from),
        1 => texts().prop_map(|text| ResourceId::from(text.repeat(20))),
        1 => select(vec!["", ".", "..", "...", "%2e%2e", "a/../b", "?", "#", "\r\n"])
            .prop_map(ResourceId::from),
    ]
}

pub(crate) fn completions() -> impl Strategy<Value = Completion> {
    (option::of(ids()), option::of(ids()), option::of(resources())).prop_map(
        |(id, additional_id, resource)| {
            let mut completion = id.map_or_else(Completion::default, Completion::of);
            if let Some(id) = additional_id {
                completion = completion.with_additional_resource_id(id);
            }
            match resource {
                Some(resource) => completion.with_resource(&resource).unwrap(),
                None => completion,
            }
        },
    )
}

/// JSON objects, with and without white space.
fn resources() -> impl Strategy<Value = Box<RawValue>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 8, 3, |value| {
        prop_oneof![
            vec(value.clone(), 0..3).prop_map(Value::from),
            btree_map(texts(), value, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    });
    (btree_map(texts(), value, 0..3), any::<bool>()).prop_map(|(object, spaced)| {
        let write = if spaced { serde_json::to_string_pretty } else { serde_json::to_string };
        RawValue::from_string(write(&object).unwrap()).unwrap()
    })
}

fn errors() -> impl Strategy<Value = TaskError> {
    (texts(), texts(), texts(), option::of(texts())).prop_map(|(code, status, words, info)| {
        let error = TaskError::new(code, words).with_status(status);
        info.into_iter().fold(error, TaskError::with_additional_info)
    })
}

/// Instants of the years 0 to 9999, including leap seconds.
fn instants() -> impl Strategy<Value = Timestamp> {
    let seconds = MIN_TIME.timestamp()..=MAX_TIME.timestamp();
    let unit = select(vec![1, 1_000, 1_000_000, 1_000_000_000]);
    let within = (seconds, 0..1_000_000_000_u32, unit, weighted(0.1)).prop_map(
        |(seconds, nanos, unit, leap)| {
            let nanos = nanos - nanos % unit;
            let (seconds, nanos) = if leap {
                (seconds - seconds.rem_euclid(60) + 59, nanos + 1_000_000_000)
            } else {
                (seconds, nanos)
            };
            Timestamp::from_timestamp(seconds, nanos).unwrap()
        },
    );
    prop_oneof![8 => within, 1 => Just(MIN_TIME), 1 => Just(MAX_TIME)]
}

fn commands() -> impl Strategy<Value = CommandType> {
    prop_oneof![
        Just(CREATE),
        Just(OTHER),
        texts().prop_filter_map("a name", |text| text.parse().ok()),
    ]
}

/// Events with their times, each with or without a description. [`follow`] skips events that are not
/// permitted.
fn lives() -> impl Strategy<Value = Vec<(TaskEvent, Timestamp)>> {
    let progress = option::of(0..=100_u8).prop_map(|percent| {
        let progress = percent.map(|percent| Progress::try_from(percent).unwrap());
        progress.map_or_else(TaskEvent::report, TaskEvent::report_of)
    });
    let end = prop_oneof![
        completions().prop_map(TaskEvent::complete),
        errors().prop_map(TaskEvent::fail),
    ];
    let reached =
        (progress, end, 0..5_usize, weighted(0.8)).prop_map(|(report, end, reached, ends)| {
            let steps = [TaskEvent::receive(), TaskEvent::start(), report];
            let steps = steps.into_iter().take(reached);
            steps.chain(Some(end).filter(|_| ends)).collect::<Vec<_>>()
        });
    (reached, vec((option::of(texts()), instants()), 4)).prop_map(|(events, told)| {
        let told = events.into_iter().zip(told);
        told.map(|(event, (words, now))| match words {
            Some(words) => (event.with_description(Cow::Owned(words)), now),
            None => (event, now),
        })
        .collect()
    })
}

pub(crate) fn tasks() -> impl Strategy<Value = Task> {
    let submission = (commands(), any::<u128>(), any::<bool>()).prop_map(|(command, id, early)| {
        let id = TaskId::from(uuid::Uuid::from_u128(id));
        let submission = Submission::new("acme".parse().unwrap(), id, command);
        if early { submission.initialized() } else { submission }
    });
    (submission, instants(), lives())
        .prop_map(|(submission, now, life)| follow(submission, now, life))
}

/// Links, with the error form that they were created with.
fn links() -> impl Strategy<Value = (Links, ErrorForm)> {
    let bases = select(vec!["https://api.example.com/v1", "http://[::1]:80/a%20b", "/v1", "/"]);
    let shape = select(vec![LinkShape::Map, LinkShape::Array]);
    let form = select(vec![ErrorForm::Object, ErrorForm::Code]);
    let title = texts().prop_filter("a title", |t| !t.is_empty() && !t.contains(char::is_control));
    (bases, title, shape, form).prop_map(|(base, title, shape, form)| {
        let links = Links::new(base).unwrap().with_shape(shape).with_error_form(form);
        (links.with_route(CREATE, "/a/{resourceId}", &title).unwrap(), form)
    })
}

/// Asserts that a document has the content of a task, except for the links.
fn assert_agrees(read: &TaskDocument, task: &Task, form: ErrorForm) {
    assert_eq!(read.id(), Ok(task.id()));
    assert_eq!(read.task_id(), task.id().to_string());
    assert_eq!(read.command_type(), Some(task.command_type().as_str()));
    assert_eq!(read.status().known(), Some(task.status()));
    assert_eq!(read.status().is_terminal(), task.outcome().is_some());
    assert_eq!(read.description(), task.description());
    assert_eq!(read.progress(), task.progress());
    assert_eq!(read.timestamp(), Some(task.updated_at()));
    assert_eq!(read.response().is_some(), task.outcome().is_some());
    let response = read.response().cloned().unwrap_or_default();
    let (made, lost) = (task.outcome().and_then(Result::ok), task.outcome().and_then(Result::err));
    assert_eq!(response.resource_id(), made.and_then(Completion::resource_id));
    assert_eq!(
        response.additional_resource_id(),
        made.and_then(Completion::additional_resource_id)
    );
    assert_eq!(response.resource(), made.and_then(Completion::resource));
    assert_eq!(response.additional_info(), lost.and_then(TaskError::additional_info));
    let text = |text: &str| Some(text.into());
    let error = lost.map(|error| match form {
        ErrorForm::Code => ReportedError::Code(error.code().into()),
        ErrorForm::Object => ReportedError::Object {
            code: text(error.code()),
            status: text(error.status()),
            description: text(error.description()),
        },
    });
    assert_eq!(response.error(), error.as_ref());
}

proptest! {
    #[test]
    fn a_document_round_trips(task in tasks(), (links, form) in links()) {
        for document in [links.accepted(&task), links.polled(&task)] {
            let (compact, pretty) = (document.to_string(), format!("{document:#}"));
            let read = TaskDocument::from_json(compact.as_bytes()).unwrap();
            assert_same_content(&read, &serde_json::from_str(&compact).unwrap());
            assert_agrees(&read, &task, form);
            assert_eq!(read.to_string(), compact);
            assert_eq!(format!("{read:#}"), pretty);
            assert_eq!(serde_json::to_string(&read).unwrap(), compact);
            assert_eq!(TaskDocument::from_json(pretty.as_bytes()).unwrap(), read);
        }
    }

    #[test]
    fn every_way_to_write_gives_the_json_of_serde_json(
        tasks in vec(tasks(), 1..4),
        (links, _) in links(),
    ) {
        let page = page(tasks);
        let task = &page.tasks()[0];
        for document in [links.accepted(task), links.polled(task), links.list(&page)] {
            let (mut out, expected) = (Vec::new(), serde_json::to_string(&document).unwrap());
            document.write_to(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(document.to_string(), expected);
            assert_eq!(format!("{document:#}"), serde_json::to_string_pretty(&document).unwrap());
        }
    }

    #[test]
    fn a_list_consists_of_the_documents_of_its_tasks(tasks in vec(tasks(), 0..4), (links, _) in links()) {
        let page = page(tasks);
        let list = links.list(&page);
        let (compact, pretty) = (list.to_string(), format!("{list:#}"));
        let each: Vec<_> = page.tasks().iter().map(|task| links.polled(task).to_string()).collect();
        let expected = format!("{{\"tasks\":[{}]}}", each.join(","));
        assert_eq!(compact, if each.is_empty() { "{}" } else { &expected });

        let read = TaskDocument::list_from_json(compact.as_bytes()).unwrap();
        assert!(read.tasks().iter().map(TaskDocument::to_string).eq(each));
        assert_eq!(read.to_string(), compact);
        assert_eq!(format!("{read:#}"), pretty);
        assert_eq!(serde_json::to_string(&read).unwrap(), compact);
        assert_eq!(TaskDocument::list_from_json(pretty.as_bytes()).unwrap(), read);
    }
}
