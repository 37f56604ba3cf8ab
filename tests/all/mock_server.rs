//! The example server, as a client meets it: over HTTP/1.1, as a process of its own.

#![expect(clippy::disallowed_methods, reason = "the server's steps are measured by the clock")]

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::{sleep, spawn};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tasklife::{LinkShape, ListDocument, Now, ResourceId, TaskDocument, TaskStatus};

use crate::support::program;

/// How long the server leaves a task, or a subscription, in each status.
const STEP: TimeDelta = TimeDelta::seconds(1);
/// What the clocks of the server and of its timers may differ by.
const SLACK: TimeDelta = TimeDelta::milliseconds(50);
/// The id of the first subscription of each server.
const FIRST: i32 = 77_899;
const LARGEST_BODY: usize = 1 << 20;
const LIFE: [TaskStatus; 3] =
    [TaskStatus::Received, TaskStatus::ProcessingInProgress, TaskStatus::ProcessingCompleted];

#[test]
fn a_task_goes_through_its_life_and_then_its_subscription() {
    let server = Server::start(&[]);
    let base = server.base();
    assert_eq!(server.get("acme", "/v1/tasks").expect(200), "{}");
    let ids = [r#"{"name": "test"}"#, "{}"].map(|body| {
        let reply = server.post("acme", body.as_bytes());
        let (id, timestamp) = named_in(&reply.document(202));
        assert_eq!(reply.body, accepted(&base, &id, &timestamp));
        id
    });
    assert_ne!(ids[0], ids[1]);
    let subscription = format!("/v1/subscriptions/{FIRST}");
    server.get("acme", &subscription).expect_error(404, &subscription);

    let seen = watch(&server, &ids);
    let ends = seen.each_ref().map(|seen| {
        let place = |status| LIFE.iter().position(|known| *known == status).unwrap();
        let (mut before, submitted) = (place(seen[0].0), seen[0].1);
        assert_eq!(before, 0, "{seen:?}");
        for &(status, at) in &seen[1..] {
            assert!(place(status) > before, "{seen:?}");
            before = place(status);
            assert!(at >= submitted + STEP * i32::try_from(before).unwrap() - SLACK, "{seen:?}");
        }
        assert_eq!(before, 2, "{seen:?}");
        seen.last().unwrap().1
    });
    assert!(ends[0] <= seen[1][1].1, "the second starts when the first has ended: {seen:?}");

    for (id, resource) in ids.iter().zip(FIRST..) {
        let reply = server.get("acme", &format!("/v1/tasks/{id}"));
        let (_, timestamp) = named_in(&reply.document(200));
        assert_eq!(reply.body, completed(&base, id, &timestamp, resource));
    }
    let list = server.get("acme", "/v1/tasks").list();
    assert!(list.tasks().iter().map(TaskDocument::task_id).eq([&ids[1], &ids[0]]));

    poll(|| {
        let [first, second] = [(FIRST, Some("test"), ends[0]), (FIRST + 1, None, ends[1])]
            .map(|(id, name, completed)| subscription_of(&server, id, name, completed));
        let active = [&first, &second].iter().all(|made| made["status"] == "active");
        if active {
            let list = server.get("acme", "/v1/subscriptions").json();
            assert_eq!(list, json!({ "accountId": 1, "subscriptions": [second, first] }));
        }
        active
    });
}

/// What the list shows of two tasks until both have ended: each status, and when it began.
fn watch(server: &Server, ids: &[String; 2]) -> [Vec<(TaskStatus, Now)>; 2] {
    let mut seen = <[Vec<_>; 2]>::default();
    poll(|| {
        let list = server.get("acme", "/v1/tasks").list();
        assert_eq!(list.tasks().len(), 2);
        assert!(list.tasks().is_sorted_by_key(|task| Reverse(task.timestamp())), "{list}");
        let now = ids.each_ref().map(|id| {
            let task = list.tasks().iter().find(|task| task.task_id() == id).unwrap();
            (task.status().known().unwrap(), task.timestamp())
        });
        let in_progress = |&(status, _): &_| status == TaskStatus::ProcessingInProgress;
        assert!(!now.iter().all(in_progress), "one at a time: {list}");
        for (seen, now) in seen.iter_mut().zip(now) {
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
        now.iter().all(|(status, _)| status.is_terminal())
    });
    seen
}

/// A subscription, which is pending for a step after its task has completed, and then active.
fn subscription_of(server: &Server, id: i32, name: Option<&str>, completed: Now) -> Value {
    let asked = Utc::now();
    let reply = server.get("acme", &format!("/v1/subscriptions/{id}"));
    let answered = Utc::now();
    reply.expect(200);
    let subscription = reply.json();
    assert_eq!(subscription["id"], id);
    assert_eq!(subscription.get("name").map(Value::as_str), name.map(Some));
    let status = subscription["status"].as_str().unwrap();
    assert!(["pending", "active"].contains(&status), "{status}");
    if answered < completed + STEP - SLACK {
        assert_eq!(status, "pending");
    } else if asked > completed + STEP + SLACK {
        assert_eq!(status, "active");
    }
    subscription
}

/// The id and the timestamp of a task, as it has them.
fn named_in(task: &TaskDocument) -> (String, String) {
    let text = serde_json::to_value(task).unwrap();
    (task.task_id().to_owned(), text["timestamp"].as_str().unwrap().to_owned())
}

/// The document that answers a submission, with the documentation's two spaces.
fn accepted(base: &str, id: &str, timestamp: &str) -> String {
    format!(
        r#"{{
  "taskId": "{id}",
  "commandType": "subscriptionCreateRequest",
  "status": "received",
  "description": "Task request received and is being queued for processing.",
  "timestamp": "{timestamp}",
  "_links": {{
    "task": {{
      "href": "{base}/tasks/{id}",
      "title": "getTaskStatusUpdates",
      "type": "GET"
    }}
  }}
}}"#
    )
}

/// The document of a task that has completed.
fn completed(base: &str, id: &str, timestamp: &str, resource: i32) -> String {
    format!(
        r#"{{
  "taskId": "{id}",
  "commandType": "subscriptionCreateRequest",
  "status": "processing-completed",
  "description": "Request processing completed successfully and its resources are now being provisioned / de-provisioned.",
  "timestamp": "{timestamp}",
  "response": {{
    "resourceId": {resource}
  }},
  "_links": {{
    "resource": {{
      "href": "{base}/subscriptions/{resource}",
      "title": "getSubscriptionInformation",
      "type": "GET"
    }},
    "self": {{
      "href": "{base}/tasks/{id}",
      "type": "GET"
    }}
  }}
}}"#
    )
}

#[test]
fn links_come_as_an_array_where_asked_for_and_accounts_do_not_wait_for_each_other() {
    let server = Server::start(&["--links", "array"]);
    let relations = |task: &TaskDocument| {
        assert_eq!(task.link_shape(), Some(LinkShape::Array));
        task.links().iter().map(|link| link.rel().to_owned()).collect::<Vec<_>>()
    };
    let ids = ["acme", "umbrella"].map(|account| {
        let accepted = server.post(account, b"{}").document(202);
        assert_eq!(relations(&accepted), ["task"]);
        let id = accepted.task_id().to_owned();
        let polled = server.get(account, &format!("/v1/tasks/{id}")).document(200);
        assert_eq!(relations(&polled), ["self"]);
        (account, id)
    });
    let mut completed = Vec::new();
    for (account, id) in &ids {
        poll(|| {
            let task = server.get(account, &format!("/v1/tasks/{id}")).document(200);
            if task.status().is_terminal() {
                assert_eq!(relations(&task), ["resource", "self"]);
                completed.push(task);
                return true;
            }
            false
        });
    }
    let apart = (completed[0].timestamp() - completed[1].timestamp()).abs();
    assert!(apart < STEP, "both at once, not one after the other: {apart}");
    let resources = completed.iter().map(|task| task.response().unwrap().resource_id().unwrap());
    let mut resources: Vec<&ResourceId> = resources.collect();
    let of_one = resources[0].clone();
    resources.sort();
    assert_eq!(resources, [&FIRST.into(), &(FIRST + 1).into()]);

    let [(one, _), (other, _)] = ids;
    let subscription = format!("/v1/subscriptions/{of_one}");
    server.get(one, &subscription).expect(200);
    server.get(other, &subscription).expect_error(404, &subscription);
}

#[test]
fn each_key_has_tasks_of_its_own() {
    let server = Server::start(&[]);
    let id = server.post("acme", b"{}").document(202).task_id().to_owned();
    let task = format!("/v1/tasks/{id}");
    server.get("acme", &task).document(200);
    assert_eq!(server.get("acme", "/v1/tasks").list().tasks().len(), 1);
    server.get("umbrella", &task).expect_error(404, &task);
    assert_eq!(server.get("umbrella", "/v1/tasks").expect(200), "{}");
    let subscriptions = server.get("umbrella", "/v1/subscriptions").json();
    assert_eq!(subscriptions, json!({ "accountId": 2, "subscriptions": [] }));
}

#[test]
fn without_a_key_and_its_secret_nothing_below_v1_answers() {
    let server = Server::start(&[]);
    server.get("acme", "/v1/tasks").expect(200);
    let long = format!("x-api-key: {}\r\nx-api-secret-key: s\r\n", "k".repeat(256));
    for (headers, message) in [
        ("", "x-api-key"),
        ("x-api-secret-key: secret-of-acme\r\n", "x-api-key"),
        ("x-api-key: acme\r\n", "x-api-secret-key"),
        ("x-api-key: \r\nx-api-secret-key: s\r\n", "x-api-key"),
        ("x-api-key: acme\r\nx-api-secret-key:\r\n", "x-api-secret-key"),
        ("x-api-key: acmé\r\nx-api-secret-key: s\r\n", "x-api-key"),
        ("x-api-key: a\tb\r\nx-api-secret-key: s\r\n", "without control characters"),
        ("x-api-key: ..\r\nx-api-secret-key: s\r\n", "other than `.` and `..`"),
        (&*long, "1 to 255 bytes, got 256"),
        ("x-api-key: acme\r\nx-api-secret-key: other\r\n", "the secret that first came"),
    ] {
        for (method, path) in [
            ("GET", "/v1/tasks"),
            ("GET", "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e"),
            ("GET", "/v1/subscriptions"),
            ("POST", "/v1/subscriptions"),
            ("DELETE", "/v1/subscriptions"),
            ("GET", "/v1/nothing"),
        ] {
            let got = server.send(method, path, headers, b"{}").expect_error(401, path);
            assert!(got.contains(message), "{headers:?}: {got}");
        }
    }
    assert_eq!(server.get("acme", "/v1/tasks").expect(200), "{}");
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = Server::start(&[]);
    for path in [
        "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e",
        "/v1/tasks/36d4b04d72d444048600a223120a553e",
        "/v1/tasks/7",
        "/v1/tasks/%FF",
        "/v1/tasks/",
        "/v1/tasks/7/more",
        "/v1/subscriptions/77899",
        "/v1/subscriptions/99999999999999999999",
        "/v1/subscriptions/one",
        "/v1/subscriptions/%FF",
        "/v1/%22",
        "/v1",
        "/v2/tasks",
        "/",
    ] {
        server.get("acme", path).expect_error(404, path);
    }
    // Outside of the API there is nothing to ask a key for.
    server.send("GET", "/v2/tasks", "", b"").expect_error(404, "/v2/tasks");
}

#[test]
fn a_wrong_method_is_not_allowed() {
    let server = Server::start(&[]);
    let task = "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e";
    for (method, path, allowed) in [
        ("POST", "/v1/tasks", "GET,HEAD"),
        ("DELETE", task, "GET,HEAD"),
        ("PUT", "/v1/subscriptions", "GET,HEAD,POST"),
        ("DELETE", "/v1/subscriptions/77899", "GET,HEAD"),
    ] {
        let got = server.send(method, path, &keys("acme"), b"{}");
        got.expect_error(405, path);
        assert!(got.head.contains(&format!("\r\nallow: {allowed}\r\n")), "{}", got.head);
    }
}

#[test]
fn a_body_that_is_no_request_for_a_subscription_is_refused() {
    let server = Server::start(&[]);
    let deep = format!(r#"{{"name": "test", "deep": {}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    for (body, message) in [
        (&b""[..], "EOF while parsing"),
        (b"[]", "invalid type: sequence"),
        (br#"["test"]"#, "invalid type: sequence"),
        (br#""test""#, "invalid type: string"),
        (b"7", "invalid type: integer"),
        (b"null", "invalid type: null"),
        (br#"{"name": "te"#, "EOF while parsing"),
        (br#"{"name": "test"} {}"#, "trailing characters"),
        (b"name=test", "line 1 column"),
        (b"{\"name\": \"\xFF\"}", "invalid unicode"),
        (br#"{"name": 7}"#, "expected `name` to be a string"),
        (br#"{"name": ["test"]}"#, "expected `name` to be a string"),
        (deep.as_bytes(), "recursion limit exceeded"),
    ] {
        let got = server.post("acme", body).expect_error(400, "/v1/subscriptions");
        assert!(got.starts_with("expected a JSON object"), "{got}");
        assert!(got.contains(message), "{message}: {got}");
    }
    let sized = |size| {
        let request = br#"{"name": "test"}"#;
        [&request[..], &vec![b' '; size - request.len()]].concat()
    };
    let got = server.post("acme", &sized(LARGEST_BODY + 1));
    assert!(got.expect_error(413, "/v1/subscriptions").contains("length limit"));
    assert_eq!(server.get("acme", "/v1/tasks").expect(200), "{}");

    server.post("acme", &sized(LARGEST_BODY)).document(202);
    server.post("acme", br#"{"name": null, "cloudProviders": []}"#).document(202);
    assert_eq!(server.get("acme", "/v1/tasks").list().tasks().len(), 2);
}

#[cfg(unix)]
#[test]
fn it_stops_cleanly_when_asked_to_whatever_is_open() {
    for signal in ["-INT", "-TERM"] {
        let mut server = Server::start(&[]);
        let id = server.post("acme", b"{}").document(202).task_id().to_owned();
        let mut kept = TcpStream::connect(&server.address).unwrap();
        write!(kept, "GET /v1/tasks/{id} HTTP/1.1\r\nhost: mock\r\n{}\r\n", keys("acme")).unwrap();
        kept.set_read_timeout(Some(PATIENCE)).unwrap();
        kept.read_exact(&mut [0; 15]).unwrap();
        let mut half = TcpStream::connect(&server.address).unwrap();
        half.write_all(b"GET /v1/tasks HTTP/1.1\r\nhost:").unwrap();
        let _silent = TcpStream::connect(&server.address).unwrap();

        let pid = server.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut end = None;
        poll(|| {
            end = server.process.try_wait().unwrap();
            end.is_some()
        });
        assert_eq!(end.unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        server.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "it prints one line");
    }
}

#[test]
fn its_options_are_explained_and_checked() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for part in ["--listen <ADDRESS:PORT>", "127.0.0.1:8080", "--links <map|array>"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let server = Server::start(&["--links", "map"]);
    for (options, code, message) in [
        (["--links", "list"], 2, "expected one of map, array"),
        (["--listen", "localhost"], 2, "--listen <ADDRESS:PORT>"),
        (["--listen", &server.address], 1, &server.address),
    ] {
        let refused = run(&options);
        assert_eq!(refused.status.code(), Some(code));
        assert!(refused.stdout.is_empty());
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains(message), "{message}: {text}");
    }
}

/// How long the server may take for anything that it does at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks again until it is so.
fn poll(mut is_so: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if is_so() {
            return;
        }
        sleep(PAUSE);
    }
    panic!("expected the server to get there within {PATIENCE:?}");
}

/// The headers of an account.
fn keys(account: &str) -> String {
    format!("x-api-key: {account}\r\nx-api-secret-key: secret-of-{account}\r\n")
}

fn run(options: &[&str]) -> Output {
    Command::new(program("mock_server")).args(options).output().unwrap()
}

/// A server of the test's own, on a port that was free. Dropped, it ends.
struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut process = Command::new(program("mock_server"))
            .args(["--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let (ready, said) = mpsc::channel();
        spawn(move || {
            let mut line = String::new();
            let read = stdout.read_line(&mut line);
            let _ = ready.send(read.map(|_| (line, stdout)));
        });
        let (line, stdout) = said.recv_timeout(PATIENCE).unwrap().unwrap();
        let address =
            line.strip_prefix("listening on http://").unwrap().strip_suffix('\n').unwrap();
        Self { process, stdout, address: address.to_owned() }
    }

    fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn get(&self, account: &str, path: &str) -> Reply {
        self.send("GET", path, &keys(account), b"")
    }

    fn post(&self, account: &str, body: &[u8]) -> Reply {
        self.send("POST", "/v1/subscriptions", &keys(account), body)
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        write!(request, "Connection: close\r\nContent-Length: {}\r\n", body.len()).unwrap();
        request += headers;
        request += "\r\n";
        stream.write_all(&[request.as_bytes(), body].concat()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Reply { status, head: format!("{head}\r\n"), body: body.to_owned() }
    }
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    /// The body of a reply with this status, in JSON.
    fn expect(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("\r\ncontent-type: application/json\r\n"), "{self:?}");
        &self.body
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The task in a reply with this status, indented as in the documentation.
    fn document(&self, status: u16) -> TaskDocument {
        let document = TaskDocument::from_json(self.expect(status).as_bytes()).unwrap();
        assert_eq!(format!("{document:#}"), self.body);
        document
    }

    fn list(&self) -> ListDocument {
        let list = TaskDocument::list_from_json(self.expect(200).as_bytes()).unwrap();
        assert_eq!(format!("{list:#}"), self.body);
        list
    }

    /// The message of an error in the recorded form, byte for byte.
    fn expect_error(&self, status: u16, path: &str) -> String {
        let reason = match status {
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 => "Payload Too Large",
            _ => panic!("expected a status that the server is known to give, got {status}"),
        };
        self.expect(status);
        assert!(self.head.starts_with(&format!("HTTP/1.1 {status} {reason}\r\n")), "{self:?}");
        let error = self.json();
        let (timestamp, message) = (&error["timestamp"], &error["message"]);
        assert_eq!(
            self.body,
            format!(
                r#"{{
  "timestamp": {timestamp},
  "status": {status},
  "error": "{reason}",
  "message": {message},
  "path": "{path}"
}}"#
            )
        );
        let timestamp: Now = timestamp.as_str().unwrap().parse().unwrap();
        assert!((Utc::now() - timestamp).abs() < TimeDelta::from_std(PATIENCE).unwrap());
        let message = message.as_str().unwrap();
        assert!(!message.is_empty(), "{self:?}");
        message.to_owned()
    }
}
