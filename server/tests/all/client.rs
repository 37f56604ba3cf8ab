//! A running server, and requests to it.

use std::thread::sleep;
use std::time::Duration;

use tasklife::{TaskDocument, TaskStatus};
use tasklife_test_support::{Program, Reply};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tasklife-server");

/// A server in a process of its own.
pub(crate) struct Server(pub(crate) Program);

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self(Program::start(PROGRAM, options))
    }

    /// Reads a task until it has ended, and returns the last answer. Calls `observe` with each
    /// state before the end.
    pub(crate) fn follow(&self, path: &str, mut observe: impl FnMut(&TaskDocument)) -> Reply {
        for _ in 0..500 {
            let reply = self.get(path, "");
            let task = reply.document(200);
            if task.status().is_terminal() {
                return reply;
            }
            observe(&task);
            sleep(Duration::from_millis(20));
        }
        panic!("expected {path} to end within 10 seconds");
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> Reply {
        self.send("GET", path, &format!("x-api-key: acme\r\n{headers}"), "")
    }

    pub(crate) fn post(&self, headers: &str, body: &str) -> Reply {
        self.send("POST", "/v1/subscriptions", &format!("x-api-key: acme\r\n{headers}"), body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        self.0.send(method, path, headers, body.as_bytes())
    }
}

/// Asserts that two servers share a store: whichever a client asks, it gets the same task, answer
/// and list.
#[cfg_attr(
    not(any(feature = "sqlite", feature = "redis")),
    expect(dead_code, reason = "no store is shared")
)]
pub(crate) fn assert_shared([one, other]: &[Server; 2]) {
    let keyed = "Idempotency-Key: order-7f3a\r\n";
    let first = one.post(keyed, r#"{"name": "test"}"#);
    let again = other.post(keyed, r#"{"name": "test"}"#);
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.document(202).task_id(), again.document(202).task_id());
    assert_eq!(other.post(keyed, r#"{"name": "other"}"#).status, 422);
    let ended = other.follow(first.header("location").unwrap(), |_| {}).document(200);
    assert_eq!(ended.status().known(), Some(TaskStatus::ProcessingCompleted));
    assert_eq!(one.get("/v1/tasks", "").body, other.get("/v1/tasks", "").body);
}
