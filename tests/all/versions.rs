//! Saved data can be read by later versions.
//!
//! Versions of this crate wrote the files in `fixtures`. They are never changed. A later version adds
//! lines with what it knows, and files of a new form.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tasklife::{
    AccountClock, Completion, ListQuery, LocalStore, Progress, Revision, Scope, Snapshot,
    StoreConfig, Task, TaskError, TaskId, TaskRecord, TaskStatus, Timestamp,
};

use crate::support::{account, at, second};

/// One record per line.
const RECORDS: &str = include_str!("fixtures/records.jsonl");

const SNAPSHOT: &str = include_str!("fixtures/snapshot.json");

fn records() -> impl Iterator<Item = (&'static str, TaskRecord)> {
    RECORDS.lines().map(|line| (line, serde_json::from_str(line).unwrap()))
}

fn fixture_id(number: u8) -> TaskId {
    format!("36d4b04d-72d4-4404-8600-0000000000{number:02}").parse().unwrap()
}

/// The expected content of a task in the fixtures.
struct Expected {
    account: &'static str,
    command_type: &'static str,
    input: &'static [u8],
    status: TaskStatus,
    outcome: Option<Result<Completion, TaskError>>,
    words: Option<&'static str>,
    progress: Option<u8>,
    attempts: u32,
    submitted_at: &'static str,
    updated_at: &'static str,
    expires_at: &'static str,
    revision: u64,
}

impl Expected {
    fn new(status: TaskStatus, revision: u64) -> Self {
        Self {
            account: "acme",
            command_type: "subscriptionCreateRequest",
            input: b"",
            status,
            outcome: None,
            words: None,
            progress: None,
            attempts: 0,
            submitted_at: "2026-03-01T12:00:00Z",
            updated_at: "2026-03-01T12:00:00Z",
            expires_at: "2026-03-11T12:00:00Z",
            revision,
        }
    }

    fn assert_matches(self, task: &Task) {
        let id = task.id();
        assert_eq!(task.account().as_str(), self.account, "{id}");
        assert_eq!(task.command_type().as_str(), self.command_type, "{id}");
        assert_eq!(task.input(), self.input, "{id}");
        assert_eq!(task.status(), self.status, "{id}");
        let outcome = self.outcome.as_ref().map(Result::as_ref);
        assert_eq!(task.outcome(), outcome, "{id}");
        assert_eq!(task.description(), self.words.or(self.status.description()), "{id}");
        assert_eq!(task.progress().map(Progress::percent), self.progress, "{id}");
        assert_eq!(task.attempts(), self.attempts, "{id}");
        let times = [task.submitted_at(), task.updated_at(), task.expires_at()];
        assert_eq!(times, [self.submitted_at, self.updated_at, self.expires_at].map(at), "{id}");
        assert_eq!(task.revision().get(), self.revision, "{id}");
    }
}

fn expected_tasks() -> Vec<Expected> {
    use TaskStatus::{
        Initialized, ProcessingCompleted, ProcessingError, ProcessingInProgress, Received,
    };
    let begin = "0000-01-01T00:00:00Z";
    let end = "9999-12-31T23:59:59.999999999Z";
    let resource = r#"{"name": "test",  "nodes":[1,2.50,1e3,null,true], "path":"/b\/1\u00e9é"}"#;
    let resource: Box<serde_json::value::RawValue> = serde_json::from_str(resource).unwrap();
    let not_found =
        TaskError::new("SUBSCRIPTION_PI_NOT_FOUND", "Payment info was not found for subscription.");
    let given_up = "The task was attempted 5 times, and no attempt came to an end.";
    vec![
        Expected {
            submitted_at: begin,
            updated_at: begin,
            expires_at: "0000-01-11T00:00:00Z",
            ..Expected::new(Initialized, 1)
        },
        Expected {
            account: "Änne & Söhne \"Nord\"",
            command_type: "databaseCreateRequest",
            input: "{\"name\":\"größe\",\"lines\":\"a\n\tb\\\"}".as_bytes(),
            // Within a leap second.
            submitted_at: "2016-12-31T23:59:60.500Z",
            updated_at: "2016-12-31T23:59:60.999999999Z",
            expires_at: "2017-01-10T23:59:59.500Z",
            ..Expected::new(Received, Revision::MAX.get())
        },
        Expected {
            input: &[0, 255, 128, 10],
            words: Some("Waits for a window of maintenance."),
            ..Expected::new(Received, 2)
        },
        Expected {
            words: Some("2 of 5 nodes are ready."),
            progress: Some(40),
            attempts: 2,
            updated_at: "2026-03-01T12:00:00.000000001Z",
            ..Expected::new(ProcessingInProgress, 1_124_073_472)
        },
        Expected {
            attempts: 1,
            updated_at: "2026-03-01T12:00:07.250Z",
            ..Expected::new(ProcessingInProgress, 6)
        },
        Expected {
            outcome: Some(Ok(Completion::of(i64::MIN)
                .with_additional_resource_id("node-3/\"ü\"")
                .with_resource(&resource)
                .unwrap())),
            progress: Some(100),
            attempts: 1,
            updated_at: "2026-03-01T12:10:00.000125Z",
            ..Expected::new(ProcessingCompleted, 7)
        },
        Expected {
            outcome: Some(Ok(Completion::default())),
            attempts: u32::MAX,
            ..Expected::new(ProcessingCompleted, 8)
        },
        Expected {
            outcome: Some(Ok(Completion::of("").with_additional_resource_id(77_899))),
            words: Some(""),
            attempts: 1,
            submitted_at: end,
            updated_at: end,
            expires_at: end,
            ..Expected::new(ProcessingCompleted, 9)
        },
        Expected {
            outcome: Some(Err(not_found
                .with_status("404 NOT_FOUND")
                .with_additional_info("Enter a payment method first."))),
            ..Expected::new(ProcessingError, 10)
        },
        Expected {
            outcome: Some(Err(
                TaskError::new("", "Worte, auf deutsch: „Größe“.").with_status("400 BAD_REQUEST")
            )),
            words: Some("It came to nothing."),
            progress: Some(0),
            attempts: 1,
            ..Expected::new(ProcessingError, 11)
        },
        Expected {
            outcome: Some(Err(TaskError::new("TOO_MANY_ATTEMPTS", given_up)
                .with_status("500 INTERNAL_SERVER_ERROR"))),
            progress: Some(99),
            attempts: 5,
            updated_at: "2026-03-02T12:00:00.000001Z",
            ..Expected::new(ProcessingError, 12)
        },
    ]
}

#[test]
fn saved_records_have_the_expected_content_and_round_trip() {
    let tasks = expected_tasks();
    assert_eq!(records().count(), tasks.len());
    for (number, ((line, record), expected)) in (1..).zip(records().zip(tasks)) {
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
        let task = Task::try_from(record.clone()).unwrap();
        assert_eq!(task.id(), fixture_id(number));
        expected.assert_matches(&task);
        assert_eq!(TaskRecord::from(task), record);
    }
}

#[test]
fn a_saved_snapshot_has_the_expected_content_and_round_trips() {
    let snapshot: Snapshot = serde_json::from_str(SNAPSHOT).unwrap();
    assert_eq!(serde_json::to_string(&snapshot).unwrap() + "\n", SNAPSHOT);

    let saved: Value = serde_json::from_str(SNAPSHOT).unwrap();
    let now = at("2026-03-01T13:00:00Z");
    let mut store = LocalStore::restore(StoreConfig::default(), snapshot, now).unwrap();
    let earlier = second(0); // before the horizon
    let ids = |name: &str, query: &ListQuery| -> Vec<_> {
        let page = store.list(&account(name), query, earlier).unwrap();
        page.tasks().iter().map(Task::id).collect()
    };
    for (account, visible) in [("acme", vec![3, 2, 1]), ("b", vec![1]), ("umbrella", vec![4])] {
        let visible: Vec<_> = visible.into_iter().map(fixture_id).collect();
        assert_eq!(ids(account, &ListQuery::default()), visible);
    }
    assert_eq!(store.len(), 6, "the store still holds the task that is expired at the horizon");
    for saved in saved["accounts"].as_array().unwrap() {
        for saved in saved["tasks"].as_array().unwrap() {
            let record: TaskRecord = serde_json::from_value(saved.clone()).unwrap();
            let task = Task::try_from(record).unwrap();
            let got = store.get(task.account(), task.id(), earlier).unwrap();
            assert_eq!(got, Some(task).filter(|task| task.id() != fixture_id(5)));
        }
    }

    // Revisions, gaps and restorations: a page with a revision in a gap belongs to a lost history.
    let first = 510_000_000_000_000_000;
    let second = 510_000_000_800_000_000;
    let all = [3, 2, 1].map(fixture_id).to_vec();
    for (since, changed) in [
        (3, all[..2].to_vec()),
        (4, all.clone()),
        (first - 1, all.clone()),
        (first, all[..2].to_vec()),
        (first + 1, all[..1].to_vec()),
        (first + 2, all.clone()),
        (second, all[..1].to_vec()),
        (second + 2, vec![]),
        (second + 3, all.clone()),
    ] {
        let query = ListQuery::default().changed_since(since.try_into().unwrap());
        assert_eq!(ids("acme", &query), changed, "since {since}");
    }

    // `umbrella` has had no event since before the first restoration.
    let only = vec![fixture_id(4)];
    for (since, changed) in [
        (3, vec![]),
        (first - 1, only.clone()),
        (first, vec![]),
        (first + 1, only.clone()),
        (second, vec![]),
        (second + 1, only),
    ] {
        let query = ListQuery::default().changed_since(since.try_into().unwrap());
        assert_eq!(ids("umbrella", &query), changed, "since {since}");
    }

    // Turns, and the clocks of the accounts.
    let order = [("b", 1), ("umbrella", 4), ("acme", 1)];
    for (name, number) in order {
        let claimed = store.claim(Scope::Any, earlier).unwrap().unwrap();
        let task = claimed.change().task();
        assert_eq!((task.account(), task.id()), (&account(name), fixture_id(number)));
        let latest = saved["accounts"].as_array().unwrap().iter();
        let latest = latest.clone().find(|saved| saved["account"] == name).unwrap();
        let updated_at: Timestamp =
            latest["clock"]["updated_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(task.updated_at(), updated_at, "the account's clock is ahead of the caller's");
    }
}

/// Writes and reads a value in a format without field names or type information.
fn by_position<T: Serialize + DeserializeOwned>(value: &T) -> T {
    postcard::from_bytes(&postcard::to_allocvec(value).unwrap()).unwrap()
}

#[test]
fn saved_data_round_trips_through_a_format_that_is_not_self_describing() {
    for (_, record) in records() {
        assert_eq!(by_position(&record), record);
    }
    let snapshot: Snapshot = serde_json::from_str(SNAPSHOT).unwrap();
    assert_eq!(by_position(&snapshot), snapshot);
    let clock = AccountClock::new(Revision::MAX, second(7));
    assert_eq!(by_position(&clock), clock);
}

/// Returns the error for data from a newer version, after checking it for text and for a value.
fn refused<T: DeserializeOwned>(json: &Value) -> String {
    let error = serde_json::from_str::<T>(&json.to_string()).err().unwrap().to_string();
    let other = serde_json::from_value::<T>(json.clone()).err().unwrap().to_string();
    assert!(error.starts_with(&other), "{error} / {other}");
    other
}

/// Returns a fixture with a value at a JSON pointer.
fn altered(fixture: &str, place: &str, value: Value) -> Value {
    let mut json: Value = serde_json::from_str(fixture).unwrap();
    if let Some(there) = json.pointer_mut(place) {
        *there = value;
    } else {
        let (parent, field) = place.rsplit_once('/').unwrap();
        json.pointer_mut(parent).unwrap()[field] = value;
    }
    json
}

const NEWER: &str = "it may have been written by a newer version";

#[test]
fn a_record_of_a_newer_version_is_refused() {
    let mut seen = 0;
    for (line, _) in records() {
        for (parent, of) in
            [("", "TaskRecord"), ("/completion", "CompletionRecord"), ("/error", "ErrorRecord")]
        {
            let json: Value = serde_json::from_str(line).unwrap();
            if json.pointer(parent).unwrap().is_object() {
                let newer = altered(line, &format!("{parent}/priority"), json!(7));
                let words = format!("unknown field `priority` in {of}: {NEWER}");
                assert_eq!(refused::<TaskRecord>(&newer), words);
                seen += 1;
            }
        }
        for id in ["/completion/resource_id", "/completion/additional_resource_id"] {
            if line.contains("\"completion\":{") {
                let newer = altered(line, id, json!({"uuid": [1, 2]}));
                let words = format!("unknown variant `uuid` in ResourceId: {NEWER}");
                assert_eq!(refused::<TaskRecord>(&newer), words);
                seen += 1;
            }
        }
        let newer = altered(line, "/input", json!({"base64": "AP+ACg=="}));
        let words = format!("unknown variant `base64` in InputRecord: {NEWER}");
        assert_eq!(refused::<TaskRecord>(&newer), words);
        let newer = altered(line, "/status", json!("paused"));
        let words = format!(
            "unknown status, expected one of initialized, received, processing-in-progress, \
             processing-completed, processing-error; got \"paused\": {NEWER}"
        );
        assert_eq!(refused::<TaskRecord>(&newer), words);
        seen += 2;
    }
    assert_eq!(seen, 11 + 3 + 3 + 6 + 22);

    let strange = altered(RECORDS.lines().next().unwrap(), "/\n`", json!(null));
    assert_eq!(
        refused::<TaskRecord>(&strange),
        format!("unknown field `\\n`` in TaskRecord: {NEWER}")
    );
    let long =
        altered(RECORDS.lines().next().unwrap(), &format!("/{}", "é".repeat(99)), json!(null));
    let shown = "é".repeat(24);
    assert_eq!(
        refused::<TaskRecord>(&long),
        format!("unknown field `{shown}` in TaskRecord: {NEWER}")
    );
}

#[test]
fn a_snapshot_of_a_newer_version_is_refused() {
    for (parent, of) in [
        ("", "Snapshot"),
        ("/accounts/0", "AccountSnapshot"),
        ("/accounts/0/clock", "AccountClock"),
        ("/accounts/0/gaps/1", "Gap"),
        ("/accounts/2/tasks/1", "TaskRecord"),
        ("/accounts/0/tasks/2/completion", "CompletionRecord"),
    ] {
        let newer = altered(SNAPSHOT, &format!("{parent}/priority"), json!({"a": [1]}));
        let words = format!("unknown field `priority` in {of}: {NEWER}");
        assert_eq!(refused::<Snapshot>(&newer), words);
    }
    let newer = altered(SNAPSHOT, "/accounts/0/tasks/0/status", json!("paused"));
    assert!(refused::<Snapshot>(&newer).ends_with(&format!("got \"paused\": {NEWER}")));
    let clock = json!({"revision": 1, "updated_at": second(0), "zone": "UTC"});
    let words = format!("unknown field `zone` in AccountClock: {NEWER}");
    assert_eq!(refused::<AccountClock>(&clock), words);

    for (version, words) in [
        (3, "expected a snapshot of version 2, got version 3: it was written by a newer version"),
        (1, "expected a snapshot of version 2, got version 1"),
    ] {
        let other = altered(SNAPSHOT, "/version", json!(version));
        let other: Snapshot = serde_json::from_value(other).unwrap();
        let error = LocalStore::restore(StoreConfig::default(), other, second(0)).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn an_optional_field_can_be_missing() {
    let optional = [
        "/completion",
        "/error",
        "/description",
        "/progress",
        "/completion/resource_id",
        "/completion/additional_resource_id",
        "/completion/resource",
        "/error/additional_info",
    ];
    for (line, record) in records() {
        let mut json: Value = serde_json::from_str(line).unwrap();
        for place in optional {
            if json.pointer(place).is_some_and(Value::is_null) {
                let (parent, field) = place.rsplit_once('/').unwrap();
                json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
            }
        }
        assert_eq!(serde_json::from_value::<TaskRecord>(json).unwrap(), record);
    }
    let mut json: Value = serde_json::from_str(RECORDS.lines().next().unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("account");
    assert_eq!(refused::<TaskRecord>(&json), "missing field `account`");
}
