//! Texts that are refused as documents, and the positions in the errors.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tasklife::{Completion, DocumentError, TaskDocument};

use super::{completed, links, page};
use crate::support::CREATE;

/// A document with every field.
const FULL: &str = concat!(
    r#"{"taskId":"x","commandType":"c","status":"processing-error","description":"é","#,
    r#""progress":50,"timestamp":"2019-08-08T06:49:15.929Z","response":{"resourceId":1,"#,
    r#""additionalResourceId":"b","resource":{"a":[{}]},"error":{"type":"t","status":"s","#,
    r#""description":"d"},"additionalInfo":"i"},"#,
    r#""_links":{"self":{"href":"/","title":"t","type":"GET"}}}"#,
);

/// Returns the error of a refused text, and asserts that it states a position.
fn error_with_position<T: Debug>(read: Result<T, DocumentError>, json: &str) -> DocumentError {
    let error = read.expect_err(json);
    let place = (error.line(), error.column());
    assert!(place.0 > 0, "{error}, of {json}");
    let expected = format!(" at line {} column {}", place.0, place.1);
    assert!(error.to_string().ends_with(&expected), "{error}, of {json}");
    error
}

/// Asserts that a text is refused as a document, and as an element of a list.
fn assert_refused(json: &str) {
    error_with_position(TaskDocument::from_json(json.as_bytes()), json);
    for list in [format!("[{json}]"), format!("{{\"tasks\":[{json}]}}")] {
        error_with_position(TaskDocument::list_from_json(list.as_bytes()), &list);
    }
}

/// Returns [`FULL`] with another value at a JSON pointer.
fn with(pointer: &str, value: &str) -> String {
    let mut document: Value = serde_json::from_str(FULL).unwrap();
    *document.pointer_mut(pointer).expect(pointer) = serde_json::from_str(value).expect(value);
    document.to_string()
}

/// Returns [`FULL`] with an array of links.
fn with_array(links: &str) -> String {
    let (fields, _) = FULL.split_once(r#""_links""#).unwrap();
    format!(r#"{fields}"links":{links}}}"#)
}

#[test]
fn a_truncated_document_is_refused_at_its_end() {
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(FULL).unwrap());
    for json in [FULL.to_owned(), pretty.unwrap()] {
        for end in 0..json.len() {
            let cut = &json.as_bytes()[..end];
            let shown = String::from_utf8_lossy(cut);
            let error = error_with_position(TaskDocument::from_json(cut), &shown);
            let lines: Vec<_> = cut.split(|byte| *byte == b'\n').collect();
            let end = (lines.len(), lines.last().unwrap().len());
            assert_eq!((error.line(), error.column()), end, "{shown}");
        }
        for list in [format!("[{json}]"), format!("{{\"tasks\":[{json}]}}")] {
            for end in 0..list.len() {
                let cut = &list.as_bytes()[..end];
                let shown = String::from_utf8_lossy(cut);
                error_with_position(TaskDocument::list_from_json(cut), &shown);
            }
        }
    }
}

#[test]
fn text_after_a_document_is_refused() {
    let error =
        error_with_position(TaskDocument::from_json(format!("{FULL} \n x").as_bytes()), FULL);
    assert_eq!((error.line(), error.column()), (2, 2));
    for rest in [",", "}", "]", "null", FULL, "\0", "//"] {
        let (one, list) = (format!("{FULL}{rest}"), format!("[{FULL}]{rest}"));
        error_with_position(TaskDocument::from_json(one.as_bytes()), &one);
        error_with_position(TaskDocument::list_from_json(list.as_bytes()), &list);
    }
    assert!(TaskDocument::from_json(format!(" \r\n\t{FULL}\n ").as_bytes()).is_ok());
}

#[test]
fn a_value_of_a_wrong_type_is_refused() {
    let text: &[&str] = &["7", "true", "[]", "{}"];
    let needed: &[&str] = &["null", "7", "true", "[]", "{}"];
    let percent: &[&str] =
        &["-1", "-0.5", "100.5", "101", "256", "1e30", "true", "\"50\"", "[]", "{}"];
    let id: &[&str] = &["true", "1.5", "9223372036854775808", "-9223372036854775809", "[]", "{}"];
    for (pointer, values) in [
        ("/taskId", needed),
        ("/commandType", text),
        ("/status", needed),
        ("/description", text),
        ("/progress", percent),
        ("/timestamp", text),
        ("/response", &["7", "true", "\"\"", "[]"]),
        ("/response/resourceId", id),
        ("/response/additionalResourceId", id),
        ("/response/error", &["7", "true", "[]", "[\"t\",\"s\",\"d\"]"]),
        ("/response/error/type", text),
        ("/response/error/status", text),
        ("/response/error/description", text),
        ("/response/additionalInfo", text),
        ("/_links", &["7", "true", "\"/\"", "[]", "[{\"rel\":\"self\",\"href\":\"/\"}]"]),
        ("/_links/self", &["7", "true", "\"/\"", "[]", "[{\"href\":\"/\"}]"]),
        ("/_links/self/href", text),
        ("/_links/self/title", text),
        ("/_links/self/type", text),
        ("", &["null", "7", "\"x\"", "[]", "{}"]),
    ] {
        for value in values {
            assert_refused(&with(pointer, value));
        }
    }
    for links in [
        "7",
        "\"/\"",
        "{}",
        r#"{"self":{"href":"/"}}"#,
        "[null]",
        "[7]",
        "[[]]",
        "[\"/\"]",
        r#"[{"rel":7}]"#,
        r#"[{"rel":"self","href":7}]"#,
        r#"[{"rel":"self","href":"/","title":7}]"#,
        r#"[{"rel":"self","href":"/","type":["GET"]}]"#,
    ] {
        assert_refused(&with_array(links));
    }
}

/// A derived `Deserialize` also accepts an array with the fields in order.
#[test]
fn an_array_in_place_of_an_object_is_refused() {
    assert_refused(r#"["x","c","received",null,null,"2019-08-08T06:49:15Z",null,null,null]"#);
    assert_refused(&with("/response", "[1,2,null,null,null]"));
    assert_refused(&with("/_links/self", r#"["/",null,null]"#));
    assert_refused(&with_array(r#"[["self","/",null,null]]"#));
}

#[test]
fn a_document_needs_its_id_and_its_status() {
    let full: Value = serde_json::from_str(FULL).unwrap();
    for field in full.as_object().unwrap().keys() {
        let mut less = full.clone();
        less.as_object_mut().unwrap().remove(field);
        if ["taskId", "status"].contains(&field.as_str()) {
            assert_refused(&less.to_string());
        } else {
            assert!(TaskDocument::from_json(less.to_string().as_bytes()).is_ok(), "{field}");
        }
    }
}

#[test]
fn a_field_that_occurs_twice_is_refused() {
    let full: Value = serde_json::from_str(FULL).unwrap();
    for place in ["", "/response", "/response/error", "/_links", "/_links/self"] {
        let object = full.pointer(place).unwrap();
        for (field, value) in object.as_object().unwrap() {
            let twice = format!("{{\"{field}\":{value},{}", &object.to_string()[1..]);
            let json = full.to_string().replace(&object.to_string(), &twice);
            assert_refused(&json);
        }
    }
    assert_refused(&with_array(r#"[{"rel":"self","href":"/","href":"/"}]"#));
    let list = format!("{{\"tasks\":[{FULL}],\"tasks\":[]}}");
    error_with_position(TaskDocument::list_from_json(list.as_bytes()), &list);
}

#[test]
fn a_percentage_out_of_range_is_shown_in_the_error() {
    let json = with("/progress", "100.5");
    let error = error_with_position(TaskDocument::from_json(json.as_bytes()), &json);
    assert!(
        error.to_string().starts_with("expected a percentage from 0 to 100, got 100.5 at"),
        "{error}"
    );
}

#[test]
fn the_error_body_of_a_server_is_refused() {
    let body = json!({
        "timestamp": "2019-08-08T06:49:15.929+00:00",
        "status": 404,
        "error": "Not Found",
        "path": "/v1/tasks/7",
    });
    let body = body.to_string();
    assert_refused(&body);
    let bodies = [body.as_str(), FULL, r#"{"error":7}"#, "null", "7", "\"tasks\"", "", "<html>"];
    for body in bodies {
        error_with_position(TaskDocument::list_from_json(body.as_bytes()), body);
    }
    for tasks in ["{}", "7", "[null]", "[[]]"] {
        let list = format!("{{\"tasks\":{tasks}}}");
        error_with_position(TaskDocument::list_from_json(list.as_bytes()), &list);
    }
}

#[test]
fn a_malformed_or_out_of_range_timestamp_is_refused() {
    for timestamp in [
        "",
        "2019-08-08",
        "2019-08-08T06:49:15",
        "2019-08-08 06:49:15Z",
        "2019-08-08t06:49:15Z",
        "2019-08-08T06:49:15 Z",
        "2019-08-08T06:49:15.929Z ",
        " 2019-08-08T06:49:15.929Z",
        "2019-08-08T06:49:15.Z",
        "2019-08-08T06:49:15,9Z",
        "2019-08-08T06:49:15.1234567890Z",
        "2019-08-08T06:49:15.0000000000+00:00",
        "2019-08-08T06:49Z",
        "2019-08-08T6:49:15Z",
        "2019-08-08T06:49:61Z",
        "2019-08-08T24:00:00Z",
        "2019-02-29T00:00:00Z",
        "2019-08-08T06:49:15+0200",
        "2019-08-08T06:49:15+24:00",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "-001-08-08T06:49:15Z",
        "-0001-08-08T06:49:15Z",
        "10000-01-01T00:00:00Z",
        "+2019-08-08T06:49:15Z",
        "1565246955929",
        "é019-08-08T06:49:15Z",
    ] {
        let json = with("/timestamp", &json!(timestamp).to_string());
        let error = error_with_position(TaskDocument::from_json(json.as_bytes()), &json);
        let example = "2019-08-08T06:49:15.929Z";
        let expected =
            format!("expected an RFC 3339 instant such as {example}, got {timestamp:?} at ");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn nesting_is_limited_to_127_levels() {
    // Brackets within a string don't count as nesting.
    let full = with("/description", &json!("[{\\\"".repeat(200)).to_string());
    let resource = full.replace(r#"{"a":[{}]}"#, "@");
    let unknown = full.replacen('{', r#"{"later":@,"#, 1);
    for (document, outside) in [(resource, 2), (unknown, 1)] {
        let nested = |depth: usize| {
            let inside = depth - outside;
            document.replace('@', &("[".repeat(inside) + &"]".repeat(inside)))
        };
        assert!(TaskDocument::from_json(nested(127).as_bytes()).is_ok());
        for depth in [128, 1_000, 100_000] {
            let error =
                error_with_position(TaskDocument::from_json(nested(depth).as_bytes()), &document);
            let too_deep = document.find('@').unwrap() + 128 - outside;
            assert_eq!((error.line(), error.column()), (1, too_deep));
            let expected = "expected nesting at most 127 levels deep, got more at line 1";
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        let list = |depth| format!("{{\n\"tasks\":\n [{}]}}", nested(depth));
        assert!(TaskDocument::list_from_json(list(125).as_bytes()).is_ok());
        let error =
            error_with_position(TaskDocument::list_from_json(list(126).as_bytes()), &document);
        let too_deep = 2 + document.find('@').unwrap() + 126 - outside;
        assert_eq!((error.line(), error.column()), (3, too_deep));
    }
}

#[test]
fn the_deepest_resource_can_be_read_back() {
    let resource = |depth| (1..depth).fold(json!({}), |inner, _| json!({"a": inner}));
    let with = |depth| Completion::default().with_resource(&resource(depth));
    assert!(with(Completion::MAX_RESOURCE_DEPTH + 1).is_err());
    let task = completed(CREATE, with(Completion::MAX_RESOURCE_DEPTH).unwrap());
    let list = links("/").list(&page(vec![task])).to_string();
    assert_eq!(TaskDocument::list_from_json(list.as_bytes()).unwrap().to_string(), list);
}

/// Texts made of JSON tokens, so that the parser doesn't stop at the first one.
fn jumbles() -> impl Strategy<Value = String> {
    let tokens = r#"{ } [ ] : , " \ "taskId" "tasks" "links" null 1 -"#;
    vec(select(tokens.split(' ').collect::<Vec<_>>()), 0..32).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in vec(any::<u8>(), 0..64), jumble in jumbles()) {
        for text in [bytes, jumble.into_bytes()] {
            error_with_position(TaskDocument::from_json(&text), &String::from_utf8_lossy(&text));
            drop(TaskDocument::list_from_json(&text));
        }
    }

    #[test]
    fn a_damaged_document_is_refused_or_round_trips(
        damage in vec((any::<Index>(), prop_oneof![any::<u8>(), b' '..=b'~']), 1..4),
    ) {
        let mut json = FULL.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(json.len());
            json[at] = byte;
        }
        match TaskDocument::from_json(&json) {
            Ok(read) => {
                let written = read.to_string();
                prop_assert_eq!(TaskDocument::from_json(written.as_bytes()).unwrap(), read);
            }
            error => drop(error_with_position(error, &String::from_utf8_lossy(&json))),
        }
    }
}
