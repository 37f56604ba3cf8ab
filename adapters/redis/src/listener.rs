//! Hearing of work that whoever made: a subscription on a connection of its own.

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

/// How long a lost subscription stays lost, at least and at the most, where it can come back.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// After how long a silence the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(5);

/// Those who wait, and the task that hears for them, from when one of them first does.
#[derive(Default)]
pub(crate) struct Listener {
    notifier: Notifier,
    task: Mutex<Option<AbortHandle>>,
}

impl Listener {
    /// Resolves when something was heard after this call, or a subscription began after it.
    pub(crate) fn next<'a>(
        &'a self,
        redis: &'a Redis,
        prefix: &'a Prefix,
    ) -> impl Future<Output = ()> + Send + use<'a> {
        let next = self.notifier.notified();
        async move {
            self.start(redis, prefix);
            next.await;
        }
    }

    /// Starts to listen, unless it does.
    fn start(&self, redis: &Redis, prefix: &Prefix) {
        // On another executor there is nothing to hear with: whoever waits looks now and then.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let listening =
                listen(redis.clone(), prefix.channel(), NotifyAtEnd(self.notifier.clone()));
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

/// Whoever still waits when the task's runtime ends, on another one, starts another task.
struct NotifyAtEnd(Notifier);

impl Drop for NotifyAtEnd {
    fn drop(&mut self) {
        self.0.notify();
    }
}

async fn listen(redis: Redis, channel: String, end: NotifyAtEnd) {
    let NotifyAtEnd(notifier) = &end;
    let (shortest, longest) = PAUSES;
    let mut pause = shortest;
    loop {
        let begin = Instant::now();
        if let Ok(subscription) = redis.subscribe(&channel).await {
            // What came before was not heard.
            notifier.notify();
            hear(subscription, redis.timeout(), notifier).await;
        }
        if begin.elapsed() > longest {
            pause = shortest;
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// Rings at each message, until the connection is lost, or whoever is asked gives no answer in time.
async fn hear(subscription: PubSub, patience: Duration, notifier: &Notifier) {
    let (mut requests, mut messages) = subscription.split();
    loop {
        match timeout(SILENCE, messages.next()).await {
            Ok(Some(_)) => notifier.notify(),
            Ok(None) => return,
            Err(_) => {
                let answer = timeout(patience, requests.ping::<redis::Value>()).await;
                if !matches!(answer, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}
