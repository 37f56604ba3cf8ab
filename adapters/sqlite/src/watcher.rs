//! The thread that looks whether another process has written, while somebody waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rusqlite::Connection;
use tasklife::Notifier;

use crate::thread::Thread;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(10);

/// The thread. It ends, and closes its connection, when this is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Nothing is sent: that it is closed is heard.
    _end: Sender<()>,
    _thread: Thread,
}

impl Watcher {
    /// Starts it. It looks at the connection's counter of what other connections have committed.
    pub(crate) fn start(connection: Connection, notifier: Notifier) -> std::io::Result<Self> {
        let (end, ended) = channel();
        let thread = Thread::start("tasklife-sqlite-watcher", move || {
            watch(&connection, &notifier, &ended)
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
        // Hints may be lost: what fails is looked at again.
        if let Ok(version) = version
            && seen.replace(version) != Some(version)
        {
            notifier.notify();
        }
    }
}
