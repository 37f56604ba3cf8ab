//! Documents as servers were seen to send them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tasklife::{
    LinkShape, Links, MAX_TIME, MIN_TIME, Now, ReportedError, ResourceId, TaskDocument,
};

use super::{ID, follow, submission};
use crate::support::{CREATE, at};

/// Asserts that a document that was read says what its JSON says.
pub(super) fn assert_says(read: &TaskDocument, json: &Value) {
    let id = |id: Option<&ResourceId>| json!(id);
    assert_eq!(read.task_id(), json["taskId"]);
    assert_eq!(read.command_type(), json["commandType"]);
    assert_eq!(read.status().as_str(), json["status"]);
    assert_eq!(read.description(), json["description"].as_str());
    assert_eq!(
        read.progress().map(|progress| progress.percent().into()),
        json["progress"].as_u64()
    );
    let at = chrono::DateTime::parse_from_rfc3339(json["timestamp"].as_str().unwrap());
    assert_eq!(read.timestamp(), at.unwrap());

    let response = &json["response"];
    assert_eq!(read.response().is_some(), response.is_object());
    let made = read.response().cloned().unwrap_or_default();
    assert_eq!(id(made.resource_id()), response["resourceId"]);
    assert_eq!(id(made.additional_resource_id()), response["additionalResourceId"]);
    let resource = made.resource().map_or(Value::Null, |raw| serde_json::from_str(raw).unwrap());
    assert_eq!(resource, response["resource"]);
    assert_eq!(made.additional_info(), response["additionalInfo"].as_str());
    let error = &response["error"];
    assert_eq!(
        made.error().and_then(ReportedError::code),
        error.as_str().or(error["type"].as_str())
    );
    match made.error() {
        None => assert!(error.is_null()),
        Some(ReportedError::Code(_)) => assert!(error.is_string()),
        Some(ReportedError::Object { status, description, .. }) => {
            assert_eq!(status.as_deref(), error["status"].as_str());
            assert_eq!(description.as_deref(), error["description"].as_str());
        }
    }

    let (shape, count) = match (&json["_links"], &json["links"]) {
        (Value::Object(map), _) => (Some(LinkShape::Map), map.len()),
        (_, Value::Array(array)) => (Some(LinkShape::Array), array.len()),
        _ => (None, 0),
    };
    assert_eq!((read.link_shape(), read.links().len()), (shape, count));
    for (place, link) in read.links().iter().enumerate() {
        let json = match shape {
            Some(LinkShape::Map) => &json["_links"][link.rel()],
            _ => &json["links"][place],
        };
        assert!(shape == Some(LinkShape::Map) || link.rel() == json["rel"]);
        assert_eq!(read.link(link.rel()), Some(link));
        assert_eq!(link.href(), json["href"]);
        assert_eq!((link.title(), link.method()), (json["title"].as_str(), json["type"].as_str()));
    }
}

/// The files of a folder of documents, each as some server sends it, with their names.
fn documents(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/documents").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    paths.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn what_servers_send_is_read() {
    let documents = ["same", "tolerated"].map(documents).concat();
    assert!(documents.len() > 30, "{} documents", documents.len());
    for (name, json) in documents {
        println!("{name}"); // which one it was, where it fails
        let read = TaskDocument::from_json(json.as_bytes()).unwrap();
        assert_says(&read, &serde_json::from_str(&json).unwrap());
        for written in [read.to_string(), format!("{read:#}")] {
            assert_eq!(TaskDocument::from_json(written.as_bytes()).unwrap(), read);
        }
    }
}

#[test]
fn what_this_crate_would_write_comes_back_byte_for_byte() {
    for (name, pretty) in documents("same") {
        let compact: String = pretty.lines().map(str::trim_start).collect();
        let compact = compact.replace("\": ", "\":");
        for json in [&pretty, &compact] {
            let read = TaskDocument::from_json(json.as_bytes()).unwrap();
            assert_eq!(format!("{read:#}\n"), pretty, "{name}");
            assert_eq!(read.to_string(), compact, "{name}");
        }
    }
}

#[test]
fn what_is_tolerated_is_written_in_our_form() {
    for (name, json) in documents("tolerated") {
        let read = TaskDocument::from_json(json.as_bytes()).unwrap();
        assert_ne!(format!("{read:#}\n"), json, "{name}");
        let value = json!(read);
        assert!(value.as_object().unwrap().values().all(|value| !value.is_null()), "{name}");
        assert_eq!(value["timestamp"].as_str().map(|at| at.ends_with('Z')), Some(true), "{name}");
    }
}

/// A document with the fields that each must have.
fn with(id: &str, status: &str, timestamp: &str) -> String {
    let head = format!(r#"{{"taskId":"{id}","commandType":"c","status":"{status}""#);
    format!(r#"{head},"timestamp":"{timestamp}"}}"#)
}

fn read(json: &str) -> TaskDocument {
    TaskDocument::from_json(json.as_bytes()).unwrap()
}

#[test]
fn an_unknown_status_is_kept_and_counts_as_running() {
    for status in ["processing", "completed", "PROCESSING-COMPLETED", "processing-error ", ""] {
        let read = read(&with(ID, status, "2019-08-08T06:49:15Z"));
        assert_eq!((read.status().as_str(), read.status().known()), (status, None));
        assert_eq!(read.status().to_string(), status);
        assert!(!read.status().is_terminal());
    }
}

#[test]
fn an_id_is_kept_as_it_came() {
    let upper = ID.to_uppercase();
    let simple = ID.replace('-', "");
    for (id, is_uuid) in [(ID, true), (&upper, true), (&simple, false), ("task-17", false)] {
        let read = read(&with(id, "received", "2019-08-08T06:49:15Z"));
        assert_eq!(read.task_id(), id);
        assert_eq!(read.id().ok(), is_uuid.then(|| ID.parse().unwrap()));
    }
}

#[test]
fn a_list_has_three_shapes_and_is_written_in_one() {
    let one = with("1", "received", "2019-08-08T06:49:15Z");
    let two = with("2", "initialized", "2019-08-08T06:49:14Z");
    let both = format!(r#"{{"tasks":[{one},{two}]}}"#);
    for (came, written) in [
        (both.clone(), &*both),
        (format!("[{one},{two}]"), &both),
        (format!(r#"{{"links":[],"count":2,"tasks":[{one},{two}],"next":{{}}}}"#), &both),
        ("{}".to_owned(), "{}"),
        ("[]".to_owned(), "{}"),
        (r#"{"tasks":[]}"#.to_owned(), "{}"),
        (r#"{"tasks":null}"#.to_owned(), "{}"),
        (r#"{"tasks":[],"count":0}"#.to_owned(), "{}"),
        (r#"{"links":[{"rel":"self","href":"/v1/tasks"}]}"#.to_owned(), "{}"),
        (r#"{"_links":{"self":{"href":"/v1/tasks"}}}"#.to_owned(), "{}"),
    ] {
        let list = TaskDocument::list_from_json(came.as_bytes()).unwrap();
        assert_eq!(list.to_string(), written, "{came}");
        assert_eq!(serde_json::to_string(&list).unwrap(), written, "{came}");
        let ids: Vec<_> = list.tasks().iter().map(TaskDocument::task_id).collect();
        assert_eq!(ids, if written == "{}" { vec![] } else { vec!["1", "2"] }, "{came}");
        assert_eq!(list.clone().into_tasks(), list.tasks());
    }
}

#[test]
fn a_timestamp_has_as_many_digits_as_it_needs() {
    for (came, written) in [
        ("2019-08-08T06:49:15Z", "2019-08-08T06:49:15Z"),
        ("2019-08-08T06:49:15.9Z", "2019-08-08T06:49:15.900Z"),
        ("2019-08-08T06:49:15.09Z", "2019-08-08T06:49:15.090Z"),
        ("2019-08-08T06:49:15.009Z", "2019-08-08T06:49:15.009Z"),
        ("2019-08-08T06:49:15.0009Z", "2019-08-08T06:49:15.000900Z"),
        ("2019-08-08T06:49:15.00009Z", "2019-08-08T06:49:15.000090Z"),
        ("2019-08-08T06:49:15.123456Z", "2019-08-08T06:49:15.123456Z"),
        ("2019-08-08T06:49:15.1234567Z", "2019-08-08T06:49:15.123456700Z"),
        ("2019-08-08T06:49:15.00000009Z", "2019-08-08T06:49:15.000000090Z"),
        ("2019-08-08T06:49:15.123456789Z", "2019-08-08T06:49:15.123456789Z"),
        ("2019-08-08T06:49:15.900000000Z", "2019-08-08T06:49:15.900Z"),
        ("2019-08-08T06:49:15.000000Z", "2019-08-08T06:49:15Z"),
        ("2019-08-08T06:49:15.9+02:30", "2019-08-08T04:19:15.900Z"),
        ("2019-12-31T23:59:59-00:01", "2020-01-01T00:00:59Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("2016-12-31T23:59:60.999999999Z", "2016-12-31T23:59:60.999999999Z"),
        ("2017-01-01T01:59:60.5+02:00", "2016-12-31T23:59:60.500Z"),
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ] {
        assert_eq!(read(&with(ID, "received", came)).to_string(), with(ID, "received", written));
        assert_eq!(written_at(at(came)), written, "{came}");
    }
    for (outside, nearest) in [(Now::MIN_UTC, MIN_TIME), (Now::MAX_UTC, MAX_TIME)] {
        assert_eq!(written_at(outside), written_at(nearest));
        assert_eq!(read(&with(ID, "received", &written_at(outside))).timestamp(), nearest);
    }
}

/// The timestamp in the document of a task that was submitted then.
fn written_at(now: Now) -> String {
    let task = follow(submission(ID, CREATE), now, []);
    let value = json!(Links::new("/").unwrap().polled(&task));
    value["timestamp"].as_str().unwrap().to_owned()
}
