//! Tasks: how events change them, and their records.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use tasklife::{
    AccountClock, Completion, EventKind, MAX_TIME, MIN_TIME, Progress, Retention, Stamp, Task,
    TaskError, TaskEvent, TaskRecord, TaskStatus, clamp_time,
};

use crate::support::{second, submission, task};

fn stamp_after(task: &Task) -> Stamp {
    let mut clock = AccountClock::default();
    clock.advance_to(task);
    clock.next(second(1))
}

fn apply(task: &mut Task, event: TaskEvent) {
    let stamp = stamp_after(task);
    task.apply(event, Retention::default(), second(1), stamp).unwrap();
}

fn event(kind: EventKind) -> TaskEvent {
    match kind {
        EventKind::Receive => TaskEvent::receive(),
        EventKind::Start => TaskEvent::start(),
        EventKind::Report => TaskEvent::report(),
        EventKind::Complete => TaskEvent::complete(Completion::of(77_899)),
        EventKind::Fail => TaskEvent::fail(TaskError::new("CODE", "Words.")),
    }
}

fn task_in(status: TaskStatus) -> Task {
    use EventKind::{Complete, Fail, Receive, Start};
    let path: &[EventKind] = match status {
        TaskStatus::Initialized => &[],
        TaskStatus::Received => &[Receive],
        TaskStatus::ProcessingInProgress => &[Receive, Start],
        TaskStatus::ProcessingCompleted => &[Receive, Start, Complete],
        TaskStatus::ProcessingError => &[Receive, Start, Fail],
    };
    let mut task = task(submission("acme", 1).initialized(), second(0));
    for kind in path {
        apply(&mut task, event(*kind));
    }
    assert_eq!(task.status(), status);
    task
}

#[test]
fn each_event_is_applied_completely_or_refused_without_a_change() {
    for status in TaskStatus::ALL {
        for kind in EventKind::ALL {
            let before = task_in(status);
            let mut after = before.clone();
            let stamp = stamp_after(&before);
            let result = after.apply(event(kind), Retention::default(), second(1), stamp);
            if let Some(expected) = status.after(kind) {
                assert_eq!(result, Ok(()));
                assert_eq!(after.status(), expected);
                assert_eq!(after.revision(), stamp.revision());
                assert_eq!(after.updated_at(), stamp.updated_at());
            } else {
                let error = result.unwrap_err();
                assert_eq!((error.status(), error.event()), (status, kind));
                assert!(error.to_string().contains(status.as_str()), "{error}");
                assert!(error.to_string().contains(kind.as_str()), "{error}");
                assert_eq!(after, before);
            }
        }
    }
}

#[test]
fn a_task_has_an_outcome_exactly_if_its_status_is_terminal() {
    for status in TaskStatus::ALL {
        let task = task_in(status);
        let outcome = task.outcome().map(|outcome| outcome.is_ok());
        let expected = match status {
            TaskStatus::ProcessingCompleted => Some(true),
            TaskStatus::ProcessingError => Some(false),
            _ => None,
        };
        assert_eq!(outcome, expected, "{status}");
    }
}

#[test]
fn a_description_lasts_until_an_event_other_than_a_report() {
    let mut task = task(submission("acme", 1).initialized(), second(0));
    assert_eq!(task.description(), None);
    apply(&mut task, TaskEvent::receive());
    assert_eq!(
        task.description(),
        Some("Task request received and is being queued for processing.")
    );
    apply(&mut task, TaskEvent::start().with_description("Worker 3 has it."));
    assert_eq!(task.description(), Some("Worker 3 has it."));
    apply(&mut task, TaskEvent::report());
    assert_eq!(
        task.description(),
        Some("Worker 3 has it."),
        "a report without a description keeps the last one"
    );
    apply(&mut task, TaskEvent::report().with_description(""));
    assert_eq!(task.description(), Some(""), "an empty description is a description");
    apply(&mut task, TaskEvent::complete(Completion::default()));
    assert_eq!(task.description(), TaskStatus::ProcessingCompleted.description());
    assert!(task.description().is_some());
}

#[test]
fn progress_never_falls_and_is_kept_by_other_events() {
    let mut task = task_in(TaskStatus::ProcessingInProgress);
    let percent = |task: &Task| task.progress().map(Progress::percent);
    let report = |percent: u8| TaskEvent::report_of(percent.try_into().unwrap());
    assert_eq!(percent(&task), None);
    for (event, expected) in [
        (report(0), 0),
        (report(40), 40),
        (TaskEvent::report(), 40),
        (report(30), 40),
        (report(41), 41),
    ] {
        apply(&mut task, event);
        assert_eq!(percent(&task), Some(expected));
    }
    apply(&mut task, TaskEvent::complete(Completion::default()));
    assert_eq!(percent(&task), Some(41), "the end keeps the last progress");
}

#[test]
fn attempts_count_starts_and_takeovers() {
    for status in TaskStatus::ALL {
        let before = task_in(status);
        let mut after = before.clone();
        let result = after.take_over(Retention::default(), second(1), stamp_after(&before));
        if status == TaskStatus::ProcessingInProgress {
            assert_eq!((before.attempts(), after.attempts()), (1, 2));
            assert_eq!(after.description(), before.description());
            assert!(after.revision() > before.revision());
        } else {
            assert_eq!(result.unwrap_err().event(), EventKind::Report);
            assert_eq!(after, before);
        }
    }
}

#[test]
fn a_stamp_of_another_clock_does_not_move_a_task_back() {
    let mut task = task_in(TaskStatus::ProcessingInProgress);
    let before = task.clone();
    let other = AccountClock::default().next(second(-100));
    task.apply(TaskEvent::report(), Retention::default(), second(-100), other).unwrap();
    assert!(task.revision() > before.revision());
    assert!(task.updated_at() >= before.updated_at());
}

#[test]
fn debug_output_does_not_contain_the_input() {
    let submission = submission("acme", 1).with_input(*b"secret");
    let printed = format!("{submission:?} {:?}", task(submission.clone(), second(0)));
    assert!(printed.contains("6 bytes") && !printed.contains("115"), "{printed}");
}

#[test]
fn a_clone_shares_the_input() {
    let task = task(submission("acme", 1).with_input(vec![7; 1_000]), second(0));
    assert!(std::ptr::eq(task.input(), task.clone().input()));
}

fn record_json(task: &Task) -> serde_json::Value {
    serde_json::to_value(TaskRecord::from(task)).unwrap()
}

fn read_back(json: serde_json::Value) -> Result<Task, String> {
    let record: TaskRecord = serde_json::from_value(json).map_err(|e| e.to_string())?;
    Task::try_from(record).map_err(|e| e.to_string())
}

#[test]
fn a_record_of_an_impossible_task_is_refused() {
    let completed = || record_json(&task_in(TaskStatus::ProcessingCompleted));
    assert_eq!(read_back(completed()).unwrap(), task_in(TaskStatus::ProcessingCompleted));
    let error = record_json(&task_in(TaskStatus::ProcessingError))["error"].clone();
    let altered: [(&str, serde_json::Value, &str); 15] = [
        ("status", "received".into(), "expected neither a completion nor an error in received"),
        (
            "status",
            "processing-error".into(),
            "expected an error and no completion in processing-error",
        ),
        (
            "completion",
            serde_json::Value::Null,
            "expected a completion and no error in processing-completed",
        ),
        ("error", error, "expected a completion and no error in processing-completed"),
        ("attempts", 0.into(), "expected at least 1 attempt in processing-completed, got 0"),
        ("revision", 0.into(), "expected a revision of at least 1"),
        ("revision", u64::MAX.into(), "expected a revision of at most"),
        (
            "updated_at",
            "2019-08-07T23:59:59Z".into(),
            "expected an update time at or after the submission time",
        ),
        ("expires_at", "2019-08-18".into(), "expected an RFC 3339 instant"),
        (
            "expires_at",
            "2019-08-07T23:59:59Z".into(),
            "expected an expiry at or after the submission time",
        ),
        ("account", "".into(), "expected an account id of 1 to 255 bytes"),
        ("command_type", "..".into(), "expected a command type other than"),
        ("id", "7".into(), "expected a UUID"),
        ("progress", 101.into(), "expected a percentage"),
        ("status", "done".into(), "expected one of initialized"),
    ];
    for (field, value, message) in altered {
        let mut record = completed();
        assert!(record.get(field).is_some(), "{field} is a field");
        record[field] = value;
        let error = read_back(record).unwrap_err();
        assert!(error.contains(message), "{field}: {error}");
    }
    for (resource, message) in [("[1]", "is a JSON object"), ("{", "written as JSON")] {
        let mut record = completed();
        record["completion"]["resource"] = resource.into();
        let error = read_back(record).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let mut early = record_json(&task_in(TaskStatus::Received));
    early["progress"] = 5.into();
    assert!(read_back(early).unwrap_err().contains("no progress before the first attempt"));
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = MIN_TIME.timestamp()..=MAX_TIME.timestamp();
    let any = (seconds, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap());
    prop_oneof![
        any,
        select(vec![DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, MIN_TIME, MAX_TIME])
    ]
}

fn events() -> impl Strategy<Value = TaskEvent> {
    let text = prop::option::of(".{0,12}");
    (select(EventKind::ALL.to_vec()), text, prop::option::of(0..=100_u8), any::<i64>(), ".{0,9}")
        .prop_map(|(kind, words, percent, number, other)| {
            let event = match kind {
                EventKind::Complete => TaskEvent::complete(
                    Completion::of(number)
                        .with_additional_resource_id(other.clone())
                        .with_resource(&serde_json::json!({ "key": other }))
                        .unwrap(),
                ),
                EventKind::Fail => {
                    let error = TaskError::new(other.clone(), "Words.").with_status("409 CONFLICT");
                    TaskEvent::fail(error.with_additional_info(other))
                }
                EventKind::Report => match percent {
                    Some(percent) => TaskEvent::report_of(percent.try_into().unwrap()),
                    None => TaskEvent::report(),
                },
                kind => event(kind),
            };
            match words {
                Some(words) => event.with_description(words),
                None => event,
            }
        })
}

proptest! {
    #[test]
    fn a_task_follows_the_table_and_its_record_round_trips(
        input in prop::collection::vec(any::<u8>(), 0..20),
        counted_from in 0..3_usize,
        drops_input_at_end in any::<bool>(),
        period in 1..1_000_000_u64,
        begin in instants(),
        steps in prop::collection::vec((events(), instants()), 0..12),
    ) {
        let period = Duration::from_secs(period);
        let kinds: [fn(Duration) -> Retention; 3] =
            [Retention::since_submission, Retention::since_update, Retention::since_end];
        let retention = kinds[counted_from](period);
        let retention = if drops_input_at_end { retention.without_input_after_end() } else { retention };
        let mut clock = AccountClock::default();
        let submission = submission("acme", 1).with_input(input).initialized();
        let mut task = Task::new(submission, retention, begin, clock.next(begin));
        clock.advance_to(&task);
        for (event, now) in steps {
            let before = task.clone();
            let kind = event.kind();
            let result = task.apply(event, retention, now, clock.next(now));
            prop_assert_eq!(result.is_ok(), before.status().after(kind).is_some());
            if result.is_ok() {
                prop_assert_eq!(Some(task.status()), before.status().after(kind));
                prop_assert!(task.revision() > before.revision());
                prop_assert!(task.updated_at() >= before.updated_at());
                match counted_from {
                    0 => prop_assert_eq!(task.expires_at(), before.expires_at()),
                    1 => prop_assert!(task.expires_at() >= before.expires_at()),
                    _ if task.status().is_terminal() => {
                        let least = clamp_time(now).max(task.submitted_at());
                        prop_assert!(task.expires_at() > least || least == MAX_TIME);
                    }
                    _ => prop_assert_eq!(task.expires_at(), MAX_TIME),
                }
                let is_dropped = drops_input_at_end && task.status().is_terminal();
                prop_assert_eq!(task.input(), if is_dropped { &[] } else { before.input() });
                prop_assert!(task.progress() >= before.progress());
            } else {
                prop_assert_eq!(&task, &before);
            }
            clock.advance_to(&task);
        }
        let record = TaskRecord::from(&task);
        let json = serde_json::to_string(&record).unwrap();
        let read: TaskRecord = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(Task::try_from(read).unwrap(), task);
    }
}
