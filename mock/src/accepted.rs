//! An operation that was accepted: how its task goes, and what it ends in.

use std::sync::Arc;

use serde_json::value::RawValue;
use tasklife::{Completion, Now, Progress, TaskEvent, TaskStatus};

use crate::effect::Effect;
use crate::pace::Pace;
use crate::path::as_in_path;
use crate::resource::{Provisioning, Resources};
use crate::route::Routes;
use crate::script::End;
use crate::scripts::SetScript;
use crate::work::{Work, gone};

/// What a task is to do, and the script by which it does.
pub(crate) struct Accepted {
    work: Work,
    script: Arc<SetScript>,
    /// What the script made of the body, where it says.
    completion: Option<Completion>,
}

impl Accepted {
    /// Runs the script's function on the request's body.
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

    /// How long its task stays in a status.
    pub(crate) fn pace(&self, status: TaskStatus) -> Pace {
        match status {
            TaskStatus::Initialized => self.script.script.initialized.unwrap_or(Pace::Immediate),
            TaskStatus::Received => self.script.script.received,
            TaskStatus::ProcessingInProgress => self.script.script.in_progress,
            TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => Pace::Never,
        }
    }

    /// The report of its progress with this number, and when it is due, counted from the start.
    pub(crate) fn report(&self, status: TaskStatus, number: usize) -> Option<(Pace, Progress)> {
        let script = &self.script.script;
        let progress = script.report(number)?;
        let is_in_progress = status == TaskStatus::ProcessingInProgress;
        is_in_progress.then(|| (script.pace_of_report(number), progress))
    }

    /// How its task ends, at this instant.
    pub(crate) fn end(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Now,
        account: usize,
    ) -> TaskEvent {
        if let End::Failing(error) = &self.script.script.end {
            return TaskEvent::fail((**error).clone());
        }
        self.complete(routes, resources, now, account)
    }

    /// How its task ends, at this instant, if its script lets it succeed.
    pub(crate) fn complete(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Now,
        account: usize,
    ) -> TaskEvent {
        // A read may be what something waits for, to be gone.
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

    /// What it does to resources, now that its task has completed.
    pub(crate) fn take_effect(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        completion: &Completion,
        since: Now,
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
            // The script may have said another id, or none: then nothing is made.
            let (Some((_, ids)), Some(id)) = (&mut target, id) else { return };
            ids.pop();
            ids.push(id);
        }
        self.work.carry_out(routes, resources, target.as_ref(), provisioning, account);
    }
}
