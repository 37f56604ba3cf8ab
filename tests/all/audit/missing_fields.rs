//! Nothing follows from a timestamp or a command type that a document lacks.

use serde_json::{Value, json};
use tasklife::audit::Rule;

use super::{DAY, ONE, TWO, audit, document, not_found, reading, with, without_timestamp};

const IN_PROGRESS: &str = "processing-in-progress";
const COMPLETED: &str = "processing-completed";

/// The findings, without those about the missing fields themselves.
fn other_findings(readings: &[Value]) -> Vec<(usize, Rule)> {
    audit(readings).into_iter().filter(|(_, rule)| *rule != Rule::Document).collect()
}

/// A reading in second `at` of a document with or without a timestamp.
fn read(at: i64, status: &str, timestamp: Option<i64>) -> Value {
    let document = match timestamp {
        Some(timestamp) => document(ONE, status, timestamp),
        None => without_timestamp(ONE, status),
    };
    reading(at, &document)
}

fn list(at: i64, tasks: &[&Value]) -> Value {
    reading(at, &json!({"tasks": tasks}))
}

#[test]
fn a_timestamp_goes_back_only_between_documents_that_have_one() {
    let found = |timestamps: [Option<i64>; 3]| {
        other_findings(&timestamps.map(|timestamp| read(20, IN_PROGRESS, timestamp)))
    };
    assert_eq!(found([Some(5), None, Some(5)]), []);
    assert_eq!(found([None, None, Some(5)]), []);
    assert_eq!(found([Some(5), None, None]), []);
    assert_eq!(found([Some(5), None, Some(4)]), [(3, Rule::Timestamp)]);
}

#[test]
fn the_time_of_the_end_is_compared_only_if_it_is_known() {
    let found = |timestamps: [Option<i64>; 3]| {
        other_findings(&timestamps.map(|timestamp| read(20, COMPLETED, timestamp)))
    };
    assert_eq!(found([Some(5), None, Some(5)]), []);
    assert_eq!(found([None, Some(5), Some(5)]), []);
    assert_eq!(found([Some(5), None, Some(6)]), [(3, Rule::AfterEnd)]);
    assert_eq!(found([None, Some(5), Some(6)]), [(3, Rule::AfterEnd)]);
    let late =
        [read(1, IN_PROGRESS, Some(1)), read(2, COMPLETED, None), read(3, COMPLETED, Some(3))];
    assert_eq!(other_findings(&late), []);
    let other_response = with(without_timestamp(ONE, COMPLETED), "response", json!({}));
    let changed = [read(1, COMPLETED, None), reading(2, &other_response)];
    assert_eq!(other_findings(&changed), [(2, Rule::AfterEnd)]);
}

#[test]
fn in_a_list_a_task_without_a_timestamp_may_stand_anywhere() {
    let (undated, older) = (without_timestamp(ONE, IN_PROGRESS), document(TWO, IN_PROGRESS, 5));
    let newer = document("00000000-0000-0000-0000-000000000003", IN_PROGRESS, 6);
    let found = |tasks: &[&Value]| other_findings(&[list(9, tasks)]);
    assert_eq!(found(&[&undated, &older]), []);
    assert_eq!(found(&[&older, &undated]), []);
    assert_eq!(found(&[&newer, &undated, &older]), []);
    assert_eq!(found(&[&older, &undated, &newer]), [(1, Rule::ListOrder)]);
}

#[test]
fn the_age_of_a_task_comes_from_its_other_documents() {
    let old = list(11 * DAY, &[&without_timestamp(ONE, IN_PROGRESS)]);
    assert_eq!(other_findings(&[read(0, IN_PROGRESS, None), old.clone()]), []);
    assert_eq!(other_findings(&[read(0, IN_PROGRESS, Some(0)), old]), [(2, Rule::TooOld)]);
}

#[test]
fn the_expiry_is_known_from_the_submission_or_from_a_list_without_the_task() {
    let received = |timestamp| read(1, "received", timestamp);
    let found = |at| other_findings(&[received(None), received(Some(0)), not_found(at, ONE)]);
    assert_eq!(found(2), [(3, Rule::Vanished)]);
    assert_eq!(found(10 * DAY), []);
    assert_eq!(other_findings(&[received(None), not_found(2, ONE)]), []);
    let listed = [reading(0, &json!({})), received(None), not_found(2, ONE)];
    assert_eq!(other_findings(&listed), [(3, Rule::Vanished)]);
}

#[test]
fn another_task_may_use_the_id_only_after_the_expiry() {
    for timestamp in [None, Some(0)] {
        let found = |day: i64, new| {
            other_findings(&[
                read(0, "received", timestamp),
                read(1, COMPLETED, timestamp),
                read(day * DAY, "received", new),
            ])
        };
        assert_eq!(found(10, None), []);
        assert_eq!(found(10, Some(10 * DAY)), []);
        assert_eq!(found(9, None), [(3, Rule::AfterEnd)]);
    }
}

#[test]
fn a_command_type_is_compared_with_the_last_known_one() {
    let typed = |name: Option<&str>| {
        reading(1, &with(document(ONE, IN_PROGRESS, 1), "commandType", json!(name)))
    };
    assert_eq!(other_findings(&[typed(Some("a")), typed(None), typed(Some("a"))]), []);
    assert_eq!(other_findings(&[typed(None), typed(Some("a"))]), []);
    assert_eq!(
        other_findings(&[typed(Some("a")), typed(None), typed(Some("b"))]),
        [(3, Rule::CommandType)]
    );
}
