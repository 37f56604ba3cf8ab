//! A store that lets other calls run before and after each of its calls.

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
use crate::time::Timestamp;

/// A store that yields to other callers before and after each call, as a store over a network does.
///
/// Use it to find races in code that wraps a store, such as a cache or a log. Such code can race
/// between the answer of the inner store and what it does with that answer. Put a `YieldingStore`
/// around the inner store, and check the wrapper with the [suite](super::Suite).
///
/// - As an [`AsyncTaskStore`], it yields at an `.await`. The suite chooses which thread runs next,
///   so a race shows in every run. It is printed as a history that
///   [replays](super::History::interleaved).
/// - As a [`TaskStore`], it puts its thread to sleep for up to 80 microseconds while the suite
///   makes calls on several threads. A race is likely to show, but not certain.
///
/// # Examples
///
/// ```
/// use tasklife::testing::{CurrentThread, Law, Suite, YieldingStore};
/// use tasklife::{AsyncTaskStore, InProcess, MemoryStore};
///
/// // Replace this by your own wrapper.
/// fn cached<S: AsyncTaskStore>(inner: S) -> S {
///     inner
/// }
///
/// let make = |config| cached(YieldingStore(InProcess(MemoryStore::new(config))));
/// Suite::new().with_cases(50).check(Law::S13, make, &CurrentThread)?;
/// # Ok::<(), Box<tasklife::testing::Violation>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct YieldingStore<S>(pub S);

/// Returns to the executor once, so that other futures can run.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(move |context| {
        if core::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Makes a call, and yields before and after it.
fn with_yields<'a, T: Send + 'a, E: Send + 'a>(
    call: impl FnOnce() -> StoreFuture<'a, T, E> + Send + 'a,
) -> StoreFuture<'a, T, E> {
    Box::pin(async move {
        yield_now().await;
        let answer = call().await;
        yield_now().await;
        answer
    })
}

impl<S: AsyncTaskStore> AsyncTaskStore for YieldingStore<S> {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        with_yields(move || self.0.submit(submission, now))
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        with_yields(move || self.0.apply(target, event, now))
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        with_yields(move || self.0.claim(scope, now))
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        with_yields(move || self.0.get(account, id, now))
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        with_yields(move || self.0.list(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        with_yields(move || self.0.sweep(limit, now))
    }
}

std::thread_local! {
    /// Whether the suite makes calls on other threads at the same time.
    static HAS_CONCURRENT_THREADS: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on one of several threads. A [`YieldingStore`] that it calls sleeps before and after
/// each call.
pub(super) fn with_concurrent_threads<T>(work: impl FnOnce() -> T) -> T {
    let was = HAS_CONCURRENT_THREADS.replace(true);
    let output = work();
    HAS_CONCURRENT_THREADS.set(was);
    output
}

/// Makes a call, and sleeps before and after it if there are concurrent threads.
///
/// `yield_now` isn't enough: the scheduler, above all on a single core, often lets the same thread
/// continue. Times that differ make the threads wake in different orders.
fn with_pauses<T>(call: impl FnOnce() -> T) -> T {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let pause = || {
        if HAS_CONCURRENT_THREADS.get() {
            let factor = COUNT.fetch_add(1, Ordering::Relaxed) * 7 % 5;
            thread::sleep(Duration::from_micros(20 * factor));
        }
    };
    pause();
    let answer = call();
    pause();
    answer
}

impl<S: TaskStore> TaskStore for YieldingStore<S> {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        with_pauses(|| self.0.submit(submission, now))
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        with_pauses(|| self.0.apply(target, event, now))
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        with_pauses(|| self.0.claim(scope, now))
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        with_pauses(|| self.0.get(account, id, now))
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        with_pauses(|| self.0.list(account, query, now))
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        with_pauses(|| self.0.sweep(limit, now))
    }
}
