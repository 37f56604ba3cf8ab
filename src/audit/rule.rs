//! The rules, and their sources.

use crate::wire::named_enum;

named_enum! {
    /// A rule that an [`Auditor`](super::Auditor) checks.
    pub enum Rule {
        /// A body must be a document about a task, or a list of such documents. Each document must
        /// have a command type and a timestamp.
        Document = "document",
        /// A task's id must be a UUID, and the answer to a read of a task must be about that task.
        TaskId = "task-id",
        /// A task must keep its command type.
        CommandType = "command-type",
        /// A status must be a documented one.
        UnknownStatus = "unknown-status",
        /// A status must be reachable from the one that was read before.
        Transition = "transition",
        /// A task that has ended must not change.
        AfterEnd = "after-end",
        /// A task must not have a result, an error or a link to a resource before it has ended.
        EarlyResult = "early-result",
        /// A task that failed must have an error.
        MissingError = "missing-error",
        /// A task that completed must not have an error.
        MisplacedError = "misplaced-error",
        /// A document must have a link to its task. Every link must have a relation and a valid
        /// address. No relation may occur twice, and all links must be in one shape: `_links` or
        /// `links`.
        Link = "link",
        /// A task's timestamp must not go back.
        Timestamp = "timestamp",
        /// A list must be sorted by status update, latest first.
        ListOrder = "list-order",
        /// A list must not contain a task twice.
        ListDuplicate = "list-duplicate",
        /// A list must not contain a task that has expired.
        TooOld = "too-old",
        /// A task must not be missing before it expires.
        Vanished = "vanished",
    }
}

impl Rule {
    /// Returns the source of the rule: the document, and what it says there. If a law of
    /// [`TaskStore`](crate::TaskStore) demands the same, the source names the law too.
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
