//! The parts of a document that an auditor demands.

#[cfg(doc)]
use super::Format;

/// A part that every document of a task has, in a [`Format`] that [requires](Format::required) it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequiredPart {
    /// An id that is a UUID.
    Uuid,
    /// The command type.
    CommandType,
    /// When the task last changed.
    Timestamp,
    /// A link to the task itself.
    SelfLink,
}
