//! What can be asked to happen to a task.

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
    /// So much `done` of a `total`, rounded down: 100 only when all is done. More than all counts
    /// as all, and of nothing at all everything is done.
    #[must_use]
    pub fn of(done: u64, total: u64) -> Self {
        let percent = (u128::from(done.min(total)) * 100).checked_div(u128::from(total));
        Self(percent.and_then(|p| u8::try_from(p).ok()).unwrap_or(100))
    }

    /// A percentage of 0 to 100, rounded down, so that all is done at 100 only.
    pub(crate) fn of_percentage(percent: f64) -> Option<Self> {
        let whole = (0..=100).rev().find(|whole| f64::from(*whole) <= percent && percent <= 100.0);
        whole.map(Self)
    }

    /// The percentage, 0 to 100.
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

/// The error for what is no percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a percentage, a whole number of 0 to 100, got {0}")]
pub struct ProgressError(Excerpt);

/// Something that is asked to happen to a task. [`Task::apply`](crate::Task::apply) grants it or
/// refuses it.
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

    /// The task enters the queue.
    #[must_use]
    pub const fn receive() -> Self {
        Self::new(Payload::Receive)
    }

    /// A worker takes the task. [`claim`](crate::TaskStore::claim) also chooses which.
    #[must_use]
    pub const fn start() -> Self {
        Self::new(Payload::Start)
    }

    /// The worker is still there: its heartbeat, which puts off the takeover. It can bring
    /// [words](Self::with_description); the percentage stays as last reported.
    #[must_use]
    pub const fn report() -> Self {
        Self::new(Payload::Report(None))
    }

    /// The worker has come so far: a [`report`](Self::report) with a percentage. One below the last is
    /// raised to it. Without [words](Self::with_description), those of the last report stay.
    #[must_use]
    pub const fn report_of(progress: Progress) -> Self {
        Self::new(Payload::Report(Some(progress)))
    }

    /// The operation has succeeded.
    #[must_use]
    pub fn complete(completion: Completion) -> Self {
        Self::new(Payload::Complete(Arc::new(completion)))
    }

    /// The operation has failed.
    #[must_use]
    pub fn fail(error: TaskError) -> Self {
        Self::new(Payload::Fail(Arc::new(error)))
    }

    /// Sets the words that the task's documents show from this event on. Without them the task
    /// shows the [sentence of its status](TaskStatus::description), or, after a report, what it
    /// showed before.
    #[must_use]
    pub fn with_description(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(text.into().into());
        self
    }

    /// The words that the event brings.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The progress that a report gives.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        match self.payload {
            Payload::Report(progress) => progress,
            _ => None,
        }
    }

    /// The outcome that the event brings, if it is an end.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<&Completion, &TaskError>> {
        match &self.payload {
            Payload::Complete(completion) => Some(Ok(completion)),
            Payload::Fail(error) => Some(Err(error)),
            Payload::Receive | Payload::Start | Payload::Report(_) => None,
        }
    }

    /// How many bytes its words and its outcome have, which is what
    /// [`max_output`](crate::StoreConfig::with_max_output) limits: the description, and of a completion the ids
    /// that are texts and the resource, of an error all of its texts.
    #[must_use]
    pub fn output_len(&self) -> usize {
        let outcome = match &self.payload {
            Payload::Complete(completion) => completion.text_len(),
            Payload::Fail(error) => error.text_len(),
            Payload::Receive | Payload::Start | Payload::Report(_) => 0,
        };
        self.description().map_or(0, str::len).saturating_add(outcome)
    }

    /// Which column of the table this is.
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

/// The error for an event that a task's status does not permit. The task is as it was.
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
    /// The refusal of `event` in `status`, for a store that refuses by itself.
    #[must_use]
    pub const fn new(status: TaskStatus, event: EventKind) -> Self {
        Self { status, event }
    }

    /// The status in which the task is.
    #[must_use]
    pub const fn status(&self) -> TaskStatus {
        self.status
    }

    /// What was asked for.
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
