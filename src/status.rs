//! The statuses of a task, the kinds of events, and the table of permitted transitions.

use core::fmt;

use crate::wire::named_enum;

named_enum! {
    /// The status of a task.
    ///
    /// The wire names are those of the Redis Cloud API.
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
    /// The enum is exhaustive because the set of statuses is fixed. A
    /// [`ReportedStatus`](crate::ReportedStatus) can also hold a status that a server sends and
    /// this crate doesn't know.
    pub enum TaskStatus {
        /// The task was accepted but isn't in the queue yet.
        ///
        /// A task begins here only if it was submitted as
        /// [`initialized`](crate::Submission::initialized).
        Initialized = "initialized",
        /// The task is in the queue and waits for a worker.
        Received = "received",
        /// A worker has claimed the task.
        ProcessingInProgress = "processing-in-progress",
        /// The task succeeded, with a [`Completion`](crate::Completion).
        ProcessingCompleted = "processing-completed",
        /// The task failed, with a [`TaskError`](crate::TaskError).
        ProcessingError = "processing-error",
    }
}

named_enum! {
    /// The kind of a [`TaskEvent`](crate::TaskEvent).
    pub enum EventKind {
        /// The task enters the queue.
        Receive = "receive",
        /// A worker claims the task.
        Start = "start",
        /// The worker reports progress, or sends a heartbeat.
        Report = "report",
        /// The operation succeeded.
        Complete = "complete",
        /// The operation failed.
        Fail = "fail",
    }
}

/// The permitted transitions: one row per status, one column per event.
///
/// Everything else about transitions is derived from this table.
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
    /// Returns the status of the task after the event, or `None` if the event is not permitted.
    #[must_use]
    pub const fn after(self, event: EventKind) -> Option<Self> {
        TABLE[self as usize][event as usize]
    }

    /// Returns the statuses that one event can lead to, each once, in the order of [`ALL`].
    ///
    /// The successors of `processing-in-progress` include itself, since a report doesn't change the
    /// status.
    ///
    /// [`ALL`]: Self::ALL
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        const SUCCESSORS: [([TaskStatus; TaskStatus::ALL.len()], usize); TaskStatus::ALL.len()] = {
            let mut rows = [(TaskStatus::ALL, 0); TaskStatus::ALL.len()];
            let mut from = 0;
            while from < rows.len() {
                rows[from] = successors_of(TaskStatus::ALL[from]);
                from += 1;
            }
            rows
        };
        let (statuses, count) = &SUCCESSORS[self as usize];
        statuses.split_at(*count).0
    }

    /// Returns whether the task has ended, so that no event is permitted.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }

    /// Returns the default description: the sentence that documents show with this status if no
    /// event set a description.
    ///
    /// `initialized` and `processing-in-progress` have none.
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

    /// Returns the state diagram as [Mermaid](https://mermaid.js.org) text, as shown in the README.
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

/// Returns an array that begins with the successors of a status, and how many there are.
const fn successors_of(from: TaskStatus) -> ([TaskStatus; TaskStatus::ALL.len()], usize) {
    let (mut successors, mut count) = (TaskStatus::ALL, 0);
    let mut to = 0;
    while to < TaskStatus::ALL.len() {
        let mut event = 0;
        while event < EventKind::ALL.len() {
            if let Some(status) = from.after(EventKind::ALL[event])
                && status as usize == to
            {
                successors[count] = status;
                count += 1;
                break;
            }
            event += 1;
        }
        to += 1;
    }
    (successors, count)
}

/// A permitted transition: an edge of the state diagram.
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
    /// The status before the event.
    pub from: TaskStatus,
    /// The kind of event.
    pub event: EventKind,
    /// The status after the event.
    pub to: TaskStatus,
}

impl Transition {
    /// Every permitted transition, ordered by status and then by event.
    pub const ALL: &'static [Self] = &Self::collect::<{ Self::count() }>();

    const fn count() -> usize {
        let mut count = 0;
        let mut cell = 0;
        while cell < TaskStatus::ALL.len() * EventKind::ALL.len() {
            count += Self::at(cell).is_some() as usize;
            cell += 1;
        }
        count
    }

    const fn collect<const COUNT: usize>() -> [Self; COUNT] {
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

    /// Returns the transition in a cell of [`TABLE`], counted row by row.
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
