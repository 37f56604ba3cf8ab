//! The routes of an API: its operations and kinds of resources.

mod matching;

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

/// What a method and a path match.
#[derive(Clone, Debug)]
pub(crate) enum RouteMatch<'a> {
    Tasks,
    Task(String),
    /// An operation, and the ids on the path.
    Operation(&'a Operation, Vec<ResourceId>),
    /// A path that only has other methods, listed for `Allow`.
    OtherMethod(String),
    Unknown,
}

/// A resource that every account starts with: its key and fields.
type InitialResource = ((usize, Vec<ResourceId>), Arc<Map<String, Value>>);

/// The routes of an API, below its base address.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// The segments of the path of tasks.
    tasks: Vec<Box<str>>,
    operations: Vec<Operation>,
    kinds: Vec<Kind>,
    /// The resources that every account starts with.
    initial_resources: Vec<InitialResource>,
    knows_dry_runs: bool,
}

impl Routes {
    pub(crate) fn new(tasks: &str) -> Self {
        let (operations, kinds, initial_resources) = (Vec::new(), Vec::new(), Vec::new());
        let knows_dry_runs = true;
        Self { tasks: segments(tasks), operations, kinds, initial_resources, knows_dry_runs }
    }

    /// Returns the resources with which each account begins.
    pub(crate) fn initial_resources(&self) -> &[InitialResource] {
        &self.initial_resources
    }

    /// Adds a resource that every account starts with.
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

    /// Returns whether a `GET` of a path reads the list of tasks, a task, or the result of a task.
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

    /// Sets the paging parameters of all operations.
    pub(crate) fn set_paging(&mut self, paging: &Paging) {
        for operation in &mut self.operations {
            operation.paging = paging.clone();
        }
    }

    /// Makes all operations that are answered at once show the resource, or the list, as its kind
    /// does, and makes a `PUT` only change the fields that it has.
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

    /// Returns the kinds of resources that belong to this kind.
    pub(crate) fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Kind)> {
        self.kinds.iter().enumerate().filter(move |(_, kind)| kind.parent == Some(parent))
    }

    /// Returns the kind of the resource at a path.
    pub(crate) fn kind_at(&self, item: &Template) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.item == *item)
    }

    /// Returns the kind of the resource, or of the list, at a path.
    pub(crate) fn kind_at_or_listed_at(&self, path: &Template) -> Option<usize> {
        self.kind_listed_at(path).or_else(|| self.kind_at(path))
    }

    /// Returns whether a resource of a kind has a `GET` that is answered at once.
    pub(crate) fn is_readable(&self, kind: usize) -> bool {
        let item = &self.kind(kind).item;
        let reads = |it: &Operation| it.method == Method::GET && it.path == *item;
        self.operations.iter().any(|it| reads(it) && it.command().is_none())
    }

    /// Returns whether `"dryRun": true` is supported.
    pub(crate) fn knows_dry_runs(&self) -> bool {
        self.knows_dry_runs
    }

    pub(crate) fn set_dry_runs(&mut self, known: bool) {
        self.knows_dry_runs = known;
    }

    /// Returns the kind that is listed at a path.
    pub(crate) fn kind_listed_at(&self, collection: &Template) -> Option<usize> {
        // A path that ends with an id is a resource.
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

    /// Adds a kind of resources without a `GET`. The last segment is the placeholder for its id.
    /// Without a placeholder there, it is a single resource of each parent.
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

    /// Adds a kind of resources, with the operations that read one and list all.
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
}

/// Returns the segments of a path.
fn segments(path: &str) -> Vec<Box<str>> {
    path.split('/').filter(|segment| !segment.is_empty()).map(Box::from).collect()
}

/// The error of a path that does not fit the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteFault {
    #[error(transparent)]
    Path(#[from] PathFault),
    #[error(
        "expected a path that ends with a name and a placeholder, such as `/databases/{{databaseId}}`"
    )]
    NoItem,
    #[error("expected the kind of its parent resource to be added first")]
    NoParent,
    #[error("expected the path of a resource, with an id for each placeholder")]
    NoResource,
    #[error("expected its parent resource to exist")]
    Orphan,
    #[error("expected an account with at most {0} resources, got one more")]
    NoRoom(usize),
    #[error("expected an unused path for {0}")]
    Taken(Method),
    #[error("expected an operation of the description, got {0}")]
    NoOperation(Excerpt),
}
