//! The statuses of a task, the kinds of events, and the one table that says which leads where.

use core::fmt;

use crate::wire::named_enum;

named_enum! {
    /// Where a task stands. The names on the wire are those of the Redis Cloud API.
    ///
    /// ```
    /// use tasklife::{EventKind, TaskStatus};
    ///
    /// let status: TaskStatus = "received".parse()?;
    /// assert_eq!(status.after(EventKind::Start), Some(TaskStatus::ProcessingInProgress));
    /// assert_eq!(status.after(EventKind::Complete), None);
    /// assert!(!status.is_terminal());
    /// # Ok::<(), tasklife::UnknownName>(())
    /// ```
    ///
    /// The enumeration is exhaustive on purpose: the table is fixed. A status that a server sends
    /// and this crate doesn't know is a [`ReportedStatus`](crate::ReportedStatus).
    pub enum TaskStatus {
        /// Accepted, not yet in the queue. Only some operations show it.
        Initialized = "initialized",
        /// In the queue, awaiting a worker. From here on there is no cancelling.
        Received = "received",
        /// A worker has it.
        ProcessingInProgress = "processing-in-progress",
        /// Ended well, with a [`Completion`](crate::Completion).
        ProcessingCompleted = "processing-completed",
        /// Ended badly, with a [`TaskError`](crate::TaskError).
        ProcessingError = "processing-error",
    }
}

named_enum! {
    /// What can be asked to happen to a task: the kind of a [`TaskEvent`](crate::TaskEvent).
    pub enum EventKind {
        /// The task enters the queue.
        Receive = "receive",
        /// A worker takes the task.
        Start = "start",
        /// The worker tells of its progress, or just that it lives.
        Report = "report",
        /// The operation has succeeded.
        Complete = "complete",
        /// The operation has failed.
        Fail = "fail",
    }
}

/// The table of permitted transitions: a row a status, a column an event. Everything else that is
/// said about transitions is derived from it.
const TABLE: [[Option<TaskStatus>; EventKind::ALL.len()]; TaskStatus::ALL.len()] = {
    use TaskStatus::{ProcessingCompleted, ProcessingError, ProcessingInProgress, Received};
    const RECEIVED: Option<TaskStatus> = Some(Received);
    const RUNNING: Option<TaskStatus> = Some(ProcessingInProgress);
    const COMPLETED: Option<TaskStatus> = Some(ProcessingCompleted);
    const FAILED: Option<TaskStatus> = Some(ProcessingError);
    const NO: Option<TaskStatus> = None;
    [
        // Receive    Start    Report    Complete    Fail
        [RECEIVED, NO, NO, NO, FAILED],       // initialized
        [NO, RUNNING, NO, NO, FAILED],        // received
        [NO, NO, RUNNING, COMPLETED, FAILED], // processing-in-progress
        [NO, NO, NO, NO, NO],                 // processing-completed
        [NO, NO, NO, NO, NO],                 // processing-error
    ]
};

impl TaskStatus {
    /// The status in which an event leaves a task of this status, or `None` where the event is not
    /// permitted.
    #[must_use]
    pub const fn after(self, event: EventKind) -> Option<Self> {
        TABLE[self as usize][event as usize]
    }

    /// The statuses that one event can lead to, without repetition, in the order of [`ALL`].
    ///
    /// `processing-in-progress` is among its own successors: a report leaves it there.
    ///
    /// [`ALL`]: Self::ALL
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        const SUCCESSORS: [([TaskStatus; TaskStatus::ALL.len()], usize); TaskStatus::ALL.len()] = {
            let mut all = [(TaskStatus::ALL, 0); TaskStatus::ALL.len()];
            let mut from = 0;
            while from < all.len() {
                all[from] = successors_of(TaskStatus::ALL[from]);
                from += 1;
            }
            all
        };
        let (statuses, count) = &SUCCESSORS[self as usize];
        statuses.split_at(*count).0
    }

    /// Whether the task is over: no event is permitted any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }

    /// The sentence that the API shows with this status where an event brought no words of its
    /// own. There is none for `initialized` and `processing-in-progress`.
    #[must_use]
    pub const fn description(self) -> Option<&'static str> {
        match self {
            Self::Initialized | Self::ProcessingInProgress => None,
            Self::Received => Some("Task request received and is being queued for processing."),
            Self::ProcessingCompleted => Some(
                "Request processing completed successfully and its resources are now being \
                 provisioned / de-provisioned.",
            ),
            Self::ProcessingError => Some(
                "Task request failed during processing. See error information for failure details.",
            ),
        }
    }

    /// The state diagram as [Mermaid](https://mermaid.js.org) text, as in the README.
    ///
    /// ```
    /// let diagram = tasklife::TaskStatus::diagram().to_string();
    /// assert!(diagram.starts_with("stateDiagram-v2\n"));
    /// ```
    #[must_use]
    pub fn diagram() -> impl fmt::Display {
        Diagram
    }
}

const fn successors_of(from: TaskStatus) -> ([TaskStatus; TaskStatus::ALL.len()], usize) {
    let mut found = (TaskStatus::ALL, 0);
    let mut to = 0;
    while to < TaskStatus::ALL.len() {
        let mut event = 0;
        while event < EventKind::ALL.len() {
            if let Some(status) = from.after(EventKind::ALL[event])
                && status as usize == to
            {
                found.0[found.1] = status;
                found.1 += 1;
                break;
            }
            event += 1;
        }
        to += 1;
    }
    found
}

/// One permitted transition: an edge of the state diagram.
///
/// ```
/// use tasklife::Transition;
///
/// for Transition { from, event, to } in Transition::ALL {
///     assert_eq!(from.after(*event), Some(*to));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transition {
    /// The status before.
    pub from: TaskStatus,
    /// What happens.
    pub event: EventKind,
    /// The status after.
    pub to: TaskStatus,
}

impl Transition {
    /// Every permitted transition, by status and then by event.
    pub const ALL: &'static [Self] = &Self::all::<{ Self::count() }>();

    const fn count() -> usize {
        let mut count = 0;
        let mut cell = 0;
        while cell < TaskStatus::ALL.len() * EventKind::ALL.len() {
            count += Self::at(cell).is_some() as usize;
            cell += 1;
        }
        count
    }

    const fn all<const COUNT: usize>() -> [Self; COUNT] {
        let mut all = [Self {
            from: TaskStatus::Initialized,
            event: EventKind::Receive,
            to: TaskStatus::Received,
        }; COUNT];
        let (mut cell, mut found) = (0, 0);
        while found < COUNT {
            if let Some(transition) = Self::at(cell) {
                all[found] = transition;
                found += 1;
            }
            cell += 1;
        }
        all
    }

    const fn at(cell: usize) -> Option<Self> {
        let from = TaskStatus::ALL[cell / EventKind::ALL.len()];
        let event = EventKind::ALL[cell % EventKind::ALL.len()];
        match from.after(event) {
            Some(to) => Some(Self { from, event, to }),
            None => None,
        }
    }
}

struct Diagram;

impl fmt::Display for Diagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stateDiagram-v2")?;
        for status in TaskStatus::ALL {
            // Mermaid's identifiers have no hyphen, so each status gets its Rust name and a label.
            writeln!(f, "    state \"{status}\" as {status:?}")?;
        }
        for first in [TaskStatus::Initialized, TaskStatus::Received] {
            writeln!(f, "    [*] --> {first:?}")?;
        }
        for Transition { from, event, to } in Transition::ALL {
            writeln!(f, "    {from:?} --> {to:?}: {event}")?;
        }
        for last in TaskStatus::ALL.into_iter().filter(|s| s.is_terminal()) {
            writeln!(f, "    {last:?} --> [*]")?;
        }
        Ok(())
    }
}
