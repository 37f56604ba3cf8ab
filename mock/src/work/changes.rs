//! The changes that a request makes to resources.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Work, with};
use crate::describe::Describer;
use crate::effect::{Edit, Effect};
use crate::kind::Shown;
use crate::path::Template;
use crate::resource::{Provisioning, ResourceKey, Resources};
use crate::route::Routes;

impl Work {
    /// Applies the effect. `target` is the resource that it makes, changes or deletes, if any.
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
                // With a schema, objects are changed field by field (RFC 7396).
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
                for edit in edits(&self.context(&describer)) {
                    edit_one(routes, resources, edit, provisioning);
                }
            }
            _ => {}
        }
    }
}

/// Changes the kept fields of a resource.
type How = fn(&mut Map<String, Value>, Map<String, Value>);

fn extend(there: &mut Map<String, Value>, fields: Map<String, Value>) {
    there.extend(fields);
}

fn replace(there: &mut Map<String, Value>, fields: Map<String, Value>) {
    *there = fields;
}

/// Changes fields one by one. `null` removes a field.
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
    // A resource from outside the API gets an entry with its first change.
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
