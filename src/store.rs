//! The contract of a store: six methods, and the laws that every backend keeps.

mod asynchronous;
mod call;
mod census;
mod config;
mod error;
mod notifies;
mod page;
mod query;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use crate::event::TaskEvent;
use crate::id::{AccountId, TaskId};
use crate::submission::Submission;
use crate::task::Task;
use crate::time::Timestamp;

pub use asynchronous::{AsyncTaskStore, InProcess, StoreFuture};
pub use call::{Change, Claimed, Scope, Submitted, Swept, Target};
pub use census::Census;
pub use config::StoreConfig;
pub use error::{ApplyError, BackendError, ListError, SubmitError};
pub use notifies::{Notified, Notifies};
pub use page::Page;
pub use query::{Cursor, CursorError, ListQuery};

/// A store of tasks: what a server uses, and what a backend implements.
///
/// A store is shared between threads and can be used as `dyn TaskStore`. A backend that is a network
/// away implements [`AsyncTaskStore`] instead, which is the same contract with futures.
///
/// # Contract
///
/// Every store keeps the laws S1 to S13. The conformance suite of the feature `testing` has a test for
/// each law, and one, `methods`, for what all methods promise. The laws use these words:
///
/// - **`now`** is the caller's time, the last argument of every method. A store reads no clock.
/// - The **horizon** of a store is the latest `now` that any sweep was called with. A full store that
///   drops a task to make room moves the horizon to that task's expiry, if that is later.
/// - A task is **visible** while the later of `now` and the horizon is before its
///   [`expires_at`](Task::expires_at). From then on it is **expired**, and a sweep drops it.
///
/// The horizon keeps servers whose clocks differ from contradicting each other. Take a task that
/// expires at 12:00:
///
/// | call | `now` | horizon | |
/// |---|---|---|---|
/// | `get` | 11:59 | | returns the task |
/// | `get` | 12:00 | | returns `None` |
/// | `sweep`, by a server whose clock is ahead | 12:05 | 12:05 | may drop the task |
/// | `get`, by a server whose clock is behind | 11:59 | 12:05 | returns `None`, whether the task was dropped or not |
///
/// ## Order and paging
/// - **S1 Order.** A list is in descending order of revision. No two tasks of an account have the same
///   revision, so the order is total. `updated_at` never increases along the list.
/// - **S2 Page size.** A page has as many tasks as the query asks for, or all that are left if those
///   are fewer. It has a next cursor exactly if more tasks follow.
/// - **S3 Complete pages.** While nobody writes, paging through the list at one `now` returns each
///   visible task exactly once, whatever the page size.
/// - **S4 Pages while others write.** A task that does not change while you page, and that is visible
///   at every page's `now`, is on exactly one page. A task that changes meanwhile, or is new, is on one
///   page or on none. To find it, list what has changed since the revision of the *first* page, without
///   a status filter: it is in that list if it is still visible. So the pages and that list together
///   miss no task.
/// - **S5 Filters and cursors.** A list with a status filter, "changed since" or both has exactly the
///   tasks that match, in the order of S1. A cursor continues at its place, even if the task at that
///   place has moved, expired or gone. Two kinds of cursor are an error: a string that is no cursor, and
///   a cursor from another account or another filter. A cursor that a client has forged can do no harm:
///   its page begins elsewhere in the caller's own list.
///
/// ## Visibility and expiry
/// - **S6 Visibility.** `get`, `list`, `apply`, `claim` and `submit` agree on whether a task exists:
///   it does exactly while it is visible, from the moment its submission returns. (For `submit`, this
///   means that a repeat returns the task, and another request under its id is a conflict.) Whether a
///   sweep has dropped the task makes no difference.
/// - **S7 Nothing visible is dropped.** No call drops a task that is visible at that call's own `now`.
///   - A full store makes room for a submission that it accepts: of the tasks that are expired at
///     that `now`, it drops the one that expired first. If none is expired, it refuses the submission
///     and drops nothing.
///   - The horizon then moves to the expiry of the dropped task, if that is later, and not to `now`.
///     So a submission by a server whose clock is ahead hides one task from the other servers (and
///     those that expire at the same instant), not all that have expired by its own clock.
///   - A store in memory with a limit of [bytes](StoreConfig::with_max_bytes) makes room in the same way
///     for a submission, and for an event whose description and outcome need more room. It drops as many
///     expired tasks as it needs, the earliest expiry first. If that would not be enough, it drops none
///     and refuses the call.
/// - **S8 Reads.** Reads change nothing.
/// - **S9 Ends and refusals.** After its end a task never changes again. A refused call changes
///   nothing: no task, no place in a list or a queue, no account's turn, and no number of tasks or
///   attempts.
/// - **S10 Revisions.** Each accepted event, the submission included, gives its task a revision greater
///   than any that the account gave out before. Gaps mean nothing.
///   - Two reads of a task at the same revision are equal.
///   - The revision of a page is at least that of every task on it, and less than that of every event
///     that is accepted after the page was read.
///   - A submission under the id of an expired task makes a new task.
///   - A store may forget an account after dropping its last task, together with the account's latest
///     update time. Revisions that it gives the account later are greater all the same.
///
/// ## Accounts and lanes
/// - **S11 Isolation.** A call with one account shows, counts and changes only what is that account's,
///   and is not refused because of another account. The id of another account's task looks like one
///   that never existed. There are three exceptions:
///   - All accounts share the store's limits of [tasks](StoreConfig::with_max_tasks) and
///     [bytes](StoreConfig::with_max_bytes): other accounts can fill the store, and a call that makes
///     room may drop their expired tasks.
///   - They share the turns of `claim`.
///   - Other accounts can cause gaps in revisions.
/// - **S12 Lanes.** The visible tasks of an account that are in progress are in its *lane*. The lane has
///   room while they are fewer than [`max_in_progress`](StoreConfig::with_max_in_progress).
///   - A `Start` is accepted only if the lane has room at the call's `now`.
///   - `claim` starts an account's received tasks in the order in which they became `received`.
///   - A task that ends or expires leaves the lane. A takeover starts nothing, so it needs no room.
///
/// ## Concurrency
/// - **S13 Linearizability.** Concurrent calls on an account have the results that they would have one
///   after another, in some order. A call that begins after another has returned comes after it in
///   that order. Of several writers that expect the same revision, at most one
///   succeeds. A `claim` over all accounts and a `sweep` consist of such steps, one account at a time,
///   and other calls may come between the steps.
///
/// # Clocks
///
/// A store keeps every instant to the nanosecond. The clocks of several
/// servers may differ: the laws hold all the same. But avoid a `now` in the far future:
///
/// - In an event, it holds the account's later update times at that instant, and delays takeovers,
///   until the clocks have caught up.
/// - In a sweep, it moves the horizon for good: all tasks that expire at or before that instant are gone
///   at once.
///
/// # What a store may lose
///
/// A store that is restored from an old snapshot has lost the writes that it acknowledged later. It
/// continues from what it has, but never reuses a revision of the lost writes: it continues from
/// [`Revision::unreached_by`](crate::Revision::unreached_by). So an event for a task as a worker saw it
/// in the lost state is refused, with [`Stale`](ApplyError::Stale), or with
/// [`NotFound`](ApplyError::NotFound) if the task itself is lost.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `TaskStore`",
    note = "an `AsyncTaskStore`, such as a store that is a network away, is not a `TaskStore`"
)]
pub trait TaskStore: Send + Sync {
    /// Accepts a submission under the id that the caller chose.
    ///
    /// Submitting is idempotent. A submission with the same id and the
    /// [same command type and input](Submission::is_repeat_of) as a visible task returns that task
    /// ([`Submitted::Existing`]), even if the store is full. A submission under the id of an expired
    /// task replaces it, and needs no room in the store. Any other submission needs room, which a full
    /// store makes as law S7 says.
    ///
    /// # Errors
    ///
    /// Returns the first of these that applies: [`Conflict`](SubmitError::Conflict),
    /// [`InputTooLarge`](SubmitError::InputTooLarge), [`Expired`](SubmitError::Expired),
    /// [`StoreFull`](SubmitError::StoreFull), [`AccountFull`](SubmitError::AccountFull). Or
    /// [`Backend`](SubmitError::Backend) if the backend fails.
    fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError>;

    /// Applies one event to a task. Reading the task, checking and writing are one atomic step.
    ///
    /// # Errors
    ///
    /// Returns the first of these that applies: [`NotFound`](ApplyError::NotFound),
    /// [`Stale`](ApplyError::Stale), [`Transition`](ApplyError::Transition),
    /// [`OutputTooLarge`](ApplyError::OutputTooLarge), [`LaneFull`](ApplyError::LaneFull),
    /// [`StoreFull`](ApplyError::StoreFull). Or [`Backend`](ApplyError::Backend) if the backend fails.
    fn apply(
        &self,
        target: Target<'_>,
        event: TaskEvent,
        now: Timestamp,
    ) -> Result<Change, ApplyError>;

    /// Claims a task to work on, or gives one up.
    ///
    /// From one account, the claim takes the first of these:
    ///
    /// 1. A task in progress that is [due for takeover](StoreConfig::takeover_due), the one with the
    ///    lowest revision first, whether the lane is full or not. The claim is recorded as a report
    ///    without a description ([`Task::take_over`]), so the task's revision changes and the silent
    ///    worker's next event is refused as stale.
    /// 2. If the lane has room, the task that has been `received` longest. The claim starts it.
    ///
    /// A task that is due for takeover but has had [all its attempts](StoreConfig::with_max_attempts)
    /// is given up: the claim ends it in `processing-error`, with
    /// [`TaskError::too_many_attempts`](crate::TaskError::too_many_attempts), and returns
    /// [`Claimed::GivenUp`]. That counts as the account's turn.
    ///
    /// In a claim over [all accounts](Scope::Any), the accounts take turns: between two turns of an
    /// account, each other account that had something to claim all the time has had a turn. With
    /// two received tasks of `acme` and one of `initech`, the first two claims serve each account
    /// once, in either order, and the third serves `acme` again.
    ///
    /// With a takeover time of 30 minutes, the default:
    ///
    /// | time | call | result |
    /// |---|---|---|
    /// | 12:00 | worker 1 claims | the task is started, attempt 1 |
    /// | 12:10 | worker 1 reports | accepted; its silence begins anew |
    /// | 12:40 | worker 2 claims | `None`: the silence is not *more* than 30 minutes |
    /// | 12:41 | worker 2 claims | the same task, attempt 2 |
    /// | 12:42 | worker 1 completes it | refused: [`Stale`](ApplyError::Stale) |
    ///
    /// `None` means that the call found nothing to claim at this `now`: no task waits, or the lanes are
    /// full. (While other threads write, a claim over all accounts may miss a task; the next one finds
    /// it.) Workers should claim again when:
    ///
    /// - a task is submitted or ends (a store that implements [`Notifies`] wakes them). The end of
    ///   a task should wake a second worker besides the one that ended it: there is room in that
    ///   account's lane, but the first worker's next claim may serve another account.
    /// - some time has passed, such as a few seconds: a task may have expired and left its lane, or a
    ///   worker may have fallen silent.
    ///
    /// A worker that dies leaves its task in progress, and so does a process that restarts. Another
    /// claim takes the task over once the [takeover time](StoreConfig::with_takeover_after) has passed.
    /// Hold a claimed task with a [`Lease`](crate::Lease), which notices a takeover.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the backend fails.
    fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError>;

    /// Reads one task of an account.
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the backend fails.
    fn get(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Task>, BackendError>;

    /// Reads a page of an account's list, the latest update first.
    ///
    /// # Errors
    ///
    /// Returns [`Cursor`](ListError::Cursor) if the cursor is not of this account and filter, or
    /// [`Backend`](ListError::Backend) if the backend fails.
    fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError>;

    /// Drops up to `limit` expired tasks, and moves the horizon to `now` if it was earlier.
    /// With a `limit` of 0 it only moves the horizon.
    ///
    /// Sweeps keep memory low: call this every minute or so. Only two other calls drop tasks: a
    /// submission that replaces an expired task, and a call that finds the store full (law S7).
    ///
    /// # Errors
    ///
    /// Returns [`BackendError`] if the backend fails.
    fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError>;
}

macro_rules! debug_as {
    ($name:literal: $($Dyn:ty),+) => { $(
        impl fmt::Debug for $Dyn {
            /// Writes the name of the trait: a trait object does not know its store's name.
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
            fn submit(&self, submission: Submission, now: Timestamp) -> Result<Submitted, SubmitError> {
                (**self).submit(submission, now)
            }

            fn apply(&self, target: Target<'_>, event: TaskEvent, now: Timestamp) -> Result<Change, ApplyError> {
                (**self).apply(target, event, now)
            }

            fn claim(&self, scope: Scope<'_>, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
                (**self).claim(scope, now)
            }

            fn get(&self, account: &AccountId, id: TaskId, now: Timestamp) -> Result<Option<Task>, BackendError> {
                (**self).get(account, id, now)
            }

            fn list(&self, account: &AccountId, query: &ListQuery, now: Timestamp) -> Result<Page, ListError> {
                (**self).list(account, query, now)
            }

            fn sweep(&self, limit: usize, now: Timestamp) -> Result<Swept, BackendError> {
                (**self).sweep(limit, now)
            }
        }
    )+ };
}

forward_task_store!(&S, Box<S>, Arc<S>);
