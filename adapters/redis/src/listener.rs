//! Listening for hints from all processes: a subscription on a connection of its own.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSub;
use tasklife::Notifier;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::Redis;
use crate::keys::Prefix;

/// The shortest and the longest pause before a lost subscription is opened again.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How long a subscription may be silent before the connection is checked.
const MAX_SILENCE: Duration = Duration::from_secs(5);

/// The callers that wait for a hint, and the background task that listens for them.
///
/// The task starts when a caller first waits, and ends with the listener.
#[derive(Default)]
pub(crate) struct Listener {
    notifier: Notifier,
    task: Mutex<Option<AbortHandle>>,
}

impl Listener {
    /// Resolves once a hint arrives, or a subscription begins, after this call.
    pub(crate) fn notified<'a>(
        &'a self,
        redis: &'a Redis,
        prefix: &'a Prefix,
    ) -> impl Future<Output = ()> + Send + use<'a> {
        let notified = self.notifier.notified();
        async move {
            self.start(redis, prefix);
            notified.await;
        }
    }

    /// Starts the background task, unless it runs.
    fn start(&self, redis: &Redis, prefix: &Prefix) {
        // Without Tokio there are no hints: callers wait with a timeout of their own.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let listening =
                listen(redis.clone(), prefix.channel(), NotifyOnDrop(self.notifier.clone()));
            *task = Some(runtime.spawn(listening).abort_handle());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// Wakes the waiting callers when the runtime of the background task ends, so that a caller on
/// another runtime starts a new task.
struct NotifyOnDrop(Notifier);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify();
    }
}

async fn listen(redis: Redis, channel: String, on_drop: NotifyOnDrop) {
    let NotifyOnDrop(notifier) = &on_drop;
    let mut pause = MIN_PAUSE;
    loop {
        let begin = Instant::now();
        if let Ok(subscription) = redis.subscribe(&channel).await {
            // Earlier hints may have been missed.
            notifier.notify();
            forward_hints(subscription, redis.timeout(), notifier).await;
        }
        if begin.elapsed() > MAX_PAUSE {
            pause = MIN_PAUSE;
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Notifies at each message, until the connection is lost or a ping is not answered within `limit`.
async fn forward_hints(subscription: PubSub, limit: Duration, notifier: &Notifier) {
    let (mut requests, mut messages) = subscription.split();
    loop {
        match timeout(MAX_SILENCE, messages.next()).await {
            Ok(Some(_)) => notifier.notify(),
            Ok(None) => return,
            Err(_) => {
                let answer = timeout(limit, requests.ping::<redis::Value>()).await;
                if !matches!(answer, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}
