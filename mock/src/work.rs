//! What a request is to do, and what its answer shows: at once, or when its task completes.

use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{Now, ResourceId, TaskError};

use crate::describe::{Described, Describer};
use crate::effect::{Edit, Effect, Refuses, Shows};
use crate::kind::{Kind, Naming, Shown};
use crate::operation::Operation;
use crate::path::{Template, as_in_path};
use crate::request_context::RequestContext;
use crate::resource::{Provisioning, ResourceKey, Resources};
use crate::route::Routes;

/// A request that was understood: what it is to do.
pub(crate) struct Work {
    path: Template,
    ids: Vec<ResourceId>,
    query: Box<str>,
    body: Value,
    effect: Effect,
    shows: Shows,
    refuses: Option<Refuses>,
    /// The innermost resource on the path: what must be there.
    subject: Option<ResourceKey>,
    /// Whether it only asks.
    asks: bool,
    /// Whether it was asked for to see whether it could be done.
    is_dry: bool,
}

/// Which resource a request makes.
enum New {
    At(ResourceKey),
    /// Another has the id that it gives.
    Taken(ResourceKey),
}

impl Work {
    pub(crate) fn new(
        routes: &Routes,
        operation: &Operation,
        ids: Vec<ResourceId>,
        query: &str,
        body: Value,
    ) -> Self {
        let effect = routes.effect(operation);
        let subject = routes.subject(operation, &effect, &ids);
        let is_dry = routes.knows_dry_runs() && body["dryRun"] == true;
        Self {
            path: operation.path.clone(),
            ids,
            query: query.into(),
            body,
            effect: if is_dry { Effect::Nothing } else { effect },
            is_dry,
            shows: routes.shows(operation),
            refuses: operation.refuses,
            subject,
            asks: operation.method == http::Method::GET,
        }
    }

    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    /// All ids on its path.
    pub(crate) fn ids(&self) -> &[ResourceId] {
        &self.ids
    }

    /// The ids on its path of a resource of a kind.
    pub(crate) fn ids_of(&self, routes: &Routes, kind: usize) -> Vec<ResourceId> {
        self.ids.iter().take(routes.kind(kind).ids).cloned().collect()
    }

    /// The ids on its path of what all resources of a kind belong to.
    pub(crate) fn ids_before(&self, routes: &Routes, kind: usize) -> &[ResourceId] {
        let kind = routes.kind(kind);
        let count = if kind.is_single { kind.ids } else { kind.ids - 1 };
        self.ids.get(..count).unwrap_or(&self.ids)
    }

    pub(crate) fn effect(&self) -> &Effect {
        &self.effect
    }

    pub(crate) fn shows(&self) -> &Shows {
        &self.shows
    }

    /// Whether it was asked for to see whether it could be done.
    pub(crate) fn is_dry(&self) -> bool {
        self.is_dry
    }

    /// The resource that must be there for it.
    pub(crate) fn subject(&self) -> Option<&ResourceKey> {
        self.subject.as_ref()
    }

    /// How many resources it makes.
    pub(crate) fn count(&self, routes: &Routes) -> usize {
        match self.effect {
            Effect::Create(kind) => {
                let along = routes.children(kind).flat_map(|(_, kind)| kind.along_with(&self.body));
                along.map(|(_, times)| times).fold(1, usize::saturating_add)
            }
            _ => 0,
        }
    }

    /// The error for what it would make, where there is no room or its id is taken.
    pub(crate) fn obstacle(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Now,
    ) -> Option<TaskError> {
        if let Effect::Edits(edits) = &self.effect {
            let describer = Describer::new(routes, resources, &self.ids, now, 0);
            let puts = edits(&self.asked(&describer))
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
            let message = format!("There is room for {room} resources, and not for {count}.");
            return Some(TaskError::new(kind_of.code("NO_ROOM"), message));
        }
        match self.new_key(routes, resources, kind) {
            Some(New::Taken(key)) => {
                let what = named(kind_of, &key);
                let error = TaskError::new(
                    kind_of.code("ALREADY_EXISTS"),
                    format!("The {what} is there already."),
                );
                Some(error.with_status("409 CONFLICT"))
            }
            _ => None,
        }
    }

    /// Counts a read of all that its answer shows, where nobody reads one by itself.
    pub(crate) fn count_reads(&self, routes: &Routes, resources: &mut Resources, now: Now) {
        let kind = match &self.shows {
            Shows::All(kind) | Shows::One(kind) => Some(*kind),
            _ if self.asks => routes.kind_at_or_listed_at(&self.path),
            _ => None,
        };
        let Some(kind) = kind.filter(|kind| !routes.is_readable(*kind)) else { return };
        let before = self.ids_before(routes, kind);
        let shown: Vec<ResourceKey> = resources.standing(kind, before, now).cloned().collect();
        for key in shown {
            resources.read(routes, &key, now);
        }
    }

    /// Why it can't be done, as things stand.
    pub(crate) fn refusal(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Now,
        account: usize,
    ) -> Option<TaskError> {
        let refuses = self.refuses?;
        refuses(&self.asked(&Describer::new(routes, resources, &self.ids, now, account)))
    }

    /// Where the resource will be that it makes, if the request says.
    fn new_key(&self, routes: &Routes, resources: &Resources, kind: usize) -> Option<New> {
        let kind_of = routes.kind(kind);
        if self.ids.len() >= kind_of.ids {
            // Its path is that of the resource: it is made, or made anew.
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

    /// The next free id, where that is for what it makes.
    pub(crate) fn new_id(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        now: Now,
    ) -> Option<ResourceId> {
        let Effect::Create(kind) = self.effect else { return None };
        let is_open = self.new_key(routes, resources, kind).is_none();
        is_open.then(|| routes.kind(kind).new_id(resources.next_id(), now))
    }

    /// The resource that it makes, changes or deletes, or that it is about. `id` is for one that it makes
    /// and whose id the request doesn't say.
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

    /// Does it. `target` is what it makes, changes or deletes, if it does one of these.
    pub(crate) fn carry_out(
        &self,
        routes: &Routes,
        resources: &mut Resources,
        target: Option<&ResourceKey>,
        provisioning: Provisioning,
        account: usize,
    ) {
        let kept = |kind: usize| routes.kind(kind).kept(&self.body);
        match (&self.effect, target) {
            (Effect::Create(kind), Some(target)) => {
                resources.create(target, Arc::new(kept(*kind)), provisioning);
                for (child, kind) in routes.children(*kind) {
                    for (body, times) in kind.along_with(&self.body) {
                        let kept = Arc::new(kind.kept(&body));
                        for _ in 0..times.min(resources.room()) {
                            let id = kind.new_id(resources.next_id(), provisioning.since);
                            let key = (child, with(&target.1, &id));
                            resources.create(&key, kept.clone(), provisioning);
                        }
                    }
                }
            }
            (Effect::Change(kind), Some(target)) => {
                // In an API that is described, what is an object is changed field by field (RFC 7396).
                let how = match routes.kind(*kind).shown {
                    Shown::Plain(_) => extend,
                    Shown::Schema(_) => merge,
                };
                change(resources, target, how, kept(*kind), provisioning);
            }
            (Effect::Replace(kind), Some(target)) => {
                change(resources, target, replace, kept(*kind), provisioning);
            }
            (Effect::Delete(_), Some(target)) => {
                if !resources.holds(target) {
                    resources.put(target.clone(), Arc::default());
                }
                resources.delete(target, provisioning);
            }
            (Effect::DeleteAll(kind), _) => {
                let before = self.ids_before(routes, *kind);
                let all = resources.standing(*kind, before, provisioning.since);
                for key in all.cloned().collect::<Vec<_>>() {
                    resources.delete(&key, provisioning);
                }
            }
            (Effect::Edits(edits), _) => {
                let describer =
                    Describer::new(routes, resources, &self.ids, provisioning.since, account);
                for edit in edits(&self.asked(&describer)) {
                    edit_one(routes, resources, edit, provisioning);
                }
            }
            _ => {}
        }
    }

    /// What functions are told of the request.
    pub(crate) fn asked<'a>(&'a self, describer: &'a Describer<'a>) -> RequestContext<'a> {
        let resource = self.subject.as_ref().and_then(|key| describer.describe(key));
        RequestContext {
            context: describer,
            path: &self.path,
            ids: &self.ids,
            query: &self.query,
            body: &self.body,
            resource: resource.map(Described::into_value),
        }
    }

    /// What the result of its task shows, as JSON, if anything.
    pub(crate) fn result(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Now,
        account: usize,
    ) -> Option<String> {
        let describer = Describer::new(routes, resources, &self.ids, now, account);
        match &self.shows {
            Shows::Effect if !self.asks => None,
            Shows::Nothing => None,
            Shows::Effect => describer.describe(self.subject.as_ref()?).map(|it| it.text()),
            Shows::One(kind) => {
                describer.describe(&(*kind, self.ids_of(routes, *kind))).map(|it| it.text())
            }
            Shows::All(kind) => {
                let before = self.ids_before(routes, *kind).to_vec();
                Some(describer.list(&(*kind, before), (0, usize::MAX)).0)
            }
            Shows::By(makes) => Some(makes(&self.asked(&describer)).to_string()),
        }
    }
}

/// How what is kept of a request changes what is kept already.
type How = fn(&mut Map<String, Value>, Map<String, Value>);

fn extend(there: &mut Map<String, Value>, fields: Map<String, Value>) {
    there.extend(fields);
}

fn replace(there: &mut Map<String, Value>, fields: Map<String, Value>) {
    *there = fields;
}

/// Changes fields one by one; `null` removes one.
fn merge(there: &mut Map<String, Value>, fields: Map<String, Value>) {
    for (name, value) in fields {
        match (there.get_mut(&name), value) {
            (_, Value::Null) => drop(there.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(fields)) => merge(inner, fields),
            (_, value) => drop(there.insert(name, value)),
        }
    }
}

fn change(
    resources: &mut Resources,
    key: &ResourceKey,
    how: How,
    fields: Map<String, Value>,
    provisioning: Provisioning,
) {
    // One from outside of the API is known from now on.
    if !resources.holds(key) {
        resources.put(key.clone(), Arc::default());
    }
    resources.change(key, how, fields, provisioning);
}

fn edit_one(routes: &Routes, resources: &mut Resources, edit: Edit, provisioning: Provisioning) {
    let kind_at = |item: &str| routes.kind_at(&Template::parse(item).ok()?);
    match edit {
        Edit::Put { item, ids, fields } => {
            let Some(kind) = kind_at(item) else { return };
            change(resources, &(kind, ids), extend, fields, provisioning);
        }
        Edit::Delete { item, ids } => {
            let Some(kind) = kind_at(item) else { return };
            resources.delete(&(kind, ids), provisioning);
        }
    }
}

fn with(before: &[ResourceId], id: &ResourceId) -> Vec<ResourceId> {
    let mut ids = before.to_owned();
    ids.push(id.clone());
    ids
}

/// A resource by its kind and id, such as `database 51`.
pub(crate) fn named(kind: &Kind, (_, ids): &ResourceKey) -> String {
    let id = kind.own_id(ids).map(|id| format!(" {id}")).unwrap_or_default();
    format!("{}{id}", kind.singular())
}

/// The error for a resource that went before the task came to it.
pub(crate) fn gone(routes: &Routes, key: &ResourceKey) -> TaskError {
    let kind = routes.kind(key.0);
    let message = format!("The {} was not found.", named(kind, key));
    TaskError::new(kind.code("NOT_FOUND"), message).with_status("404 NOT_FOUND")
}
