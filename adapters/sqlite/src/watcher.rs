//! The thread that detects writes of other processes while a worker waits.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rusqlite::Connection;
use tasklife::Notifier;

use crate::thread::Thread;

/// The time between two checks.
const INTERVAL: Duration = Duration::from_millis(10);

/// The handle of the thread. When it is dropped, the thread ends and closes its connection.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Nothing is sent on it. The thread ends when it is closed.
    _end: Sender<()>,
    _thread: Thread,
}

impl Watcher {
    /// Starts the thread. It polls SQLite's counter of the commits of other connections.
    pub(crate) fn start(connection: Connection, notifier: Notifier) -> std::io::Result<Self> {
        let (end, ended) = channel();
        let thread = Thread::start("tasklife-sqlite-watcher", move || {
            watch(&connection, &notifier, &ended);
        })?;
        Ok(Self { _end: end, _thread: thread })
    }
}

fn watch(connection: &Connection, notifier: &Notifier, ended: &Receiver<()>) {
    let mut seen = None;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
        if !notifier.has_waiters() {
            continue;
        }
        let version = connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_one([], |row| row.get::<_, i64>(0)));
        // After a failure, the next check finds the same change.
        if let Ok(version) = version
            && seen.replace(version) != Some(version)
        {
            notifier.notify();
        }
    }
}
