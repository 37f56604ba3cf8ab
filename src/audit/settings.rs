//! How the audited server is set up.

use alloc::sync::Arc;

use super::path::TasksPath;
use crate::format::{Format, ListParameters, RedisCloud};
use crate::retention::Retention;

/// How the audited server is set up.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) retention: Retention,
    pub(super) tasks_path: TasksPath,
    pub(super) format: Arc<dyn Format>,
    pub(super) parameters: ListParameters,
}

impl Settings {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            tasks_path: TasksPath::default(),
            format: Arc::new(RedisCloud),
            parameters: RedisCloud.list_parameters(),
        }
    }
}
