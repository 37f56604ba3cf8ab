//! Compares the lifecycle, and what is derived from it, with an independent table.

use tasklife::{EventKind, ProvisioningStatus, TaskStatus, Transition};

/// The documented lifecycle.
const LIFECYCLE: [(&str, &str, &str); 7] = [
    ("initialized", "receive", "received"),
    ("initialized", "fail", "processing-error"),
    ("received", "start", "processing-in-progress"),
    ("received", "fail", "processing-error"),
    ("processing-in-progress", "report", "processing-in-progress"),
    ("processing-in-progress", "complete", "processing-completed"),
    ("processing-in-progress", "fail", "processing-error"),
];

#[test]
fn each_status_and_event_follows_the_lifecycle() {
    for status in TaskStatus::ALL {
        for event in EventKind::ALL {
            let row = LIFECYCLE
                .iter()
                .find(|(from, by, _)| *from == status.as_str() && *by == event.as_str());
            let expected = row.map(|(_, _, to)| *to);
            assert_eq!(status.after(event).map(TaskStatus::as_str), expected, "{status} {event}");
        }
    }
}

#[test]
fn the_transitions_are_the_lifecycle() {
    let edges: Vec<_> = Transition::ALL
        .iter()
        .map(|Transition { from, event, to }| (from.as_str(), event.as_str(), to.as_str()))
        .collect();
    assert_eq!(edges, LIFECYCLE);
}

#[test]
fn successors_are_the_statuses_after_one_event() {
    for status in TaskStatus::ALL {
        let mut expected: Vec<TaskStatus> =
            EventKind::ALL.into_iter().filter_map(|event| status.after(event)).collect();
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(status.successors(), expected, "{status}");
    }
}

#[test]
fn only_completed_and_error_are_terminal() {
    let terminal: Vec<_> = TaskStatus::ALL.into_iter().filter(|s| s.is_terminal()).collect();
    assert_eq!(terminal, [TaskStatus::ProcessingCompleted, TaskStatus::ProcessingError]);
}

#[test]
fn each_name_round_trips_as_text_and_as_json() {
    fn check<T>(all: &[T])
    where
        T: Copy + std::fmt::Debug + std::fmt::Display + PartialEq + std::str::FromStr,
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        for value in all {
            let name = value.to_string();
            assert_eq!(name.parse::<T>().ok(), Some(*value));
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value);
        }
    }
    check(&TaskStatus::ALL);
    check(&EventKind::ALL);
    check(&ProvisioningStatus::ALL);
}

#[test]
fn an_unknown_name_is_refused_with_the_known_names() {
    let message = "done".parse::<ProvisioningStatus>().unwrap_err().to_string();
    assert_eq!(message, "expected one of pending, active, deleting, error; got \"done\"");
    for text in ["", "Received", "received ", "processing", "completed", "failed"] {
        let message = text.parse::<TaskStatus>().unwrap_err().to_string();
        assert!(message.contains("processing-in-progress"), "{message}");
        assert!(message.contains(&format!("{text:?}")), "{message}");
    }
    let error = serde_json::from_str::<TaskStatus>("\"done\"").unwrap_err().to_string();
    assert!(error.contains("got \"done\""), "{error}");
    let long = "x".repeat(10_000).parse::<EventKind>().unwrap_err().to_string();
    assert!(long.len() < 200, "an error shows only the beginning of a long text");
}

#[test]
fn provisioning_statuses_follow_their_table() {
    use ProvisioningStatus::{Active, Deleting, Error, Pending};
    let permitted = [
        (Pending, Active),
        (Pending, Deleting),
        (Pending, Error),
        (Active, Pending),
        (Active, Deleting),
        (Active, Error),
        (Deleting, Error),
        (Error, Pending),
        (Error, Deleting),
    ];
    for from in ProvisioningStatus::ALL {
        for to in ProvisioningStatus::ALL {
            assert_eq!(from.can_become(to), permitted.contains(&(from, to)), "{from} {to}");
        }
        assert_eq!(from.can_vanish(), from == Deleting);
    }
}
