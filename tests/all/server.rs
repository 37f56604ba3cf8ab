//! The example server to copy, as a client meets it: over HTTP/1.1, as a process of its own.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tasklife::{Progress, TaskDocument, TaskStatus};

use crate::support::{Program, Reply, Scratch, program};

const UNKNOWN: &str = "36d4b04d-72d4-4404-8600-a223120a553e";

#[test]
fn a_task_is_submitted_once_and_followed_to_its_end() {
    let server = Server::start(&[]);
    let keyed = "Idempotency-Key: order-7f3a\r\n";
    let [first, again] = [0, 1].map(|_| server.post(keyed, r#"{"name": "test"}"#));
    assert_eq!(first.document(202).task_id(), again.document(202).task_id());
    assert_eq!(server.post(keyed, r#"{"name": "other"}"#).error(422), "/v1/subscriptions");
    let path = first.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/v1/tasks/{}", first.document(202).task_id()));

    let mut seen = Vec::new();
    let ended = server.follow(&path, |task| {
        seen.extend(task.progress().map(Progress::percent));
    });
    seen.dedup();
    assert!(seen.is_sorted() && seen.len() >= 3, "{seen:?}");
    let task = ended.document(200);
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingCompleted));
    let resource = task.response().unwrap().resource_id().unwrap();
    let link = task.link("resource").unwrap().href();
    assert_eq!(link, format!("/v1/subscriptions/{resource}"));

    let known = format!("If-None-Match: {}\r\n", ended.header("etag").unwrap());
    let same = server.get(&path, &known);
    assert_eq!((same.status, &*same.body), (304, ""));
    assert_eq!(server.get(&path, "If-None-Match: \"0\"\r\n").status, 200);
    let list = server.get("/v1/tasks", "");
    assert_eq!(TaskDocument::list_from_json(list.body.as_bytes()).unwrap().tasks(), [task]);
}

#[test]
fn a_task_fails_as_asked_and_tasks_of_an_account_wait_for_each_other() {
    let server = Server::start(&[]);
    let paths = [r#"{"fail": true}"#, "{}"].map(|body| {
        let accepted = server.post("", body);
        accepted.header("location").unwrap().to_owned()
    });
    let failed = server.follow(&paths[0], |_| {});
    let error = failed.document(200).response().unwrap().error().unwrap().code().map(str::to_owned);
    assert_eq!(error.as_deref(), Some("SUBSCRIPTION_NOT_CREATED"));
    let completed = server.follow(&paths[1], |_| {}).document(200);
    let apart = completed.timestamp() - failed.document(200).timestamp();
    assert!(apart >= chrono::TimeDelta::seconds(1), "all its steps come after the other: {apart}");
    assert_eq!(completed.status().known(), Some(TaskStatus::ProcessingCompleted));

    let page = server.get("/v1/tasks?limit=1", "");
    assert_eq!(TaskDocument::list_from_json(page.body.as_bytes()).unwrap().tasks(), [completed]);
    let next = page.header("link").unwrap().strip_prefix('<').unwrap().split_once('>').unwrap().0;
    assert!(server.get(next, "").body.contains("processing-error"));
}

#[test]
fn every_refusal_has_the_same_form() {
    let server = Server::start(&[]);
    let one = server.post("", "{}").header("location").unwrap().to_owned();
    for path in ["/v1/tasks", "/v1/tasks/7", &one] {
        assert_eq!(server.send("GET", path, "", "").error(401), path);
    }
    assert_eq!(server.send("GET", &one, "x-api-key: umbrella\r\n", "").error(404), one);
    for path in ["/v1/tasks/7", "/v1/tasks/%FF", "/v1/tasks/", "/v1/nothing", "/"] {
        assert_eq!(server.get(path, "").error(404), path);
    }
    let [unknown, malformed] = [UNKNOWN, "7"].map(|id| {
        let reply = server.get(&format!("/v1/tasks/{id}"), "");
        serde_json::from_str::<Value>(&reply.body).unwrap()["message"].clone()
    });
    assert_eq!(unknown, malformed);
    assert_eq!(server.send("DELETE", &one, "x-api-key: acme\r\n", "").error(405), one);
    let too_long = format!("{{}}{}", " ".repeat(1 << 20));
    for (status, body) in [(400, ""), (400, "[]"), (413, &too_long), (413, &too_long.repeat(2))] {
        assert_eq!(server.post("", body).error(status), "/v1/subscriptions");
    }
    assert_eq!(server.get("/v1/tasks?limit=0", "").error(400), "/v1/tasks");
}

#[cfg(unix)]
#[test]
fn a_task_in_progress_outlives_a_restart() {
    let snapshot = Scratch::new("restart");
    let options = ["--takeover-after", "1", "--snapshot", snapshot.path()];
    let mut server = Server::start(&options);
    let path = server.post("", "{}").header("location").unwrap().to_owned();
    while server.get(&path, "").document(200).progress().is_none() {
        sleep(Duration::from_millis(20));
    }
    assert_eq!(server.0.stop("-INT"), Some(0));
    assert_eq!(attempts(&snapshot), 1);

    let mut server = Server::start(&options);
    let task = server.get(&path, "").document(200);
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingInProgress));
    let task = server.follow(&path, |_| {}).document(200);
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingCompleted));
    assert_eq!(server.0.stop("-TERM"), Some(0));
    assert_eq!(attempts(&snapshot), 2);
}

#[cfg(unix)]
#[test]
fn it_stops_whatever_is_open() {
    let mut server = Server::start(&[]);
    let _silent = server.0.connect();
    let mut half = server.0.connect();
    half.write_all(b"POST /v1/subscriptions HTTP/1.1\r\nHost:").unwrap();
    assert_eq!(server.0.stop("-INT"), Some(0));
}

#[test]
fn a_snapshot_that_is_none_is_left_as_it_is() {
    let snapshot = Scratch::new("none");
    fs::write(&snapshot.0, "{").unwrap();
    let path = snapshot.path();
    let options = ["--listen", "127.0.0.1:0", "--snapshot", path];
    let refused = Command::new(program("server")).args(options).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.starts_with(&format!("{path}: EOF while parsing")), "{message}");
    assert_eq!(fs::read(&snapshot.0).unwrap(), b"{");
}

/// How often the one task in a snapshot was started or taken over.
fn attempts(snapshot: &Scratch) -> u64 {
    let saved: Value = serde_json::from_slice(&fs::read(&snapshot.0).unwrap()).unwrap();
    saved["tasks"]["accounts"][0]["tasks"][0]["attempts"].as_u64().unwrap()
}

/// A server, and what its client asks.
struct Server(Program);

impl Server {
    fn start(options: &[&str]) -> Self {
        Self(Program::start("server", options))
    }

    /// Reads a task until it has ended, and gives the last answer.
    fn follow(&self, path: &str, mut see: impl FnMut(&TaskDocument)) -> Reply {
        for _ in 0..500 {
            let reply = self.get(path, "");
            let task = reply.document(200);
            if task.status().is_terminal() {
                return reply;
            }
            see(&task);
            sleep(Duration::from_millis(20));
        }
        panic!("expected {path} to end within 10 seconds");
    }

    fn get(&self, path: &str, headers: &str) -> Reply {
        self.send("GET", path, &format!("x-api-key: acme\r\n{headers}"), "")
    }

    fn post(&self, headers: &str, body: &str) -> Reply {
        self.send("POST", "/v1/subscriptions", &format!("x-api-key: acme\r\n{headers}"), body)
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        self.0.send(method, path, headers, body.as_bytes())
    }
}
