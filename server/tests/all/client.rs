//! A running server, and requests to it.

use std::thread::sleep;
use std::time::Duration;

use tasklife::TaskDocument;
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
