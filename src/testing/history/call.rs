//! The arguments of a history's calls, as plain values.

use alloc::collections::BTreeMap;
use alloc::format;

use super::{History, account, task_id};
use crate::event::{Progress, TaskEvent};
use crate::id::CommandType;
use crate::outcome::{Completion, TaskError};
use crate::status::TaskStatus;
use crate::submission::Submission;

/// A submission of a [`History`].
///
/// All but one have the same command type. Variants differ in the input, so that a repeat of the
/// same id is either idempotent or a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// No input.
    NoInput,
    /// No input, and [initialized](Submission::initialized).
    Initialized,
    /// No input, and another command type.
    OtherCommandType,
    /// An input that is not JSON: two bytes that are not UTF-8 for an even id, text with a NUL for
    /// an odd id.
    BytesInput,
    /// A JSON input.
    JsonInput,
    /// The same JSON value as [`JsonInput`](Self::JsonInput) with other white space, so a repeat of
    /// it.
    EquivalentJson,
    /// Another JSON value.
    DifferentJson,
    /// An input of 9 bytes, one more than [`History::MAX_INPUT`].
    OversizedInput,
}

/// The revision that an event of a [`History`] expects its task to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// Any revision: [`Target::latest`](crate::Target::latest).
    Any,
    /// The revision of the task's last change. Like `Any` if it has not changed yet.
    Current,
    /// The revision before that, so a stale one. Like `Current` if there is none.
    Previous,
}

/// An event of a [`History`].
///
/// The time of the call determines the details. In every other second, an event has a description,
/// except for [`Report`](Self::Report).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A [`TaskEvent::receive`].
    Receive,
    /// A [`TaskEvent::start`].
    Start,
    /// A [`TaskEvent::report`] without description or progress: a heartbeat.
    Report,
    /// A [`TaskEvent::report_of`] some progress.
    Progress,
    /// A [`TaskEvent::complete`] with both ids and a resource.
    Complete,
    /// A [`TaskEvent::complete`] with an empty completion.
    CompleteEmpty,
    /// A [`TaskEvent::fail`] with a code, status, description and additional info.
    Fail,
}

/// The filter of a list in a [`History`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A status to include. Without this and `or_status`, every status is.
    pub status: Option<TaskStatus>,
    /// A second status to include.
    pub or_status: Option<TaskStatus>,
    /// Lists only tasks that changed since an earlier page.
    ///
    /// The number counts pages backwards: 0 is the latest one. Pages that were themselves filtered
    /// by changes don't count. Without any page, all tasks match.
    pub since_page: Option<usize>,
}

impl Request {
    /// All variants.
    pub const ALL: [Self; 8] = [
        Self::NoInput,
        Self::Initialized,
        Self::OtherCommandType,
        Self::BytesInput,
        Self::JsonInput,
        Self::EquivalentJson,
        Self::DifferentJson,
        Self::OversizedInput,
    ];

    pub(in crate::testing) fn submission(self, account_number: u16, id: u16) -> Submission {
        const COMMAND: CommandType = CommandType::from_static("subscriptionCreateRequest");
        const OTHER: CommandType = CommandType::from_static("subscriptionDeleteRequest");
        let plain = Submission::new(account(account_number), task_id(id), COMMAND);
        match self {
            Self::NoInput => plain,
            Self::Initialized => plain.initialized(),
            Self::OtherCommandType => Submission::new(account(account_number), task_id(id), OTHER),
            Self::BytesInput if id.is_multiple_of(2) => plain.with_input([0xFF, 0]),
            Self::BytesInput => plain.with_input(*b" \0\n "),
            Self::JsonInput => plain.with_input(*br#"{"a":1}"#),
            Self::EquivalentJson => plain.with_input(*b"{\"a\":1\n}"),
            Self::DifferentJson => plain.with_input(*br#"{"a":2}"#),
            Self::OversizedInput => plain.with_input([0; History::MAX_INPUT + 1]),
        }
    }
}

impl Event {
    /// All variants.
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
            // Percentages fall as often as they rise, as a store has to keep the highest.
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
