//! The example program `audit`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tasklife::audit::Rule;

use super::{AT, DAY, ONE, document, reading};
use crate::support::{program, second};

/// Runs the program on an input. Returns its exit code and standard output.
fn run(options: &[&str], input: &str) -> (Option<i32>, String) {
    let (code, out, _) = run_with_errors(options, input);
    (code, out)
}

/// Runs the program on an input. Returns its exit code, standard output and standard error.
fn run_with_errors(options: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut process = Command::new(program("audit"))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input to the end may close it.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn findings_are_printed_with_their_line_and_set_the_exit_code() {
    let good = reading(0, &document(ONE, "processing-in-progress", 0));
    let bad = reading(0, &document(ONE, "received", 0));
    let trace = format!("{good}\n\n{bad}\n");
    let (code, out) = run(&[], &trace);
    assert_eq!(code, Some(1));
    let expected = format!(
        "line 3: transition: task {ONE} was processing-in-progress, but is now received ({})\n",
        Rule::Transition.source()
    );
    assert_eq!(out, expected);

    let (code, out) = run(&["--json", "-"], &trace);
    let finding: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!((&finding["line"], &finding["rule"]), (&json!(3), &json!("transition")));

    let none = (Some(0), String::new());
    assert_eq!(run(&["--allow", "transition"], &trace), none);
    assert_eq!(run(&[], &good.to_string()), none);

    let two_days_old = reading(2 * DAY, &json!([document(ONE, "received", 0)])).to_string();
    assert_eq!(run(&[], &two_days_old), none);
    assert_eq!(run(&["--retention", "2"], &two_days_old).0, Some(1));

    let unreadable = (Some(2), String::new());
    assert_eq!(run(&[], "{}"), unreadable);
    assert_eq!(run(&[], "gone"), unreadable);
    assert_eq!(run(&["/no/such/file"], ""), unreadable);
    assert_eq!(run(&["--allow", "anything"], ""), unreadable);
    assert_eq!(run(&["--retention", "0"], ""), unreadable);
}

#[test]
fn the_summary_counts_the_audited_readings_and_none_is_a_failure() {
    let task = reading(0, &document(ONE, "received", 0));
    let bad = reading(0, &document(ONE, "processing", 0));
    let jobs = |request: &str| json!({"at": second(0), "request": request, "status": 200, "body": {"tasks": []}});
    let failing = json!({"at": second(0), "request": "GET /v1/tasks", "status": 500});
    let unreadable = json!({"at": second(0), "request": "GET /v1/tasks", "status": 200});
    for (options, readings, code, audited) in [
        (&[][..], &[&task][..], 0, "audited 1 of 1 readings"),
        (&[], &[&task, &failing], 0, "audited 1 of 2 readings"),
        (&[], &[&bad], 1, "audited 1 of 1 readings"),
        (&["--json"], &[&bad, &failing], 1, "audited 1 of 2 readings"),
        (&[], &[], 2, "audited 0 of 0 readings"),
        (&[], &[&jobs("GET /api/jobs")], 2, "audited 0 of 1 readings"),
        (&["--json"], &[&jobs("GET /api/jobs")], 2, "audited 0 of 1 readings"),
        (&[], &[&jobs("GET /v1/Tasks")], 2, "audited 0 of 1 readings"),
        (&["--tasks-path", "/api/jobs"], &[&jobs("GET /api/jobs")], 0, "audited 1 of 1 readings"),
        (&["--tasks-path=/v1/Tasks/"], &[&jobs("GET /v1/Tasks")], 0, "audited 1 of 1 readings"),
        (&["--tasks-path", "/api/jobs"], &[&jobs("GET /v1/tasks")], 2, "audited 0 of 1 readings"),
        (&[], &[&failing, &failing], 2, "audited 0 of 2 readings"),
        (&[], &[&unreadable], 1, "audited 0 of 1 readings"),
        (&["--allow", "document"], &[&unreadable], 2, "audited 0 of 1 readings"),
        (&["--allow", "unknown-status"], &[&bad], 0, "audited 1 of 1 readings"),
    ] {
        let input = readings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let (exited, out, error) = run_with_errors(options, &input);
        assert_eq!(
            (exited, &*error),
            (Some(code), &*format!("{audited}\n")),
            "{options:?} {input}"
        );
        assert_eq!(out.lines().count(), usize::from(code == 1), "{out}");
    }
}

#[test]
fn bad_input_and_bad_options_are_reported() {
    let task = reading(0, &document(ONE, "received", 0)).to_string();
    let error_of = |options: &[&str], input: &str| {
        let (code, out, error) = run_with_errors(options, input);
        assert_eq!((code, &*out), (Some(2), ""), "{options:?} {input}");
        error
    };
    let error = error_of(&[], &format!("{task}\ngone\n{task}\n"));
    assert!(error.starts_with("line 2: expected a reading: "), "{error}");
    assert!(error.ends_with("\naudited 1 of 1 readings\n"), "{error}");
    for status in [r#""200""#, "-1", "70000", "2e2"] {
        let line = format!(r#"{{"at":"{AT}","request":"GET /v1/tasks","status":{status}}}"#);
        assert!(error_of(&[], &line).starts_with("line 1: expected a reading: "), "{line}");
    }
    let error = error_of(&["--tasks-path", "jobs"], &task);
    assert!(error.starts_with("--tasks-path: expected a path of tasks that begins"), "{error}");
    let rules = Rule::ALL.map(|rule| format!("--allow={rule}"));
    let all = rules.each_ref().map(String::as_str);
    assert!(error_of(&all, &task).contains("got all of them"));
    let (code, _, error) = run_with_errors(&all[1..], &task);
    assert_eq!((code, &*error), (Some(0), "audited 1 of 1 readings\n"));
}
