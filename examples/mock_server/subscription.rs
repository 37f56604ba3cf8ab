//! What the tasks make: subscriptions. Nothing of them is kept but their tasks.

use std::sync::atomic::{AtomicI32, Ordering};

use chrono::TimeDelta;
use serde::Serialize;
use serde::de::Error as _;
use serde_json::{Error, Map, Value};
use tasklife::{Now, ProvisioningStatus, ResourceId, Task};

/// A subscription, as clients see it.
#[derive(Serialize)]
pub(crate) struct Subscription {
    pub(crate) id: ResourceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    status: ProvisioningStatus,
}

impl Subscription {
    /// The subscription that a task has made, if the task has completed.
    pub(crate) fn made_by(task: &Task, now: Now) -> Option<Self> {
        let id = task.outcome()?.ok()?.resource_id()?.clone();
        let name = name_in(task.input()).ok()?;
        let status = if now - task.updated_at() < TimeDelta::seconds(1) {
            ProvisioningStatus::Pending
        } else {
            ProvisioningStatus::Active
        };
        Some(Self { id, name, status })
    }
}

/// The name that a request asks for: all of it that matters here.
pub(crate) fn name_in(request: &[u8]) -> Result<Option<String>, Error> {
    // Read into values, whose depth is limited, where what is merely skipped has any.
    let mut request: Map<String, Value> = serde_json::from_slice(request)?;
    match request.remove("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => Err(Error::custom("expected `name` to be a string")),
    }
}

/// The next id that is free, whatever the account.
pub(crate) fn next_id() -> i32 {
    static NEXT: AtomicI32 = AtomicI32::new(77_899);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
