//! A task: one accepted operation, from its submission to its end.

mod record;

use alloc::sync::Arc;

use crate::clock::{AccountClock, Revision, Stamp};
use crate::event::{Payload, Progress, TaskEvent, TransitionError};
use crate::id::{AccountId, CommandType, TaskId};
use crate::outcome::{Completion, TaskError};
use crate::retention::Retention;
use crate::status::{EventKind, TaskStatus};
use crate::submission::{Input, Submission, held_bytes};
use crate::time::{Now, clamp_time};
use crate::wire::Text;

pub use record::{RecordError, TaskRecord};

/// One accepted operation, and where it stands.
///
/// A value without identity: stores hand out copies, which are cheap, since texts, input and
/// outcome are shared. It changes only by [`apply`](Self::apply) and
/// [`take_over`](Self::take_over). It can't be serialized by accident: what goes out to a client is
/// a [`Document`](crate::Document) with links, what goes to a disk a [`TaskRecord`].
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
    origin: Arc<Origin>,
    state: State,
    description: Option<Text>,
    progress: Option<Progress>,
    attempts: u32,
    updated_at: Now,
    expires_at: Now,
    revision: Revision,
}

/// What a task keeps from its submission.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    account: AccountId,
    command_type: CommandType,
    input: Input,
    submitted_at: Now,
}

/// A status with what belongs to it: nothing else can be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Initialized,
    Received,
    InProgress,
    Completed(Arc<Completion>),
    Failed(Arc<TaskError>),
}

impl Task {
    /// The task that a submission becomes when it is accepted `now`.
    ///
    /// The stamp is the [`next`](AccountClock::next) of the account's clock, which is
    /// [advanced](AccountClock::advance_to) afterwards.
    #[must_use]
    pub fn new(submission: Submission, retention: Retention, now: Now, stamp: Stamp) -> Self {
        Self::with_expiry(retention.after_submission(now), submission, now, stamp)
    }

    /// The same, where it is known when it expires.
    pub(crate) fn with_expiry(
        expires_at: Now,
        submission: Submission,
        now: Now,
        stamp: Stamp,
    ) -> Self {
        let Submission { account, id, command_type, input, status } = submission;
        let submitted_at = clamp_time(now);
        Self {
            id,
            origin: Arc::new(Origin { account, command_type, input, submitted_at }),
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

    /// Applies one event, wholly or not at all.
    ///
    /// The stamp is the [`next`](AccountClock::next) of the account's clock, which is
    /// [advanced](AccountClock::advance_to) afterwards, unless the event was refused. `now` decides on nothing
    /// but the expiry. Where the retention is counted from the [end](Retention::since_end), a store gives the
    /// horizon for it, if that is later.
    ///
    /// # Errors
    /// Where the [status](TaskStatus::after) does not permit the event. The task is then exactly
    /// as it was.
    #[inline]
    pub fn apply(
        &mut self,
        event: TaskEvent,
        retention: Retention,
        now: Now,
        stamp: Stamp,
    ) -> Result<(), TransitionError> {
        self.check_transition(event.kind())?;
        if let Some(words) = event.description {
            self.description = Some(words);
        } else if !matches!(event.payload, Payload::Report(_)) {
            self.description = None;
        }
        match event.payload {
            Payload::Receive => self.state = State::Received,
            Payload::Start => {
                self.state = State::InProgress;
                self.attempts = self.attempts.saturating_add(1);
            }
            // None is less than any percentage, so that neither none nor less lowers it.
            Payload::Report(progress) => self.progress = self.progress.max(progress),
            Payload::Complete(completion) => self.state = State::Completed(completion),
            Payload::Fail(error) => self.state = State::Failed(error),
        }
        if retention.drops_input_at_end() && self.status().is_terminal() {
            self.drop_input();
        }
        let submitted_at = self.submitted_at();
        let expires_at = retention.in_sight(self.expires_at, submitted_at, self.updated_at, now);
        // A stamp of the account's clock is never behind; another must not take the task back.
        if stamp.updated_at > self.updated_at {
            self.updated_at = stamp.updated_at;
        }
        self.revision = stamp.revision.max(self.revision.next());
        // By a clock that is behind, it may have happened before the submission.
        let counted_from = now.max(submitted_at);
        self.expires_at = retention.after_event(expires_at, self.status(), counted_from);
        Ok(())
    }

    /// Hands a task in progress to another worker, since the last one fell silent: a wordless
    /// report that counts as an attempt. Its new revision fences the old worker, whose events
    /// [exactly](crate::Target::exactly) at the old revision are refused from then on.
    ///
    /// # Errors
    /// Where the task is not in progress. It is then exactly as it was.
    pub fn take_over(
        &mut self,
        retention: Retention,
        now: Now,
        stamp: Stamp,
    ) -> Result<(), TransitionError> {
        self.apply(TaskEvent::report(), retention, now, stamp)?;
        self.attempts = self.attempts.saturating_add(1);
        Ok(())
    }

    #[cold]
    fn drop_input(&mut self) {
        let Origin { account, command_type, input, submitted_at } = &*self.origin;
        self.origin = Arc::new(Origin {
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

    /// The task's id, unique within its account.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Whose task it is.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.origin.account
    }

    /// What was asked for.
    #[must_use]
    pub fn command_type(&self) -> &CommandType {
        &self.origin.command_type
    }

    /// What the worker needs, as submitted. Empty once it was [let
    /// go](Retention::with_input_until_end).
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.origin.input.bytes()
    }

    /// Whether there was an input that was [let go](Retention::with_input_until_end) at the task's end.
    #[must_use]
    pub fn is_input_dropped(&self) -> bool {
        matches!(self.origin.input, Input::Dropped(_))
    }

    /// Where the task stands.
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

    /// The words that go with the status: those of the latest event that had some, or the
    /// [sentence of the status](TaskStatus::description), if it has one. Documents have
    /// [`Links::description_of`](crate::Links::description_of), as sentences may be set.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.words().or(self.status().description())
    }

    /// The words of the latest event that had some.
    pub(crate) fn words(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// How far the task has come, where a report said so.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// How often a worker started the task or took it over.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the task was submitted: the `now` of its submission.
    #[must_use]
    pub fn submitted_at(&self) -> Now {
        self.origin.submitted_at
    }

    /// When the task last changed, as its account's clock saw it; `timestamp` in a document.
    #[must_use]
    pub fn updated_at(&self) -> Now {
        self.updated_at
    }

    /// The first instant at which the task is gone.
    #[must_use]
    pub fn expires_at(&self) -> Now {
        self.expires_at
    }

    /// Whether the task is there at this instant: before [`expires_at`](Self::expires_at). In a
    /// store, the instant is the later of the caller's `now` and the store's horizon.
    #[must_use]
    pub fn is_visible_at(&self, instant: Now) -> bool {
        instant < self.expires_at
    }

    /// The revision of the task's latest event.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How many bytes the task counts for [`max_bytes`](crate::StoreConfig::with_max_bytes): those of its
    /// names, its input, and its words and outcome, of which there are 256 at least; and 512 for all else.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let outcome = match &self.state {
            State::Initialized | State::Received | State::InProgress => 0,
            State::Completed(completion) => completion.text_len(),
            State::Failed(error) => error.text_len(),
        };
        let output = self.words().map_or(0, str::len) + outcome;
        held_bytes(self.account(), self.command_type(), self.input(), output)
    }

    /// What it would count after an event that its status permits.
    pub(crate) fn held_bytes_after(&self, event: &TaskEvent, retention: Retention) -> usize {
        let ends = self.status().after(event.kind()).is_some_and(TaskStatus::is_terminal);
        let input = if ends && retention.drops_input_at_end() { &[] } else { self.input() };
        let stays = matches!(event.payload, Payload::Report(_)) && event.description.is_none();
        let kept = if stays { self.words().map_or(0, str::len) } else { 0 };
        held_bytes(self.account(), self.command_type(), input, kept + event.output_len())
    }

    /// How the task ended: `None` until it has.
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
    /// Moves the clock to an event that was accepted: to the task's revision and update time. It
    /// never moves back.
    pub fn advance_to(&mut self, task: &Task) {
        self.revision = self.revision.max(task.revision);
        self.updated_at = self.updated_at.max(task.updated_at);
    }
}

impl Submission {
    /// Whether this asks for what `task` was made for: the same command type and input. Under the
    /// same id, it is then the same request, made again.
    ///
    /// Inputs are the same where their bytes are; or where both are JSON objects, or both arrays, of the
    /// same value, as a client's serializer need not write it the same way twice. Where the task's was [let
    /// go](Retention::with_input_until_end), its digest is compared.
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
        self.command_type == *task.command_type() && task.origin.input.is_same_as(self.input())
    }
}
