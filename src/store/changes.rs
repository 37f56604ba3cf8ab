//! Hints that there may be work, so that workers need not poll.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;

use super::Change;
use crate::status::EventKind;

/// The future returned by [`Changes::changed`].
pub type Changed<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A store that wakes workers when there may be work, whichever thread or process made it.
///
/// These are hints, and no law depends on them. A hint may come although there is no work. It may
/// also be lost, for example with the connection to a database. So a worker also looks for work
/// every few seconds. It then also finds what only the passage of time changes: a task to take over,
/// or room in a lane after an expiry.
///
/// The future resolves for anything that happens after the call of [`changed`](Self::changed), even
/// if the future has not been polled yet. So call `changed` first, then look for work, and await the
/// future if there was none:
///
/// ```
/// use tasklife::*;
///
/// async fn next(
///     store: &(impl AsyncTaskStore + Changes),
///     now: fn() -> Now,
/// ) -> Result<Claimed, BackendError> {
///     loop {
///         let changed = store.changed();
///         if let Some(claimed) = store.claim(Scope::Any, now()).await? {
///             return Ok(claimed);
///         }
///         changed.await; // with a timeout of a few seconds
///     }
/// }
///
/// let store = Notifying::new(InProcess(MemoryStore::default()));
/// # let _ = next(&store, || MIN_TIME);
/// ```
pub trait Changes: Send + Sync {
    /// Returns a future that resolves soon after the first event since this call that may have made
    /// work.
    fn changed(&self) -> Changed<'_>;
}

macro_rules! forward_changes {
    ($($Pointer:ty),+) => { $(
        impl<S: Changes + ?Sized> Changes for $Pointer {
            fn changed(&self) -> Changed<'_> {
                (**self).changed()
            }
        }
    )+ };
}

forward_changes!(&S, Box<S>, Arc<S>);

impl Change {
    /// Returns whether a worker that found nothing to claim may find something after this change: a
    /// task became `received`, or a task ended and made room in its account's lane.
    #[must_use]
    pub const fn may_make_work(&self) -> bool {
        matches!(self.event(), EventKind::Receive | EventKind::Complete | EventKind::Fail)
    }
}
