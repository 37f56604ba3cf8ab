//! A store whose answers get lost, and a worker with either kind of lease on it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tasklife::{
    AccountId, ApplyError, AsyncLease, AsyncTaskStore, BackendError, Change, Claimed, Lease,
    LeaseError, ListError, ListQuery, MemoryStore, Page, Scope, StoreFuture, Submission,
    SubmitError, Submitted, Swept, Target, Task, TaskEvent, TaskId, TaskStore, Timestamp,
};

/// What goes wrong when an event is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The event isn't applied, and the answer says so.
    NotApplied,
    /// The event isn't applied, and no answer comes.
    LostBefore,
    /// The event is applied, and no answer comes.
    LostAfter,
    /// Another call comes before the event.
    After(fn(&MemoryStore)),
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }
}

/// A store in memory with faults for the next events.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) memory: MemoryStore,
    faults: Mutex<VecDeque<Fault>>,
    applied: Mutex<Vec<Change>>,
    asked: AtomicUsize,
}

impl From<MemoryStore> for Flaky {
    fn from(memory: MemoryStore) -> Self {
        let (faults, applied, asked) = Default::default();
        Self { memory, faults, applied, asked }
    }
}

impl Flaky {
    /// Sets the faults of the next events. The events after them have none.
    pub(crate) fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.faults.lock().unwrap() = faults.into_iter().collect();
    }

    /// Returns how many events the store was asked to apply.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Returns what was applied since the last call of this method, whether the worker knows it or
    /// not.
    pub(crate) fn take_applied(&self) -> Vec<Change> {
        std::mem::take(&mut *self.applied.lock().unwrap())
    }

    /// Returns the answer, unless it is lost.
    fn try_apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Option<Result<Change, ApplyError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(Fault::NotApplied) => {
                return Some(Err(BackendError::not_applied("no connection").into()));
            }
            Some(Fault::LostBefore) => return None,
            Some(Fault::After(interrupt)) => interrupt(&self.memory),
            Some(Fault::LostAfter) | None => {}
        }
        let answer = self.memory.apply(target, event, now);
        self.applied.lock().unwrap().extend(answer.as_ref().ok().cloned());
        (fault != Some(Fault::LostAfter)).then_some(answer)
    }
}

impl TaskStore for Flaky {
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
        self.memory.submit(submission, now)
    }

    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError> {
        let lost = || Err(BackendError::unknown("the connection was cut").into());
        self.try_apply(target, event, now).unwrap_or_else(lost)
    }

    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        self.memory.claim(scope, now)
    }

    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError> {
        self.memory.get(account, id, now)
    }

    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        self.memory.list(account, query, now)
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
        self.memory.sweep(limit, now)
    }
}

impl AsyncTaskStore for Flaky {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move { self.memory.submit(submission, now) })
    }

    /// If the answer is lost, the future never resolves.
    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move {
            match self.try_apply(target, event, now) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move { self.memory.claim(scope, now) })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move { self.memory.get(account, id, now) })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(async move { self.memory.list(account, query, now) })
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(async move { self.memory.sweep(limit, now) })
    }
}

/// The kind of a worker's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Blocking,
    Asynchronous,
}

/// A worker with a lease of either kind.
#[derive(Debug)]
pub(crate) enum Worker<'a> {
    Blocking(Lease<&'a Flaky>),
    Asynchronous(AsyncLease<&'a Flaky>),
}

impl<'a> Worker<'a> {
    pub(crate) fn of(kind: Kind, store: &'a Flaky, claimed: Claimed) -> Option<Self> {
        match kind {
            Kind::Blocking => Lease::of(store, claimed).map(Self::Blocking),
            Kind::Asynchronous => AsyncLease::of(store, claimed).map(Self::Asynchronous),
        }
    }

    /// Applies an event. If the answer doesn't come, the future is dropped.
    pub(crate) fn apply(&mut self, event: TaskEvent, now: Timestamp) -> Result<Change, LeaseError> {
        match self {
            Self::Blocking(lease) => lease.apply(event, now),
            Self::Asynchronous(lease) => polled_once(lease.apply(event, now))
                .unwrap_or_else(|| Err(BackendError::unknown("the future was dropped").into())),
        }
    }

    pub(crate) fn task(&self) -> &Task {
        match self {
            Self::Blocking(lease) => lease.task(),
            Self::Asynchronous(lease) => lease.task(),
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        match self {
            Self::Blocking(lease) => lease.is_held(),
            Self::Asynchronous(lease) => lease.is_held(),
        }
    }
}

/// Polls a future once, and returns its result if it is ready.
pub(crate) fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}
