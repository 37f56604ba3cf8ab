//! Histories of a store: calls as data.

mod call;
mod limits;
mod numbers;
mod print;
mod simpler;

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::retention::CountedFrom;
use crate::store::StoreConfig;
use crate::time::Timestamp;

pub use call::{Event, ExpectedRevision, Filter, Request};
pub(super) use limits::Limits;
pub(super) use numbers::{account, id_number, instant, page_limit, task_id};

/// A history of a store: a configuration, and calls with their times.
///
/// - Accounts and ids are small numbers.
/// - `at` is the caller's `now`, in nanoseconds since [`History::ORIGIN`].
/// - Cursors and revisions refer to earlier answers, such as "the last page".
///
/// `{}` prints a history as code that you can paste into a test.
///
/// # Examples
///
/// ```
/// use tasklife::testing::{CurrentThread, Event, ExpectedRevision, History, Request};
/// use tasklife::{InProcess, MemoryStore};
///
/// History::new()
///     .with_retention_nanos(10_000_000_000)
///     .submit(0, 0, 1, Request::NoInput)
///     .apply(1_000_000_000, 0, 1, ExpectedRevision::Any, Event::Start)
///     .get(10_000_000_000, 0, 1) // the first instant at which the task is expired
///     .check(|config| InProcess(MemoryStore::new(config)), &CurrentThread)?;
/// # Ok::<(), Box<tasklife::testing::Violation>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub(super) limits: Limits,
    pub(super) steps: Vec<Step>,
    /// The calls of each thread. The threads run concurrently, after `steps`.
    pub(super) threads: Vec<Vec<Step>>,
    /// The order in which the threads are polled, or `None` to use OS threads.
    pub(super) schedule: Option<Vec<u8>>,
}

/// A call of a [`History`], and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: i64,
    pub(super) call: Call,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Submit {
        account: u16,
        id: u16,
        request: Request,
    },
    Apply {
        account: u16,
        id: u16,
        expected: ExpectedRevision,
        event: Event,
    },
    /// A claim of one account, or of all accounts if there is none.
    Claim(Option<u16>),
    Get {
        account: u16,
        id: u16,
    },
    List {
        account: u16,
        limit: usize,
        filter: Filter,
        after: Option<usize>,
    },
    /// Reads all pages of a list.
    ListAll {
        account: u16,
        limit: usize,
        filter: Filter,
    },
    /// Reads the next page of a traversal, or the first one.
    NextPage {
        account: u16,
        limit: usize,
    },
    Sweep {
        limit: usize,
    },
}

impl History {
    /// The instant of time 0: 2020-01-01T00:00:00Z.
    pub const ORIGIN: Timestamp = match chrono::DateTime::from_timestamp(1_577_836_800, 0) {
        Some(origin) => origin,
        None => chrono::DateTime::UNIX_EPOCH,
    };

    /// The largest permitted input, in bytes.
    pub const MAX_INPUT: usize = 8;

    /// Creates a history without calls, for a store without limits on tasks or attempts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the retention in nanoseconds. It is counted from the submission unless set otherwise.
    #[must_use]
    pub fn with_retention_nanos(mut self, nanoseconds: i64) -> Self {
        self.limits.retention_nanos = Some(nanoseconds);
        self
    }

    /// Counts the retention from the latest update of a task.
    #[must_use]
    pub fn with_retention_since_update(mut self) -> Self {
        self.limits.counted_from = CountedFrom::Update;
        self
    }

    /// Counts the retention from the end of a task.
    #[must_use]
    pub fn with_retention_since_end(mut self) -> Self {
        self.limits.counted_from = CountedFrom::End;
        self
    }

    /// Sets [`max_tasks`](StoreConfig::with_max_tasks).
    #[must_use]
    pub fn with_max_tasks(mut self, total: usize) -> Self {
        self.limits.max_tasks = Some(total);
        self
    }

    /// Sets [`max_open`](StoreConfig::with_max_open).
    #[must_use]
    pub fn with_max_open(mut self, per_account: usize) -> Self {
        self.limits.max_open = Some(per_account);
        self
    }

    /// Sets [`max_in_progress`](StoreConfig::with_max_in_progress); 0 counts as 1.
    #[must_use]
    pub fn with_max_in_progress(mut self, per_account: u32) -> Self {
        self.limits.max_in_progress = Some(per_account);
        self
    }

    /// Sets [`takeover_after`](StoreConfig::with_takeover_after), in nanoseconds. Unless set, no
    /// task is taken over.
    #[must_use]
    pub fn with_takeover_after_nanos(mut self, nanoseconds: u64) -> Self {
        self.limits.takeover_after_nanos = Some(nanoseconds);
        self
    }

    /// Sets [`max_attempts`](StoreConfig::with_max_attempts); 0 counts as 1. Unless set, attempts
    /// are unlimited, unlike in a [`StoreConfig`].
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.limits.max_attempts = Some(attempts);
        self
    }

    /// Sets [`max_output`](StoreConfig::with_max_output), in bytes. The longest outcome of an
    /// [`Event`] has about 70 bytes; descriptions have 20 to 40.
    #[must_use]
    pub fn with_max_output(mut self, bytes: usize) -> Self {
        self.limits.max_output = Some(bytes);
        self
    }

    /// Drops the input of a task [when it ends](crate::Retention::without_input_after_end).
    #[must_use]
    pub fn without_input_after_end(mut self) -> Self {
        self.limits.drops_input_at_end = true;
        self
    }

    /// Adds a submission.
    #[must_use]
    pub fn submit(self, at: i64, account: u16, id: u16, request: Request) -> Self {
        self.with(at, Call::Submit { account, id, request })
    }

    /// Adds one submission for each of these ids.
    #[must_use]
    pub fn submit_all(
        self,
        at: i64,
        account: u16,
        ids: RangeInclusive<u16>,
        request: Request,
    ) -> Self {
        ids.fold(self, |history, id| history.submit(at, account, id, request))
    }

    /// Adds an event, applied if the task is at the expected revision.
    #[must_use]
    pub fn apply(
        self,
        at: i64,
        account: u16,
        id: u16,
        expected: ExpectedRevision,
        event: Event,
    ) -> Self {
        self.with(at, Call::Apply { account, id, expected, event })
    }

    /// Adds a claim over all accounts.
    #[must_use]
    pub fn claim(self, at: i64) -> Self {
        self.with(at, Call::Claim(None))
    }

    /// Adds a claim of one account.
    #[must_use]
    pub fn claim_account(self, at: i64, account: u16) -> Self {
        self.with(at, Call::Claim(Some(account)))
    }

    /// Adds a read of one task.
    #[must_use]
    pub fn get(self, at: i64, account: u16, id: u16) -> Self {
        self.with(at, Call::Get { account, id })
    }

    /// Adds a read of the first page of an account's list.
    #[must_use]
    pub fn list(self, at: i64, account: u16, limit: usize, filter: Filter) -> Self {
        self.with(at, Call::List { account, limit, filter, after: None })
    }

    /// Adds a read of the page after an earlier cursor.
    ///
    /// `ago` counts cursors backwards: 0 is the latest one that any page of the history had. It may
    /// be from another account or filter. If there are fewer cursors, the oldest is used; if there
    /// is none, the first page is read.
    #[must_use]
    pub fn list_after(
        self,
        at: i64,
        account: u16,
        limit: usize,
        filter: Filter,
        ago: usize,
    ) -> Self {
        self.with(at, Call::List { account, limit, filter, after: Some(ago) })
    }

    /// Adds a read of all pages of an account's list.
    #[must_use]
    pub fn list_all(self, at: i64, account: u16, limit: usize, filter: Filter) -> Self {
        self.with(at, Call::ListAll { account, limit, filter })
    }

    /// Adds a read of the next page in a traversal of an account's list.
    ///
    /// The first call with an account and a limit begins a traversal; each further one reads its
    /// next page. Other calls may come in between. The remaining pages are read at the end of the
    /// history.
    #[must_use]
    pub fn next_page(self, at: i64, account: u16, limit: usize) -> Self {
        self.with(at, Call::NextPage { account, limit })
    }

    /// Adds a sweep.
    #[must_use]
    pub fn sweep(self, at: i64, limit: usize) -> Self {
        self.with(at, Call::Sweep { limit })
    }

    /// Adds a thread that makes the calls of another history.
    ///
    /// All threads run concurrently, after the calls of this history.
    #[must_use]
    pub fn thread(mut self, calls: Self) -> Self {
        self.threads.push(calls.steps);
        self
    }

    /// Interleaves the threads on a single OS thread, in a deterministic order.
    ///
    /// At each step, n threads can run. The next number of the schedule, modulo n, chooses one of
    /// them, and it runs until an `.await` is pending. After the last number of the schedule, the
    /// threads take turns.
    ///
    /// If a store never yields at an `.await`, the calls of a thread run without interruption. Wrap
    /// it in a [`YieldingStore`](super::YieldingStore) to interrupt them.
    #[must_use]
    pub fn interleaved(mut self, schedule: impl Into<Vec<u8>>) -> Self {
        self.schedule = Some(schedule.into());
        self
    }

    fn with(mut self, at: i64, call: Call) -> Self {
        self.steps.push(Step { at, call });
        self
    }

    /// Returns the number of calls, including those of the threads.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len() + self.threads.iter().map(Vec::len).sum::<usize>()
    }

    /// Returns whether there are no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the configuration of the store.
    #[must_use]
    pub fn config(&self) -> StoreConfig {
        self.limits.config()
    }
}
