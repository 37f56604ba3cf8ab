//! The rules, and those that a single document can break.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::Serialize;

use super::path::Endpoint;
use super::{Report, Settings};
use crate::document::{ReportedStatus, TaskDocument};
use crate::format::Required;
use crate::status::TaskStatus;
use crate::wire::named_enum;

named_enum! {
    /// What an [`Auditor`](super::Auditor) looks for.
    pub enum Rule {
        /// The body is a document about a task, or a list of them, each with its command type and
        /// its timestamp.
        Document = "document",
        /// A task's id is a UUID, and that of the task that was asked for.
        TaskId = "task-id",
        /// A task keeps its command type.
        CommandType = "command-type",
        /// A status is one of the documented ones.
        UnknownStatus = "unknown-status",
        /// A status can be reached from the one before.
        Transition = "transition",
        /// A task that has ended does not change.
        AfterEnd = "after-end",
        /// A result is there only when the task has ended.
        EarlyResult = "early-result",
        /// A task that failed says why.
        MissingError = "missing-error",
        /// A task that completed has no error.
        MisplacedError = "misplaced-error",
        /// A document has a link to its task, every link leads somewhere, and there is one of each
        /// relation, in one shape.
        Link = "link",
        /// A task's timestamp never moves back.
        Timestamp = "timestamp",
        /// A list is sorted by the latest status update.
        ListOrder = "list-order",
        /// A task is listed once.
        ListDuplicate = "list-duplicate",
        /// A list has no task that has expired.
        TooOld = "too-old",
        /// A task is there until it expires.
        Vanished = "vanished",
    }
}

impl Rule {
    /// Where the rule comes from.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Document => {
                "API description, schemas TaskStateUpdate and TasksStateUpdate; Manage API tasks: \
                 task information"
            }
            Self::TaskId => "Manage API tasks: taskId is a UUID, and identifies the specific task",
            Self::CommandType => "Manage API tasks: a taskId identifies the specific task",
            Self::UnknownStatus => "API description, TaskStateUpdate.status",
            Self::Transition => "the API request lifecycle",
            Self::AfterEnd => "the API request lifecycle: the last two statuses are final; law S9",
            Self::EarlyResult => "the API request lifecycle: no response before the end",
            Self::MissingError => {
                "the API request lifecycle: the cause of a processing-error is in the task"
            }
            Self::MisplacedError => {
                "the API request lifecycle: an error ends a task in processing-error"
            }
            Self::Link => "Manage API tasks: _links has a link to the task itself; HAL, section 5",
            Self::Timestamp => "Manage API tasks: the list is sorted by status update; law S1",
            Self::ListOrder => "Manage API tasks: sorted by most recent status update; law S1",
            Self::ListDuplicate => "Manage API tasks: a list of tasks; law S3",
            Self::TooOld => "Manage API tasks: tasks submitted during the past 10 days; law S6",
            Self::Vanished => "Manage API tasks: all the tasks of the past 10 days; laws S6 and S7",
        }
    }
}

/// A breach of the contract: which reading, which rule, and what is wrong.
///
/// `{}` tells the rule, what is wrong, and where the rule comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    reading: usize,
    rule: Rule,
    what: String,
    source: &'static str,
}

impl Finding {
    pub(super) fn new(reading: usize, rule: Rule, what: String) -> Self {
        Self { reading, rule, what, source: rule.source() }
    }

    /// Which reading it was, counted from 1.
    #[must_use]
    pub const fn reading(&self) -> usize {
        self.reading
    }

    /// The rule that is broken.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// What is wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Where the rule comes from.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        self.source
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.rule, self.what, self.source)
    }
}

/// What can be wrong with a document by itself.
pub(super) fn check_document(
    document: &TaskDocument,
    submission: bool,
    settings: &Settings,
    report: &mut Report,
) {
    let id = document.task_id();
    let required = |what| settings.format.required().contains(&what);
    if required(Required::Uuid)
        && let Err(error) = document.id()
    {
        report.add(Rule::TaskId, format!("{error}"));
    }
    let told = [
        ("commandType", !required(Required::CommandType) || document.command_type().is_some()),
        ("timestamp", !required(Required::Timestamp) || document.timestamp().is_some()),
    ];
    for (field, _) in told.into_iter().filter(|(_, there)| !there) {
        report.add(Rule::Document, format!("task {id} has no {field}"));
    }
    let response = document.response();
    let error = response.and_then(|response| response.error());
    let result = response.is_some_and(|response| {
        let ids = response.resource_id().or(response.additional_resource_id()).is_some();
        ids || response.resource().is_some()
    });
    match document.status().known() {
        // A format that has it read it so.
        None if matches!(document.status(), ReportedStatus::Cancelled(_)) => {}
        None => {
            let status = document.status();
            report.add(
                Rule::UnknownStatus,
                format!("task {id} has the status {:?}", status.as_str()),
            );
        }
        Some(TaskStatus::ProcessingCompleted) if error.is_some() => {
            report.add(Rule::MisplacedError, format!("task {id} completed with an error"));
        }
        Some(TaskStatus::ProcessingError) if error.is_none() => {
            report.add(Rule::MissingError, format!("task {id} failed without an error"));
        }
        Some(status) if !status.is_terminal() => {
            let early = [("a result", result), ("an error", error.is_some())];
            let early = early
                .into_iter()
                .chain([("a link to a resource", document.link("resource").is_some())]);
            for (what, _) in early.filter(|(_, there)| *there) {
                report.add(Rule::EarlyResult, format!("task {id} has {what}, and is {status}"));
            }
        }
        Some(_) => {}
    }
    check_links(document, submission, settings, report);
}

fn check_links(
    document: &TaskDocument,
    submission: bool,
    settings: &Settings,
    report: &mut Report,
) {
    let id = document.task_id();
    let own = ["self", "task"].map(|rel| document.link(rel));
    let required = settings.format.required().contains(&Required::Itself);
    if required && own.iter().flatten().count() == 0 {
        let expected = if submission { "task" } else { "self" };
        report.add(Rule::Link, format!("task {id} has no link {expected:?}"));
    }
    for link in own.into_iter().flatten() {
        let Some(href) = link.href() else { continue };
        let path = href.split(['?', '#']).next().unwrap_or_default();
        let leads_to_it = match settings.tasks.endpoint(path) {
            Some(Endpoint::Task(last)) => last.eq_ignore_ascii_case(id),
            _ => false,
        };
        if !leads_to_it {
            let rel = link.rel().unwrap_or_default();
            report.add(Rule::Link, format!("the link {rel:?} of task {id} leads to {href:?}"));
        }
    }
    let mut relations = BTreeSet::new();
    for link in document.links() {
        let rel = link.rel().unwrap_or_default();
        if link.rel().is_none() {
            report.add(Rule::Link, format!("a link of task {id} has no relation"));
        } else if !relations.insert(rel) {
            report.add(Rule::Link, format!("task {id} has the link {rel:?} twice"));
        }
        match link.href() {
            None => {
                report.add(Rule::Link, format!("the link {rel:?} of task {id} has no address"));
            }
            Some(href) if !leads_somewhere(href) => {
                let what = format!("the link {rel:?} of task {id} leads to {href:?}, no address");
                report.add(Rule::Link, what);
            }
            Some(_) => {}
        }
    }
    if document.has_both_link_shapes() {
        report.add(Rule::Link, format!("task {id} has links in both shapes"));
    }
}

/// Whether a link's address is one: absolute, or a path from the root, of permitted characters.
fn leads_somewhere(href: &str) -> bool {
    let rest = ["https://", "http://", "/"].iter().find_map(|begin| href.strip_prefix(begin));
    let permitted = |c: u8| c.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&c);
    rest.is_some_and(|rest| !rest.is_empty()) && href.bytes().all(permitted)
}
