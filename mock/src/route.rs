//! The paths of an API: its operations, and the kinds of resources that it has.

use std::cmp::Reverse;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tasklife::{CommandType, ResourceId};

use crate::effect::{Effect, Shows};
use crate::kind::{Kind, Listing, Naming, Origin, Shown};
use crate::operation::{Operation, OperationReply, Shape};
use crate::paging::Paging;
use crate::path::{PathFault, Template};
use crate::text::Excerpt;

/// What a request's method and path ask for.
#[derive(Clone, Debug)]
pub(crate) enum RouteMatch<'a> {
    Tasks,
    Task(String),
    /// An operation, and the ids on the path.
    Operation(&'a Operation, Vec<ResourceId>),
    /// Something that is there, with another method: these.
    OtherMethod(String),
    Unknown,
}

/// A resource with which each account begins: its kind and ids, and what it shows.
type InitialResource = ((usize, Vec<ResourceId>), Arc<Map<String, Value>>);

/// All paths of an API, below its base address.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// The segments of the path of tasks.
    tasks: Vec<Box<str>>,
    operations: Vec<Operation>,
    kinds: Vec<Kind>,
    /// The resources with which each account begins.
    initial_resources: Vec<InitialResource>,
    knows_dry_runs: bool,
}

impl Routes {
    pub(crate) fn new(tasks: &str) -> Self {
        let (operations, kinds, initial_resources) = (Vec::new(), Vec::new(), Vec::new());
        let knows_dry_runs = true;
        Self { tasks: segments(tasks), operations, kinds, initial_resources, knows_dry_runs }
    }

    /// The resources with which each account begins.
    pub(crate) fn initial_resources(&self) -> &[InitialResource] {
        &self.initial_resources
    }

    /// Lets each account begin with a resource, at a path below the base address.
    pub(crate) fn add_initial_resource(
        &mut self,
        path: &str,
        fields: &Value,
    ) -> Result<(), RouteFault> {
        let key = self.resource_at(path).ok_or(RouteFault::NoResource)?;
        let kept = self.kind(key.0).kept(fields);
        self.initial_resources.push((key, Arc::new(kept)));
        Ok(())
    }

    /// Sets the path of tasks.
    pub(crate) fn set_tasks(&mut self, path: &str) -> Result<(), RouteFault> {
        let before = std::mem::replace(&mut self.tasks, segments(path));
        let reading = |operation: &&Operation| operation.method == Method::GET;
        if self.operations.iter().filter(reading).any(|it| self.is_of_tasks(&it.path)) {
            self.tasks = before;
            return Err(RouteFault::Taken(Method::GET));
        }
        Ok(())
    }

    /// Whether a `GET` of a path is one of tasks: of the list, of a task, or of what that came to.
    pub(crate) fn is_of_tasks(&self, path: &Template) -> bool {
        let Some(segments) = path.literals_from(0) else { return false };
        let known = segments.iter().zip(&self.tasks);
        let is_below = segments.len() >= self.tasks.len()
            && known.clone().count() == self.tasks.len()
            && known.clone().all(|(segment, task)| *segment == Some(&**task));
        is_below
            && match &segments[self.tasks.len()..] {
                [] | [_] => true,
                [_, last] => *last == Some("result"),
                _ => false,
            }
    }

    pub(crate) fn kind(&self, kind: usize) -> &Kind {
        &self.kinds[kind]
    }

    pub(crate) fn kind_mut(&mut self, kind: usize) -> &mut Kind {
        &mut self.kinds[kind]
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Sets how the queries of all operations ask for a part.
    pub(crate) fn set_paging(&mut self, paging: &Paging) {
        for operation in &mut self.operations {
            operation.paging = paging.clone();
        }
    }

    /// Lets all operations that are answered at once show the resource, or all of its kind, as they describe
    /// themselves; and a `PUT` change what it says, and no more.
    pub(crate) fn show_resources(&mut self) {
        for operation in &mut self.operations {
            if matches!(operation.effect, Effect::Replace(_)) {
                operation.effect = Effect::ByPath;
            }
            if let OperationReply::Immediate { shape, .. } = &mut operation.reply {
                if let Shape::Schema { schema, .. } = shape {
                    *shape = Shape::Resource(Some(schema.clone()));
                }
                operation.shows = Shows::Effect;
            }
        }
    }

    pub(crate) fn operation_mut(
        &mut self,
        method: &Method,
        path: &Template,
    ) -> Option<&mut Operation> {
        self.operations.iter_mut().find(|it| it.method == *method && it.path == *path)
    }

    /// The kinds of what belongs to a resource of this kind.
    pub(crate) fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Kind)> {
        self.kinds.iter().enumerate().filter(move |(_, kind)| kind.parent == Some(parent))
    }

    /// The kind whose resources are found at this path.
    pub(crate) fn kind_at(&self, item: &Template) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.item == *item)
    }

    /// The kind whose resources are found at this path, one or all.
    pub(crate) fn kind_at_or_listed_at(&self, path: &Template) -> Option<usize> {
        self.kind_listed_at(path).or_else(|| self.kind_at(path))
    }

    /// Whether a request reads a resource of a kind at once.
    pub(crate) fn is_readable(&self, kind: usize) -> bool {
        let item = &self.kind(kind).item;
        let reads = |it: &Operation| it.method == Method::GET && it.path == *item;
        self.operations.iter().any(|it| reads(it) && it.command().is_none())
    }

    /// Whether a request with `"dryRun": true` only has a task.
    pub(crate) fn knows_dry_runs(&self) -> bool {
        self.knows_dry_runs
    }

    pub(crate) fn set_dry_runs(&mut self, known: bool) {
        self.knows_dry_runs = known;
    }

    /// The kind of which all are found at this path.
    pub(crate) fn kind_listed_at(&self, collection: &Template) -> Option<usize> {
        // Below an id, that is the path of a resource.
        let listed = |kind: &Kind| !kind.is_single && kind.collection() == *collection;
        if collection.last_id().is_some() { None } else { self.kinds.iter().position(listed) }
    }

    pub(crate) fn command_types(&self) -> Vec<CommandType> {
        let mut types = Vec::new();
        for command in self.operations.iter().filter_map(Operation::command) {
            if !types.contains(command) {
                types.push(command.clone());
            }
        }
        types
    }

    /// Sets the status of the reply that accepts an operation.
    pub(crate) fn set_accepted(&mut self, sought: &CommandType, status: StatusCode) {
        for operation in &mut self.operations {
            if let OperationReply::Task { command, accepted } = &mut operation.reply
                && command == sought
            {
                *accepted = status;
            }
        }
    }

    /// Adds an operation.
    pub(crate) fn add(&mut self, operation: Operation) -> Result<(), RouteFault> {
        let Operation { method, path, .. } = &operation;
        let known = |known: &Operation| known.method == *method && known.path == *path;
        let of_tasks = *method == Method::GET && self.is_of_tasks(path);
        if of_tasks || self.operations.iter().any(known) {
            return Err(RouteFault::Taken(method.clone()));
        }
        self.operations.push(operation);
        Ok(())
    }

    /// Adds a kind of resources, which nobody can read yet: the last placeholder on its path is its id;
    /// what has none belongs once to each resource.
    pub(crate) fn add_kind(&mut self, item: Template, id_field: &str) -> usize {
        let known = self.kinds.iter().enumerate();
        let parent = known.filter(|(_, kind)| kind.item.begins(&item) && kind.item != item);
        let parent = parent.max_by_key(|(_, kind)| kind.item.len()).map(|(at, _)| at);
        let own = item.last_id();
        let plural = item.last_literal().or(own).unwrap_or_default();
        let kind = Kind {
            id_field: id_field.into(),
            plural: plural.into(),
            id_name: own.unwrap_or(plural).into(),
            ids: item.names().count(),
            is_single: own.is_none(),
            parent,
            origin: Origin::Made,
            shown: Shown::default(),
            listing: Listing::default(),
            naming: Naming::default(),
            is_counted: true,
            listed_in: None,
            item,
        };
        self.kinds.push(kind);
        self.kinds.len() - 1
    }

    /// Adds a kind of resources, and the requests that read one and all.
    pub(crate) fn add_resource(&mut self, path: &str, id_field: &str) -> Result<(), RouteFault> {
        let item = Template::parse(path)?;
        let before = item.prefix(item.len().saturating_sub(2));
        if item.last_id().is_none() || item.parent().last_id().is_some() || item.len() < 2 {
            return Err(RouteFault::NoItem);
        }
        if before.names().next().is_some() && self.kind_at(&before).is_none() {
            return Err(RouteFault::NoParent);
        }
        let read = |path: Template| Operation::immediate(Method::GET, path);
        let (one, all) = (read(item.clone()), read(item.parent()));
        let free = |operation: &Operation| {
            let known =
                |known: &Operation| known.method == Method::GET && known.path == operation.path;
            !self.is_of_tasks(&operation.path) && !self.operations.iter().any(known)
        };
        if !free(&one) || !free(&all) {
            return Err(RouteFault::Taken(Method::GET));
        }
        self.add_kind(item, id_field);
        self.operations.extend([one, all]);
        Ok(())
    }

    /// The resource at a path below the base address.
    pub(crate) fn resource_at(&self, path: &str) -> Option<(usize, Vec<ResourceId>)> {
        let path: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let of_kind = |(at, kind): (usize, &Kind)| Some((at, kind.item.ids(&path)?));
        let found = self.kinds.iter().enumerate().filter_map(of_kind);
        found.max_by_key(|(at, _)| self.kinds[*at].item.literals())
    }

    /// Whether a path is more than another what some template has: it has more literals of one.
    pub(crate) fn is_more_specific(&self, path: &str, other: &str) -> bool {
        let best = |path: &str| {
            let path: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
            let fitting = self.operations.iter().filter(|it| it.path.ids(&path).is_some());
            fitting.map(|it| it.path.specificity()).max()
        };
        best(path) > best(other)
    }

    /// What is asked for at a path below the base address, such as `/tasks`.
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
        // A literal says more than a placeholder.
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

    /// What an operation does to resources: what it says, or what its path does.
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

    /// What an answer shows: what the operation says, or the resource or the list that is found at its path.
    pub(crate) fn shows(&self, operation: &Operation) -> Shows {
        if !matches!(operation.shows, Shows::Effect) || operation.method != Method::GET {
            return operation.shows.clone();
        }
        let listed = self.kind_listed_at(&operation.path).map(Shows::All);
        listed.or(self.kind_at(&operation.path).map(Shows::One)).unwrap_or(Shows::Effect)
    }

    /// The innermost kind on an operation's path of which a resource must be there, and its ids.
    pub(crate) fn subject(
        &self,
        operation: &Operation,
        effect: &Effect,
        ids: &[ResourceId],
    ) -> Option<(usize, Vec<ResourceId>)> {
        let made = match effect {
            Effect::Create(kind) => Some(*kind),
            // A setting that was deleted can be set.
            Effect::Change(kind) | Effect::Replace(kind) if self.kinds[*kind].is_single => {
                Some(*kind)
            }
            _ => None,
        };
        let at = self.innermost_but(operation, made)?;
        Some((at, ids.get(..self.kinds[at].ids)?.to_vec()))
    }

    /// The innermost kind on an operation's path.
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

/// The segments of a path from the root.
fn segments(path: &str) -> Vec<Box<str>> {
    path.split('/').filter(|segment| !segment.is_empty()).map(Box::from).collect()
}

/// What is wrong with a path of an API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteFault {
    #[error(transparent)]
    Path(#[from] PathFault),
    #[error(
        "expected a path that ends with a name and a placeholder, such as `/databases/{{databaseId}}`"
    )]
    NoItem,
    #[error("expected that what it belongs to has been added before")]
    NoParent,
    #[error("expected the path of a kind of resources, with an id for each placeholder")]
    NoResource,
    #[error("expected that what it belongs to is there")]
    Orphan,
    #[error("expected an account with at most {0} resources, got one more")]
    NoRoom(usize),
    #[error("expected a path that is free for {0}")]
    Taken(Method),
    #[error("expected an operation of the description, got {0}")]
    NoOperation(Excerpt),
}
