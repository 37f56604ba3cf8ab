//! What the calls of a history are about, as plain values.

use alloc::format;

use super::{History, account, task_id};
use crate::event::{Progress, TaskEvent};
use crate::id::CommandType;
use crate::outcome::{Completion, TaskError};
use crate::status::TaskStatus;
use crate::submission::Submission;

/// What a [`History`] submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A submission without input.
    Plain,
    /// The same, [initialized](Submission::initialized) only.
    Initialized,
    /// One of another command type.
    OtherCommand,
    /// One with an input of 2 bytes.
    Input,
    /// One with an input of 9 bytes, one more than histories allow.
    LargeInput,
}

/// At which revision a [`History`] expects a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// At any: [`Target::latest`](crate::Target::latest).
    Latest,
    /// At the revision of its last change; like `Latest` where it has none.
    Current,
    /// At the one before, where there is one; like `Current` otherwise.
    Previous,
}

/// What happens to a task in a [`History`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`TaskEvent::receive`].
    Receive,
    /// [`TaskEvent::start`].
    Start,
    /// A [`TaskEvent::report`] without words.
    Report,
    /// A report with words and a percentage, both made from its time.
    Progress,
    /// [`TaskEvent::complete`], with a resource id made from its time.
    Complete,
    /// [`TaskEvent::fail`].
    Fail,
}

/// Which part of a list a [`History`] asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A status, or any.
    pub status: Option<TaskStatus>,
    /// Changed since the revision of the page that was read so many pages ago: 0 for the last one.
    /// Revision 0, if there was none.
    pub since_page: Option<usize>,
}

impl Request {
    /// Every request.
    pub const ALL: [Self; 5] =
        [Self::Plain, Self::Initialized, Self::OtherCommand, Self::Input, Self::LargeInput];

    pub(in crate::testing) fn submission(self, of: u8, id: u8) -> Submission {
        const COMMAND: CommandType = CommandType::from_static("subscriptionCreateRequest");
        const OTHER: CommandType = CommandType::from_static("subscriptionDeleteRequest");
        let plain = Submission::new(account(of), task_id(id), COMMAND);
        match self {
            Self::Plain => plain,
            Self::Initialized => plain.initialized(),
            Self::OtherCommand => Submission::new(account(of), task_id(id), OTHER),
            Self::Input => plain.with_input(*b"in"),
            Self::LargeInput => plain.with_input([0; History::MAX_INPUT + 1]),
        }
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 6] =
        [Self::Receive, Self::Start, Self::Report, Self::Progress, Self::Complete, Self::Fail];

    pub(in crate::testing) fn event(self, at: i64) -> TaskEvent {
        match self {
            Self::Receive => TaskEvent::receive(),
            Self::Start => TaskEvent::start(),
            Self::Report => TaskEvent::report(),
            Self::Progress => TaskEvent::report()
                .with_description(format!("This is a report at {at} ns."))
                .with_progress(Progress::of(at.unsigned_abs() / 1_000_000_000 % 100, 100)),
            Self::Complete => TaskEvent::complete(Completion::of(at)),
            Self::Fail => TaskEvent::fail(TaskError::new("CODE", "It failed.")),
        }
    }
}
