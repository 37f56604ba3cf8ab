//! Which submissions repeat a request: those with the same bytes or the same JSON value.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use tasklife::{AccountClock, Retention, Submission, Task, TaskError, TaskEvent, TaskRecord};

use crate::support::{CREATE, second, submission, task};

fn with(input: &[u8]) -> Submission {
    submission("acme", 1).with_input(input)
}

/// Ends a task, which drops its input.
fn without_input(mut task: Task) -> Task {
    let retention = Retention::default().without_input_after_end();
    let (mut clock, had_input) = (AccountClock::default(), !task.input().is_empty());
    clock.advance_to(&task);
    let end = TaskEvent::fail(TaskError::new("CODE", "It failed."));
    task.apply(end, retention, second(0), clock.next(second(0))).unwrap();
    assert_eq!((task.input(), task.is_input_dropped()), (&[][..], had_input));
    let saved = serde_json::to_string(&TaskRecord::from(&task)).unwrap();
    let record: TaskRecord = serde_json::from_str(&saved).unwrap();
    assert_eq!(Task::try_from(record).unwrap(), task, "{saved}");
    task
}

fn is_repeat(one: &str, other: &str) -> bool {
    let task_with = |text: &str| task(with(text.as_bytes()), second(0));
    let is_repeat = with(other.as_bytes()).is_repeat_of(&task_with(one));
    assert_eq!(with(one.as_bytes()).is_repeat_of(&task_with(other)), is_repeat, "either way");
    let dropped = without_input(task_with(one));
    assert_eq!(
        with(other.as_bytes()).is_repeat_of(&dropped),
        is_repeat,
        "compared with the digest"
    );
    is_repeat
}

#[test]
fn the_same_value_in_another_notation_is_a_repeat() {
    for (one, other) in [
        (r#"{"name":"test","nodes":[1,2]}"#, "\n{ \"nodes\" : [1, 2],\t\"name\": \"test\" } "),
        (r#"{"a":"é/\n"}"#, r#"{"\u0061":"\u00e9\/\u000A"}"#),
        (r#"{"a":"😀"}"#, r#"{"a":"\uD83D\ude00"}"#),
        (r#"{"n":[100, 1.5, -0, 0.001]}"#, r#"{"n":[1e2, 15E-1, 0.0, 1.0e-3]}"#),
        ("[12345678901234567890123]", "[1234567890123456789012.30e1]"),
        ("[0e99999999999999999999]", "[0]"),
        ("{}", " { } "),
        ("[]", "[ ]"),
    ] {
        assert!(is_repeat(one, other), "{one} and {other}");
    }
}

#[test]
fn another_value_is_not_a_repeat() {
    let (deep, deeper) =
        ("[".repeat(128) + &"]".repeat(128), "[".repeat(128) + " " + &"]".repeat(128));
    for (one, other) in [
        (r#"{"a":1}"#, r#"{"a":"1"}"#),
        (r#"{"a":1}"#, r#"{"A":1}"#),
        (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
        (r#"{"a":null}"#, "{}"),
        ("{}", "[]"),
        ("[1,2]", "[2,1]"),
        ("[true]", "[false]"),
        ("[9007199254740993]", "[9007199254740992]"),
        ("[18446744073709551617]", "[18446744073709551616]"),
        ("[0.1]", "[0.10000000000000000001]"),
        ("[1]", "[-1]"),
        // Inputs that are not JSON, or that JSON readers disagree on, are compared as bytes.
        ("{} ", "{}x"),
        ("{a:1}", "{ a:1}"),
        (r#"{"a":1,"a":2}"#, r#"{"a":1, "a":2}"#),
        (r#"["\ud800"]"#, r#"[ "\ud800"]"#),
        ("[1e999]", "[1e0999]"),
        (&deep, &deeper),
        // Other inputs may not be meant as JSON, so they are compared as bytes.
        ("1", "1.0"),
        ("\"a\"", " \"a\""),
        ("", " "),
    ] {
        assert!(!is_repeat(one, other), "{one} and {other}");
        assert!(is_repeat(one, one) && is_repeat(other, other));
    }
    let bytes = task(with(b"[\xFF]"), second(0));
    assert!(!with(b"[ \xFF]").is_repeat_of(&bytes) && with(b"[\xFF]").is_repeat_of(&bytes));
    let other = Submission::new("acme".parse().unwrap(), bytes.id(), "other".parse().unwrap());
    let created = |task: &Task| *task.command_type() == CREATE;
    assert!(created(&bytes) && !other.with_input(*b"[\xFF]").is_repeat_of(&bytes));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\é\u{7}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec(("[ab\"]{0,2}", inner), 0..3).prop_map(|all| Value::Object(Map::from_iter(all))),
        ]
    })
}

/// Returns one of many notations of a value, chosen by the dice.
fn notation_of(value: &Value, dice: &mut impl Iterator<Item = u8>) -> String {
    let space = |dice: u8| [" ", "\n", "", ""][usize::from(dice % 4)];
    let roll = dice.next().unwrap_or_default();
    match value {
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(|one| notation_of(one, dice)).collect();
            format!(
                "{}[{}]",
                space(roll),
                all.join(if roll.is_multiple_of(2) { "," } else { " ,\t" })
            )
        }
        Value::Object(all) => {
            let mut all: Vec<String> = (all.iter())
                .map(|(name, one)| format!("{}:{}", Value::from(&**name), notation_of(one, dice)))
                .collect();
            if roll.is_multiple_of(2) {
                all.reverse();
            }
            format!("{{{}{}}}", space(roll), all.join(","))
        }
        Value::Number(number) => match roll % 3 {
            0 => format!("{number}"),
            1 => format!("{number}.00"),
            _ if *number == 0.into() => "-0E7".to_owned(),
            _ => format!("{number}0E-1"),
        },
        Value::String(text) if roll.is_multiple_of(2) => {
            text.encode_utf16().fold("\"".to_owned(), |all, unit| all + &format!("\\u{unit:04X}"))
                + "\""
        }
        other => format!("{other}{}", space(roll)),
    }
}

proptest! {
    #[test]
    fn a_submission_is_a_repeat_exactly_if_its_value_is_the_same(
        one in vec(values(), 0..3),
        other in vec(values(), 0..3),
        dice in vec(any::<u8>(), 60),
    ) {
        let (one, other) = (Value::from(one), Value::from(other));
        let mut dice = dice.into_iter();
        let texts = [&one, &one, &other].map(|value| notation_of(value, &mut dice));
        prop_assert!(is_repeat(&texts[0], &texts[1]), "{} and {}", texts[0], texts[1]);
        prop_assert_eq!(is_repeat(&texts[0], &texts[2]), one == other);
    }
}
