//! Progress, and what an event says of itself.

use proptest::prelude::*;
use tasklife::{Completion, EventKind, Progress, TaskError, TaskEvent};

#[test]
fn a_percentage_is_0_to_100() {
    for percent in 0..=u8::MAX {
        match Progress::try_from(percent) {
            Ok(progress) => {
                assert_eq!(progress.percent(), percent);
                assert_eq!(progress.to_string().parse(), Ok(progress));
            }
            Err(error) => {
                assert!(percent > 100);
                assert_eq!(
                    error.to_string(),
                    format!("expected a percentage, a whole number of 0 to 100, got \"{percent}\"")
                );
            }
        }
        assert_eq!(Progress::try_from(percent).is_ok(), percent <= 100);
    }
    assert!(serde_json::from_str::<Progress>("101").is_err());
    assert!(serde_json::from_str::<Progress>("-1").is_err());
    for text in ["", "-1", "101", "1.0", "50 %", "256"] {
        assert!(text.parse::<Progress>().is_err(), "{text}");
    }
}

#[test]
fn progress_of_parts_is_rounded_down_and_bounded() {
    let cases = [
        (0, 0, 100),
        (0, 1, 0),
        (1, 1, 100),
        (2, 1, 100),
        (199, 200, 99),
        (1, u64::MAX, 0),
        (u64::MAX - 1, u64::MAX, 99),
        (u64::MAX, u64::MAX, 100),
        (u64::MAX, 0, 100),
    ];
    for (done, total, percent) in cases {
        assert_eq!(Progress::of(done, total).percent(), percent, "{done} of {total}");
    }
}

#[test]
fn an_event_knows_its_kind() {
    let events = [
        (TaskEvent::receive(), EventKind::Receive),
        (TaskEvent::start(), EventKind::Start),
        (TaskEvent::report(), EventKind::Report),
        (TaskEvent::complete(Completion::default()), EventKind::Complete),
        (TaskEvent::fail(TaskError::new("CODE", "Words.")), EventKind::Fail),
    ];
    for (event, kind) in events {
        assert_eq!((event.description(), event.progress()), (None, None));
        let ends = matches!(kind, EventKind::Complete | EventKind::Fail);
        assert_eq!(event.outcome().is_some(), ends);
        let worded = event.clone().with_description("Words.").with_progress(Progress::of(1, 2));
        assert_eq!(worded.description(), Some("Words."));
        assert_eq!(worded.progress().is_some(), kind == EventKind::Report);
        assert_eq!(event.kind(), kind);
        assert_eq!(event.clone().with_description("Words.").kind(), kind);
        let with_progress = event.clone().with_progress(Progress::of(1, 2));
        assert_eq!(with_progress == event, kind != EventKind::Report, "only a report has progress");
    }
}

#[test]
fn a_resource_is_a_json_object_of_bounded_depth() {
    let nested = |depth: usize| {
        let text = format!("{}{}", "{\"a\":".repeat(depth - 1) + "{}", "}".repeat(depth - 1));
        serde_json::value::RawValue::from_string(text).unwrap()
    };
    let deepest = Completion::MAX_RESOURCE_DEPTH;
    assert!(Completion::default().with_resource(&nested(deepest)).is_ok());
    let error = Completion::default().with_resource(&nested(deepest + 1)).unwrap_err();
    assert_eq!(error.to_string(), "expected a resource nested at most 120 deep");

    for other in [serde_json::json!([]), serde_json::json!("{"), serde_json::json!(null)] {
        let error = Completion::default().with_resource(&other).unwrap_err();
        assert_eq!(error.to_string(), "expected a resource that is a JSON object");
    }
    let unfit = std::collections::BTreeMap::from([(vec![1], 1)]);
    let error = Completion::default().with_resource(&unfit).unwrap_err();
    assert_eq!(error.to_string(), "expected a resource that can be written as JSON");
    assert!(std::error::Error::source(&error).is_some());
}

proptest! {
    #[test]
    fn progress_never_falls_as_more_is_done(total in any::<u64>(), a in any::<u64>(), b in any::<u64>()) {
        prop_assert!(Progress::of(a.min(b), total) <= Progress::of(a.max(b), total));
    }
}
