//! Progress, events and the outcomes that they bring.

use proptest::prelude::*;
use tasklife::{Completion, EventKind, Progress, ResourceId, TaskError, TaskEvent};

#[test]
fn a_percentage_is_from_0_to_100() {
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
                    format!(
                        "expected a percentage, a whole number from 0 to 100, got \"{percent}\""
                    )
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
fn progress_is_rounded_down_and_bounded() {
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
fn an_event_has_the_kind_it_was_created_with() {
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
        assert_eq!(event.kind(), kind);
        let worded = event.with_description("Words.");
        assert_eq!((worded.description(), worded.kind()), (Some("Words."), kind));
    }
    let half = Progress::of(1, 2);
    let report = TaskEvent::report_of(half);
    assert_eq!((report.kind(), report.progress()), (EventKind::Report, Some(half)));
    assert_ne!(report, TaskEvent::report());
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
    assert_eq!(error.to_string(), "expected a resource nested at most 120 levels deep");

    for other in [serde_json::json!([]), serde_json::json!("{"), serde_json::json!(null)] {
        let error = Completion::default().with_resource(&other).unwrap_err();
        assert_eq!(error.to_string(), "expected a resource that is a JSON object");
    }
    let unfit = std::collections::BTreeMap::from([(vec![1], 1)]);
    let error = Completion::default().with_resource(&unfit).unwrap_err();
    assert_eq!(error.to_string(), "expected a resource that can be written as JSON");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_resource_is_refused_if_some_json_readers_refuse_it() {
    let with = |member: &str| {
        let text = format!(r#"{{"a": [{{"deep": {member}}}]}}"#);
        let raw = serde_json::value::RawValue::from_string(text).unwrap();
        Completion::default().with_resource(&raw)
    };
    let largest = format!("{:e}", f64::MAX);
    let taken = [
        r#""\ud83d\ude00 \u0000 \/ é""#,
        "-0.0e0",
        "18446744073709551616",
        "1e-400",
        &largest,
        r#"{"a": 1, "A": 1, "\u0061b": null}"#,
        "[true, false, null, {}, []]",
    ];
    for member in taken {
        let completion = with(member).unwrap_or_else(|error| panic!("{member}: {error}"));
        assert!(completion.resource().unwrap().contains(member), "verbatim");
    }
    for (member, what) in [
        (r#""\ud800""#, "surrogate"),
        (r#""\udc00\ud800""#, "surrogate"),
        (r#"{"\ud800": 1}"#, "surrogate"),
        ("1E400", "the number \"1E400\", which is outside the range of doubles"),
        ("[-1e309]", "the number \"-1e309\""),
        (r#"{"a": 1, "b": 2, "\u0061": 1}"#, "the name \"a\" twice in one object"),
    ] {
        let error = with(member).unwrap_err().to_string();
        assert!(error.starts_with("expected a resource that every JSON reader accepts, got "));
        assert!(error.contains(what), "{member}: {error}");
    }
    // The largest double is written as a number that readers accept.
    assert!(Completion::default().with_resource(&serde_json::json!({"n": f64::MAX})).is_ok());
}

#[test]
fn a_resource_id_is_made_of_numbers_texts_and_uuids() {
    let uuid = uuid::Uuid::from_u128(7);
    let texts = [
        (ResourceId::from(7_u32), "7"),
        (ResourceId::from(7_usize), "7"),
        (ResourceId::from(i64::MAX.unsigned_abs()), "9223372036854775807"),
        (ResourceId::from(i64::MIN), "-9223372036854775808"),
    ];
    for (id, text) in texts {
        assert!(matches!(id, ResourceId::Number(_)), "{id:?}");
        assert_eq!(
            (id.to_string(), serde_json::to_string(&id).unwrap()),
            (text.into(), text.into())
        );
    }
    for (id, text) in [
        (ResourceId::from(u64::MAX), "18446744073709551615"),
        (ResourceId::from(usize::MAX), "18446744073709551615"),
        (ResourceId::from(uuid), "00000000-0000-0000-0000-000000000007"),
    ] {
        assert_eq!(id, ResourceId::from(text), "a number above the range becomes a text");
    }
}

proptest! {
    #[test]
    fn progress_never_falls_as_more_is_done(total in any::<u64>(), a in any::<u64>(), b in any::<u64>()) {
        prop_assert!(Progress::of(a.min(b), total) <= Progress::of(a.max(b), total));
    }
}
