//! A store that gives way: so that calls come between its steps.

use core::cell::Cell;
use core::future::poll_fn;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Poll;
use core::time::Duration;
use std::thread;

use alloc::boxed::Box;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::store::{
    ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope,
    StoreFuture, SubmitError, Submitted, Swept, Target, TaskStore,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

/// A store that gives way to other calls before and after each of its own, as one over a network does.
///
/// Whatever is built on a store (a cache, a log) can race between the store's answer and what it makes of
/// the answer. Put this store in place of the real one below it, and the [suite](super::Suite) makes other
/// calls just there.
///
/// - An [`AsyncTaskStore`] lets others go on at an `.await`: the suite decides who does, finds the race in
///   every run, and prints it as a history that [replays](super::History::interleaved).
/// - A [`TaskStore`] lets its thread sleep, for some microseconds and now longer, now shorter, while the
///   suite makes calls on several threads: a race is likely to show, not certain.
///
/// ```
/// use tasklife::testing::{Law, Park, Suite, Yielding};
/// use tasklife::{AsyncTaskStore, InProcess, MemoryStore};
///
/// /// Stands for a cache of one's own.
/// fn cache_of<S: AsyncTaskStore>(inner: S) -> S {
///     inner
/// }
///
/// let suite = Suite::new().with_cases(50);
/// suite.check(Law::S13, |config| cache_of(Yielding(InProcess(MemoryStore::new(config)))), &Park)?;
/// # Ok::<(), Box<tasklife::testing::Breach>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Yielding<S>(pub S);

/// Lets others go on once.
async fn give_way() {
    let mut has_waited = false;
    poll_fn(move |context| {
        if core::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An answer, with others before and after it.
fn yielding<'a, T: Send + 'a, E: Send + 'a>(
    call: impl FnOnce() -> StoreFuture<'a, T, E> + Send + 'a,
) -> StoreFuture<'a, T, E> {
    Box::pin(async move {
        give_way().await;
        let answer = call().await;
        give_way().await;
        answer
    })
}

impl<S: AsyncTaskStore> AsyncTaskStore for Yielding<S> {
    fn submit(&self, submission: Submission, now: Now) -> StoreFuture<'_, Submitted, SubmitError> {
        yielding(move || self.0.submit(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Now,
    ) -> StoreFuture<'a, Change, ApplyError> {
        yielding(move || self.0.apply(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Now,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        yielding(move || self.0.claim(scope, now))
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Now,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        yielding(move || self.0.get(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Now,
    ) -> StoreFuture<'a, Page, ListError> {
        yielding(move || self.0.list(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Now) -> StoreFuture<'_, Swept, BackendError> {
        yielding(move || self.0.sweep(limit, now))
    }
}

std::thread_local! {
    /// Whether the suite makes calls on other threads meanwhile.
    static IS_ONE_OF_SEVERAL: Cell<bool> = const { Cell::new(false) };
}

/// Does work of one thread among several: a [`Yielding`] store that it calls gives way to the others.
pub(super) fn beside_others<T>(work: impl FnOnce() -> T) -> T {
    let was = IS_ONE_OF_SEVERAL.replace(true);
    let done = work();
    IS_ONE_OF_SEVERAL.set(was);
    done
}

/// Makes a call, with those of other threads before and after it, where there are some.
///
/// A thread that only yields goes on at once where the scheduler finds that its time isn't up, as one of a
/// single core mostly does. One that sleeps makes way for certain, and with times that differ, the threads
/// wake in ever other orders.
fn with_pauses<T>(call: impl FnOnce() -> T) -> T {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let pause = || {
        if IS_ONE_OF_SEVERAL.get() {
            let times = COUNT.fetch_add(1, Ordering::Relaxed) * 7 % 5;
            thread::sleep(Duration::from_micros(20 * times));
        }
    };
    pause();
    let answer = call();
    pause();
    answer
}

impl<S: TaskStore> TaskStore for Yielding<S> {
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
        with_pauses(|| self.0.submit(submission, now))
    }

    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
        with_pauses(|| self.0.apply(target, event, now))
    }

    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
        with_pauses(|| self.0.claim(scope, now))
    }

    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
        with_pauses(|| self.0.get(account, id, now))
    }

    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
        with_pauses(|| self.0.list(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
        with_pauses(|| self.0.sweep(limit, now))
    }
}
