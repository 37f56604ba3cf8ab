//! Hints that there may be work: so that a worker need not ask all the time.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;

use super::Change;
use crate::status::EventKind;

/// What a worker waits for that found nothing to do: see [`Changes`].
pub type Changed<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A store that tells when there may be work again, whoever made it: another thread, or another process.
///
/// These are hints: no law rests on them. One may come for nothing, and one may be lost, as a notification
/// of a server is with its connection. So a worker also looks every few seconds; that is how it notices what
/// only a clock changes, too: a task that is to be taken over, or a lane that an expiry frees.
///
/// What happens after [`changed`](Self::changed) was called, its future hears of, polled or not. So a worker
/// calls it before it looks for work, and waits for it if there was none:
///
/// ```
/// use tasklife::{AsyncTaskStore, BackendError, Changes, Claimed, InProcess, MemoryStore, Notifying, Scope};
///
/// async fn next(store: &(impl AsyncTaskStore + Changes), now: fn() -> tasklife::Now) -> Result<Claimed, BackendError> {
///     loop {
///         let changed = store.changed();
///         if let Some(claimed) = store.claim(Scope::Any, now()).await? {
///             return Ok(claimed);
///         }
///         changed.await; // or a few seconds, whichever ends first
///     }
/// }
///
/// let store = Notifying::new(InProcess(MemoryStore::default()));
/// # let _ = next(&store, || tasklife::MIN_TIME);
/// ```
pub trait Changes: Send + Sync {
    /// Resolves soon after something has happened since this call that may have made work.
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
    /// Whether a worker that found nothing to do may find something after this change: a task was
    /// received, or one that ended has made room in its account's lane.
    #[must_use]
    pub const fn may_make_work(&self) -> bool {
        matches!(self.event(), EventKind::Receive | EventKind::Complete | EventKind::Fail)
    }
}
