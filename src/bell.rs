//! A bell that wakes whoever waits for it, and a store that rings it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::store::{
    ApplyError, AsyncTaskStore, BackendError, Change, Changed, Changes, Claimed, ListError,
    ListQuery, Page, Scope, StoreFuture, SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// A bell: whoever waits for it is woken when it rings. What a store's [`Changes`] are made of.
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
        let mut rung = self.bell.0.lock();
        if rung.times != self.since {
            return Poll::Ready(());
        }
        match rung.waiting.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => rung.waiting.push((self.number, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        self.bell.0.lock().waiting.retain(|(number, _)| *number != self.number);
    }
}

/// A store that tells its [`Changes`], as far as they are made through it: for stores of one process, such as
/// [`MemoryStore`](crate::MemoryStore).
///
/// Calls take a lock more, if they may have made work.
#[derive(Clone, Debug, Default)]
pub struct Notifying<S> {
    store: S,
    bell: Bell,
}

impl<S> Notifying<S> {
    /// Tells the changes of a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, bell: Bell::default() }
    }

    /// The store itself. What is changed there is not told.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.store
    }

    fn ring_if<X, E>(
        &self,
        answer: Result<X, E>,
        may_make_work: impl Fn(&X) -> bool,
    ) -> Result<X, E> {
        if answer.as_ref().is_ok_and(may_make_work) {
            self.bell.ring();
        }
        answer
    }
}

impl<S: Send + Sync> Changes for Notifying<S> {
    fn changed(&self) -> Changed<'_> {
        Box::pin(self.bell.next())
    }
}

impl<S: AsyncTaskStore> AsyncTaskStore for Notifying<S> {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move {
            let answer = self.store.submit(submission, now).await;
            self.ring_if(answer, |submitted| matches!(submitted, Submitted::New(_)))
        })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move {
            let answer = self.store.apply(target, event, now).await;
            self.ring_if(answer, Change::may_make_work)
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move {
            let answer = self.store.claim(scope, now).await;
            let may_make_work = |claimed: &Claimed| claimed.change().may_make_work();
            self.ring_if(answer, |claimed| claimed.as_ref().is_some_and(may_make_work))
        })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        self.store.get(account, id, now)
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        self.store.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        self.store.sweep(limit, now)
    }
}
