//! The journal, and the log of requests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::spawn;

use tasklife_mock::Exchange;

use super::{Mock, PROGRAM};
use tasklife_test_support::{Program, Scratch, TIMEOUT};

fn read(journal: &Scratch) -> Vec<Exchange> {
    let text = fs::read_to_string(journal.path()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_exchange_is_in_the_journal_at_once_and_survives_a_kill() {
    let journal = Scratch::new("journal");
    let options = ["--advance", "immediate", "--journal", journal.path()];
    let mock = Mock::start(&options);
    let task = mock.submit("acme", "{\n}");
    let polled = mock.get("acme", &task);
    mock.0.send("GET", "/v1/tasks?limit=1", "", b"").error(401);
    assert_eq!(mock.0.send("GET", "/", "", b"").status, 200, "the page is not in the journal");

    let exchanges = read(&journal);
    let summaries = exchanges.iter().map(|exchange| {
        let account = exchange.account.as_ref().map(ToString::to_string);
        let id = exchange.task_id.map(|id| format!("/v1/tasks/{id}"));
        (
            exchange.number,
            account,
            exchange.method.to_string(),
            &*exchange.path,
            exchange.status,
            id,
        )
    });
    let acme = || Some("acme".to_owned());
    let expected = [
        (1, acme(), "POST".to_owned(), "/v1/subscriptions", 202, Some(task.clone())),
        (2, acme(), "GET".to_owned(), &*task, 200, Some(task.clone())),
        (3, None, "GET".to_owned(), "/v1/tasks?limit=1", 401, None),
    ];
    assert!(summaries.clone().eq(expected), "{:?}", summaries.collect::<Vec<_>>());
    assert_eq!(exchanges[0].request_body, "{\n}");
    assert_eq!(exchanges[1].body, polled.body);

    drop(mock); // kills the program
    Mock::start(&options).submit("acme", "{}");
    assert_eq!(read(&journal)[..3], exchanges);
    assert_eq!(read(&journal).len(), 4);
}

#[cfg(feature = "audit")]
#[test]
fn the_auditor_finds_no_violation_in_the_journal_of_concurrent_clients() {
    use std::thread::scope;

    use tasklife::Retention;
    use tasklife::audit::{Auditor, Reading};

    use super::UNKNOWN;

    let journal = Scratch::new("audited");
    let mock = Mock::start(&["--advance", "0.05", "--speed", "2", "--journal", journal.path()]);
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let task = mock.submit("acme", "{}");
                    for path in [&*task, "/v1/tasks", UNKNOWN, &task] {
                        mock.get("acme", path);
                    }
                }
            });
        }
    });
    let mut auditor = Auditor::new(Retention::default());
    let text = fs::read_to_string(journal.path()).unwrap();
    let mut before = None;
    for line in text.lines() {
        let reading: Reading = serde_json::from_str(line).unwrap();
        assert_eq!(auditor.observe(&reading), []);
        assert!(before <= Some(reading.at), "{line}");
        before = Some(reading.at);
    }
    assert_eq!(text.lines().count(), 4 * 20 * 5);
}

#[test]
fn each_request_is_logged_unless_quiet() {
    let mut command = Command::new(PROGRAM);
    let mut mock = Mock(Program::spawn(command.stderr(Stdio::piped())));
    let lines = BufReader::new(mock.0.process.stderr.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    spawn(move || lines.for_each(|line| sender.send(line.unwrap()).unwrap()));
    let line = || receiver.recv_timeout(TIMEOUT).unwrap();

    let accepted = mock.post("acme", "/v1/subscriptions", "{}").document(202);
    let id = accepted.task_id();
    let first = line();
    let (time, rest) = first.split_once(' ').unwrap();
    assert_eq!(rest, format!("acme POST /v1/subscriptions 202 {id}"));
    let time: tasklife::Timestamp = time.parse().unwrap();
    assert_eq!(time.timestamp_millis(), accepted.timestamp().unwrap().timestamp_millis());

    // Control characters, which a terminal would interpret, are escaped.
    mock.0.send("GET", "/v1/\u{9b}31m?x=\u{85}", "", b"");
    let escaped = line();
    assert!(escaped.ends_with(r" - GET /v1/\u{9b}31m?x=\u{85} 401"), "{escaped:?}");
    mock.get("acme", &format!("/v1/tasks/{id}"));
    assert!(line().ends_with(&format!(" acme GET /v1/tasks/{id} 200 {id}")));

    let journal = Scratch::new("quiet");
    let mut command = Command::new(PROGRAM);
    command.args(["--quiet", "--journal", journal.path()]).stderr(Stdio::piped());
    let mut mock = Mock(Program::spawn(&mut command));
    mock.submit("acme", "{}");
    mock.0.process.kill().unwrap();
    let stderr = mock.0.process.stderr.take().unwrap();
    assert_eq!(BufReader::new(stderr).lines().count(), 0);
}

#[test]
fn unread_log_lines_block_no_request() {
    let mut command = Command::new(PROGRAM);
    let mock = Mock(Program::spawn(command.stderr(Stdio::piped())));
    let path = format!("/v1/tasks?x={}", "a".repeat(4_000));
    for _ in 0..100 {
        assert_eq!(mock.get("acme", &path).status, 200);
    }
}

#[cfg(unix)]
#[test]
fn log_lines_name_faults_and_can_be_json() {
    let lines = |format: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["--log-format", format]).stderr(Stdio::piped());
        let mut mock = Mock(Program::spawn(&mut command));
        let scripts = br#"[{"pace": "never", "faults": [{"status": 503, "reads": 1}]}]"#;
        assert_eq!(mock.0.send("PUT", "/_mock/scripts", "", scripts).status, 200);
        let task = mock.submit("acme", "{}");
        assert_eq!(mock.status(&task), "503");
        // A signal to stop lets it print the remaining lines.
        let mut stderr = mock.0.process.stderr.take().unwrap();
        assert_eq!(mock.0.stop("-TERM"), Some(0));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut text).unwrap();
        (task, text.lines().map(str::to_owned).collect::<Vec<String>>())
    };
    let (task, json) = lines("json");
    let json: Vec<serde_json::Value> =
        json.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 2, "control requests are not logged: {json:?}");
    assert_eq!(json[1]["request"], format!("GET {task}"));
    assert_eq!((&json[1]["status"], &json[1]["faults"][0]), (&503.into(), &"status".into()));
    assert!(
        json.iter().all(|line| line.get("body").is_none() && line.get("requestBody").is_none())
    );
    let (task, text) = lines("text");
    let id = task.rsplit_once('/').unwrap().1;
    assert!(text[1].ends_with(&format!(" acme GET {task} 503 {id} status")), "{text:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_write_error_is_reported_once_and_ends_the_journal() {
    let mut command = Command::new(PROGRAM);
    command.args(["--quiet", "--journal", "/dev/full"]).stderr(Stdio::piped());
    let mut mock = Mock(Program::spawn(&mut command));
    mock.submit("acme", "{}");
    mock.submit("acme", "{}");
    mock.0.process.kill().unwrap();
    let lines = BufReader::new(mock.0.process.stderr.take().unwrap()).lines();
    let lines: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("/dev/full: No space left on device"), "{lines:?}");
}

#[test]
fn a_closed_stderr_blocks_no_request() {
    let mut command = Command::new(PROGRAM);
    let mut mock = Mock(Program::spawn(command.stderr(Stdio::piped())));
    drop(mock.0.process.stderr.take());
    mock.submit("acme", "{}");
    mock.submit("acme", "{}");
}
