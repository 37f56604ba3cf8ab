//! The program: HTTP/1.1, the options, the files and the page. The module `api` tests the answers
//! of the API without a socket.

mod config;
mod control;
mod cors;
mod described;
mod fault;
mod journal;
mod page;
mod poll;

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::thread::{scope, sleep};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tasklife::{LinkShape, TaskDocument, TaskLink, TaskStatus, Timestamp};

use tasklife_test_support::{Program, Reply, TIMEOUT};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tasklife-mock");
const LARGEST_BODY: usize = 1 << 20;
const UNKNOWN: &str = "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e";

/// A running mock.
struct Mock(Program);

impl Mock {
    fn start(options: &[&str]) -> Self {
        Self(Program::start(PROGRAM, &[&["--quiet"], options].concat()))
    }

    fn get(&self, account: &str, path: &str) -> Reply {
        self.0.send("GET", path, &keys(account), b"")
    }

    fn post(&self, account: &str, path: &str, body: &str) -> Reply {
        self.0.send("POST", path, &keys(account), body.as_bytes())
    }

    /// Submits a request for a subscription, and returns the path of its task.
    fn submit(&self, account: &str, body: &str) -> String {
        let accepted = self.post(account, "/v1/subscriptions", body).document(202);
        format!("/v1/tasks/{}", accepted.task_id())
    }

    /// Reads a task of `acme`, and returns its status, or the HTTP status if it is not 200.
    fn status(&self, path: &str) -> String {
        let reply = self.get("acme", path);
        match reply.status {
            200 => reply.document(200).status().to_string(),
            other => other.to_string(),
        }
    }
}

#[test]
fn links_lead_to_the_address_that_the_client_used() {
    let submit = |mock: &Mock, headers: &str| {
        let request = format!(
            "POST /v1/subscriptions HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n{headers}\
             {}\r\n{{}}",
            keys("acme")
        );
        mock.0.exchange(request.as_bytes())
    };
    let leads_to = |mock: &Mock, headers: &str, base: &str| {
        let reply = submit(mock, headers);
        let document = reply.document(202);
        let link = document.link("task").unwrap().href().unwrap();
        assert_eq!(link, format!("{base}/tasks/{}", document.task_id()));
        assert_eq!(reply.header("location"), Some(link));
    };
    let forwarded = "Host: mock:8080\r\nForwarded: host=mock.example.com;proto=https\r\n";
    let mock = Mock::start(&["--allow-host", "mock"]);
    leads_to(&mock, "Host: mock:8080\r\n", "http://mock:8080/v1");
    leads_to(&mock, forwarded, "http://mock:8080/v1");
    leads_to(&Mock::start(&["--trust-forwarded"]), forwarded, "https://mock.example.com/v1");
    let public = Mock::start(&["--public-url", "https://public.example.com/v1"]);
    leads_to(&public, forwarded, "https://public.example.com/v1");
    for (mock, headers) in [
        (&mock, "Host: a b\r\n"),
        (&mock, "Host: a\r\nHost: b\r\n"),
        (&mock, ""),
        (&public, "Host: a\r\nHost: a\r\n"),
    ] {
        assert_eq!(submit(mock, headers).status, 400, "{headers:?}");
    }
    let page = mock.0.exchange(b"GET / HTTP/1.1\r\nHost: mock:8080\r\nConnection: close\r\n\r\n");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("http://mock:8080/v1"), "{page:?}");
}

/// The headers that identify an account.
fn keys(account: &str) -> String {
    format!("x-api-key: {account}\r\nx-api-secret-key: secret-of-{account}\r\n")
}

/// Runs the program until it exits, and returns its output.
fn run(options: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    for _ in 0..TIMEOUT.as_millis() / PAUSE.as_millis() {
        if process.try_wait().unwrap().is_some() {
            return process.wait_with_output().unwrap();
        }
        sleep(PAUSE);
    }
    process.kill().unwrap();
    panic!("expected the program to exit: {options:?}, {:?}", process.wait_with_output());
}

const PAUSE: Duration = Duration::from_millis(20);

/// Waits until a condition holds.
fn poll(mut condition: impl FnMut() -> bool) {
    for _ in 0..TIMEOUT.as_millis() / PAUSE.as_millis() {
        if condition() {
            return;
        }
        sleep(PAUSE);
    }
    panic!("expected the condition to hold within {TIMEOUT:?}");
}

fn relations(task: &TaskDocument) -> Vec<&str> {
    task.links().iter().filter_map(TaskLink::rel).collect()
}

#[test]
fn the_clock_moves_a_task_and_then_its_subscription() {
    let mock = Mock::start(&[]);
    let base = format!("http://{}/v1", mock.0.address);
    let accepted = mock.post("acme", "/v1/subscriptions", r#"{"name": "test"}"#).document(202);
    assert_eq!(accepted.link_shape(), Some(LinkShape::Array));
    assert_eq!(relations(&accepted), ["task"]);
    let href = format!("{base}/tasks/{}", accepted.task_id());
    assert_eq!(accepted.link("task").unwrap().href(), Some(&*href));
    let path = href.strip_prefix(&format!("http://{}", mock.0.address)).unwrap();

    let mut seen: Vec<(TaskStatus, Timestamp)> = Vec::new();
    let mut made = None;
    poll(|| {
        let task = mock.get("acme", path).document(200);
        let now = (task.status().known().unwrap(), task.timestamp().unwrap());
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        made = task.link("resource").map(|link| link.href().unwrap().to_owned());
        now.0.is_terminal()
    });
    // Each step has the time at which it was due, whenever the client reads it.
    let submitted = accepted.timestamp().unwrap();
    let after = |seconds| submitted + TimeDelta::seconds(seconds);
    assert_eq!(seen[0], (TaskStatus::Received, submitted));
    assert_eq!(seen[1], (TaskStatus::ProcessingInProgress, after(1)));
    assert_eq!(seen[2], (TaskStatus::ProcessingCompleted, after(2)));
    assert_eq!(made.unwrap(), format!("{base}/subscriptions/77899"));

    // An error has the server's time.
    let clock = || -> Timestamp {
        let refused = mock.get("acme", UNKNOWN).json(404);
        refused["timestamp"].as_str().unwrap().parse().unwrap()
    };
    let mut statuses = Vec::new();
    poll(|| {
        let before = clock();
        let subscription = mock.get("acme", "/v1/subscriptions/77899").json(200);
        assert_eq!(subscription["name"], "test");
        let status = subscription["status"].as_str().unwrap();
        match status {
            "pending" => assert!(before < after(3), "{before}"),
            other => assert!(other == "active" && clock() >= after(3), "{subscription}"),
        }
        statuses.push(status.to_owned());
        status == "active"
    });
    assert_eq!(statuses[0], "pending");
}

#[test]
fn options_set_how_tasks_move_and_end() {
    let completed = "processing-completed";
    for (options, expected) in [
        (&["--advance", "immediate"][..], [completed; 3]),
        (&["--advance", "reads:3"], ["received", "processing-in-progress", completed]),
        (&["--advance", "never"], ["received"; 3]),
        (&["--advance", "3600"], ["received"; 3]),
        (&["--advance", "reads:1", "--not-found-for", "2"], ["404", "404", completed]),
        (
            &["--advance", "immediate", "--fail", "subscriptionCreateRequest=NO_MONEY"],
            ["processing-error"; 3],
        ),
        (&["--advance", "immediate", "--fail", "databaseCreateRequest=NO_PLACE"], [completed; 3]),
    ] {
        let mock = Mock::start(options);
        let task = mock.submit("acme", "{}");
        assert_eq!([(); 3].map(|()| mock.status(&task)), expected, "{options:?}");
    }
}

#[test]
fn fail_sets_the_error_code_and_can_be_repeated() {
    let options = ["peeringListRequest=A", "subscriptionCreateRequest=B"];
    let mock = Mock::start(&["--advance", "immediate", "--fail", options[0], "--fail", options[1]]);
    let failed = mock.get("acme", &mock.submit("acme", "{}")).document(200);
    let error = failed.response().unwrap().error().unwrap();
    assert_eq!(error.code(), Some("B"));
    assert_eq!(mock.get("acme", "/v1/subscriptions").json(200)["subscriptions"], json!([]));
}

#[test]
fn the_map_shape_writes_links_as_documented() {
    let mock = Mock::start(&["--links", "map", "--advance", "immediate"]);
    let task = mock.get("acme", &mock.submit("acme", "{}")).document(200);
    assert_eq!(task.link_shape(), Some(LinkShape::Map));
    assert_eq!(relations(&task), ["resource", "self"]);
}

#[test]
fn speed_makes_time_run_faster() {
    let mock = Mock::start(&["--advance", "600", "--speed", "2400"]);
    let accepted = mock.post("acme", "/v1/subscriptions", "{}").document(202);
    let path = format!("/v1/tasks/{}", accepted.task_id());
    poll(|| mock.status(&path) == "processing-completed");
    let ended = mock.get("acme", &path).document(200).timestamp().unwrap();
    assert_eq!(ended - accepted.timestamp().unwrap(), TimeDelta::seconds(600));

    // The 10 days for which a task is kept have passed at once. The clock stops at its last
    // instant.
    let mock = Mock::start(&["--speed", "1e300"]);
    let reply = mock.post("acme", "/v1/subscriptions", "{}");
    assert!(reply.json(503)["timestamp"].as_str().unwrap().starts_with("9999-12-31T23:59:59"));
}

#[test]
fn each_key_sees_only_its_own_tasks() {
    let mock = Mock::start(&[]);
    let task = mock.submit("acme", "{}");
    mock.get("acme", &task).document(200);
    assert_eq!(mock.get("umbrella", &task).error(404), task);
    assert_eq!(mock.get("umbrella", "/v1/tasks").json(200), json!({}));
    let wrong_secret = "x-api-key: acme\r\nx-api-secret-key: other\r\n";
    assert_eq!(mock.0.send("GET", &task, wrong_secret, b"").error(401), task);
}

#[test]
fn every_error_has_the_form_of_the_live_api() {
    let mock = Mock::start(&[]);
    for (status, reply, path) in [
        (401, mock.0.send("GET", "/v1/tasks", "", b""), "/v1/tasks"),
        (404, mock.get("acme", UNKNOWN), UNKNOWN),
        (404, mock.get("acme", "/v1/tasks/%FF"), "/v1/tasks/%FF"),
        (404, mock.get("acme", "/v1/%22"), "/v1/%22"),
        (404, mock.0.send("GET", "/v2/tasks", "", b""), "/v2/tasks"),
        (404, mock.post("acme", "/", "{}"), "/"),
        (405, mock.0.send("DELETE", UNKNOWN, &keys("acme"), b""), UNKNOWN),
        (400, mock.post("acme", "/v1/subscriptions", "[]"), "/v1/subscriptions"),
    ] {
        assert_eq!(reply.error(status), path);
        let error = reply.json(status);
        let (timestamp, message, reason) =
            (&error["timestamp"], &error["message"], &error["error"]);
        let expected = format!(
            r#"{{"timestamp":{timestamp},"status":{status},"error":{reason},"message":{message},"path":"{path}"}}"#
        );
        assert_eq!(reply.body, expected);
    }
    let allowed = mock.post("acme", "/v1/tasks", "{}");
    assert_eq!(allowed.header("allow"), Some("GET, HEAD"));
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let mock = Mock::start(&[]);
    let sized = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let path = "/v1/subscriptions";
    mock.post("acme", path, &sized(LARGEST_BODY)).document(202);
    assert_eq!(mock.post("acme", path, &sized(LARGEST_BODY + 1)).error(413), path);
    assert_eq!(mock.post("acme", path, &sized(LARGEST_BODY * 2)).error(413), path);

    // A body whose declared length is over the limit is refused before all of it has arrived.
    let declared = format!(
        "POST {path} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
        1_u64 << 40,
        keys("acme"),
        sized(LARGEST_BODY + 1)
    );
    assert_eq!(mock.0.exchange(declared.as_bytes()).error(413), path);

    // A chunked body does not declare its length.
    let head = format!("POST {path} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n");
    let chunked = |body: &str| {
        let request = format!("{head}Transfer-Encoding: chunked\r\n{}\r\n{body}", keys("acme"));
        mock.0.exchange(request.as_bytes())
    };
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let end = "0\r\n\r\n";
    chunked(&format!("{}{}{end}", chunk("{"), chunk("}"))).document(202);
    let long = chunked(&format!("{}{}{end}", chunk(&sized(LARGEST_BODY)), chunk(" ")));
    assert_eq!(long.error(413), path);
    // The part before the malformed chunk looks like a whole body.
    assert_eq!(chunked(&format!("{}not a chunk", chunk("{}"))).status, 400);
    assert_eq!(mock.get("acme", "/v1/tasks").json(200)["tasks"].as_array().unwrap().len(), 2);
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let mock = Mock::start(&["--advance", "reads:2"]);
    let task = mock.submit("acme", "{}");
    let request = |connection: &str| {
        format!(
            "GET {task} HTTP/1.1\r\nHost: mock\r\nConnection: {connection}\r\n{}\r\n",
            keys("acme")
        )
    };
    let mut stream = mock.0.connect();
    stream.write_all((request("keep-alive") + &request("close")).as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let statuses: Vec<&str> = (answers.split(r#""status":""#).skip(1))
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    assert_eq!(statuses, ["processing-in-progress", "processing-completed"]);
}

#[test]
fn concurrent_clients_lose_no_tasks() {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 50;
    let mock = Mock::start(&["--advance", "immediate"]);
    let submit = || (0..REQUESTS).map(|_| mock.submit("acme", "{}")).collect::<Vec<_>>();
    let mut tasks: Vec<String> = scope(|scope| {
        let clients = [(); CLIENTS].map(|()| scope.spawn(submit));
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    tasks.sort();
    let list = mock.get("acme", "/v1/tasks");
    let list = TaskDocument::list_from_json(list.body.as_bytes()).unwrap();
    let listed = list.tasks().iter().map(|task| format!("/v1/tasks/{}", task.task_id()));
    let mut listed: Vec<String> = listed.collect();
    listed.sort();
    assert_eq!(listed, tasks);
    tasks.dedup();
    assert_eq!(tasks.len(), CLIENTS * REQUESTS);
    let made = mock.get("acme", "/v1/subscriptions").json(200);
    let ids = made["subscriptions"].as_array().unwrap().iter().map(|made| &made["id"]);
    assert!(
        ids.eq((77_899..).take(CLIENTS * REQUESTS).map(Value::from).collect::<Vec<_>>().iter())
    );
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_program_despite_open_connections() {
    for signal in ["-INT", "-TERM"] {
        let mut mock = Mock::start(&[]);
        let task = mock.submit("acme", "{}");
        let mut kept = mock.0.connect();
        write!(kept, "GET {task} HTTP/1.1\r\nhost: mock\r\n{}\r\n", keys("acme")).unwrap();
        kept.read_exact(&mut [0; 15]).unwrap();
        let mut half = mock.0.connect();
        half.write_all(b"GET /v1/tasks HTTP/1.1\r\nhost:").unwrap();
        let _silent = mock.0.connect();

        assert_eq!(mock.0.stop(signal), Some(0), "{signal}");
        let mut rest = String::new();
        mock.0.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "it prints only one line");
    }
}

#[test]
fn options_are_explained_and_checked() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for part in [
        "--listen <ADDRESS:PORT>",
        "127.0.0.1:8080",
        "--links <array|map>",
        "--advance <immediate|SECONDS|reads:N|never>",
        "--fail <COMMAND_TYPE=CODE>",
        "--not-found-for <READS>",
        "--speed <FACTOR>",
        "--journal <FILE>",
        "--config <FILE>",
        "--quiet",
        "--control",
        "--allow-host <NAME>",
        "--cors <ORIGIN>",
        "--rate-limit <REQUESTS>",
        "--log-format <text|json>",
        "--completions <bash|elvish|fish|powershell|zsh>",
        "/_mock/control.json",
        "goneAfter",
        "tasklife-mock --advance immediate",
        "curl -i http://127.0.0.1:8080/v1/subscriptions",
        "visibilityLag",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let version = run(&["--version"]);
    assert!(version.status.success());
    let version = String::from_utf8(version.stdout).unwrap();
    assert_eq!(version, concat!("tasklife-mock ", env!("CARGO_PKG_VERSION"), "\n"));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completions = run(&["--completions", shell]);
        let script = String::from_utf8(completions.stdout).unwrap();
        assert!(completions.status.success() && script.contains("rate-limit"), "{shell}");
    }
    let mock = Mock::start(&[]);
    let directory = env!("CARGO_TARGET_TMPDIR");
    for (options, code, message) in [
        (["--links", "list"], 2, "expected one of map, array"),
        (["--listen", "localhost"], 2, "--listen <ADDRESS:PORT>"),
        (["--advance", "soon"], 2, "expected immediate, a number of seconds, reads:N or never"),
        (["--not-found-for", "-1"], 2, "-1"),
        (["--fail", "databaseCreateRequest"], 2, "expected COMMAND_TYPE=CODE"),
        (["--fail", "databaseCreateRequest="], 2, "expected COMMAND_TYPE=CODE"),
        (["--fail", "=X"], 2, "expected a command type of 1 to 255 bytes"),
        (
            ["--fail", "databaseMakeRequest=X"],
            1,
            "--fail: expected one of the 83 command types of the API, such as databaseCreateRequest, ",
        ),
        (["--speed", "-1"], 2, "-1"),
        (["--speed", "inf"], 2, "expected a number of 0 or more"),
        (["--rate-limit", "0"], 2, "0"),
        (["--allow-host", "a/b"], 1, "--allow-host: expected a host name"),
        (["--completions", "cmd"], 2, "cmd"),
        (["--log-format", "xml"], 2, "xml"),
        (["--speed", "NaN"], 2, "expected a number of 0 or more"),
        (["--journal", directory], 1, directory),
        (["--listen", &mock.0.address], 1, &mock.0.address),
    ] {
        let listen = if options[0] == "--listen" { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let refused = run(&[&options, listen].concat());
        assert_eq!(refused.status.code(), Some(code), "{options:?}");
        assert!(refused.stdout.is_empty());
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains(message), "{message}: {text}");
    }
}

#[test]
fn options_set_the_format_and_the_path_of_tasks() {
    for (format, field) in [
        ("redis-cloud", "taskId"),
        ("google", "name"),
        ("azure", "id"),
        ("azure-resource-manager", "properties"),
    ] {
        let mock = Mock::start(&["--format", format, "--tasks", "/operations"]);
        let accepted = mock.post("acme", "/v1/subscriptions", "{}");
        let body: Value = serde_json::from_str(&accepted.body).unwrap();
        assert!(body.get(field).is_some(), "{format}: {body}");
        assert_eq!(mock.get("acme", "/v1/operations").status, 200);
        assert_eq!(mock.get("acme", "/v1/tasks").status, 404);
    }
    for (options, message) in [
        (["--tasks", "operations"], "--tasks: expected a path of tasks that begins with a slash"),
        (["--tasks", "/subscriptions"], "--tasks: expected an unused path for GET"),
        (["--format", "soap"], "expected one of redis-cloud, google, azure"),
    ] {
        let output = Command::new(PROGRAM).args(options).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(message), "{stderr}");
    }
}
