//! Who calls: an account for each key, with a worker that processes its tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use tasklife::{AccountId, Completion, MemoryStore, Scope, Target, TaskEvent, TaskStore};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until};

use crate::answer::Refusal;
use crate::subscription::next_id;

#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    /// What names the account in documents, where its key has no place.
    pub(crate) number: usize,
    secret: String,
    arrivals: UnboundedSender<Instant>,
}

impl Account {
    /// Tells the worker of a task that has just been accepted.
    pub(crate) fn call_worker(&self) {
        // The worker is there for as long as the account, so that this can't fail.
        let _ = self.arrivals.send(Instant::now());
    }
}

/// The accounts that were seen so far.
pub(crate) struct Accounts {
    store: Arc<MemoryStore>,
    by_key: Mutex<HashMap<AccountId, Account>>,
}

impl Accounts {
    pub(crate) fn new(store: Arc<MemoryStore>) -> Self {
        Self { store, by_key: Mutex::default() }
    }

    /// The account that the headers name. One that is new is opened.
    pub(crate) async fn log_in(&self, headers: &HeaderMap) -> Result<Account, Refusal> {
        let [key, secret] = ["x-api-key", "x-api-secret-key"].map(|name| {
            let text = headers.get(name).and_then(|value| value.to_str().ok());
            text.filter(|text| !text.is_empty())
                .ok_or_else(|| unauthorized(format!("expected the header {name}, in ASCII text")))
        });
        let (key, secret) = (key?, secret?);
        let id: AccountId =
            key.parse().map_err(|fault| unauthorized(format!("x-api-key: {fault}")))?;
        let mut by_key = self.by_key.lock().await;
        let number = by_key.len() + 1;
        let account = by_key.entry(id.clone()).or_insert_with(|| {
            let (arrivals, queue) = unbounded_channel();
            tokio::spawn(work(self.store.clone(), id.clone(), queue));
            Account { id, number, secret: secret.to_owned(), arrivals }
        });
        if account.secret != secret {
            return Err(unauthorized("expected the secret that first came with this x-api-key"));
        }
        Ok(account.clone())
    }
}

fn unauthorized(message: impl Into<String>) -> Refusal {
    (StatusCode::UNAUTHORIZED, message.into())
}

/// Processes a task for each arrival: a second after it, and for a second.
async fn work(
    store: Arc<MemoryStore>,
    account: AccountId,
    mut arrivals: UnboundedReceiver<Instant>,
) {
    const STEP: Duration = Duration::from_secs(1);
    while let Some(arrived) = arrivals.recv().await {
        sleep_until(arrived + STEP).await;
        // Which task, is for the store to say: the one that has waited longest.
        if let Ok(Some(started)) = store.claim(Scope::Account(&account), Utc::now()) {
            sleep(STEP).await;
            let end = TaskEvent::complete(Completion::of(next_id()));
            // Refused only if the task has expired meanwhile, and then nobody misses its end.
            let _ = store.apply(Target::exactly(started.task()), end, Utc::now());
        }
    }
}
