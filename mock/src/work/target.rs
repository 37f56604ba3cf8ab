//! Which resource a request makes or changes, and why it may be refused.

use serde_json::Value;
use tasklife::{ResourceId, TaskError, Timestamp};

use super::{Work, named, with};
use crate::describe::Describer;
use crate::effect::{Edit, Effect};
use crate::kind::Naming;
use crate::path::as_in_path;
use crate::resource::{ResourceKey, Resources};
use crate::route::Routes;

/// The key of the resource that a request makes.
enum New {
    At(ResourceKey),
    /// Another resource has the id in the request.
    Taken(ResourceKey),
}

impl Work {
    /// Returns the error if there is no room for what it makes, or if its id is taken.
    pub(crate) fn obstacle(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Timestamp,
    ) -> Option<TaskError> {
        if let Effect::Edits(edits) = &self.effect {
            let describer = Describer::new(routes, resources, &self.ids, now, 0);
            let puts = edits(&self.context(&describer))
                .iter()
                .filter(|it| matches!(it, Edit::Put { .. }))
                .count();
            return (puts > resources.room()).then(|| {
                let message = format!("There is room for {} resources.", resources.room());
                TaskError::new("NO_ROOM", message)
            });
        }
        let Effect::Create(kind) = self.effect else { return None };
        let kind_of = routes.kind(kind);
        let (count, room) = (self.count(routes), resources.room());
        if count > room {
            let message =
                format!("There is room for {room} resources, but the request makes {count}.");
            return Some(TaskError::new(kind_of.code("NO_ROOM"), message));
        }
        match self.new_key(routes, resources, kind) {
            Some(New::Taken(key)) => {
                let what = named(kind_of, &key);
                let error = TaskError::new(
                    kind_of.code("ALREADY_EXISTS"),
                    format!("The {what} already exists."),
                );
                Some(error.with_status("409 CONFLICT"))
            }
            _ => None,
        }
    }

    /// Returns the error with which the operation refuses the request, if it does.
    pub(crate) fn refusal(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Timestamp,
        account: usize,
    ) -> Option<TaskError> {
        let refuses = self.refuses?;
        refuses(&self.context(&Describer::new(routes, resources, &self.ids, now, account)))
    }

    /// Returns the key of the resource that it makes, if the request sets it.
    fn new_key(&self, routes: &Routes, resources: &Resources, kind: usize) -> Option<New> {
        let kind_of = routes.kind(kind);
        if self.ids.len() >= kind_of.ids {
            // The path is that of the resource, which is made or replaced.
            return Some(New::At((kind, self.ids.get(..kind_of.ids)?.to_vec())));
        }
        if kind_of.naming == Naming::Api {
            return None;
        }
        let id = match &self.body[&*kind_of.id_field] {
            Value::String(text) if !text.is_empty() => as_in_path(text.as_str().into()),
            Value::Number(number) => ResourceId::Number(number.as_i64()?),
            _ => return None,
        };
        let key = (kind, with(&self.ids, &id));
        Some(if resources.holds(&key) { New::Taken(key) } else { New::At(key) })
    }

    /// Returns the next free id, if the resource that it makes needs one.
    pub(crate) fn new_id(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Timestamp,
    ) -> Option<ResourceId> {
        let Effect::Create(kind) = self.effect else { return None };
        let is_open = self.new_key(routes, resources, kind).is_none();
        is_open.then(|| routes.kind(kind).new_id(resources.next_id(), now))
    }

    /// Returns the resource that it makes, changes, deletes, or is about. `id` is used for a new
    /// resource if the request sets none.
    pub(crate) fn target(
        &self,
        routes: &Routes,
        resources: &Resources,
        id: Option<&ResourceId>,
    ) -> Option<ResourceKey> {
        match self.effect {
            Effect::Create(kind) => match self.new_key(routes, resources, kind) {
                Some(New::At(key) | New::Taken(key)) => Some(key),
                None => Some((kind, with(&self.ids, id?))),
            },
            Effect::Change(kind) | Effect::Replace(kind) | Effect::Delete(kind) => {
                Some((kind, self.ids_of(routes, kind)))
            }
            _ => self.subject.clone(),
        }
    }
}
