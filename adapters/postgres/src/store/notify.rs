//! Notifications to other processes that there may be work.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio_postgres::types::Type;

use super::PostgresStore;

/// Whether a notification is being sent.
///
/// Only one is sent at a time. A second one follows for all changes that happened meanwhile.
#[derive(Debug, Default)]
pub(super) struct SendState(AtomicU8);

const IDLE: u8 = 0;
const SENDING: u8 = 1;
const SENDING_AND_MORE: u8 = 2;

/// A notification that is being sent.
///
/// If it is dropped before it is done, for instance with its runtime, the next change sends
/// another.
struct Sending {
    store: PostgresStore,
    is_done: bool,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.is_done {
            self.store.shared.sending.0.store(IDLE, Ordering::Release);
        }
    }
}

impl PostgresStore {
    /// Wakes the waiting workers of this process and of others, if there may be work.
    pub(super) fn notify_if(&self, may_make_work: bool) {
        if !may_make_work {
            return;
        }
        self.shared.listener.notifier().notify();
        let state = &self.shared.sending.0;
        let before = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            Some(if state == IDLE { SENDING } else { SENDING_AND_MORE })
        });
        if before != Ok(IDLE) {
            return;
        }
        let mut sending = Sending { store: self.clone(), is_done: false };
        tokio::spawn(async move {
            while !sending.is_done {
                sending.store.notify_others().await;
                let state = &sending.store.shared.sending.0;
                // Changes that happened meanwhile need another notification.
                let was = state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                    Some(if state == SENDING { IDLE } else { SENDING })
                });
                sending.is_done = was == Ok(SENDING);
            }
        });
    }

    /// Notifies other processes. A failure is ignored: without the hint, they poll.
    async fn notify_others(&self) {
        let [channel, sender_id] = self.shared.listener.notification();
        let values = [(&channel as _, Type::TEXT), (&sender_id as _, Type::TEXT)];
        let _ = self.shared.database.query(&self.shared.statements.notify, &values).await;
    }
}
