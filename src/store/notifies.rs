//! Hints that there may be work, so that workers need not poll often.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;

use super::Change;
use crate::status::EventKind;

/// The future returned by [`Notifies::notified`].
pub type Notified<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A store that wakes workers when there may be work, whichever thread or process made it.
///
/// These are hints, and no law depends on them. A hint may come although there is no work. It may
/// also be lost, for example with the connection to a database. So a worker also looks for work
/// every few seconds. It then also finds what only the passage of time changes: a task to take over,
/// or room in a lane after an expiry.
///
/// The future resolves for anything that happens after the call of [`notified`](Self::notified), even
/// if the future has not been polled yet. So call `notified` first, then look for work, and await the
/// future if there was none:
///
/// ```
/// use tasklife::*;
///
/// async fn next(
///     store: &(impl AsyncTaskStore + Notifies),
///     now: fn() -> Timestamp,
/// ) -> Result<Claimed, BackendError> {
///     loop {
///         let notified = store.notified();
///         if let Some(claimed) = store.claim(Scope::Any, now()).await? {
///             return Ok(claimed);
///         }
///         notified.await; // with a timeout of a few seconds
///     }
/// }
///
/// let store = Notifying::new(InProcess(MemoryStore::default()));
/// # let _ = next(&store, || MIN_TIME);
/// ```
pub trait Notifies: Send + Sync {
    /// Returns a future that resolves soon after the first event since this call that may have made
    /// work.
    fn notified(&self) -> Notified<'_>;
}

macro_rules! forward_notifies {
    ($($Pointer:ty),+) => { $(
        impl<S: Notifies + ?Sized> Notifies for $Pointer {
            fn notified(&self) -> Notified<'_> {
                (**self).notified()
            }
        }
    )+ };
}

forward_notifies!(&S, Box<S>, Arc<S>);

impl Change {
    /// Returns whether a worker that found nothing to claim may find something after this change: a
    /// task became `received`, or a task ended and made room in its account's lane.
    #[must_use]
    pub const fn may_make_work(&self) -> bool {
        matches!(self.event(), EventKind::Receive | EventKind::Complete | EventKind::Fail)
    }
}
