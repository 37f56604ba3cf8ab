//! Histories of a store: calls as data, short enough to be read, printed as code.

mod call;
mod print;
mod simpler;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::{NonZeroU32, NonZeroUsize};
use core::ops::RangeInclusive;
use core::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::id::{AccountId, TaskId};
use crate::retention::{CountedFrom, Retention};
use crate::store::StoreConfig;
use crate::time::Now;

pub use call::{Event, Filter, Guard, Request};

/// A history of a store: its configuration, and calls with their times.
///
/// Accounts and ids are small numbers, times are nanoseconds since [`History::ORIGIN`], and what
/// depends on answers (cursors, revisions) is said relative to what was answered last. `{}` prints
/// it as code, to be pasted into a test:
///
/// ```
/// use tasklife::testing::{Event, Guard, History, Park, Request};
/// use tasklife::{InProcess, MemoryStore};
///
/// History::new()
///     .with_retention_nanos(10_000_000_000)
///     .submit(0, 0, 1, Request::Plain)
///     .apply(1_000_000_000, 0, 1, Guard::Latest, Event::Start)
///     .get(10_000_000_000, 0, 1) // expired to the nanosecond
///     .check(|config| InProcess(MemoryStore::new(config)), &Park)?;
/// # Ok::<(), Box<tasklife::testing::Breach>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub(super) limits: Limits,
    pub(super) steps: Vec<Step>,
    /// Calls that are made after those, at the same time.
    pub(super) threads: Vec<Vec<Step>>,
    /// In which order they are polled, where that is not left to the threads.
    pub(super) schedule: Option<Vec<u8>>,
}

/// The configuration of a history's store, as plain numbers; `None` is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) retention_nanos: Option<i64>,
    pub(super) counted_from: CountedFrom,
    pub(super) max_tasks: Option<usize>,
    pub(super) max_open: Option<usize>,
    pub(super) max_in_progress: Option<u32>,
    pub(super) takeover_nanos: Option<u64>,
    pub(super) max_attempts: Option<u32>,
    pub(super) max_output: Option<usize>,
    pub(super) input_until_end: bool,
}

/// One call of a [`History`], and its time.
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
        guard: Guard,
        event: Event,
    },
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
    /// All pages, one after the other.
    ListAll {
        account: u16,
        limit: usize,
        filter: Filter,
    },
    /// The next page of a walk through the account's list, or the first.
    Walk {
        account: u16,
        limit: usize,
    },
    Sweep {
        limit: usize,
    },
}

impl History {
    /// The time that is 0 in a history.
    pub const ORIGIN: Now = match chrono::DateTime::from_timestamp(1_577_836_800, 0) {
        Some(origin) => origin,
        None => chrono::DateTime::UNIX_EPOCH,
    };

    /// The largest input that the store of a history takes, in bytes.
    pub const MAX_INPUT: usize = 8;

    /// A history without calls, for a store without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the retention, in nanoseconds from the submission.
    #[must_use]
    pub fn with_retention_nanos(mut self, nanoseconds: i64) -> Self {
        self.limits.retention_nanos = Some(nanoseconds);
        self
    }

    /// Counts the retention from the latest update.
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

    /// Sets the silence after which tasks are [taken over](StoreConfig::with_takeover_after).
    #[must_use]
    pub fn with_takeover_nanos(mut self, nanoseconds: u64) -> Self {
        self.limits.takeover_nanos = Some(nanoseconds);
        self
    }

    /// Sets [`max_attempts`](StoreConfig::with_max_attempts); 0 counts as 1. Unless set it is unlimited,
    /// other than in a [`StoreConfig`].
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.limits.max_attempts = Some(attempts);
        self
    }

    /// Sets [`max_output`](StoreConfig::with_max_output), in bytes. The longest outcome of an [`Event`] has some
    /// 70, and words have 20 to 40.
    #[must_use]
    pub fn with_max_output(mut self, bytes: usize) -> Self {
        self.limits.max_output = Some(bytes);
        self
    }

    /// Lets go of inputs [at the end](Retention::with_input_until_end).
    #[must_use]
    pub fn with_input_until_end(mut self) -> Self {
        self.limits.input_until_end = true;
        self
    }

    /// Adds a submission.
    #[must_use]
    pub fn submit(self, at: i64, account: u16, id: u16, request: Request) -> Self {
        self.with(at, Call::Submit { account, id, request })
    }

    /// Adds a submission of each of these ids.
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

    /// Adds an event.
    #[must_use]
    pub fn apply(self, at: i64, account: u16, id: u16, guard: Guard, event: Event) -> Self {
        self.with(at, Call::Apply { account, id, guard, event })
    }

    /// Adds a claim over all accounts.
    #[must_use]
    pub fn claim(self, at: i64) -> Self {
        self.with(at, Call::Claim(None))
    }

    /// Adds a claim of one account.
    #[must_use]
    pub fn claim_of(self, at: i64, account: u16) -> Self {
        self.with(at, Call::Claim(Some(account)))
    }

    /// Adds a read.
    #[must_use]
    pub fn get(self, at: i64, account: u16, id: u16) -> Self {
        self.with(at, Call::Get { account, id })
    }

    /// Adds a page from the top of an account's list.
    #[must_use]
    pub fn list(self, at: i64, account: u16, limit: usize, filter: Filter) -> Self {
        self.with(at, Call::List { account, limit, filter, after: None })
    }

    /// Adds a page after the cursor that was given out so many cursors ago: 0 for the last one,
    /// of whatever account and filter it was.
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

    /// Adds all pages of an account's list, one after the other.
    #[must_use]
    pub fn list_all(self, at: i64, account: u16, limit: usize, filter: Filter) -> Self {
        self.with(at, Call::ListAll { account, limit, filter })
    }

    /// Adds the next page of a walk through an account's list, which other calls may come between.
    /// At the end of the history, walks are walked to their end.
    #[must_use]
    pub fn walk(self, at: i64, account: u16, limit: usize) -> Self {
        self.with(at, Call::Walk { account, limit })
    }

    /// Adds a sweep.
    #[must_use]
    pub fn sweep(self, at: i64, limit: usize) -> Self {
        self.with(at, Call::Sweep { limit })
    }

    /// Adds a thread: the calls of another history, made after this one's and at the same time as
    /// those of other threads.
    #[must_use]
    pub fn thread(mut self, calls: Self) -> Self {
        self.threads.push(calls.steps);
        self
    }

    /// Makes the calls of all threads on one, in an order that repeats: wherever several threads can go on,
    /// the next number of the schedule, modulo how many they are, says which of them does, until its call
    /// has to wait for something (an `.await`). After the last number they go on in turn.
    ///
    /// A store that never waits makes each call as a whole; [`Yielding`](super::Yielding) makes one wait.
    #[must_use]
    pub fn interleaved(mut self, schedule: impl Into<Vec<u8>>) -> Self {
        self.schedule = Some(schedule.into());
        self
    }

    fn with(mut self, at: i64, call: Call) -> Self {
        self.steps.push(Step { at, call });
        self
    }

    /// How many calls it has, those of its threads included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len() + self.threads.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether it has no call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The configuration of its store.
    #[must_use]
    pub fn config(&self) -> StoreConfig {
        let Limits { retention_nanos, counted_from, max_tasks, max_open, .. } = self.limits;
        let period = retention_nanos.map(|nanos| Duration::from_nanos(nanos.max(0).unsigned_abs()));
        let period = period.unwrap_or(Retention::default().period());
        let retention = Retention::counted_from(period, counted_from);
        let until_end = self.limits.input_until_end;
        let retention = if until_end { retention.with_input_until_end() } else { retention };
        let mut config = StoreConfig::default()
            .with_retention(retention)
            .with_max_input(Self::MAX_INPUT)
            .with_max_tasks(max_tasks.unwrap_or(usize::MAX))
            .with_max_open(max_open.unwrap_or(usize::MAX));
        if let Some(width) = self.limits.max_in_progress {
            config = config.with_max_in_progress(NonZeroU32::new(width).unwrap_or(NonZeroU32::MIN));
        }
        if let Some(bytes) = self.limits.max_output {
            config = config.with_max_output(bytes);
        }
        let attempts = self.limits.max_attempts.unwrap_or(u32::MAX);
        config = config.with_max_attempts(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN));
        match self.limits.takeover_nanos {
            Some(silence) => config.with_takeover_after(Duration::from_nanos(silence)),
            None => config.without_takeover(),
        }
    }
}

/// An instant of a history.
pub(super) fn instant(at: i64) -> Now {
    History::ORIGIN + TimeDelta::nanoseconds(at)
}

/// The account with this number. Their names are easily taken for one another: but for case, or for
/// what follows.
pub(super) fn account(number: u16) -> AccountId {
    let name = match number {
        0 => String::from("account"),
        1 => String::from("Account"),
        2 => String::from("account-1"),
        number => format!("account-{number}0"),
    };
    name.parse().expect("a name, whatever the number")
}

/// The id with this number. Either half of it is that of another's.
pub(super) fn task_id(number: u16) -> TaskId {
    let number = u64::from(number);
    TaskId::from(Uuid::from_u64_pair(number.div_ceil(2), number % 2))
}

/// The number of an id.
pub(super) fn id_number(id: TaskId) -> u64 {
    let (high, low) = id.as_uuid().as_u64_pair();
    high.wrapping_mul(2).wrapping_sub(low)
}

pub(super) fn limit(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
