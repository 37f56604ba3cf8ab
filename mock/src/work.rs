//! What a request does, at once or when its task completes.

mod changes;
mod target;

use serde_json::Value;
use tasklife::{ResourceId, TaskError, Timestamp};

use crate::describe::{Described, Describer};
use crate::effect::{Effect, Refuses, Shows};
use crate::kind::Kind;
use crate::operation::Operation;
use crate::path::Template;
use crate::request_context::RequestContext;
use crate::resource::{ResourceKey, Resources};
use crate::route::Routes;

/// A parsed request for an operation.
pub(crate) struct Work {
    path: Template,
    ids: Vec<ResourceId>,
    query: Box<str>,
    body: Value,
    effect: Effect,
    shows: Shows,
    refuses: Option<Refuses>,
    /// The innermost resource on the path, which must exist.
    subject: Option<ResourceKey>,
    /// Whether it is a `GET`.
    asks: bool,
    /// Whether it is a dry run.
    is_dry: bool,
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

    /// Returns the ids on its path.
    pub(crate) fn ids(&self) -> &[ResourceId] {
        &self.ids
    }

    /// Returns the ids on its path that identify a resource of a kind.
    pub(crate) fn ids_of(&self, routes: &Routes, kind: usize) -> Vec<ResourceId> {
        self.ids.iter().take(routes.kind(kind).ids).cloned().collect()
    }

    /// Returns the ids on its path that identify the parent of a kind.
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

    /// Returns whether it is a dry run.
    pub(crate) fn is_dry(&self) -> bool {
        self.is_dry
    }

    /// Returns the resource that must exist.
    pub(crate) fn subject(&self) -> Option<&ResourceKey> {
        self.subject.as_ref()
    }

    /// Returns the number of resources that it makes.
    pub(crate) fn count(&self, routes: &Routes) -> usize {
        match self.effect {
            Effect::Create(kind) => {
                let along = routes.children(kind).flat_map(|(_, kind)| kind.along_with(&self.body));
                along.map(|(_, times)| times).fold(1, usize::saturating_add)
            }
            _ => 0,
        }
    }

    /// Counts a read of every resource in the answer, if their kind has no `GET` that is answered
    /// at once.
    pub(crate) fn count_reads(&self, routes: &Routes, resources: &mut Resources, now: Timestamp) {
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

    /// Returns the argument for functions that make an answer.
    pub(crate) fn context<'a>(&'a self, describer: &'a Describer<'a>) -> RequestContext<'a> {
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

    /// Returns the `resource` in the result of its task, as JSON.
    pub(crate) fn result(
        &self,
        routes: &Routes,
        resources: &Resources,
        now: Timestamp,
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
            Shows::By(makes) => Some(makes(&self.context(&describer)).to_string()),
        }
    }
}

fn with(before: &[ResourceId], id: &ResourceId) -> Vec<ResourceId> {
    let mut ids = before.to_owned();
    ids.push(id.clone());
    ids
}

/// Returns the name of a resource, such as `database 51`.
pub(crate) fn named(kind: &Kind, (_, ids): &ResourceKey) -> String {
    let id = kind.own_id(ids).map(|id| format!(" {id}")).unwrap_or_default();
    format!("{}{id}", kind.singular())
}

/// Returns the error if the resource was deleted before the task completes.
pub(crate) fn gone(routes: &Routes, key: &ResourceKey) -> TaskError {
    let kind = routes.kind(key.0);
    let message = format!("The {} was not found.", named(kind, key));
    TaskError::new(kind.code("NOT_FOUND"), message).with_status("404 NOT_FOUND")
}
