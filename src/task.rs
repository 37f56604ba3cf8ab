//! Tasks, from submission to end.

mod record;
mod size;

use alloc::sync::Arc;

use crate::clock::{AccountClock, Revision, Stamp};
use crate::event::{Payload, Progress, TaskEvent, TransitionError};
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, TaskError};
use crate::retention::Retention;
use crate::status::{EventKind, TaskStatus};
use crate::submission::{Input, Submission};
use crate::time::{Timestamp, clamp_time};
use crate::wire::Text;

pub use record::{RecordError, TaskRecord};

/// A task: an accepted operation, its status, and its outcome once it has ended.
///
/// A task is a plain value. Stores return copies, which are cheap to make because strings, input and
/// outcome are shared. Only [`apply`](Self::apply) and [`take_over`](Self::take_over) change a
/// task. If you use a [`TaskStore`](crate::TaskStore), its methods call them for you.
///
/// A task does not implement `Serialize`. Clients receive a [`Document`](crate::Document) with
/// links, and backends save a [`TaskRecord`].
///
/// ```
/// use tasklife::{AccountClock, Completion, Retention, Submission, Task, TaskEvent, TaskStatus};
///
/// let (retention, mut clock) = (Retention::default(), AccountClock::default());
/// let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// let submission = Submission::new("acme".parse()?, id, "subscriptionCreateRequest".parse()?);
///
/// let now = "2019-08-08T06:49:15.929Z".parse()?;
/// let mut task = Task::new(submission, retention, now, clock.next(now));
/// clock.advance_to(&task);
/// for event in [TaskEvent::start(), TaskEvent::complete(Completion::of(77_899))] {
///     task.apply(event, retention, now, clock.next(now))?;
///     clock.advance_to(&task);
/// }
/// assert_eq!(task.status(), TaskStatus::ProcessingCompleted);
/// assert_eq!(task.revision().get(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    id: TaskId,
    submitted: Arc<SubmittedPart>,
    state: State,
    description: Option<Text>,
    progress: Option<Progress>,
    attempts: u32,
    updated_at: Timestamp,
    expires_at: Timestamp,
    revision: Revision,
}

/// The part of a task that comes from its submission. Copies of the task share it.
#[derive(Debug, PartialEq, Eq)]
struct SubmittedPart {
    account: AccountId,
    command_type: CommandType,
    input: Input,
    submitted_at: Timestamp,
}

/// A status together with its outcome, so that no other combination can exist.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Initialized,
    Received,
    InProgress,
    Completed(Arc<Completion>),
    Failed(Arc<TaskError>),
}

impl Task {
    /// Creates the task of a submission that is accepted at `now`.
    ///
    /// `stamp` is the [`next`](AccountClock::next) stamp of the account's clock.
    /// [Advance](AccountClock::advance_to) the clock afterwards.
    ///
    /// You need this only if you implement a store. To create a task in a store, call
    /// [`TaskStore::submit`](crate::TaskStore::submit).
    #[must_use]
    pub fn new(submission: Submission, retention: Retention, now: Timestamp, stamp: Stamp) -> Self {
        Self::with_expiry(retention.after_submission(now), submission, now, stamp)
    }

    /// Creates a task whose expiry is already known.
    pub(crate) fn with_expiry(
        expires_at: Timestamp,
        submission: Submission,
        now: Timestamp,
        stamp: Stamp,
    ) -> Self {
        let Submission { account, id, command_type, input, status } = submission;
        let submitted_at = clamp_time(now);
        Self {
            id,
            submitted: Arc::new(SubmittedPart { account, command_type, input, submitted_at }),
            state: match status {
                TaskStatus::Initialized => State::Initialized,
                _ => State::Received,
            },
            description: None,
            progress: None,
            attempts: 0,
            updated_at: stamp.updated_at.max(submitted_at),
            expires_at,
            revision: stamp.revision,
        }
    }

    /// Applies one event. If the event is refused, the task is unchanged.
    ///
    /// `stamp` is the [`next`](AccountClock::next) stamp of the account's clock.
    /// [Advance](AccountClock::advance_to) the clock afterwards, unless the event was refused.
    ///
    /// The stamp dates the event, and `now` affects only the expiry. If the retention is counted
    /// from the [end](Retention::since_end), a store passes the later of `now` and its horizon.
    ///
    /// You need this only if you implement a store. To apply an event to a task in a store, call
    /// [`TaskStore::apply`](crate::TaskStore::apply).
    ///
    /// # Errors
    ///
    /// Returns [`TransitionError`] if the task's status does not [permit](TaskStatus::after) the
    /// event.
    #[inline]
    pub fn apply(
        &mut self,
        event: TaskEvent,
        retention: Retention,
        now: Timestamp,
        stamp: Stamp,
    ) -> Result<(), TransitionError> {
        self.check_transition(event.kind())?;
        if let Some(description) = event.description {
            self.description = Some(description);
        } else if !matches!(event.payload, Payload::Report(_)) {
            self.description = None;
        }
        match event.payload {
            Payload::Receive => self.state = State::Received,
            Payload::Start => {
                self.state = State::InProgress;
                self.attempts = self.attempts.saturating_add(1);
            }
            // `None` is less than any percentage, so the progress never falls.
            Payload::Report(progress) => self.progress = self.progress.max(progress),
            Payload::Complete(completion) => self.state = State::Completed(completion),
            Payload::Fail(error) => self.state = State::Failed(error),
        }
        if retention.drops_input_at_end() && self.status().is_terminal() {
            self.drop_input();
        }
        let submitted_at = self.submitted_at();
        let expires_at =
            retention.limit_expiry(self.expires_at, submitted_at, self.updated_at, now);
        // A stamp from the account's clock is never behind. One from another clock must not move
        // the task back.
        if stamp.updated_at > self.updated_at {
            self.updated_at = stamp.updated_at;
        }
        self.revision = stamp.revision.max(self.revision.next());
        // A slow clock may date the event before the submission.
        let event_at = now.max(submitted_at);
        self.expires_at = retention.after_event(expires_at, self.status(), event_at);
        Ok(())
    }

    /// Takes over a task in progress for another worker, because its last worker was silent.
    ///
    /// The takeover is recorded as a report without a description, and counts as an attempt. The
    /// task gets a new revision. So the events of the old worker, which target
    /// [exactly](crate::Target::exactly) the old revision, are refused (*fencing*).
    ///
    /// You need this only if you implement a store. [`TaskStore::claim`](crate::TaskStore::claim)
    /// takes over tasks that are due.
    ///
    /// # Errors
    ///
    /// Returns [`TransitionError`] if the task is not in progress. The task is then unchanged.
    pub fn take_over(
        &mut self,
        retention: Retention,
        now: Timestamp,
        stamp: Stamp,
    ) -> Result<(), TransitionError> {
        self.apply(TaskEvent::report(), retention, now, stamp)?;
        self.attempts = self.attempts.saturating_add(1);
        Ok(())
    }

    #[cold]
    fn drop_input(&mut self) {
        let SubmittedPart { account, command_type, input, submitted_at } = &*self.submitted;
        self.submitted = Arc::new(SubmittedPart {
            account: account.clone(),
            command_type: command_type.clone(),
            input: input.dropped(),
            submitted_at: *submitted_at,
        });
    }

    #[inline]
    fn check_transition(&self, event: EventKind) -> Result<(), TransitionError> {
        match self.status().after(event) {
            Some(_) => Ok(()),
            None => Err(TransitionError::new(self.status(), event)),
        }
    }

    /// Returns the task's id, which is unique within its account.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the account that the task belongs to.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.submitted.account
    }

    /// Returns the command type.
    #[must_use]
    pub fn command_type(&self) -> &CommandType {
        &self.submitted.command_type
    }

    /// Returns the input for the worker, as submitted.
    ///
    /// It is empty once it was [dropped](Retention::without_input_after_end).
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.submitted.input.bytes()
    }

    /// Returns whether the task had an input that was [dropped](Retention::without_input_after_end)
    /// when the task ended.
    #[must_use]
    pub fn is_input_dropped(&self) -> bool {
        matches!(self.submitted.input, Input::Dropped(_))
    }

    /// Returns the task's status.
    #[must_use]
    #[inline]
    pub fn status(&self) -> TaskStatus {
        match self.state {
            State::Initialized => TaskStatus::Initialized,
            State::Received => TaskStatus::Received,
            State::InProgress => TaskStatus::ProcessingInProgress,
            State::Completed(_) => TaskStatus::ProcessingCompleted,
            State::Failed(_) => TaskStatus::ProcessingError,
        }
    }

    /// Returns the task's description: the one that an event set, or else the [default
    /// description](TaskStatus::description) of the status.
    ///
    /// Each event replaces the description, or clears it if the event has none. Only a report
    /// without a description keeps it. Documents show
    /// [`Links::description_of`](crate::Links::description_of) instead, because you can replace the
    /// default descriptions.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.own_description().or(self.status().description())
    }

    /// Returns the description, if an event set one.
    pub(crate) fn own_description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the progress, if a report set one.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// Returns how often a worker started the task or took it over.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the `now` of the submission.
    #[must_use]
    pub fn submitted_at(&self) -> Timestamp {
        self.submitted.submitted_at
    }

    /// Returns the time of the latest event according to the account's clock. It is the `timestamp`
    /// of a document.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Returns the first instant at which the task is expired.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether the task is not expired at `instant`: whether `instant` is before
    /// [`expires_at`](Self::expires_at).
    ///
    /// In a store, the instant is the later of the caller's `now` and the store's horizon. For
    /// example, a task expires at 12:00. At 11:59 it is visible, but not to a caller whose `now` is
    /// 11:59 after a sweep at 12:00, which moved the horizon.
    #[must_use]
    pub fn is_visible_at(&self, instant: Timestamp) -> bool {
        instant < self.expires_at
    }

    /// Returns the revision of the task's latest event.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the outcome of the task, or `None` if it has not ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<&Completion, &TaskError>> {
        match &self.state {
            State::Completed(completion) => Some(Ok(completion)),
            State::Failed(error) => Some(Err(error)),
            State::Initialized | State::Received | State::InProgress => None,
        }
    }
}

impl AccountClock {
    /// Advances the clock to the revision and the update time of a task whose event was accepted.
    ///
    /// The clock never goes back.
    pub fn advance_to(&mut self, task: &Task) {
        self.revision = self.revision.max(task.revision);
        self.updated_at = self.updated_at.max(task.updated_at);
    }
}

impl Submission {
    /// Returns whether this submission has the same command type and input as `task`.
    ///
    /// If the ids are the same too, it repeats the request that created the task.
    ///
    /// Two inputs are the same if their bytes are equal. They are also the same if both are JSON
    /// objects, or both are JSON arrays, with equal values, because a client may serialize the same
    /// value in different ways. If the task's input was [dropped](Retention::without_input_after_end),
    /// its digest is compared.
    ///
    /// ```
    /// # use tasklife::*;
    /// # let (account, id): (AccountId, TaskId) = ("acme".parse()?, uuid::Uuid::nil().into());
    /// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
    /// # let store = MemoryStore::default();
    /// # let now = MIN_TIME;
    /// let request = Submission::new(account, id, CREATE);
    /// let first = request.clone().with_input(*br#"{"name":"test","nodes":3}"#);
    /// let task = store.submit(first, now)?.into_task();
    /// assert!(request.clone().with_input(*br#"{"nodes": 3.0, "name": "test"}"#).is_repeat_of(&task));
    /// assert!(!request.with_input(*br#"{"nodes": 4, "name": "test"}"#).is_repeat_of(&task));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_repeat_of(&self, task: &Task) -> bool {
        self.command_type == *task.command_type() && task.submitted.input.is_same_as(self.input())
    }
}
