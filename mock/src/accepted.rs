//! An accepted operation: how its task goes and how it ends.

use std::sync::Arc;

use serde_json::value::RawValue;
use tasklife::{Completion, Progress, TaskEvent, TaskStatus, Timestamp};

use crate::effect::Effect;
use crate::pace::Pace;
use crate::path::as_in_path;
use crate::resource::{Provisioning, Resources};
use crate::route::Routes;
use crate::script::End;
use crate::scripts::SetScript;
use crate::work::{Work, gone};

/// What a task does, and the script that it follows.
pub(crate) struct Accepted {
    work: Work,
    script: Arc<SetScript>,
    /// The completion that the script made of the body, if it makes one.
    completion: Option<Completion>,
}

impl Accepted {
    /// Calls the script's function with the request's body.
    pub(crate) fn new(work: Work, script: Arc<SetScript>) -> Self {
        let completion = match &script.script.end {
            End::Completing(end) => Some(end(work.body())),
            End::ByOperation if work.is_dry() => Some(Completion::default()),
            End::ByOperation | End::Failing(_) => None,
        };
        Self { work, script, completion }
    }

    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    pub(crate) fn script(&self) -> &Arc<SetScript> {
        &self.script
    }

    pub(crate) fn begins_initialized(&self) -> bool {
        self.script.script.initialized.is_some()
    }

    /// Returns how long its task stays in a status.
    pub(crate) fn pace(&self, status: TaskStatus) -> Pace {
        match status {
            TaskStatus::Initialized => self.script.script.initialized.unwrap_or(Pace::Immediate),
            TaskStatus::Received => self.script.script.received,
            TaskStatus::ProcessingInProgress => self.script.script.in_progress,
            TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => Pace::Never,
        }
    }

    /// Returns the pace, counted from the start, and the progress of a report, by its number from
    /// 0.
    pub(crate) fn report(&self, status: TaskStatus, number: usize) -> Option<(Pace, Progress)> {
        let script = &self.script.script;
        let progress = script.report(number)?;
        let is_in_progress = status == TaskStatus::ProcessingInProgress;
        is_in_progress.then(|| (script.pace_of_report(number), progress))
    }

    /// Returns the event that ends the task `now`.
    pub(crate) fn end(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Timestamp,
        account: usize,
    ) -> TaskEvent {
        if let End::Failing(error) = &self.script.script.end {
            return TaskEvent::fail((**error).clone());
        }
        self.complete(routes, resources, now, account)
    }

    /// Returns the event that ends the task `now` if its script lets it succeed. The operation
    /// itself may still fail.
    pub(crate) fn complete(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Timestamp,
        account: usize,
    ) -> TaskEvent {
        // This read may complete a deletion.
        self.work.count_reads(routes, resources, now);
        if let Some(subject) = self.work.subject()
            && !resources.is_there(routes, subject, now)
        {
            return TaskEvent::fail(gone(routes, subject));
        }
        if let Some(error) = self.work.refusal(routes, resources, now, account) {
            return TaskEvent::fail(error);
        }
        if let Some(completion) = &self.completion {
            return TaskEvent::complete(completion.clone());
        }
        if let Some(error) = self.work.obstacle(routes, resources, now) {
            return TaskEvent::fail(error);
        }
        let next = self.work.new_id(routes, resources, now);
        let target = self.work.target(routes, resources, next.as_ref());
        let ids = target.as_ref().map_or(&[][..], |(_, ids)| ids);
        let mut completion = match ids {
            [.., id] => Completion::of(id.clone()),
            [] => Completion::default(),
        };
        if let [.., parent, _] = ids {
            completion = completion.with_additional_resource_id(parent.clone());
        }
        if let Some(text) = self.work.result(routes, resources, now, account)
            && let Ok(resource) = RawValue::from_string(text)
            && let Ok(shown) = completion.clone().with_resource(&resource)
        {
            completion = shown;
        }
        TaskEvent::complete(completion)
    }

    /// Changes resources, after the task has completed.
    pub(crate) fn take_effect(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        completion: &Completion,
        since: Timestamp,
        account: usize,
    ) {
        let script = &self.script.script;
        let provisioning =
            Provisioning { since, pace: script.resource, fails: script.resource_fails };
        let id = completion.resource_id().cloned().map(as_in_path);
        let mut target = self.work.target(routes, resources, id.as_ref());
        if let Effect::Create(kind) = self.work.effect()
            && !routes.kind(*kind).is_single
        {
            // The script may have set another id. Without an id, nothing is made.
            let (Some((_, ids)), Some(id)) = (&mut target, id) else { return };
            ids.pop();
            ids.push(id);
        }
        self.work.carry_out(routes, resources, target.as_ref(), provisioning, account);
    }
}
