//! The status of a task as a server reports it.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer};

use crate::status::TaskStatus;

/// The status of a task as a server reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedStatus {
    /// A status of the documented API.
    Known(TaskStatus),
    /// The task was cancelled, so it ended without a result. The string is the format's own.
    ///
    /// Some [formats](crate::format) have this status, but the tasks of this crate don't.
    Cancelled(Box<str>),
    /// Any other string. It counts as still running, so a client continues to poll.
    Unknown(Box<str>),
}

impl From<TaskStatus> for ReportedStatus {
    fn from(status: TaskStatus) -> Self {
        Self::Known(status)
    }
}

impl ReportedStatus {
    /// Returns the status as the server sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(status) => status.as_str(),
            Self::Cancelled(text) | Self::Unknown(text) => text,
        }
    }

    /// Returns the status, if the documented API has it.
    #[must_use]
    pub fn known(&self) -> Option<TaskStatus> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Cancelled(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns whether the task has ended. An unknown status counts as still running.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Known(status) => status.is_terminal(),
            Self::Cancelled(_) => true,
            Self::Unknown(_) => false,
        }
    }
}

impl fmt::Display for ReportedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReportedStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().map_or_else(|_| Self::Unknown(text.into()), Self::Known))
    }
}
