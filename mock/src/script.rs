//! What becomes of the tasks of a command type, and which script is for which request.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::pace::Pace;
use tasklife::{CommandType, Completion, TaskError};

/// What becomes of a task, and of the resource that it makes, changes or deletes.
///
/// ```
/// use std::time::Duration;
/// use tasklife_mock::{Pace, Script};
/// use tasklife::{Completion, TaskError};
///
/// // Three reads of the task: received, in progress, completed. The resource: at once.
/// let quick = Script::new(Pace::Reads(3)).resource(Pace::AtOnce);
///
/// // A minute in the queue, and then it never ends.
/// let stuck = Script::in_steps(Pace::After(Duration::from_secs(60)), Pace::Never);
///
/// let failing = Script::new(Pace::AtOnce)
///     .failing(TaskError::new("DATABASE_NOT_ACTIVE", "The database is not active."));
///
/// let fixed = Script::new(Pace::AtOnce).completing(|_body| Completion::of(51_000));
/// ```
#[derive(Clone)]
pub struct Script {
    pub(crate) initialized: Option<Pace>,
    pub(crate) received: Pace,
    pub(crate) in_progress: Pace,
    pub(crate) end: End,
    pub(crate) resource: Pace,
    pub(crate) resource_fails: bool,
}

/// How a task ends.
#[derive(Clone)]
pub(crate) enum End {
    /// With the resource that the operation is about.
    ByOperation,
    Completing(Arc<dyn Fn(&Value) -> Completion + Send + Sync>),
    Failing(Arc<TaskError>),
}

impl Script {
    /// A script in which the task ends at this pace: half of it `received`, half of it in progress.
    /// Its resource is `pending` at the same pace.
    ///
    /// With [`Pace::Never`] the task stays `received`, until somebody moves it in
    /// [the API's store](crate::MockApi::store); its resource is then not kept waiting.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        let [received, in_progress] = pace.halves();
        Self::in_steps(received, in_progress).resource(match pace {
            Pace::Never => Pace::AtOnce,
            pace => pace,
        })
    }

    /// A script in which the task is `received` at one pace, and from then on in progress at
    /// another. Its resource is ready at once.
    #[must_use]
    pub fn in_steps(received: Pace, in_progress: Pace) -> Self {
        Self {
            initialized: None,
            received,
            in_progress,
            end: End::ByOperation,
            resource: Pace::AtOnce,
            resource_fails: false,
        }
    }

    /// Lets the task begin as `initialized`, at this pace, before it is received.
    #[must_use]
    pub fn initialized(mut self, pace: Pace) -> Self {
        self.initialized = Some(pace);
        self
    }

    /// Lets the task end in this error.
    #[must_use]
    pub fn failing(mut self, error: TaskError) -> Self {
        self.end = End::Failing(Arc::new(error));
        self
    }

    /// Lets the task end in a completion made from the request's body, in place of the usual one:
    /// the id of the resource, with the next free one for a resource that is made. Without a
    /// resource id in it, nothing is made. The body is `null` where there is none. It is looked at
    /// once, when the request comes; a panic goes through [`handle`](crate::MockApi::handle).
    #[must_use]
    pub fn completing(
        mut self,
        end: impl Fn(&Value) -> Completion + Send + Sync + 'static,
    ) -> Self {
        self.end = End::Completing(Arc::new(end));
        self
    }

    /// Sets how long the resource is `pending`, or `deleting`, after the task has completed. A read
    /// is a `GET` of the resource that was answered with 200.
    #[must_use]
    pub fn resource(mut self, pace: Pace) -> Self {
        self.resource = pace;
        self
    }

    /// Lets the resource become `error` in place of `active`, or of gone.
    #[must_use]
    pub fn resource_failing(mut self) -> Self {
        self.resource_fails = true;
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("initialized", &self.initialized)
            .field("received", &self.received)
            .field("in_progress", &self.in_progress)
            .field("end", &self.end)
            .field("resource", &self.resource)
            .field("resource_fails", &self.resource_fails)
            .finish()
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByOperation => f.write_str("by the operation"),
            Self::Completing(_) => f.write_str("completing, by a function"),
            Self::Failing(error) => write!(f, "failing with {error}"),
        }
    }
}

/// The scripts of an API: the latest that fits is the one.
pub(crate) struct Scripts {
    default: Arc<Script>,
    conditional: Vec<ConditionalScript>,
}

type Condition = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

#[derive(Clone)]
struct ConditionalScript {
    command: CommandType,
    /// Without one, it fits every body.
    when: Option<Condition>,
    script: Arc<Script>,
}

impl Scripts {
    pub(crate) fn new(default: Script) -> Self {
        Self { default: Arc::new(default), conditional: Vec::new() }
    }

    pub(crate) fn set_default(&mut self, script: Script) {
        self.default = Arc::new(script);
    }

    pub(crate) fn add(&mut self, command: CommandType, when: Option<Condition>, script: Script) {
        if when.is_none() {
            // It fits whatever those before fit.
            self.conditional.retain(|known| known.command != command);
        }
        self.conditional.push(ConditionalScript { command, when, script: Arc::new(script) });
    }

    /// What may be for a command type, the latest first, and the default at the end. The conditions
    /// are code of others, not to be run while the scripts are held.
    pub(crate) fn candidates(&self, command: &CommandType) -> Candidates {
        let conditional =
            self.conditional.iter().rev().filter(|known| known.command == *command).cloned();
        Candidates { conditional: conditional.collect(), default: self.default.clone() }
    }
}

pub(crate) struct Candidates {
    conditional: Vec<ConditionalScript>,
    default: Arc<Script>,
}

impl Candidates {
    pub(crate) fn fitting(self, body: &Value) -> Arc<Script> {
        let fits = |known: &ConditionalScript| known.when.as_ref().is_none_or(|when| when(body));
        self.conditional.into_iter().find(fits).map_or(self.default, |known| known.script)
    }
}
