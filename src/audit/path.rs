//! The path of the tasks on a server, and what an address below it leads to.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::wire::{Excerpt, percent_decoded};

/// The path of the list of tasks: the last segments of every address of the list, decoded.
#[derive(Clone, Debug)]
pub(super) struct TasksPath(Vec<String>);

/// What an address leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    List,
    /// The task with this id.
    Task(String),
}

impl Default for TasksPath {
    /// `/tasks`, as documented.
    fn default() -> Self {
        Self([String::from("tasks")].into())
    }
}

impl TasksPath {
    pub(super) fn parse(text: &str) -> Result<Self, TasksPathError> {
        let fail = |fault| Err(TasksPathError { fault, got: Excerpt::of(text) });
        let Some(path) = text.strip_prefix('/') else { return fail(Fault::NoSlash) };
        let path = path.strip_suffix('/').unwrap_or(path);
        for segment in path.split('/') {
            if let Err(fault) = check(segment) {
                return fail(fault);
            }
        }
        Ok(Self(segments(path).collect()))
    }

    /// Returns what an address leads to, if it is an address of tasks. The address is a path or a
    /// URL, without a query. Whatever precedes the tasks' path is the server's base address.
    pub(super) fn endpoint(&self, address: &str) -> Option<Endpoint> {
        let path = match address.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => {
                rest.split_once('/').map_or("", |(_, path)| path)
            }
            _ => address,
        };
        let segments: Vec<String> = segments(path).collect();
        if segments.ends_with(&self.0) {
            return Some(Endpoint::List);
        }
        let (id, before) = segments.split_last()?;
        before.ends_with(&self.0).then(|| Endpoint::Task(id.to_owned()))
    }
}

/// Returns the decoded segments of a path, without the empty ones that trailing and doubled slashes
/// make.
fn segments(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(decoded)
}

/// Returns a percent-decoded segment, with a replacement character for each invalid UTF-8 sequence.
fn decoded(segment: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(segment)).into_owned()
}

/// Checks one segment of the tasks' path.
fn check(segment: &str) -> Result<(), Fault> {
    match decoded(segment).as_str() {
        "" => return Err(Fault::EmptySegment),
        "." | ".." => return Err(Fault::DotSegment),
        _ => {}
    }
    match segment.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#')) {
        Some('?') => Err(Fault::Query),
        Some('#') => Err(Fault::Fragment),
        Some(c) => Err(Fault::Character(c)),
        None => Ok(()),
    }
}

/// The error for a path that can't be the path of the tasks.
///
/// ```
/// use tasklife::{Retention, audit::Auditor};
///
/// let auditor = Auditor::new(Retention::default());
/// assert_eq!(
///     auditor.with_tasks_path("api/jobs").unwrap_err().to_string(),
///     "expected a path of tasks that begins with a slash, such as /api/jobs, got \"api/jobs\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a path of tasks {fault}, got {got}")]
pub struct TasksPathError {
    fault: Fault,
    got: Excerpt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("that begins with a slash, such as /api/jobs")]
    NoSlash,
    #[error("without empty segments, such as /api/jobs")]
    EmptySegment,
    #[error("without the segments `.` and `..`")]
    DotSegment,
    #[error("without a query")]
    Query,
    #[error("without a fragment")]
    Fragment,
    #[error("without the character {0:?}")]
    Character(char),
}
