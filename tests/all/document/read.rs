//! Reading documents that servers are known to send.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tasklife::{
    LinkShape, Links, MAX_TIME, MIN_TIME, ReportedError, ResourceId, TaskDocument, Timestamp,
};

use super::{ID, follow, submission};
use crate::support::{CREATE, at};

/// Asserts that a document has the content of the JSON that it was read from.
pub(super) fn assert_same_content(read: &TaskDocument, json: &Value) {
    let id = |id: Option<&ResourceId>| json!(id);
    assert_eq!(read.task_id(), json["taskId"]);
    assert_eq!(read.command_type(), json["commandType"].as_str());
    assert_eq!(read.status().as_str(), json["status"]);
    assert_eq!(read.description(), json["description"].as_str());
    assert_eq!(
        read.progress().map(|progress| progress.percent().into()),
        json["progress"].as_f64().map(f64::floor)
    );
    let at = json["timestamp"].as_str().map(chrono::DateTime::parse_from_rfc3339);
    assert_eq!(read.timestamp(), at.map(|at| at.unwrap().to_utc()));

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
        (Value::Object(map), Value::Array(array)) if array.is_empty() => {
            (Some(LinkShape::Map), map.len())
        }
        (_, Value::Array(array)) => (Some(LinkShape::Array), array.len()),
        (Value::Object(map), _) => {
            (Some(LinkShape::Map), map.values().filter(|link| !link.is_null()).count())
        }
        _ => (None, 0),
    };
    assert_eq!((read.link_shape(), read.links().len()), (shape, count));
    for (place, link) in read.links().iter().enumerate() {
        let json = match shape {
            Some(LinkShape::Map) => &json["_links"][link.rel().unwrap()],
            _ => &json["links"][place],
        };
        assert!(shape == Some(LinkShape::Map) || link.rel() == json["rel"].as_str());
        let first = read.links().iter().find(|other| other.rel() == link.rel());
        assert_eq!(
            link.rel().and_then(|rel| read.link(rel)),
            first.filter(|_| link.rel().is_some())
        );
        assert_eq!(link.href(), json["href"].as_str());
        assert_eq!((link.title(), link.method()), (json["title"].as_str(), json["type"].as_str()));
    }
}

/// Returns the names and texts of a folder of documents, each as some server sends it.
fn documents(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/documents").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    paths.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn documents_of_real_servers_can_be_read() {
    let documents = ["same", "tolerated"].map(documents).concat();
    assert!(documents.len() > 30, "{} documents", documents.len());
    for (name, json) in documents {
        println!("{name}"); // shown if the test fails
        let read = TaskDocument::from_json(json.as_bytes()).unwrap();
        assert_same_content(&read, &serde_json::from_str(&json).unwrap());
        for written in [read.to_string(), format!("{read:#}")] {
            assert_eq!(TaskDocument::from_json(written.as_bytes()).unwrap(), read);
        }
    }
}

#[test]
fn a_document_in_the_form_of_this_crate_is_written_back_byte_for_byte() {
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
fn a_tolerated_document_is_written_in_the_form_of_this_crate() {
    for (name, json) in documents("tolerated") {
        let read = TaskDocument::from_json(json.as_bytes()).unwrap();
        assert_ne!(format!("{read:#}\n"), json, "{name}");
        let value = json!(read);
        assert!(value.as_object().unwrap().values().all(|value| !value.is_null()), "{name}");
        assert_ne!(value["timestamp"].as_str().map(|at| at.ends_with('Z')), Some(false), "{name}");
    }
}

/// Returns a document with an id, a status and a timestamp.
fn with(id: &str, status: &str, timestamp: &str) -> String {
    let head = format!(r#"{{"taskId":"{id}","commandType":"c","status":"{status}""#);
    format!(r#"{head},"timestamp":"{timestamp}"}}"#)
}

fn read(json: &str) -> TaskDocument {
    TaskDocument::from_json(json.as_bytes()).unwrap()
}

/// A document with every field.
const FULL: &str = r#"{
    "taskId": "x", "commandType": "c", "status": "processing-error", "description": "d",
    "progress": 50, "timestamp": "2019-08-08T06:49:15.929Z",
    "response": {
        "resourceId": 1, "additionalResourceId": "b", "resource": {"a": [{}]},
        "error": {"type": "t", "status": "s", "description": "d"}, "additionalInfo": "i"
    },
    "LINKS": {"self": {"href": "/", "title": "t", "type": "GET"}}
}"#;

/// Returns [`FULL`] with its links in a shape.
fn full(shape: LinkShape) -> Value {
    let mut full: Value = serde_json::from_str(FULL).unwrap();
    let links = full.as_object_mut().unwrap().remove("LINKS").unwrap();
    match shape {
        LinkShape::Map => full["_links"] = links,
        LinkShape::Array => {
            full["links"] = json!([links["self"]]);
            full["links"][0]["rel"] = json!("self");
        }
    }
    full
}

/// Returns the JSON pointers of all fields and elements in a value.
fn places(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("/{key}"), value)).collect(),
        Value::Array(array) => {
            array.iter().enumerate().map(|(at, value)| (format!("/{at}"), value)).collect()
        }
        _ => vec![],
    };
    let each = children.into_iter().flat_map(|(place, child)| {
        let inner = places(child).into_iter().map(|inner| format!("{place}{inner}"));
        let inner: Vec<_> = inner.collect();
        [place].into_iter().chain(inner)
    });
    each.collect()
}

#[test]
fn each_field_but_the_id_and_the_status_can_be_missing_or_null() {
    for shape in [LinkShape::Map, LinkShape::Array] {
        let full = full(shape);
        let parse = |value: &Value| TaskDocument::from_json(value.to_string().as_bytes());
        assert_eq!(json!(parse(&full).unwrap()), full);
        for place in places(&full) {
            let (parent, field) = place.rsplit_once('/').unwrap();
            let needed = ["/taskId", "/status"].contains(&&*place);
            if place.starts_with("/response/resource/") || field == "0" {
                continue; // kept as raw text, or an element of an array
            }
            let mut without = full.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
            let mut null = full.clone();
            *null.pointer_mut(&place).unwrap() = Value::Null;
            if needed {
                assert!(parse(&without).is_err() && parse(&null).is_err(), "{place}");
                continue;
            }
            let read = parse(&without).unwrap();
            assert_eq!(parse(&null).unwrap(), read, "{place}");
            assert_eq!(json!(read), without, "{place}");
        }
    }
}

#[test]
fn each_variant_of_a_field_is_read() {
    let field = |field: &str, value: &str| {
        let json = format!(r#"{{"taskId":"x","status":"received","{field}":{value}}}"#);
        json!(TaskDocument::from_json(json.as_bytes()).expect(&json))
    };
    for (name, came, written) in [
        ("progress", "0", "0"),
        ("progress", "-0.0", "0"),
        ("progress", "1e2", "100"),
        ("progress", "50.0", "50"),
        ("progress", "0.999", "0"),
        ("progress", "99.999", "99"),
        ("timestamp", r#""2019-08-08T06:49:15Z""#, r#""2019-08-08T06:49:15Z""#),
        ("timestamp", r#""2019-08-08T06:49:15.5+02:00""#, r#""2019-08-08T04:49:15.500Z""#),
        ("response", "{}", "{}"),
        ("response", r#"{"extra":1}"#, "{}"),
        ("response", r#"{"resourceId":-7}"#, r#"{"resourceId":-7}"#),
        (
            "response",
            r#"{"resourceId":9223372036854775807}"#,
            r#"{"resourceId":9223372036854775807}"#,
        ),
        (
            "response",
            r#"{"resourceId":"","additionalResourceId":"a"}"#,
            r#"{"resourceId":"","additionalResourceId":"a"}"#,
        ),
        ("response", r#"{"resource":[1]}"#, r#"{"resource":[1]}"#),
        ("response", r#"{"resource":7.5}"#, r#"{"resource":7.5}"#),
        ("response", r#"{"resource":false}"#, r#"{"resource":false}"#),
        ("response", r#"{"error":"CODE"}"#, r#"{"error":"CODE"}"#),
        ("response", r#"{"error":""}"#, r#"{"error":""}"#),
        ("response", r#"{"error":{}}"#, r#"{"error":{}}"#),
        ("response", r#"{"error":{"code":7,"status":"s"}}"#, r#"{"error":{"status":"s"}}"#),
        ("response", r#"{"additionalInfo":"i"}"#, r#"{"additionalInfo":"i"}"#),
        ("links", "[]", "[]"),
        ("links", "[{}]", "[{}]"),
        ("links", r#"[{"rel":"a"},{"rel":"a"}]"#, r#"[{"rel":"a"},{"rel":"a"}]"#),
        ("links", r#"[{"method":"GET","self":{"href":"/"}}]"#, "[{}]"),
        ("_links", "{}", "{}"),
        ("_links", r#"{"a":{},"b":{"href":"/"},"c":null}"#, r#"{"a":{},"b":{"href":"/"}}"#),
    ] {
        let expected: Value = serde_json::from_str(written).unwrap();
        assert_eq!(field(name, came)[name], expected, "{name}: {came}");
    }
    for unknown in ["null", "7", "[[]]", r#"{"taskId":{}}"#, "1e999", r#""\ud800""#] {
        assert_eq!(field("other", unknown), json!({"taskId": "x", "status": "received"}));
    }
}

#[test]
fn the_array_of_links_takes_precedence_unless_it_is_empty() {
    let parse = |array: &str| {
        let map = r#""_links":{"self":{"href":"/map"}}"#;
        read(&format!(r#"{{"taskId":"x","status":"received",{map},"links":{array}}}"#))
    };
    let both = parse(r#"[{"rel":"self","href":"/array"}]"#);
    assert_eq!(both.link("self").unwrap().href(), Some("/array"));
    assert_eq!((both.link_shape(), both.links().len()), (Some(LinkShape::Array), 1));
    for array in ["[]", "null"] {
        let map = parse(array);
        assert_eq!(map.link("self").unwrap().href(), Some("/map"));
        assert_eq!((map.link_shape(), map.links().len()), (Some(LinkShape::Map), 1));
    }
    assert_ne!(both, parse("[]"));
    assert_ne!(parse("[]"), parse("null"));
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
fn an_id_is_kept_as_received() {
    let upper = ID.to_uppercase();
    let simple = ID.replace('-', "");
    for (id, is_uuid) in [(ID, true), (&upper, true), (&simple, false), ("task-17", false)] {
        let read = read(&with(id, "received", "2019-08-08T06:49:15Z"));
        assert_eq!(read.task_id(), id);
        assert_eq!(read.id().ok(), is_uuid.then(|| ID.parse().unwrap()));
    }
}

#[test]
fn a_list_is_read_in_three_shapes_and_written_in_one() {
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
fn a_timestamp_is_written_with_the_fewest_exact_digits() {
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
    for (outside, nearest) in [(Timestamp::MIN_UTC, MIN_TIME), (Timestamp::MAX_UTC, MAX_TIME)] {
        assert_eq!(written_at(outside), written_at(nearest));
        assert_eq!(read(&with(ID, "received", &written_at(outside))).timestamp(), Some(nearest));
    }
}

/// Returns the timestamp in the document of a task that was submitted at `now`.
fn written_at(now: Timestamp) -> String {
    let task = follow(submission(ID, CREATE), now, []);
    let value = json!(Links::new("/").unwrap().polled(&task));
    value["timestamp"].as_str().unwrap().to_owned()
}
