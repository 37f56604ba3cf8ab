//! The status of a resource, and how it changes after a task.

use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{ProvisioningStatus, Timestamp};

use crate::pace::Pace;

/// A resource, with its next status.
pub(super) struct Resource {
    pub(super) fields: Arc<Map<String, Value>>,
    /// When it was made, and when it was last changed.
    pub(super) times: [Timestamp; 2],
    pub(super) status: ProvisioningStatus,
    pub(super) next_status: Option<NextStatus>,
}

/// The next status of a resource, and when it begins.
pub(super) struct NextStatus {
    pub(super) since: Timestamp,
    pub(super) pace: Pace,
    pub(super) reads: u32,
    pub(super) to: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Status(ProvisioningStatus),
    Gone,
}

/// How a change of a resource goes on after its task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provisioning {
    pub(crate) since: Timestamp,
    pub(crate) pace: Pace,
    pub(crate) fails: bool,
}

impl Resource {
    /// Returns the status `now`, unless the resource is gone.
    pub(super) fn status_at(&self, now: Timestamp) -> Option<ProvisioningStatus> {
        match &self.next_status {
            Some(next) if next.is_due(now) => match next.to {
                Outcome::Status(status) => Some(status),
                Outcome::Gone => None,
            },
            _ => Some(self.status),
        }
    }
}

impl NextStatus {
    fn is_due(&self, now: Timestamp) -> bool {
        self.pace.is_met_by(self.reads) || self.pace.due(self.since).is_some_and(|due| due <= now)
    }
}
