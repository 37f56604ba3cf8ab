//! Builds an API from a description.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::Value;
use tasklife::{CommandType, Links, StoreConfig};

use super::document::{Described, Document, DocumentFault};
use super::kinds::{content_of, envelope, has, is_one, list_in, makes_by_put};
use super::links::links;
use super::options::{OpenApiOptions, parsed};
use super::{kinds, security};
use crate::api::MockApi;
use crate::effect::{Effect, Shows};
use crate::error::MockError;
use crate::keys::Authentication;
use crate::operation::{Operation, OperationReply, Shape, Takes};
use crate::paging::Paging;
use crate::path::Template;
use crate::route::{RouteFault, Routes};
use crate::text::Excerpt;

/// An API without its base address.
pub(crate) struct Blueprint {
    tasks: Option<String>,
    routes: Routes,
    /// The routes of links, by command type: path and title.
    links: Vec<(CommandType, String, String)>,
    deletions: Vec<CommandType>,
    authentication: Authentication,
}

impl Blueprint {
    /// Reads a description and its options.
    pub(crate) fn new(description: &Value, options: &OpenApiOptions) -> Result<Self, MockError> {
        let document = Document::new(description)?;
        if let Some(name) = &options.task_schema
            && description["components"]["schemas"].get(name).is_none()
        {
            return Err(DocumentFault::NoSchema(Excerpt::of(name)).into());
        }
        let mut described = document.operations()?;
        for operation in &mut described {
            operation.accepted = options.accepted(operation);
        }
        let tasks = options.tasks.clone().or_else(|| tasks_path(&described, options));
        let tasks = tasks.or_else(|| free_path(&described).map(str::to_owned));
        let mut routes = Routes::new(tasks.as_deref().unwrap_or("/tasks"));
        routes.set_dry_runs(false);
        kinds::add_kinds(&mut routes, &described);
        let mut titles = BTreeMap::new();
        for operation in &described {
            if operation.method == Method::GET && routes.is_of_tasks(&operation.path) {
                continue;
            }
            if operation.method == Method::GET
                && let Some(id) = &operation.id
            {
                titles.insert(operation.path.to_string(), id.clone());
            }
            let added = routes.add(read(&routes, operation, &described, options));
            added.map_err(|fault| fault.of(&operation.written))?;
        }
        options.set_answers(&mut routes)?;
        (options.conventions)(&mut routes);
        for (path, fields) in &options.existing {
            routes.add_initial_resource(path, fields).map_err(|fault| fault.of(path))?;
        }
        for (path, title) in &options.titles {
            let template = parsed(path)?;
            let known = routes.kind_at(&template).ok_or_else(|| RouteFault::NoResource.of(path))?;
            titles.insert(routes.kind(known).item.to_string(), title.clone());
        }
        let (links, deletions) = links(&routes, &titles);
        let authentication = security::authentication(document.root());
        Ok(Self { tasks, routes, links, deletions, authentication })
    }

    /// Creates the API at a base address.
    pub(crate) fn at(&self, base: &str) -> Result<MockApi, MockError> {
        let mut links = Links::new(base)?;
        if let Some(path) = &self.tasks {
            links = links.with_tasks_path(path)?;
        }
        for (command, path, title) in &self.links {
            links = links.with_route(command.clone(), path, title)?;
        }
        for command in &self.deletions {
            links = links.with_deletion(command.clone());
        }
        let mut api = MockApi::new(links, StoreConfig::default().with_max_tasks(1_000_000));
        api.routes = self.routes.clone();
        Ok(api.with_authentication(self.authentication.clone()))
    }
}

/// Returns the path at which the description lists tasks and reads one by its id.
fn tasks_path(described: &[Described], options: &OpenApiOptions) -> Option<String> {
    let name = options.task_schema.as_deref()?;
    let is_task = |operation: &&Described| {
        operation.method == Method::GET
            && operation.path.names().count() == 1
            && operation.path.last_id().is_some()
            && operation.accepted.is_some()
    };
    let lists = |path: &Template| {
        let list = described.iter().find(|it| it.method == Method::GET && it.path == *path);
        let content = list.and_then(content_of)?;
        let items = match list_in(&content.schema, "")? {
            Some(list) => content.schema.property(&list)?.items()?,
            None => content.schema.items()?,
        };
        Some(items.is_named(name))
    };
    let mut tasks: Vec<&Described> = described.iter().filter(is_task).collect();
    if let Some(listed) = tasks.iter().find(|it| lists(&it.path.parent()) == Some(true)) {
        return Some(listed.path.parent().to_string());
    }
    // Without a list, the only path at which a task is read.
    match (tasks.pop(), tasks.is_empty()) {
        (Some(only), true) => Some(only.path.parent().to_string()),
        _ => None,
    }
}

/// Returns a path for tasks that the description does not use.
fn free_path(described: &[Described]) -> Option<&'static str> {
    let is_free = |path: &&str| {
        let routes = Routes::new(path);
        let reads = |it: &Described| it.method == Method::GET && routes.is_of_tasks(&it.path);
        !described.iter().any(reads)
    };
    ["/tasks", "/operations", "/_tasks"].into_iter().find(is_free)
}

/// Converts an operation of the description.
fn read(
    routes: &Routes,
    operation: &Described,
    described: &[Described],
    options: &OpenApiOptions,
) -> Operation {
    let (method, path) = (operation.method.clone(), operation.path.clone());
    let at_item = routes.kind_at(&path).filter(|kind| !routes.kind(*kind).is_single);
    let changes = |method: &Method| has(described, &path, method);
    let effect = match at_item {
        Some(kind) if makes_by_put(operation, &path) => Effect::Create(kind),
        Some(kind)
            if method == Method::POST && !changes(&Method::PUT) && !changes(&Method::PATCH) =>
        {
            Effect::Change(kind)
        }
        Some(kind) if method == Method::PUT => Effect::Replace(kind),
        None if method == Method::PUT => {
            routes.kind_at(&path).map_or(Effect::ByPath, Effect::Replace)
        }
        _ => Effect::ByPath,
    };
    let reply = match operation.accepted {
        Some(accepted) => OperationReply::Task { command: options.command(operation), accepted },
        None => immediate(routes, operation),
    };
    let needs_body = Some(operation.needs_body);
    let listed = routes.kind_listed_at(&path).filter(|_| method == Method::GET);
    let single = routes.kind_at(&path).filter(|kind| routes.kind(*kind).is_single);
    let content = content_of(operation);
    let shows = match (listed, single) {
        // An answer that is not a list is not treated as one.
        (Some(kind), _) if !content.is_some_and(|it| is_one(&it.schema)) => Shows::All(kind),
        (Some(_), Some(single)) => Shows::One(single),
        (Some(_), None) => Shows::Nothing,
        (None, _) => Shows::Effect,
    };
    let body = operation.body.clone();
    let takes = Takes {
        any_json: body.as_ref().is_some_and(|body| !body.is_of_type("object")),
        other_types: operation.takes_other_types,
    };
    let paging = Paging::of_parameters(&operation.parameters);
    Operation { method, path, reply, effect, shows, needs_body, body, takes, refuses: None, paging }
}

fn immediate(routes: &Routes, operation: &Described) -> OperationReply {
    let first = operation.answers.first();
    let status = first.map_or(StatusCode::OK, |answer| answer.status);
    let content = first.and_then(|answer| answer.content.as_ref());
    let kind = routes.kind_at(&operation.path);
    let kind = kind.or_else(|| routes.kind_listed_at(&operation.path));
    let shape = match content {
        Some(content) => Shape::Schema {
            envelope: kind
                .and_then(|kind| envelope(&content.schema, routes.kind(kind)).map(Into::into)),
            schema: content.schema.clone(),
            example: content.example.clone(),
        },
        None if operation.method == Method::GET => Shape::Resource(None),
        None => Shape::Nothing,
    };
    OperationReply::Immediate { status, shape }
}
