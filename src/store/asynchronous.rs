//! The contract of [`TaskStore`] in futures, for stores whose calls take time.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;

use super::{
    ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope, SubmitError,
    Submitted, Swept, Target, TaskStore,
};
use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

/// The future returned by the methods of [`AsyncTaskStore`]. It is boxed so that the trait can be
/// used as `dyn`.
pub type StoreFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A store of tasks whose calls take time, such as a store across a network: the contract, methods
/// and laws of [`TaskStore`], in futures.
///
/// If your server may outgrow one process, write it against this trait from the start, and wrap the
/// store in memory in [`InProcess`]. Changing to a distributed store is then a change of one line.
///
/// As with every future, nothing happens before you poll it. If you drop a future that has been
/// polled and isn't ready, the call may or may not have been applied, as with
/// [`BackendError::unknown`].
///
/// ```
/// use std::sync::Arc;
/// use tasklife::{AsyncTaskStore, InProcess, MemoryStore};
///
/// let store: Arc<dyn AsyncTaskStore> = Arc::new(InProcess(MemoryStore::default()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `AsyncTaskStore`",
    note = "if it is a `TaskStore`, such as `MemoryStore`, wrap it: `InProcess(store)`"
)]
pub trait AsyncTaskStore: Send + Sync {
    /// See [`TaskStore::submit`].
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError>;

    /// See [`TaskStore::apply`].
    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError>;

    /// See [`TaskStore::claim`].
    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError>;

    /// See [`TaskStore::get`].
    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError>;

    /// See [`TaskStore::list`].
    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError>;

    /// See [`TaskStore::sweep`].
    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError>;
}

/// Makes a [`TaskStore`] an [`AsyncTaskStore`]. Each future makes its call when it is first polled,
/// and is then ready.
///
/// If you also need methods of the store itself, such as
/// [`MemoryStore::snapshot`](crate::MemoryStore::snapshot), share it: `InProcess(store.clone())`,
/// where `store` is an `Arc<MemoryStore>`.
///
/// Use this for stores that don't block, such as [`MemoryStore`](crate::MemoryStore). A store that
/// blocks on a disk or a network would hold up the executor. Call it on another thread instead, by
/// whatever means your executor has. With tokio:
///
/// ```
/// use std::sync::Arc;
/// use tasklife::*;
/// use tokio::task::spawn_blocking;
///
/// /// Makes a store that blocks an asynchronous one.
/// struct Blocking<S>(Arc<S>);
///
/// impl<S: TaskStore + 'static> Blocking<S> {
///     fn call<'a, T: Send + 'static, E: From<BackendError> + Send + 'static>(
///         &'a self,
///         call: impl FnOnce(&S) -> Result<T, E> + Send + 'static,
///     ) -> StoreFuture<'a, T, E> {
///         let store = self.0.clone();
///         Box::pin(async {
///             let called = spawn_blocking(move || call(&store)).await;
///             // The thread may have applied something before it panicked.
///             called.unwrap_or_else(|lost| Err(BackendError::unknown(lost).into()))
///         })
///     }
/// }
///
/// impl<S: TaskStore + 'static> AsyncTaskStore for Blocking<S> {
///     fn submit(
///         &self,
///         submission: Submission,
///         now: Timestamp,
///     ) -> StoreFuture<'_, Submitted, SubmitError> {
///         self.call(move |store| store.submit(submission, now))
///     }
///
///     fn apply<'a>(
///         &'a self,
///         target: Target<'a>,
///         event: TaskEvent,
///         now: Timestamp,
///     ) -> StoreFuture<'a, Change, ApplyError> {
///         let (account, id) = (target.account().clone(), target.id());
///         let revision = target.revision();
///         self.call(move |store| {
///             let target = match revision {
///                 Some(revision) => Target::at(&account, id, revision),
///                 None => Target::latest(&account, id),
///             };
///             store.apply(target, event, now)
///         })
///     }
///
///     fn claim<'a>(
///         &'a self,
///         scope: Scope<'a>,
///         now: Timestamp,
///     ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
///         let account = match scope {
///             Scope::Account(account) => Some(account.clone()),
///             Scope::Any => None,
///         };
///         self.call(move |store| {
///             store.claim(account.as_ref().map_or(Scope::Any, Scope::Account), now)
///         })
///     }
///
///     fn get<'a>(
///         &'a self,
///         account: &'a AccountId,
///         id: TaskId,
///         now: Timestamp,
///     ) -> StoreFuture<'a, Option<Task>, BackendError> {
///         let account = account.clone();
///         self.call(move |store| store.get(&account, id, now))
///     }
///
///     fn list<'a>(
///         &'a self,
///         account: &'a AccountId,
///         query: &'a ListQuery,
///         now: Timestamp,
///     ) -> StoreFuture<'a, Page, ListError> {
///         let (account, query) = (account.clone(), query.clone());
///         self.call(move |store| store.list(&account, &query, now))
///     }
///
///     fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
///         self.call(move |store| store.sweep(limit, now))
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// #     let store: Arc<dyn AsyncTaskStore> = Arc::new(Blocking(Arc::new(MemoryStore::default())));
/// #     assert!(store.claim(Scope::Any, MIN_TIME).await.unwrap().is_none());
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InProcess<S>(pub S);

impl<S: TaskStore> AsyncTaskStore for InProcess<S> {
    fn submit(
        &self,
        submission: Submission,
        now: Timestamp,
    ) -> StoreFuture<'_, Submitted, SubmitError> {
        Box::pin(async move { self.0.submit(submission, now) })
    }

    fn apply<'a>(
        &'a self,
        target: Target<'a>,
        event: TaskEvent,
        now: Timestamp,
    ) -> StoreFuture<'a, Change, ApplyError> {
        Box::pin(async move { self.0.apply(target, event, now) })
    }

    fn claim<'a>(
        &'a self,
        scope: Scope<'a>,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Claimed>, BackendError> {
        Box::pin(async move { self.0.claim(scope, now) })
    }

    fn get<'a>(
        &'a self,
        account: &'a AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> StoreFuture<'a, Option<Task>, BackendError> {
        Box::pin(async move { self.0.get(account, id, now) })
    }

    fn list<'a>(
        &'a self,
        account: &'a AccountId,
        query: &'a ListQuery,
        now: Timestamp,
    ) -> StoreFuture<'a, Page, ListError> {
        Box::pin(async move { self.0.list(account, query, now) })
    }

    fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
        Box::pin(async move { self.0.sweep(limit, now) })
    }
}

macro_rules! forward_async_task_store {
    ($($Pointer:ty),+) => { $(
        impl<S: AsyncTaskStore + ?Sized> AsyncTaskStore for $Pointer {
            fn submit(&self, submission: Submission, now: Timestamp) -> StoreFuture<'_, Submitted, SubmitError> {
                (**self).submit(submission, now)
            }

            fn apply<'a>(&'a self, target: Target<'a>, event: TaskEvent, now: Timestamp) -> StoreFuture<'a, Change, ApplyError> {
                (**self).apply(target, event, now)
            }

            fn claim<'a>(&'a self, scope: Scope<'a>, now: Timestamp) -> StoreFuture<'a, Option<Claimed>, BackendError> {
                (**self).claim(scope, now)
            }

            fn get<'a>(&'a self, account: &'a AccountId, id: TaskId, now: Timestamp) -> StoreFuture<'a, Option<Task>, BackendError> {
                (**self).get(account, id, now)
            }

            fn list<'a>(&'a self, account: &'a AccountId, query: &'a ListQuery, now: Timestamp) -> StoreFuture<'a, Page, ListError> {
                (**self).list(account, query, now)
            }

            fn sweep(&self, limit: usize, now: Timestamp) -> StoreFuture<'_, Swept, BackendError> {
                (**self).sweep(limit, now)
            }
        }
    )+ };
}

forward_async_task_store!(&S, Box<S>, Arc<S>);
