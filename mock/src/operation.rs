//! An operation that was accepted: what its task ends in, and what it does to resources.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::pace::Pace;
use crate::resource::{Provisioning, ResourceKey, Resources, visible_fields};
use crate::route::{Effect, Routes, as_in_path};
use crate::script::{End, Script};
use tasklife::{Completion, Now, ResourceId, TaskError, TaskEvent, TaskStatus};

/// What a task is to do, as it was asked for, and the script by which it does.
pub(crate) struct Operation {
    effect: Effect,
    /// The resource below which it happens: what it changes, or what it makes something for.
    subject: Option<ResourceKey>,
    /// Whether it only asks: its result then has the resource.
    asks: bool,
    fields: Map<String, Value>,
    /// What is to be made along with it: kind and fields.
    nested: Vec<(usize, Map<String, Value>)>,
    script: Script,
    /// What the script made of the body, where it says.
    completion: Option<Completion>,
}

impl Operation {
    /// How many resources of a kind are made along with one.
    pub(crate) const MAX_NESTED: usize = 1_000;

    /// The operation that a request's body asks for. Runs the script's function on it.
    pub(crate) fn new(
        routes: &Routes,
        effect: Effect,
        subject: Option<ResourceKey>,
        asks: bool,
        body: &Value,
        script: &Script,
    ) -> Self {
        let dry = body["dryRun"] == true;
        let effect = if dry { Effect::None } else { effect };
        let mut nested = Vec::new();
        if let Effect::Create { kind } = effect {
            for (child, kind) in routes.children(kind) {
                let listed = body[&*kind.plural].as_array().into_iter().flatten();
                nested.extend(
                    listed.take(Self::MAX_NESTED).map(|body| (child, visible_fields(body))),
                );
            }
        }
        let completion = match &script.end {
            End::Completing(end) => Some(end(body)),
            End::ByOperation if dry => Some(Completion::default()),
            End::ByOperation | End::Failing(_) => None,
        };
        Self {
            effect,
            subject,
            asks,
            fields: visible_fields(body),
            nested,
            script: script.clone(),
            completion,
        }
    }

    pub(crate) fn begins_initialized(&self) -> bool {
        self.script.initialized.is_some()
    }

    pub(crate) fn creates(&self) -> bool {
        matches!(self.effect, Effect::Create { .. })
    }

    /// The resource that must be there for it.
    pub(crate) fn subject(&self) -> Option<&ResourceKey> {
        self.subject.as_ref()
    }

    /// How long its task stays in a status.
    pub(crate) fn pace(&self, status: TaskStatus) -> Pace {
        match status {
            TaskStatus::Initialized => self.script.initialized.unwrap_or(Pace::AtOnce),
            TaskStatus::Received => self.script.received,
            TaskStatus::ProcessingInProgress => self.script.in_progress,
            TaskStatus::ProcessingCompleted | TaskStatus::ProcessingError => Pace::Never,
        }
    }

    /// How its task ends, at this instant.
    pub(crate) fn end(&self, routes: &Routes, resources: &mut Resources, now: Now) -> TaskEvent {
        if let End::Failing(error) = &self.script.end {
            return TaskEvent::fail((**error).clone());
        }
        if let Some(subject) = &self.subject
            && !resources.is_there(routes, subject, now)
        {
            return TaskEvent::fail(gone(routes, subject));
        }
        if let Some(completion) = &self.completion {
            return TaskEvent::complete(completion.clone());
        }
        let before = self.subject.as_ref().map_or(&[][..], |(_, ids)| ids);
        let (id, before) = match self.effect {
            Effect::Create { .. } => (Some(resources.next_id()), before),
            _ => match before.split_last() {
                Some((id, before)) => (Some(id.clone()), before),
                None => (None, before),
            },
        };
        let mut completion = id.map_or_else(Completion::default, Completion::of);
        if let Some(parent) = before.last() {
            completion = completion.with_additional_resource_id(parent.clone());
        }
        if self.asks
            && let Some(subject) = &self.subject
            && let Some(text) = resources.description(routes, subject, now)
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
        resources: &mut Resources,
        completion: &Completion,
        since: Now,
    ) {
        let script = &self.script;
        let provisioning =
            Provisioning { since, pace: script.resource, fails: script.resource_fails };
        match (self.effect, &self.subject) {
            (Effect::Create { kind }, subject) => {
                let Some(id) = completion.resource_id().cloned() else { return };
                let before = subject.as_ref().map_or(&[][..], |(_, ids)| ids);
                let key = (kind, with(before, &as_in_path(id)));
                resources.create(&key, self.fields.clone(), provisioning);
                for (child, fields) in self.nested.iter().take(resources.room()) {
                    let key = (*child, with(&key.1, &resources.next_id()));
                    resources.create(&key, fields.clone(), provisioning);
                }
            }
            (Effect::Change { .. }, Some(key)) => {
                resources.change(key, self.fields.clone(), provisioning);
            }
            (Effect::Delete { .. }, Some(key)) => resources.delete(key, provisioning),
            _ => {}
        }
    }
}

fn with(before: &[ResourceId], id: &ResourceId) -> Vec<ResourceId> {
    let mut ids = before.to_owned();
    ids.push(id.clone());
    ids
}

/// The error for a resource that went before the task came to it.
fn gone(routes: &Routes, (kind, ids): &ResourceKey) -> TaskError {
    let kind = routes.kind(*kind);
    let id: String = ids.last().map(|id| format!(" {id}")).unwrap_or_default();
    TaskError::new(kind.not_found(), format!("The {}{id} was not found.", kind.singular()))
        .with_status("404 NOT_FOUND")
}
