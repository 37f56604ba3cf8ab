//! Wakes waiting futures.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Wakes waiting futures. Use it to implement [`Notifies`](crate::Notifies) for a store.
///
/// Clones are handles to the same notifier. It works with any executor.
///
/// ```
/// use tasklife::Notifier;
///
/// let notifier = Notifier::default();
/// let notified = notifier.notified();
/// notifier.notify(); // `notified` has not been polled yet, but it resolves all the same
/// # let mut notified = std::pin::pin!(notified);
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # use std::future::Future;
/// assert!(notified.as_mut().poll(&mut context).is_ready());
/// ```
#[derive(Clone, Default)]
pub struct Notifier(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How often `notify` was called.
    times: u64,
    /// The wakers of the waiting futures, each with its future's number.
    waiting: Vec<(u64, Waker)>,
    last_number: u64,
}

impl Notifier {
    /// Resolves every future that [`notified`](Self::notified) has returned so far.
    pub fn notify(&self) {
        let mut state = self.0.lock();
        state.times += 1;
        let waiting = core::mem::take(&mut state.waiting);
        drop(state);
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// Returns a future that resolves at the first [`notify`](Self::notify) after this call, even
    /// if that comes before the future is first polled.
    pub fn notified(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut state = self.0.lock();
        state.last_number += 1;
        Notified { notifier: self.clone(), since: state.times, number: state.last_number }
    }

    /// Returns whether any future that has been polled still waits. If none does, a store need not
    /// look for changes.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        !self.0.lock().waiting.is_empty()
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        let (times, waiting) = (state.times, state.waiting.len());
        f.debug_struct("Notifier").field("times", &times).field("waiting", &waiting).finish()
    }
}

struct Notified {
    notifier: Notifier,
    since: u64,
    number: u64,
}

impl Future for Notified {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waker = context.waker().clone();
        let mut state = self.notifier.0.lock();
        if state.times != self.since {
            return Poll::Ready(());
        }
        match state.waiting.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, known)) => core::mem::swap(known, &mut waker),
            None => state.waiting.push((self.number, waker.clone())),
        }
        // Drop the old waker only after unlocking: it may own another `Notified` of this notifier.
        drop(state);
        drop(waker);
        Poll::Pending
    }
}

impl Drop for Notified {
    fn drop(&mut self) {
        let mut state = self.notifier.0.lock();
        let own = state.waiting.iter().position(|(number, _)| *number == self.number);
        let own = own.map(|at| state.waiting.swap_remove(at));
        drop(state);
        drop(own);
    }
}
