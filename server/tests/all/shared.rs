//! Assertions about servers on a store that several of them share.

use std::process::Command;

use tasklife::TaskStatus;

use crate::client::{PROGRAM, Server};

/// Asserts that two servers share a store: whichever a client asks, it gets the same task, answer
/// and list.
pub(crate) fn assert_shared([one, other]: &[Server; 2]) {
    let key = "Idempotency-Key: order-7f3a\r\n";
    let first = one.post(key, r#"{"name": "test"}"#);
    let again = other.post(key, r#"{"name": "test"}"#);
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.document(202).task_id(), again.document(202).task_id());
    assert_eq!(other.post(key, r#"{"name": "other"}"#).status, 422);
    let ended = other.follow(first.header("location").unwrap(), |_| {}).document(200);
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
    assert_eq!(one.get("/v1/tasks", "").body, other.get("/v1/tasks", "").body);
}

/// Asserts that another server on the same store takes over the task of a killed one.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) fn assert_taken_over(start: impl Fn() -> Server) {
    use std::thread::sleep;
    use std::time::Duration;

    let mut one = start();
    let path = one.post("", "{}").header("location").unwrap().to_owned();
    while one.get(&path, "").document(200).progress().is_none() {
        sleep(Duration::from_millis(20));
    }
    one.0.process.kill().unwrap();
    let other = start();
    let task = other.get(&path, "").document(200);
    assert_eq!(task.status().known(), Some(TaskStatus::ProcessingInProgress));
    let ended = other.follow(&path, |_| {}).document(200);
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
}

/// Asserts that a server refuses to start on this store, and returns the message.
pub(crate) fn start_error(store: &str) -> String {
    let options = ["--listen", "127.0.0.1:0", "--store", store];
    let refused = Command::new(PROGRAM).args(options).output().unwrap();
    assert_eq!((refused.status.code(), &*refused.stdout), (Some(1), &b""[..]));
    String::from_utf8(refused.stderr).unwrap()
}
