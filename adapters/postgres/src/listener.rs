//! Hints from other processes, by `LISTEN` and `NOTIFY`.
//!
//! The store listens on a separate connection. It opens it when a caller first waits, and reopens
//! it when it is lost. Notifications are sent after the transaction that made the work and not
//! inside it, because PostgreSQL commits transactions that notify one at a time.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tasklife::Notifier;
use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How often the connection is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// The longest pause before the connection is reopened.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Listens for hints, and wakes the waiting workers of this process.
pub(crate) struct Listener {
    channel: String,
    /// The payload of this store's own notifications. It ignores them, because it has already woken
    /// its workers.
    sender_id: String,
    /// Where to listen; `None` if listening is disabled.
    listens_at: Option<(Config, MakeRustlsConnect)>,
    timeout: Duration,
    notifier: Notifier,
    is_started: Arc<AtomicBool>,
    /// The task that listens. It ends when this is dropped.
    task: Mutex<JoinSet<()>>,
}

impl Listener {
    pub(crate) fn new(
        schema: &str,
        sender_id: String,
        listens_at: Option<(Config, MakeRustlsConnect)>,
        timeout: Duration,
    ) -> Self {
        let channel = format!("tasklife.{schema}");
        let (notifier, is_started, task) = Default::default();
        Self { channel, sender_id, listens_at, timeout, notifier, is_started, task }
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Creates the listener of another schema, with the same settings and a connection of its own.
    pub(crate) fn of_schema(&self, schema: &str, sender_id: String) -> Self {
        Self::new(schema, sender_id, self.listens_at.clone(), self.timeout)
    }

    /// Returns the channel and the payload of notifications to other processes.
    pub(crate) fn notification(&self) -> [&str; 2] {
        [&self.channel, &self.sender_id]
    }

    /// Starts to listen, unless listening is disabled or has started.
    pub(crate) fn start(&self) {
        let Some((config, tls)) = &self.listens_at else { return };
        if self.is_started.swap(true, Ordering::Relaxed) {
            return;
        }
        let started = Started { flag: self.is_started.clone(), notifier: self.notifier.clone() };
        let subscription = Subscription {
            config: config.clone(),
            tls: tls.clone(),
            // The name needs no escapes: a schema name contains no quotes.
            listen: format!("LISTEN \"{}\"", self.channel),
            sender_id: self.sender_id.clone(),
            timeout: self.timeout,
            notifier: self.notifier.clone(),
        };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.spawn(async move {
            let _started = started;
            subscription.listen().await;
        });
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// A guard of the task that listens.
///
/// If it is dropped, for instance with the task's runtime, it wakes all waiting workers. The next
/// call that waits starts to listen again.
struct Started {
    flag: Arc<AtomicBool>,
    notifier: Notifier,
}

impl Drop for Started {
    fn drop(&mut self) {
        self.flag.store(false, Ordering::Relaxed);
        self.notifier.notify();
    }
}

/// What the task that listens needs.
struct Subscription {
    config: Config,
    tls: MakeRustlsConnect,
    listen: String,
    sender_id: String,
    timeout: Duration,
    notifier: Notifier,
}

impl Subscription {
    /// Listens for ever, and reopens the connection when it is lost.
    async fn listen(&self) {
        let mut pause = Duration::from_millis(20);
        loop {
            if self.listen_once().await.is_some() {
                pause = Duration::from_millis(20);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listens until the connection is lost. Returns `None` if it could not be opened.
    async fn listen_once(&self) -> Option<()> {
        let connecting = self.config.connect(self.tls.clone());
        let (client, mut connection) =
            tokio::time::timeout(self.timeout, connecting).await.ok()?.ok()?;
        let (notifier, sender_id) = (self.notifier.clone(), self.sender_id.clone());
        let mut receiving = JoinSet::new();
        receiving.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if matches!(&message, AsyncMessage::Notification(hint) if hint.payload() != sender_id) {
                    notifier.notify();
                }
            }
        });
        let listening = client.batch_execute(&self.listen);
        tokio::time::timeout(self.timeout, listening).await.ok()?.ok()?;
        // A hint before this moment may have been missed.
        self.notifier.notify();
        while tokio::time::timeout(CHECK_INTERVAL, receiving.join_next()).await.is_err() {
            // An empty statement detects a connection that died silently.
            let answer = tokio::time::timeout(self.timeout, client.batch_execute("")).await;
            if !matches!(answer, Ok(Ok(()))) {
                break;
            }
        }
        Some(())
    }
}
