//! The tasks of one account, as the readings showed them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::document::check_document;
use super::finding::Report;
use super::rule::Rule;
use super::settings::Settings;
use super::task::TrackedTask;
use crate::document::{ListDocument, TaskDocument};
use crate::id::TaskId;
use crate::retention::Retention;
use crate::time::{Rfc3339, Timestamp};

/// What the auditor knows about an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// The tasks, by their [`key`].
    tasks: BTreeMap<String, TrackedTask>,
    /// When the client last read a complete list.
    listed_at: Option<Timestamp>,
}

/// Returns the id under which an account keeps a task. UUIDs are compared without regard to case.
pub(super) fn key(id: &str) -> String {
    id.parse().map_or_else(|_| id.into(), |id: TaskId| id.to_string())
}

impl Account {
    /// Audits a document about one task.
    pub(super) fn read(
        &mut self,
        document: &TaskDocument,
        is_submission: bool,
        at: Timestamp,
        settings: &Settings,
        report: &mut Report,
    ) {
        check_document(document, is_submission, settings, report);
        let id = key(document.task_id());
        // After the retention, another task may use the id.
        let known = self
            .tasks
            .remove(&id)
            .filter(|known| !known.is_replaced_by(document, at, settings.retention));
        let mut tracked = match known {
            Some(known) => known.update(document, report),
            None => TrackedTask::first_seen(document, at, self.listed_at),
        };
        if !is_submission {
            tracked.mark_readable();
        }
        self.tasks.insert(id, tracked);
    }

    /// Audits a list, and if it is complete, reports the tasks that it lacks.
    pub(super) fn read_list(
        &mut self,
        list: &ListDocument,
        is_complete: bool,
        at: Timestamp,
        settings: &Settings,
        report: &mut Report,
    ) {
        let mut listed = BTreeSet::new();
        for document in list.tasks() {
            let id = document.task_id();
            if !listed.insert(key(id)) {
                report.add(Rule::ListDuplicate, format!("task {id} is listed twice"));
            }
            self.read(document, false, at, settings, report);
            let known = self.tasks.get(&key(id));
            if let Some(end) = known.and_then(|known| known.expired_by(at, settings.retention)) {
                let end = Rfc3339(end);
                let what = format!("task {id} is still listed, though it expired at {end}");
                report.add(Rule::TooOld, what);
            }
        }
        check_order(list, report);
        if is_complete {
            let missing: Vec<String> =
                self.tasks.keys().filter(|id| !listed.contains(*id)).cloned().collect();
            for id in missing {
                self.not_found(&id, at, settings.retention, report);
            }
            self.listed_at = Some(at);
        }
    }

    /// Reports a task that was not found, if it should be there.
    pub(super) fn not_found(
        &mut self,
        id: &str,
        at: Timestamp,
        retention: Retention,
        report: &mut Report,
    ) {
        let Some(known) = self.tasks.get_mut(id) else { return };
        if let Some(end) = known.vanished_before(at, retention) {
            let what = format!("task {id} is gone, though it expires at {}", Rfc3339(end));
            report.add(Rule::Vanished, what);
        }
    }
}

/// Checks that a list is sorted by the latest update. Tasks without a timestamp may stand anywhere.
fn check_order(list: &ListDocument, report: &mut Report) {
    let dated: Vec<_> =
        list.tasks().iter().filter_map(|task| Some((task.task_id(), task.timestamp()?))).collect();
    for pair in dated.windows(2) {
        if let [(above, above_at), (below, below_at)] = *pair
            && above_at < below_at
        {
            let (above_at, below_at) = (Rfc3339(above_at), Rfc3339(below_at));
            let what = format!(
                "task {above}, of {above_at}, is listed before task {below}, of {below_at}"
            );
            report.add(Rule::ListOrder, what);
        }
    }
}
