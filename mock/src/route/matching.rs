//! Matches requests: which operation, resources and effect a method and a path stand for.

use std::cmp::Reverse;

use http::Method;
use tasklife::ResourceId;

use super::{RouteMatch, Routes};
use crate::effect::{Effect, Shows};
use crate::kind::Kind;
use crate::operation::Operation;

impl Routes {
    /// Returns the resource at a path below the base address.
    pub(crate) fn resource_at(&self, path: &str) -> Option<(usize, Vec<ResourceId>)> {
        let path: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let of_kind = |(at, kind): (usize, &Kind)| Some((at, kind.item.ids(&path)?));
        let found = self.kinds.iter().enumerate().filter_map(of_kind);
        found.max_by_key(|(at, _)| self.kinds[*at].item.literals())
    }

    /// Returns whether the best match of a path is more specific than that of another path.
    pub(crate) fn is_more_specific(&self, path: &str, other: &str) -> bool {
        let best = |path: &str| {
            let path: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
            let fitting = self.operations.iter().filter(|it| it.path.ids(&path).is_some());
            fitting.map(|it| it.path.specificity()).max()
        };
        best(path) > best(other)
    }

    /// Matches a method and a path below the base address, such as `/tasks`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> RouteMatch<'_> {
        let path: Vec<&str> = match path.strip_prefix('/') {
            Some(path) => path.split('/').collect(),
            None if path.is_empty() => Vec::new(),
            None => return RouteMatch::Unknown,
        };
        let is_of_tasks = path.len() >= self.tasks.len()
            && path.iter().zip(&self.tasks).all(|(segment, tasks)| **segment == **tasks);
        let below = if is_of_tasks { path.get(self.tasks.len()..) } else { None };
        let read = match below {
            Some([]) => Some(RouteMatch::Tasks),
            Some([id] | [id, "result"]) => Some(RouteMatch::Task((*id).to_owned())),
            _ => None,
        };
        // A literal is more specific than a placeholder.
        let mut fitting: Vec<(&Operation, Vec<ResourceId>)> = (self.operations.iter())
            .filter_map(|operation| Some((operation, operation.path.ids(&path)?)))
            .collect();
        fitting.sort_by_key(|(operation, _)| Reverse(operation.path.specificity()));
        let sought = if *method == Method::HEAD { &Method::GET } else { method };
        if *sought == Method::GET
            && let Some(read) = read
        {
            return read;
        }
        let mut methods: Vec<&str> =
            fitting.iter().map(|(operation, _)| operation.method.as_str()).collect();
        let asked = fitting.into_iter().find(|(operation, _)| operation.method == *sought);
        if let Some((operation, ids)) = asked {
            return RouteMatch::Operation(operation, ids);
        }
        methods.extend(read.iter().map(|_| "GET"));
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            RouteMatch::Unknown
        } else {
            RouteMatch::OtherMethod(methods.join(", "))
        }
    }

    /// Returns the effect of an operation: the one that was set, or the one that its path implies.
    pub(crate) fn effect(&self, operation: &Operation) -> Effect {
        if !matches!(operation.effect, Effect::ByPath) {
            return operation.effect.clone();
        }
        let at_item = self.kind_at(&operation.path);
        let effect = match operation.method {
            Method::POST => {
                let listed = self.kind_listed_at(&operation.path);
                listed.or(at_item.filter(|kind| self.kinds[*kind].is_single)).map(Effect::Create)
            }
            Method::PUT | Method::PATCH => at_item.map(Effect::Change),
            Method::DELETE => at_item.map(Effect::Delete),
            _ => None,
        };
        effect.unwrap_or(Effect::Nothing)
    }

    /// What an answer shows: what was set, or the resource or list at its path.
    pub(crate) fn shows(&self, operation: &Operation) -> Shows {
        if !matches!(operation.shows, Shows::Effect) || operation.method != Method::GET {
            return operation.shows.clone();
        }
        let listed = self.kind_listed_at(&operation.path).map(Shows::All);
        listed.or(self.kind_at(&operation.path).map(Shows::One)).unwrap_or(Shows::Effect)
    }

    /// Returns the innermost resource on the path that must exist.
    pub(crate) fn subject(
        &self,
        operation: &Operation,
        effect: &Effect,
        ids: &[ResourceId],
    ) -> Option<(usize, Vec<ResourceId>)> {
        let made = match effect {
            Effect::Create(kind) => Some(*kind),
            // A deleted setting can be set again.
            Effect::Change(kind) | Effect::Replace(kind) if self.kinds[*kind].is_single => {
                Some(*kind)
            }
            _ => None,
        };
        let at = self.innermost_but(operation, made)?;
        Some((at, ids.get(..self.kinds[at].ids)?.to_vec()))
    }

    /// Returns the innermost kind on an operation's path.
    pub(crate) fn innermost(&self, operation: &Operation) -> Option<usize> {
        self.innermost_but(operation, None)
    }

    fn innermost_but(&self, operation: &Operation, made: Option<usize>) -> Option<usize> {
        let on_path = self.kinds.iter().enumerate();
        let on_path =
            on_path.filter(|(at, kind)| Some(*at) != made && kind.item.begins(&operation.path));
        on_path.max_by_key(|(_, kind)| kind.item.len()).map(|(at, _)| at)
    }
}
