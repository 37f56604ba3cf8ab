//! A bell that wakes whoever waits for it.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// A bell: whoever waits for it is woken when it rings. What a store's
/// [`Changes`](crate::Changes) are made of.
///
/// Clones share it. It needs no executor.
///
/// ```
/// use tasklife::Bell;
///
/// let bell = Bell::default();
/// let heard = bell.next();
/// bell.ring(); // after `next` was called: it is heard, though nobody waits yet
/// # let mut heard = std::pin::pin!(heard);
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # use std::future::Future;
/// assert!(heard.as_mut().poll(&mut context).is_ready());
/// ```
#[derive(Clone, Default)]
pub struct Bell(Arc<Mutex<Rung>>);

#[derive(Default)]
struct Rung {
    times: u64,
    /// Those who wait, each under a number of its own.
    waiting: Vec<(u64, Waker)>,
    last_number: u64,
}

impl Bell {
    /// Wakes all who wait.
    pub fn ring(&self) {
        let mut rung = self.0.lock();
        rung.times += 1;
        let waiting = core::mem::take(&mut rung.waiting);
        drop(rung);
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// Resolves when the bell has rung since this call.
    pub fn next(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut rung = self.0.lock();
        rung.last_number += 1;
        Next { bell: self.clone(), since: rung.times, number: rung.last_number }
    }

    /// Whether anybody waits: a store that has to look for what rings it need not, where nobody does.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        !self.0.lock().waiting.is_empty()
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rung = self.0.lock();
        let (times, waiting) = (rung.times, rung.waiting.len());
        f.debug_struct("Bell").field("times", &times).field("waiting", &waiting).finish()
    }
}

struct Next {
    bell: Bell,
    since: u64,
    number: u64,
}

impl Future for Next {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waker = context.waker().clone();
        let mut rung = self.bell.0.lock();
        if rung.times != self.since {
            return Poll::Ready(());
        }
        match rung.waiting.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, known)) => core::mem::swap(known, &mut waker),
            None => rung.waiting.push((self.number, waker.clone())),
        }
        // What is dropped may be the last owner of something that waits here, too.
        drop(rung);
        drop(waker);
        Poll::Pending
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        let mut rung = self.bell.0.lock();
        let own = rung.waiting.iter().position(|(number, _)| *number == self.number);
        let own = own.map(|at| rung.waiting.swap_remove(at));
        drop(rung);
        drop(own);
    }
}
