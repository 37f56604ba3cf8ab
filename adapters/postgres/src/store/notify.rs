//! Telling other processes that there may be work.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio_postgres::types::Type;

use super::PostgresStore;

/// Whether a notification is on its way: one at a time, and another after it for all that came meanwhile.
#[derive(Debug, Default)]
pub(super) struct Notifier(AtomicU8);

const IDLE: u8 = 0;
const SENDING: u8 = 1;
const SENDING_AND_MORE: u8 = 2;

/// A notification on its way. Dropped before it is done, as with the runtime on which it ran, the next one is sent anew.
struct Sending {
    store: PostgresStore,
    is_done: bool,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.is_done {
            self.store.shared.notifier.0.store(IDLE, Ordering::Release);
        }
    }
}

impl PostgresStore {
    /// Tells whoever waits, in this process and in others, that there may be work, if so.
    pub(super) fn tell_if(&self, may_make_work: bool) {
        if !may_make_work {
            return;
        }
        self.shared.listener.notifier().notify();
        let state = &self.shared.notifier.0;
        let before = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            Some(if state == IDLE { SENDING } else { SENDING_AND_MORE })
        });
        if before != Ok(IDLE) {
            return;
        }
        let mut sending = Sending { store: self.clone(), is_done: false };
        tokio::spawn(async move {
            while !sending.is_done {
                sending.store.notify().await;
                let state = &sending.store.shared.notifier.0;
                // What came meanwhile is told of once more.
                let was = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                    Some(if state == SENDING { IDLE } else { SENDING })
                });
                sending.is_done = was == Ok(SENDING);
            }
        });
    }

    /// One that is lost costs a poll.
    async fn notify(&self) {
        let [channel, own] = self.shared.listener.notification();
        let values = [(&channel as _, Type::TEXT), (&own as _, Type::TEXT)];
        let _ = self.shared.database.query(&self.shared.statements.notify, &values).await;
    }
}
