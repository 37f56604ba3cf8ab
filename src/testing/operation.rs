//! Store calls with resolved arguments, and their answers.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::pin::pin;
use core::task::{Context, Poll};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use super::history::id_number;
use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::store::{
    ApplyError, AsyncTaskStore, BackendError, Change, Claimed, ListError, ListQuery, Page, Scope,
    SubmitError, Submitted, Swept, Target,
};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

/// An executor that runs the futures of the store under test.
///
/// [`CurrentThread`] implements it for stores that need no runtime. The macro
/// [`conformance!`](crate::conformance) implements it from its parameter `block_on`.
pub trait BlockOn: Sync {
    /// Runs a future to completion and returns its output.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// An executor that polls a future on the current thread, and parks the thread while it waits.
///
/// Use it for stores whose futures need no runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrentThread;

impl BlockOn for CurrentThread {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        struct Unpark(Thread);

        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }

        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// A call of a store method.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Submit(Submission),
    Apply { account: AccountId, id: TaskId, exactly: Option<Task>, event: TaskEvent },
    Claim(Option<AccountId>),
    Get { account: AccountId, id: TaskId },
    List { account: AccountId, query: ListQuery },
    Sweep { limit: usize },
}

/// The answer to a call.
#[derive(Debug)]
pub(super) enum Response {
    Submit(Result<Submitted, SubmitError>),
    Apply(Result<Change, ApplyError>),
    Claim(Result<Option<Claimed>, BackendError>),
    Get(Result<Option<Task>, BackendError>),
    List(Result<Page, ListError>),
    Sweep(Result<Swept, BackendError>),
}

impl Operation {
    /// Makes the call.
    pub(super) async fn call(&self, store: &impl AsyncTaskStore, now: Timestamp) -> Response {
        match self {
            Self::Submit(submission) => {
                Response::Submit(store.submit(submission.clone(), now).await)
            }
            Self::Apply { event, .. } => {
                Response::Apply(store.apply(self.target(), event.clone(), now).await)
            }
            Self::Claim(account) => {
                Response::Claim(store.claim(scope(account.as_ref()), now).await)
            }
            Self::Get { account, id } => Response::Get(store.get(account, *id, now).await),
            Self::List { account, query } => Response::List(store.list(account, query, now).await),
            Self::Sweep { limit } => Response::Sweep(store.sweep(*limit, now).await),
        }
    }

    /// Returns the target of an event.
    ///
    /// # Panics
    ///
    /// Panics if the call is not an `apply`.
    pub(super) fn target(&self) -> Target<'_> {
        match self {
            Self::Apply { exactly: Some(task), .. } => Target::exactly(task),
            Self::Apply { account, id, .. } => Target::latest(account, *id),
            _ => unreachable!("only `apply` has a target"),
        }
    }

    /// Returns the account of the call, unless it is over all accounts.
    pub(super) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Submit(submission) => Some(submission.account()),
            Self::Apply { account, .. }
            | Self::Get { account, .. }
            | Self::List { account, .. } => Some(account),
            Self::Claim(account) => account.as_ref(),
            Self::Sweep { .. } => None,
        }
    }

    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::List { .. })
    }
}

pub(super) fn scope(account: Option<&AccountId>) -> Scope<'_> {
    account.map_or(Scope::Any, Scope::Account)
}

impl Response {
    /// Returns the task that the call created or changed.
    pub(super) fn changed(&self) -> Option<&Task> {
        match self {
            Self::Submit(Ok(Submitted::New(task))) => Some(task),
            Self::Apply(Ok(change)) => Some(change.task()),
            Self::Claim(Ok(Some(claimed))) => Some(claimed.change().task()),
            _ => None,
        }
    }

    /// Describes the answer for a message.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Submit(result) => summary_of_submit(result),
            Self::Apply(result) => summary_of_apply(result),
            Self::Claim(Ok(Some(claimed))) => summary_of_change(claimed.change()),
            Self::Claim(Ok(None)) | Self::Get(Ok(None)) => "none".into(),
            Self::Claim(Err(error)) | Self::Get(Err(error)) | Self::Sweep(Err(error)) => {
                format!("refused: {error}")
            }
            Self::Get(Ok(Some(task))) => summary(task),
            Self::List(Ok(page)) => {
                let tasks: alloc::vec::Vec<_> = page.tasks().iter().map(summary).collect();
                let more = if page.next().is_some() { ", more" } else { "" };
                format!("[{}]{more}, revision {}", tasks.join("; "), page.revision())
            }
            Self::List(Err(error)) => format!("refused: {error}"),
            Self::Sweep(Ok(swept)) => format!("{swept:?}"),
        }
    }
}

pub(super) fn summary_of_submit(result: &Result<Submitted, SubmitError>) -> String {
    match result {
        Ok(Submitted::New(task)) => format!("new: {}", summary(task)),
        Ok(Submitted::Existing(task)) => format!("existing: {}", summary(task)),
        Err(error) => format!("refused: {error}"),
    }
}

pub(super) fn summary_of_apply(result: &Result<Change, ApplyError>) -> String {
    match result {
        Ok(change) => summary_of_change(change),
        Err(error) => format!("refused: {error}"),
    }
}

fn summary_of_change(change: &Change) -> String {
    format!("{} by {}: {}", change.from(), change.event(), summary(change.task()))
}

/// Describes a task for a message: account, number of the id, status and revision.
pub(super) fn summary(task: &Task) -> String {
    let number = id_number(task.id());
    format!("{}/{number} {} @{}", task.account(), task.status(), task.revision())
}
