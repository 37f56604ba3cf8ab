//! The store's contract: six methods, and the laws that every backend obeys.

mod asynchronous;
mod call;
mod census;
mod changes;
mod config;
mod error;
mod page;
mod query;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Now;

pub use asynchronous::{AsyncTaskStore, InProcess, StoreFuture};
pub use call::{Change, Claimed, Scope, Submitted, Swept, Target};
pub use census::Census;
pub use changes::{Changed, Changes};
pub use config::StoreConfig;
pub use error::{ApplyError, BackendError, ListError, SubmitError};
pub use page::Page;
pub use query::{Cursor, CursorError, ListQuery};

/// A store of tasks: what a backend implements, and a server uses.
///
/// It can be shared between threads and used as `dyn TaskStore`. A store whose backend is a
/// network away implements [`AsyncTaskStore`] instead: the same contract in futures.
///
/// # Contract
///
/// `now` is the caller's time. A store has a *horizon*: the latest `now` that any sweep was called
/// with, or the expiry of a task that a full store dropped to make room, if that is later. A task is
/// *visible* while the later of `now` and the horizon is before its
/// [`expires_at`](Task::expires_at); what is invisible is *due* to be swept.
///
/// ## Order and paging
/// - **S1** A list is in descending order of revision. The order is total, and `updated_at` never
///   increases along it.
/// - **S2** A page has as many tasks as asked for, or as are left, if fewer; and a next cursor
///   exactly where more follows.
/// - **S3** Paging through a store at rest, at one `now`, gives each visible task exactly once,
///   whatever the page size.
/// - **S4** Paging while others write: each task that did not change (and was visible at every
///   page's `now`) appears exactly once, and each that changed is, if still visible, in "changed
///   since the first page's revision", asked without a status filter. Nothing is lost between the
///   two.
/// - **S5** A status filter and "changed since" give exactly the matching tasks in the same order.
///   A cursor continues at its place even if its task has moved, expired or gone. A malformed one,
///   or one from another account or filter, is an error; a forged one only starts elsewhere in
///   one's own list.
///
/// ## Life and death
/// - **S6** A task is visible as said above by `get`, `list`, `apply`, `claim` and `submit` alike,
///   swept or not, from the return of its submission on.
/// - **S7** No call drops what is visible at that call's own `now`. For a submission that it accepts,
///   a full store makes room: of the tasks that are invisible at that `now`, it drops the one that
///   expired first, and the horizon moves to its expiry, if that is later. So a clock that is ahead
///   costs one task, not all. Where every task is visible, the store refuses and drops nothing. (A store in memory
///   of which the [bytes](StoreConfig::with_max_bytes) are limited drops as many as it takes, for an event with a
///   large outcome too, and refuses where that is not enough.)
/// - **S8** Reads change nothing.
/// - **S9** After its end a task never changes again. A refused call changes nothing, not even
///   order or counters.
/// - **S10** Each accepted event, the submission included, gives its task a revision greater than
///   any that the account gave out before; gaps mean nothing. Two reads of a task at the same
///   revision are equal. A submission over an expired id makes a new task. A store may forget an
///   account whose last task it dropped, its latest update time included, but for this law. The
///   revision of a page is at least that of every task on it and below every later one.
///
/// ## Accounts and lanes
/// - **S11** No call with one account shows, counts, changes or refuses anything because of
///   another (the store's total limit, the turns of `claim` and gaps in revisions excepted), and
///   another account's id looks like one that never was.
/// - **S12** An account's *lane* is its limit of tasks in progress. A `Start` is accepted only if fewer than
///   [`max_in_progress`](StoreConfig::with_max_in_progress) visible tasks of the account are in
///   progress at that `now`. `claim` starts an account's received tasks in the order in which they
///   became `received`. A task that ends or expires frees its place.
///
/// ## Concurrency
/// - **S13** Per account, every history of concurrent calls is equal to some order of them one
///   after the other; of several writers with the same expected revision at most one wins. A call
///   over all accounts is a sequence of such steps.
///
/// # Clocks
///
/// Times keep their nanoseconds, in the store and on the way there and back. Clocks of several
/// servers may differ; the laws hold all the same. A `now` in the far future is still a mistake to
/// avoid: an event with one holds the account's later update times there, and delays takeover, until
/// the clocks have caught up; a sweep with one is for good.
///
/// # What a store may lose
///
/// A store that lost what it acknowledged last, as a process does that is restored from an earlier
/// snapshot, goes on from what it has. It must not give out a revision again that it may have given
/// out since: a worker that saw the lost future is then told so ([`Stale`](ApplyError::Stale), or
/// [`NotFound`](ApplyError::NotFound) where the task itself is lost), never matched by accident.
/// [`Revision::unreached_by`](crate::Revision::unreached_by) is where to go on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `TaskStore`",
    note = "a store in futures (`AsyncTaskStore`), such as one that is a network away, is no `TaskStore`"
)]
pub trait TaskStore: Send + Sync {
    /// Accepts a submission under the id that the caller chose.
    ///
    /// The same id with the [same command type and input](Submission::is_repeat_of) gives the task that
    /// is there ([`Submitted::Existing`]), even in a full store: a request can safely be repeated. A
    /// submission over the id of an expired task takes its place, and needs no room in the store.
    /// Otherwise a full store makes room, where it can: law S7.
    ///
    /// # Errors
    /// The first that applies of [`Conflict`](SubmitError::Conflict),
    /// [`InputTooLarge`](SubmitError::InputTooLarge), [`Expired`](SubmitError::Expired),
    /// [`StoreFull`](SubmitError::StoreFull), [`AccountFull`](SubmitError::AccountFull). Or the
    /// backend fails.
    fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError>;

    /// Applies one event: reads the task, checks, writes, in one atomic step.
    ///
    /// # Errors
    /// The first that applies of [`NotFound`](ApplyError::NotFound),
    /// [`Stale`](ApplyError::Stale), [`Transition`](ApplyError::Transition),
    /// [`OutputTooLarge`](ApplyError::OutputTooLarge), [`LaneBusy`](ApplyError::LaneBusy),
    /// [`StoreFull`](ApplyError::StoreFull). Or the backend fails.
    fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError>;

    /// Hands out a task to work on, if there is one.
    ///
    /// From one account: a task in progress that is
    /// [due to be taken over](StoreConfig::takeover_due), the one with the lowest revision first,
    /// lane full or not, recorded as a wordless report ([`Task::take_over`]); otherwise, where
    /// there is room in the lane, the task that has been `received` longest, started.
    ///
    /// A task that is due to be taken over and has had [all its
    /// attempts](StoreConfig::with_max_attempts) is not handed out: in its place the call ends it in
    /// `processing-error`, with [`TaskError::too_many_attempts`](crate::TaskError::too_many_attempts),
    /// and says so ([`Claimed::GivenUp`]). That counts as a turn of its account.
    ///
    /// From [any](Scope::Any) account: the accounts take turns. No account is served twice while
    /// another has something to hand out throughout.
    ///
    /// `None` says that there is nothing to hand out at this `now`: nothing waits, or the lanes are
    /// full. A submission, the end of a task, an expiry or a silence can change that, so a worker
    /// looks again after the first two, and now and then for the others. A worker that ends a task
    /// also wakes another one: its own next task may be of another account.
    ///
    /// A worker that dies leaves its task in progress; so does a process that restarts. The task is
    /// handed out again once it has been [silent for long](StoreConfig::with_takeover_after): 30 minutes,
    /// unless set. A worker holds what it was handed out by a [`Lease`](crate::Lease), which finds that out.
    ///
    /// # Errors
    /// Where the backend fails.
    fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError>;

    /// Reads a task of an account.
    ///
    /// # Errors
    /// Where the backend fails.
    fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError>;

    /// Reads a page of an account's list, latest update first.
    ///
    /// # Errors
    /// Where the cursor is not of this account and filter, or the backend fails.
    fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError>;

    /// Drops tasks that are due, at most `limit` of them, and moves the horizon to `now`, if it
    /// was before. With a `limit` of 0 the horizon moves, and nothing else happens.
    ///
    /// Nothing else drops tasks, but a submission that takes the place of an expired one, and a call that finds
    /// the store full (law S7). So it is sweeps that keep memory low: call it every minute or so.
    ///
    /// # Errors
    /// Where the backend fails.
    fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError>;
}

macro_rules! debug_as {
    ($name:literal: $($Dyn:ty),+) => { $(
        impl fmt::Debug for $Dyn {
            /// The name of the trait: of the store that implements it nothing is known.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($name)
            }
        }
    )+ };
}

debug_as!("dyn TaskStore": dyn TaskStore + '_, dyn TaskStore + Send + Sync + '_);
debug_as!(
    "dyn AsyncTaskStore": dyn AsyncTaskStore + '_, dyn AsyncTaskStore + Send + Sync + '_
);

macro_rules! forward_task_store {
    ($($Pointer:ty),+) => { $(
        impl<S: TaskStore + ?Sized> TaskStore for $Pointer {
            fn submit(&self, submission: Submission, now: Now) -> Result<Submitted, SubmitError> {
                (**self).submit(submission, now)
            }

            fn apply(&self, target: Target<'_>, event: TaskEvent, now: Now) -> Result<Change, ApplyError> {
                (**self).apply(target, event, now)
            }

            fn claim(&self, scope: Scope<'_>, now: Now) -> Result<Option<Claimed>, BackendError> {
                (**self).claim(scope, now)
            }

            fn get(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Option<Task>, BackendError> {
                (**self).get(account, id, now)
            }

            fn list(&self, account: &AccountId, query: &ListQuery, now: Now) -> Result<Page, ListError> {
                (**self).list(account, query, now)
            }

            fn sweep(&self, limit: usize, now: Now) -> Result<Swept, BackendError> {
                (**self).sweep(limit, now)
            }
        }
    )+ };
}

forward_task_store!(&S, Box<S>, Arc<S>);
