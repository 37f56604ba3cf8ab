//! Events: what can happen to a task.

use alloc::borrow::Cow;
use alloc::format;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use crate::outcome::{Completion, TaskError};
use crate::status::{EventKind, TaskStatus};
use crate::wire::{Excerpt, Text};

/// How far a task has come, in percent: 0 to 100.
///
/// ```
/// use tasklife::Progress;
///
/// assert_eq!(Progress::of(3, 4).percent(), 75);
/// assert_eq!(Progress::try_from(75), Ok(Progress::of(3, 4)));
/// assert!(Progress::try_from(101).is_err());
/// ```
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub struct Progress(u8);

impl Progress {
    /// Returns the percentage for `done` out of `total`, rounded down, so 100 means that everything
    /// is done.
    ///
    /// A `done` above `total` gives 100. So does a `total` of zero.
    #[must_use]
    pub fn of(done: u64, total: u64) -> Self {
        let percent = (u128::from(done.min(total)) * 100).checked_div(u128::from(total));
        Self(percent.and_then(|p| u8::try_from(p).ok()).unwrap_or(100))
    }

    /// Returns a percentage of 0 to 100, rounded down, or `None` if it is out of range.
    pub(crate) fn of_percentage(percent: f64) -> Option<Self> {
        let whole = (0..=100).rev().find(|whole| f64::from(*whole) <= percent && percent <= 100.0);
        whole.map(Self)
    }

    /// Returns the percentage, 0 to 100.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Progress {
    type Error = ProgressError;

    fn try_from(percent: u8) -> Result<Self, ProgressError> {
        if percent <= 100 {
            Ok(Self(percent))
        } else {
            Err(ProgressError(Excerpt::of(&format!("{percent}"))))
        }
    }
}

impl From<Progress> for u8 {
    fn from(progress: Progress) -> Self {
        progress.0
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Progress {
    type Err = ProgressError;

    fn from_str(text: &str) -> Result<Self, ProgressError> {
        let number: u8 = text.parse().map_err(|_| ProgressError(Excerpt::of(text)))?;
        Self::try_from(number)
    }
}

/// The error returned if a number or a string is not a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a percentage, a whole number from 0 to 100, got {0}")]
pub struct ProgressError(Excerpt);

/// Something that happens to a task: it enters the queue, is started, reports progress, completes or
/// fails.
///
/// [`TaskStore::apply`](crate::TaskStore::apply) applies the event to a task of a store, or refuses
/// it.
///
/// ```
/// use tasklife::{Completion, EventKind, Progress, TaskEvent};
///
/// let halfway = TaskEvent::report_of(Progress::of(2, 4))
///     .with_description("2 of 4 nodes are ready.");
/// assert_eq!(halfway.kind(), EventKind::Report);
/// let end = TaskEvent::complete(Completion::of(77_899));
/// assert_eq!(end.kind(), EventKind::Complete);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEvent {
    pub(crate) payload: Payload,
    pub(crate) description: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    Receive,
    Start,
    Report(Option<Progress>),
    Complete(Arc<Completion>),
    Fail(Arc<TaskError>),
}

impl TaskEvent {
    const fn new(payload: Payload) -> Self {
        Self { payload, description: None }
    }

    /// Creates an event that puts the task in the queue.
    #[must_use]
    pub const fn receive() -> Self {
        Self::new(Payload::Receive)
    }

    /// Creates an event that starts the task.
    ///
    /// Workers usually call [`claim`](crate::TaskStore::claim), which also chooses the task.
    #[must_use]
    pub const fn start() -> Self {
        Self::new(Payload::Start)
    }

    /// Creates a heartbeat: the worker is still there, which postpones a takeover.
    ///
    /// The task keeps the percentage that was last reported. You can add a
    /// [description](Self::with_description).
    #[must_use]
    pub const fn report() -> Self {
        Self::new(Payload::Report(None))
    }

    /// Creates a [`report`](Self::report) with a percentage.
    ///
    /// If the percentage is lower than the last one, the task keeps the last one. Without a
    /// [description](Self::with_description), it keeps its current description.
    #[must_use]
    pub const fn report_of(progress: Progress) -> Self {
        Self::new(Payload::Report(Some(progress)))
    }

    /// Creates an event that ends the task with a completion: the operation succeeded.
    #[must_use]
    pub fn complete(completion: Completion) -> Self {
        Self::new(Payload::Complete(Arc::new(completion)))
    }

    /// Creates an event that ends the task with an error: the operation failed.
    #[must_use]
    pub fn fail(error: TaskError) -> Self {
        Self::new(Payload::Fail(Arc::new(error)))
    }

    /// Sets the description that the task's documents show after this event.
    ///
    /// Without one, a report keeps the current description. After any other event, the task shows
    /// the [default description](TaskStatus::description) of its status.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(text.into().into());
        self
    }

    /// Returns the description, if the event has one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the progress, if the event is a report with a percentage.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        match self.payload {
            Payload::Report(progress) => progress,
            _ => None,
        }
    }

    /// Returns the outcome, if the event ends the task.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<&Completion, &TaskError>> {
        match &self.payload {
            Payload::Complete(completion) => Some(Ok(completion)),
            Payload::Fail(error) => Some(Err(error)),
            Payload::Receive | Payload::Start | Payload::Report(_) => None,
        }
    }

    /// Returns the size of the event's output in bytes, which
    /// [`max_output`](crate::StoreConfig::with_max_output) limits.
    ///
    /// This is the length of:
    ///
    /// - the description,
    /// - the resource of a completion, and the ids that are strings,
    /// - all strings of an error.
    #[must_use]
    pub fn output_len(&self) -> usize {
        let outcome = match &self.payload {
            Payload::Complete(completion) => completion.text_len(),
            Payload::Fail(error) => error.text_len(),
            Payload::Receive | Payload::Start | Payload::Report(_) => 0,
        };
        self.description().map_or(0, str::len).saturating_add(outcome)
    }

    /// Returns the kind of the event.
    #[must_use]
    #[inline]
    pub const fn kind(&self) -> EventKind {
        match self.payload {
            Payload::Receive => EventKind::Receive,
            Payload::Start => EventKind::Start,
            Payload::Report(_) => EventKind::Report,
            Payload::Complete(_) => EventKind::Complete,
            Payload::Fail(_) => EventKind::Fail,
        }
    }
}

/// The error returned if a task's status does not permit an event. The task is unchanged.
///
/// ```
/// use tasklife::{EventKind, TaskStatus, TransitionError};
///
/// let error = TransitionError::new(TaskStatus::Received, EventKind::Complete);
/// assert_eq!(
///     error.to_string(),
///     "expected an event that a task in received permits (start, fail), got complete"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitionError {
    status: TaskStatus,
    event: EventKind,
}

impl TransitionError {
    /// Creates the error for an `event` that a task in `status` does not permit.
    ///
    /// You need this if you implement a store that checks transitions itself. Call it only if
    /// [`TaskStatus::after`] returns `None`: otherwise, the message is wrong.
    #[must_use]
    pub const fn new(status: TaskStatus, event: EventKind) -> Self {
        Self { status, event }
    }

    /// Returns the status of the task.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        self.status
    }

    /// Returns the kind of the refused event.
    #[must_use]
    pub const fn event(&self) -> EventKind {
        self.event
    }
}

impl fmt::Display for TransitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, event } = self;
        if status.is_terminal() {
            return write!(f, "expected no event, as the task has ended in {status}, got {event}");
        }
        write!(f, "expected an event that a task in {status} permits (")?;
        let permitted = EventKind::ALL.into_iter().filter(|event| status.after(*event).is_some());
        for (place, event) in permitted.enumerate() {
            write!(f, "{}{event}", if place > 0 { ", " } else { "" })?;
        }
        write!(f, "), got {event}")
    }
}

impl core::error::Error for TransitionError {}
