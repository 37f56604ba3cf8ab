//! What the calls of a history are about, as plain values.

use alloc::collections::BTreeMap;
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
    /// One with an input of a few bytes: for ids that are even, no text.
    Input,
    /// One with an input that is JSON.
    Json,
    /// One with the same JSON, spelled otherwise: a repeat of it.
    SameJson,
    /// One with other JSON.
    OtherJson,
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

/// What happens to a task in a [`History`]. The details come from the time: in every other second,
/// an event brings words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`TaskEvent::receive`].
    Receive,
    /// [`TaskEvent::start`].
    Start,
    /// A [`TaskEvent::report`] without words.
    Report,
    /// A report with a percentage.
    Progress,
    /// [`TaskEvent::complete`], with both ids and a resource.
    Complete,
    /// [`TaskEvent::complete`], with nothing.
    CompleteEmpty,
    /// [`TaskEvent::fail`], with all that an error can have.
    Fail,
}

/// Which part of a list a [`History`] asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A status; if there is neither this nor the other, any.
    pub status: Option<TaskStatus>,
    /// Another status.
    pub or_status: Option<TaskStatus>,
    /// Changed since the revision of the page that was read so many pages ago: 0 for the last one. Pages of
    /// changes are not counted. Revision 0, if there was none.
    pub since_page: Option<usize>,
}

impl Request {
    /// Every request.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Initialized,
        Self::OtherCommand,
        Self::Input,
        Self::Json,
        Self::SameJson,
        Self::OtherJson,
        Self::LargeInput,
    ];

    pub(in crate::testing) fn submission(self, of: u16, id: u16) -> Submission {
        const COMMAND: CommandType = CommandType::from_static("subscriptionCreateRequest");
        const OTHER: CommandType = CommandType::from_static("subscriptionDeleteRequest");
        let plain = Submission::new(account(of), task_id(id), COMMAND);
        match self {
            Self::Plain => plain,
            Self::Initialized => plain.initialized(),
            Self::OtherCommand => Submission::new(account(of), task_id(id), OTHER),
            Self::Input if id.is_multiple_of(2) => plain.with_input([0xFF, 0]),
            Self::Input => plain.with_input(*b" \0\n "),
            Self::Json => plain.with_input(*br#"{"a":1}"#),
            Self::SameJson => plain.with_input(*b"{\"a\":1\n}"),
            Self::OtherJson => plain.with_input(*br#"{"a":2}"#),
            Self::LargeInput => plain.with_input([0; History::MAX_INPUT + 1]),
        }
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Receive,
        Self::Start,
        Self::Report,
        Self::Progress,
        Self::Complete,
        Self::CompleteEmpty,
        Self::Fail,
    ];

    pub(in crate::testing) fn event(self, at: i64) -> TaskEvent {
        let seconds = at.div_euclid(1_000_000_000).unsigned_abs();
        let event = match self {
            Self::Receive => TaskEvent::receive(),
            Self::Start => TaskEvent::start(),
            Self::Report => return TaskEvent::report(),
            // Percentages that fall as often as they rise.
            Self::Progress => TaskEvent::report_of(Progress::of(seconds * 61 % 101, 100)),
            Self::Complete => {
                let ids = Completion::of(at).with_additional_resource_id(format!("at {at}"));
                let resource = BTreeMap::from([("at", at)]);
                TaskEvent::complete(ids.clone().with_resource(&resource).unwrap_or(ids))
            }
            Self::CompleteEmpty => TaskEvent::complete(Completion::default()),
            Self::Fail => {
                let error = TaskError::new("CODE", format!("It failed at {at} ns."));
                let error = error.with_status("409 CONFLICT");
                TaskEvent::fail(error.with_additional_info(format!("{at}")))
            }
        };
        if seconds % 2 == 1 {
            event.with_description(format!("This is at {at} ns."))
        } else {
            event
        }
    }
}
