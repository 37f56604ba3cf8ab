//! The server on the store in memory: its answers, stops and crashes.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tasklife::{Progress, TaskDocument, TaskStatus};

use tasklife_test_support::{Program, Scratch};

use crate::client::{PROGRAM, Server};

const UNKNOWN: &str = "36d4b04d-72d4-4404-8600-a223120a553e";

#[test]
fn a_task_is_submitted_once_and_followed_to_its_end() {
    let server = Server::start(&[]);
    let key = "Idempotency-Key: order-7f3a\r\n";
    let [first, again] = [0, 1].map(|_| server.post(key, r#"{"name": "test"}"#));
    assert_eq!(first.document(202).task_id(), again.document(202).task_id());
    assert_eq!([&first, &again].map(|r| r.header("idempotent-replayed")), [None, Some("true")]);
    let reformatted = server.post(key, "{ \"name\" :\"test\" }");
    assert_eq!(first.document(202).task_id(), reformatted.document(202).task_id());
    assert_eq!(server.post(key, r#"{"name": "other"}"#).error(422), "/v1/subscriptions");
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
    let link = task.link("resource").unwrap().href().unwrap();
    assert_eq!(link, format!("/v1/subscriptions/{resource}"));

    let known = format!("If-None-Match: {}\r\n", ended.header("etag").unwrap());
    let same = server.get(&path, &known);
    assert_eq!((same.status, &*same.body), (304, ""));
    assert_eq!(server.get(&path, "If-None-Match: \"0\"\r\n").status, 200);
    let list = server.get("/v1/tasks", "");
    assert_eq!(TaskDocument::list_from_json(list.body.as_bytes()).unwrap().tasks(), [task]);
}

#[test]
fn a_task_fails_on_request_and_an_account_has_one_task_in_progress() {
    let server = Server::start(&[]);
    let paths = [r#"{"fail": true}"#, "{}"].map(|body| {
        let accepted = server.post("", body);
        accepted.header("location").unwrap().to_owned()
    });
    let failed = server.follow(&paths[0], |_| {});
    let error = failed.document(200).response().unwrap().error().unwrap().code().map(str::to_owned);
    assert_eq!(error.as_deref(), Some("SUBSCRIPTION_NOT_CREATED"));
    let completed = server.follow(&paths[1], |_| {}).document(200);
    let interval = completed.timestamp().unwrap() - failed.document(200).timestamp().unwrap();
    assert!(interval >= chrono::TimeDelta::seconds(1), "it starts after the other: {interval}");
    assert_eq!(completed.status().known(), Some(TaskStatus::ProcessingCompleted));

    let page = server.get("/v1/tasks?limit=1", "");
    assert_eq!(TaskDocument::list_from_json(page.body.as_bytes()).unwrap().tasks(), [completed]);
    let next = page.header("link").unwrap().strip_prefix('<').unwrap().split_once('>').unwrap().0;
    assert!(server.get(next, "").body.contains("processing-error"));
}

#[test]
fn every_error_has_the_same_form() {
    let server = Server::start(&[]);
    let one = server.post("", "{}").header("location").unwrap().to_owned();
    for path in ["/v1/tasks", "/v1/tasks/7", &one] {
        let refused = server.send("GET", path, "", "");
        assert_eq!(refused.error(401), path);
        assert_eq!(refused.header("www-authenticate"), Some("ApiKey"));
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
fn a_task_in_progress_survives_a_restart() {
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
fn a_signal_stops_the_server_despite_open_connections() {
    let mut server = Server::start(&[]);
    let _silent = server.0.connect();
    let mut half = server.0.connect();
    half.write_all(b"POST /v1/subscriptions HTTP/1.1\r\nHost:").unwrap();
    assert_eq!(server.0.stop("-INT"), Some(0));
}

/// Starts a server that appends its stderr to a file.
fn start_logged(options: &[&str], log: &Scratch) -> Server {
    let stderr = fs::File::options().create(true).append(true).open(log.path()).unwrap();
    Server(Program::spawn(Command::new(PROGRAM).args(options).stderr(stderr)))
}

#[test]
fn a_crash_loses_changes_since_the_last_save_and_the_next_start_reports_it() {
    let (snapshot, log) = (Scratch::new("crash"), Scratch::new("crash-log"));
    let options = ["--snapshot", snapshot.path(), "--save-every", "1", "--takeover-after", "1"];
    let saved = |path: &str| fs::read_to_string(snapshot.path()).unwrap().contains(&path[10..]);
    let mut server = start_logged(&options, &log);
    let kept = server.post("", "{}").header("location").unwrap().to_owned();
    for _ in 0..500 {
        if saved(&kept) {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    assert!(saved(&kept), "expected the task in the file within ten seconds");
    assert_eq!(fs::read_to_string(log.path()).unwrap(), "", "the first start reports nothing");
    server.0.process.kill().unwrap();
    server.0.process.wait().unwrap();

    // The tasks in the file continue. Every change since it was written is lost.
    let server = start_logged(&options, &log);
    let message = fs::read_to_string(log.path()).unwrap();
    assert!(
        message.starts_with(&format!("{}: the last run did not stop in order", snapshot.path())),
        "{message}"
    );
    assert!(message.contains(" are lost"), "{message}");
    let done = server.follow(&kept, |_| {}).document(200);
    assert_eq!(done.status().known(), Some(TaskStatus::ProcessingCompleted));
}

#[cfg(unix)]
#[test]
fn a_start_from_a_file_that_was_in_use_reports_the_loss() {
    let (snapshot, log) = (Scratch::new("twice"), Scratch::new("twice-log"));
    let options = ["--snapshot", snapshot.path(), "--save-every", "1000", "--takeover-after", "1"];
    let mut server = start_logged(&options, &log);
    let path = server.post("", "{}").header("location").unwrap().to_owned();
    assert_eq!(server.0.stop("-TERM"), Some(0));
    let mut server = start_logged(&options, &log);
    let seen = server.follow(&path, |_| {});
    assert_eq!(fs::read_to_string(log.path()).unwrap(), "", "an orderly stop loses nothing");
    let lost = server.post("", "{}").header("location").unwrap().to_owned();
    server.0.process.kill().unwrap();
    server.0.process.wait().unwrap();

    let server = start_logged(&options, &log);
    let message = fs::read_to_string(log.path()).unwrap();
    assert!(message.contains("are lost"), "{message}");
    assert_eq!(server.get(&lost, "").status, 404);
    // The task is back at a state before its end. A client that saw the end must not get a 304.
    let known = format!("If-None-Match: {}\r\n", seen.header("etag").unwrap());
    let reply = server.get(&path, &known);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!reply.document(200).status().is_terminal(), "{reply:?}");
}

#[test]
fn a_panic_in_the_work_fails_only_its_task() {
    let log = Scratch::new("panic-log");
    let server = start_logged(&[], &log);
    let panics = [(); 3].map(|()| server.post("", r#"{"panic": true}"#));
    let last = server.post("", "{}").header("location").unwrap().to_owned();
    for accepted in panics {
        let failed = server.follow(accepted.header("location").unwrap(), |_| {}).document(200);
        assert_eq!(failed.status().known(), Some(TaskStatus::ProcessingError));
        let error = failed.response().unwrap().error().unwrap();
        assert_eq!(error.code(), Some("INTERNAL_ERROR"));
        assert!(!error.description().unwrap().contains("panic"), "the client learns no details");
    }
    let done = server.follow(&last, |_| {}).document(200);
    assert_eq!(done.status().known(), Some(TaskStatus::ProcessingCompleted));
    assert!(fs::read_to_string(log.path()).unwrap().contains("asked for a panic"));
}

#[test]
fn an_invalid_snapshot_is_refused_and_left_unchanged() {
    let snapshot = Scratch::new("none");
    fs::write(snapshot.path(), "{").unwrap();
    let path = snapshot.path();
    let options = ["--listen", "127.0.0.1:0", "--snapshot", path];
    let refused = Command::new(PROGRAM).args(options).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.starts_with(&format!("{path}: EOF while parsing")), "{message}");
    assert_eq!(fs::read(snapshot.path()).unwrap(), b"{");
}

#[test]
fn an_unsupported_store_is_refused() {
    for (options, message) in [
        (&["--store", "postgres://127.0.0.1"][..], "--store: "),
        (&["--store", "memory"], "--store: "),
        (&["--save-every", "1"], "--snapshot <FILE>"),
        (&["--store", "redis://127.0.0.1", "--snapshot", "x.json"], "--snapshot <FILE>"),
    ] {
        let mut command = Command::new(PROGRAM);
        let refused = command.args(["--listen", "127.0.0.1:0"]).args(options).output().unwrap();
        assert!(!refused.status.success(), "{options:?}");
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains(message), "{message}: {text}");
    }
}

/// Returns the attempts of the only task in a snapshot.
fn attempts(snapshot: &Scratch) -> u64 {
    let saved: Value = serde_json::from_slice(&fs::read(snapshot.path()).unwrap()).unwrap();
    saved["tasks"]["accounts"][0]["tasks"][0]["attempts"].as_u64().unwrap()
}

#[test]
fn the_server_answers_in_the_formats_of_other_apis() {
    let azure = Server::start(&["--format", "azure"]);
    let accepted = azure.post("Prefer: wait=30\r\n", r#"{"name": "test"}"#);
    let monitor: Value = serde_json::from_str(&accepted.body).unwrap();
    assert_eq!(monitor["status"], "Succeeded", "the server waits with the answer: {monitor}");
    let location = accepted.header("operation-location").unwrap();
    assert!(location.starts_with("http://127.0.0.1:"), "{location}");
    let resource = monitor["resourceLocation"].as_str().unwrap();
    let path = &resource[resource.find("/v1/").unwrap()..];
    let read: Value = serde_json::from_str(&azure.get(path, "").body).unwrap();
    assert_eq!(read["name"], "test");
    assert_eq!(azure.get("/v1/subscriptions/7", "").status, 404);

    let google = Server::start(&["--format", "google"]);
    let accepted = google.post("Prefer: respond-async\r\n", r#"{"fail": true}"#);
    assert_eq!(
        (accepted.status, accepted.header("preference-applied")),
        (200, Some("respond-async"))
    );
    let operation: Value = serde_json::from_str(&accepted.body).unwrap();
    assert_eq!(operation["done"], false);
    let path = format!("/v1/{}", operation["name"].as_str().unwrap());
    let ended = google.get(&path, "Prefer: wait=30\r\n");
    let operation: Value = serde_json::from_str(&ended.body).unwrap();
    assert_eq!((&operation["done"], &operation["error"]["code"]), (&true.into(), &3.into()));

    let arm = Server::start(&["--format", "azure-resource-manager"]);
    let accepted = arm.post("", "{}");
    let location = accepted.header("location").unwrap();
    let path = &location[location.find("/v1/").unwrap()..];
    assert_eq!(arm.get(path, "").status, 202);
    let done = arm.get(path, "Prefer: wait=30\r\n");
    assert_eq!(done.status, 200, "{}", done.body);
    let resource: Value = serde_json::from_str(&done.body).unwrap();
    assert_eq!(resource["properties"]["provisioningState"], "Succeeded");
}
