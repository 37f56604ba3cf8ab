//! Hints of other processes, by `LISTEN` and `NOTIFY`.
//!
//! Whoever waits is told over a connection of the store's own, which is made when somebody waits for the first
//! time, and comes back by itself. A notification is sent after the transaction that made the work, not in it:
//! PostgreSQL commits transactions that notify one after the other.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tasklife::Notifier;
use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How often the connection is looked after.
const INTERVAL: Duration = Duration::from_secs(10);

/// The longest pause before it is made again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What hears hints.
pub(crate) struct Listener {
    channel: String,
    /// What the store's own notifications say: it has rung for those already.
    own: String,
    connects: Option<(Config, MakeRustlsConnect)>,
    timeout: Duration,
    notifier: Notifier,
    is_started: Arc<AtomicBool>,
    /// It ends when this is dropped.
    task: Mutex<JoinSet<()>>,
}

impl Listener {
    pub(crate) fn new(
        schema: &str,
        own: String,
        connects: Option<(Config, MakeRustlsConnect)>,
        timeout: Duration,
    ) -> Self {
        let channel = format!("tasklife.{schema}");
        let (notifier, is_started, task) = Default::default();
        Self { channel, own, connects, timeout, notifier, is_started, task }
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// The same hints, heard over a connection of its own.
    pub(crate) fn of_schema(&self, schema: &str, own: String) -> Self {
        Self::new(schema, own, self.connects.clone(), self.timeout)
    }

    /// On which channel, and with which word, others are notified.
    pub(crate) fn notification(&self) -> [&str; 2] {
        [&self.channel, &self.own]
    }

    /// Begins to listen, unless it does.
    pub(crate) fn start(&self) {
        let Some((config, tls)) = &self.connects else { return };
        if self.is_started.swap(true, Ordering::Relaxed) {
            return;
        }
        let started = Started { flag: self.is_started.clone(), notifier: self.notifier.clone() };
        let ear = Ear {
            config: config.clone(),
            tls: tls.clone(),
            // A name in quotes; that of the schema has none.
            listen: format!("LISTEN \"{}\"", self.channel),
            own: self.own.clone(),
            timeout: self.timeout,
            notifier: self.notifier.clone(),
        };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.spawn(async move {
            let _started = started;
            ear.listen().await;
        });
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Dropped, as with the runtime on which it ran: whoever waits then is woken, and begins anew.
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

struct Ear {
    config: Config,
    tls: MakeRustlsConnect,
    listen: String,
    own: String,
    timeout: Duration,
    notifier: Notifier,
}

impl Ear {
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

    /// Listens for as long as the connection lasts; nothing, where there is none.
    async fn listen_once(&self) -> Option<()> {
        let connecting = self.config.connect(self.tls.clone());
        let (client, mut connection) =
            tokio::time::timeout(self.timeout, connecting).await.ok()?.ok()?;
        let (notifier, own) = (self.notifier.clone(), self.own.clone());
        let mut receiving = JoinSet::new();
        receiving.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if matches!(&message, AsyncMessage::Notification(heard) if heard.payload() != own) {
                    notifier.notify();
                }
            }
        });
        let listening = client.batch_execute(&self.listen);
        tokio::time::timeout(self.timeout, listening).await.ok()?.ok()?;
        // What happened before may not have been heard.
        self.notifier.notify();
        while tokio::time::timeout(INTERVAL, receiving.join_next()).await.is_err() {
            // A connection that is dead without a word is noticed so.
            let asked = tokio::time::timeout(self.timeout, client.batch_execute("")).await;
            if !matches!(asked, Ok(Ok(()))) {
                break;
            }
        }
        Some(())
    }
}
