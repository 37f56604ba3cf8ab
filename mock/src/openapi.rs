//! An API made from its description.

mod document;
mod kinds;
mod security;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;
use tasklife::{CommandType, Links, StoreConfig};

use crate::api::{MockApi, MockError};
use crate::asked::Asked;
use crate::effect::{Effect, Shows};
use crate::keys::KeyIn;
use crate::paging::Paging;
use crate::path::Template;
use crate::route::{Answer, Operation, RouteFault, Routes, Shape};
use crate::text::Excerpt;
use document::{Described, Document};
use kinds::{content_of, envelope, has, is_one, list_in, makes_by_put};

pub(crate) use document::DocumentFault;

/// What a description of an API does not say of it: where it is, which of its answers are tasks, and its
/// conventions.
///
/// ```
/// use http::Method;
/// use serde_json::json;
/// use tasklife_mock::{MockApi, OpenApi};
/// use tasklife_mock::tasklife::CommandType;
///
/// let task = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}});
/// let video = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Video"}}}});
/// let description = json!({
///     "openapi": "3.0.3",
///     "paths": {
///         "/videos": {"post": {"operationId": "encode", "responses": {"202": task}}},
///         "/videos/{videoId}": {"get": {"operationId": "getVideo", "responses": {"200": video}}},
///     },
///     "components": {"schemas": {
///         "Job": {"type": "object"},
///         "Video": {
///             "type": "object",
///             "required": ["id", "codec", "seconds"],
///             "properties": {
///                 "id": {"type": "integer"},
///                 "title": {"type": "string"},
///                 "codec": {"type": "string", "default": "av1"},
///                 "seconds": {"type": "number", "minimum": 1},
///             },
///         },
///     }},
/// });
/// let api = MockApi::from_openapi(&description, OpenApi::base("/v1").tasks_are("Job"))?;
/// assert_eq!(api.command_types(), [CommandType::from_static("encode")]);
///
/// let now = tasklife_mock::tasklife::MIN_TIME;
/// let accepted = api.handle(&http::Request::post("/v1/videos").body(r#"{"title": "cats"}"#)?, now);
/// assert_eq!(accepted.status(), 202);
/// let task = accepted.headers()["location"].to_str()?;
/// let ended = api.handle(&http::Request::get(task).body("")?, now);
/// assert!(ended.body().contains("/v1/videos/77899"));
///
/// // What the request gave, then defaults, then the least that the schema allows.
/// let video = api.handle(&http::Request::get("/v1/videos/77899").body("")?, now);
/// assert_eq!(video.body(), r#"{"codec":"av1","id":77899,"seconds":1,"title":"cats"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OpenApi {
    base: String,
    /// The name of the schema of tasks.
    tasks_are: Option<String>,
    /// The path of tasks.
    tasks: Option<String>,
    with_task: Vec<(Method, String)>,
    commands: Vec<(Method, String, CommandType)>,
    answers: Vec<(Method, String, Makes)>,
    titles: Vec<(String, String)>,
    existing: Vec<(String, Value)>,
    /// What else there is to say of an API that is built in.
    conventions: fn(&mut Routes),
}

type Makes = Arc<dyn Fn(&Asked<'_>) -> Value + Send + Sync>;

impl OpenApi {
    /// An API at a base address, such as `/v1`: [`Links::new`] says what it can be. The servers that the
    /// description names are not looked at.
    #[must_use]
    pub fn base(base: &str) -> Self {
        Self {
            base: base.into(),
            tasks_are: None,
            tasks: None,
            with_task: Vec::new(),
            commands: Vec::new(),
            answers: Vec::new(),
            titles: Vec::new(),
            existing: Vec::new(),
            conventions: |_| {},
        }
    }

    /// Sets what else there is to say of an API that is built in.
    pub(crate) fn with_conventions(self, conventions: fn(&mut Routes)) -> Self {
        Self { conventions, ..self }
    }

    /// Sets the name of the schema of tasks, among the components of the description: an operation with
    /// an answer of this schema is answered with a task. So is one that says
    /// `"x-ms-long-running-operation": true`.
    #[must_use]
    pub fn tasks_are(self, schema: &str) -> Self {
        Self { tasks_are: Some(schema.into()), ..self }
    }

    /// Sets the path of tasks, such as `/operations`. Unless set, it is where the description has a list
    /// of tasks, and else the first of `/tasks`, `/operations` and `/_tasks` that it has nothing at.
    #[must_use]
    pub fn with_tasks(self, path: &str) -> Self {
        Self { tasks: Some(path.into()), ..self }
    }

    /// Says that an operation is answered with a task, whatever its answers are: it is accepted with 202.
    #[must_use]
    pub fn with_task(mut self, method: Method, path: &str) -> Self {
        self.with_task.push((method, path.into()));
        self
    }

    /// Sets the command type of an operation's tasks. Unless set, it is the operation's `x-command-type`, or
    /// else its `operationId`, or else method and path: `postVideosFrames`.
    #[must_use]
    pub fn with_command(mut self, method: Method, path: &str, command: CommandType) -> Self {
        self.commands.push((method, path.into(), command));
        self
    }

    /// Sets what an operation answers: the body, where it is answered at once; the `resource` in the
    /// result, where it has a task. The function is called while the API is locked: it must not call it.
    #[must_use]
    pub fn with_answer(
        mut self,
        method: Method,
        path: &str,
        answer: impl Fn(&Asked<'_>) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.answers.push((method, path.into(), Arc::new(answer)));
        self
    }

    /// Sets the title of the links to the resources at a path; the `operationId` of what reads them,
    /// unless set.
    #[must_use]
    pub fn with_title(mut self, path: &str, title: &str) -> Self {
        self.titles.push((path.into(), title.into()));
        self
    }

    /// Lets each account begin with a resource, at a path such as `/plans/7`, with these fields.
    #[must_use]
    pub fn with_existing(mut self, path: &str, fields: Value) -> Self {
        self.existing.push((path.into(), fields));
        self
    }
}

impl std::fmt::Debug for OpenApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenApi")
            .field("base", &self.base)
            .field("tasks_are", &self.tasks_are)
            .field("tasks", &self.tasks)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

impl MockApi {
    /// An API as its OpenAPI description has it, of version 3.0 or 3.1, as JSON; tasks end [at
    /// once](crate::Pace::AtOnce), and there are up to 1,000,000.
    ///
    /// | in the description | in the API |
    /// |---|---|
    /// | an operation one of whose successful answers is a [task](OpenApi::tasks_are) | a new task, accepted with the status of that answer; what it does is done when it completes |
    /// | any other | an answer at once, with the lowest successful status |
    /// | a path that ends with a placeholder, such as `/videos/{videoId}` | a kind of resources, within those further up on the path |
    /// | `POST` of the path without the placeholder | makes one: with the id that the body gives, where the schema has it; else with the next number, or a text or UUID of it, as the schema wants |
    /// | `PUT`, `PATCH` of it; `POST`, where there is neither | changes it; a `PUT` with an answer 201 makes it, too |
    /// | `DELETE` of it | deletes it, with all that belongs to it |
    /// | `GET` of it, and of the path without the placeholder | reads one, and lists all: with `offset` and `limit`, or `page` and `per_page` or `limit`, where the description has them, a part |
    /// | `GET` of another path that can also be written | the one resource of its kind: a setting |
    /// | what no request can make | is there, whichever id it is asked for by, until it is deleted |
    /// | anything else | is answered, and changes nothing |
    ///
    /// An answer is what its schema allows: of what requests gave as much as it names, then its examples and
    /// defaults, then the least. What is `writeOnly` is not shown, nor is a password. Where an answer has
    /// the resource in a field of its own, such as `data`, it is found there. An answer that isn't JSON is
    /// empty.
    ///
    /// Tasks look as [the format](Self::with_replies) says, whatever the description says of them. Requests
    /// are not held against their schemas, unless [that is wanted](Self::with_checked_bodies). The keys
    /// are where the description's first requirement of security wants them: in headers, or as a bearer
    /// token; where it has none, all requests are of one account, `default`.
    ///
    /// # Errors
    /// Where the description is of another version; where a reference leads out of it, or nowhere; where a
    /// path is none, or there are two of the same form for a method; and where something that is given
    /// beside it is of no operation of it.
    #[expect(clippy::needless_pass_by_value, reason = "nobody needs it afterwards")]
    pub fn from_openapi(description: &Value, beside: OpenApi) -> Result<Self, MockError> {
        Blueprint::new(description, &beside)?.at(&beside.base)
    }
}

/// All that a description makes of an API, wherever that is.
pub(crate) struct Blueprint {
    tasks: Option<String>,
    routes: Routes,
    /// Where the tasks of a command type lead, and the titles of the links.
    links: Vec<(CommandType, String, String)>,
    deletions: Vec<CommandType>,
    keys: KeyIn,
}

impl Blueprint {
    /// The API of a description, with what is said beside it.
    pub(crate) fn new(description: &Value, beside: &OpenApi) -> Result<Self, MockError> {
        let document = Document::new(description)?;
        let mut described = document.operations()?;
        for operation in &mut described {
            operation.has_task = beside.accepted(operation).is_some();
        }
        let tasks = beside.tasks.clone().or_else(|| tasks_path(&described, beside));
        let tasks = tasks.or_else(|| free_path(&described).map(str::to_owned));
        let mut routes = Routes::new(tasks.as_deref().unwrap_or("/tasks"));
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
            let added = routes.add(read(&routes, operation, &described, beside));
            added.map_err(|fault| fault.of(&operation.written))?;
        }
        beside.set_answers(&mut routes)?;
        (beside.conventions)(&mut routes);
        for (path, fields) in &beside.existing {
            routes.begin_with(path, fields).map_err(|fault| fault.of(path))?;
        }
        for (path, title) in &beside.titles {
            let template = parsed(path)?;
            let known = routes.kind_at(&template).ok_or_else(|| RouteFault::NoResource.of(path))?;
            titles.insert(routes.kind(known).item.to_string(), title.clone());
        }
        let (links, deletions) = links(&routes, &titles);
        let keys = security::keys(document.root());
        Ok(Self { tasks, routes, links, deletions, keys })
    }

    /// The API at a base address.
    pub(crate) fn at(&self, base: &str) -> Result<MockApi, MockError> {
        let mut links = Links::new(base)?;
        if let Some(path) = &self.tasks {
            links = links.with_tasks(path)?;
        }
        for (command, path, title) in &self.links {
            links = links.with_route(command.clone(), path, title)?;
        }
        for command in &self.deletions {
            links = links.with_deletion(command.clone());
        }
        let mut api = MockApi::new(links, StoreConfig::default().with_max_tasks(1_000_000));
        api.routes = self.routes.clone();
        Ok(api.with_keys(self.keys.clone()))
    }
}

impl OpenApi {
    /// Sets what the given operations answer; and says where one is given that is not there.
    fn set_answers(&self, routes: &mut Routes) -> Result<(), MockError> {
        for (method, path, makes) in &self.answers {
            let operation = routes.operation_mut(method, &parsed(path)?);
            let operation = operation.ok_or_else(|| no_operation(method, path))?;
            operation.shows = Shows::By(makes.clone());
        }
        let named = self.commands.iter().map(|(method, path, _)| (method, path));
        for (method, path) in
            named.chain(self.with_task.iter().map(|(method, path)| (method, path)))
        {
            let operation = routes.operation_mut(method, &parsed(path)?);
            if operation.is_none_or(|operation| operation.command().is_none()) {
                return Err(no_operation(method, path));
            }
        }
        Ok(())
    }

    /// The command type of an operation's tasks.
    fn command(&self, operation: &Described) -> CommandType {
        let given = self.commands.iter().find(|(method, path, _)| {
            *method == operation.method && parsed(path).is_ok_and(|path| path == operation.path)
        });
        if let Some((_, _, command)) = given {
            return command.clone();
        }
        let id = operation.id.as_deref().and_then(|id| id.parse().ok());
        operation.command.clone().or(id).unwrap_or_else(|| {
            let mut name = operation.method.as_str().to_ascii_lowercase();
            for word in operation.path.words() {
                let mut letters = word.chars().filter(char::is_ascii_alphanumeric);
                name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                name.extend(letters);
            }
            name.parse().unwrap_or(CommandType::from_static("request"))
        })
    }

    /// The status with which an operation's task is accepted, if it is answered with one.
    fn accepted(&self, operation: &Described) -> Option<StatusCode> {
        let lowest = operation.answers.first().map_or(StatusCode::ACCEPTED, |answer| answer.status);
        let of_tasks = operation.answers.iter().find(|answer| {
            let schema = answer.content.as_ref().map(|content| &content.schema);
            let name = self.tasks_are.as_deref();
            schema.zip(name).is_some_and(|(schema, name)| schema.is_named(name))
        });
        if let Some(answer) = of_tasks {
            return Some(answer.status);
        }
        let given = self.with_task.iter().any(|(method, path)| {
            *method == operation.method && parsed(path).is_ok_and(|path| path == operation.path)
        });
        let is_accepted = operation.answers.iter().any(|it| it.status == StatusCode::ACCEPTED);
        if given || (operation.is_long_running && is_accepted) {
            return Some(StatusCode::ACCEPTED);
        }
        operation.is_long_running.then_some(lowest)
    }
}

fn parsed(path: &str) -> Result<Template, MockError> {
    Template::parse(path).map_err(|fault| RouteFault::from(fault).of(path))
}

fn no_operation(method: &Method, path: &str) -> MockError {
    RouteFault::NoOperation(Excerpt::of(method.as_str())).of(path)
}

/// Where the description has a list of tasks, and each at its id.
fn tasks_path(described: &[Described], beside: &OpenApi) -> Option<String> {
    let name = beside.tasks_are.as_deref()?;
    let is_task = |operation: &&Described| {
        operation.method == Method::GET
            && operation.path.names().count() == 1
            && operation.path.last_id().is_some()
            && beside.accepted(operation).is_some()
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
    // Without a list, the only path at which a task is read by its id.
    match (tasks.pop(), tasks.is_empty()) {
        (Some(only), true) => Some(only.path.parent().to_string()),
        _ => None,
    }
}

/// A path for tasks that is no other's.
fn free_path(described: &[Described]) -> Option<&'static str> {
    let is_free = |path: &&str| {
        let routes = Routes::new(path);
        let reads = |it: &Described| it.method == Method::GET && routes.is_of_tasks(&it.path);
        !described.iter().any(reads)
    };
    ["/tasks", "/operations", "/_tasks"].into_iter().find(is_free)
}

/// An operation as the API has it.
fn read(
    routes: &Routes,
    operation: &Described,
    described: &[Described],
    beside: &OpenApi,
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
        _ => Effect::ByPath,
    };
    let answer = match beside.accepted(operation) {
        Some(accepted) => Answer::Task { command: beside.command(operation), accepted },
        None => at_once(routes, operation),
    };
    let needs_body = Some(operation.needs_body);
    let listed = routes.kind_listed_at(&path).filter(|_| method == Method::GET);
    let single = routes.kind_at(&path).filter(|kind| routes.kind(*kind).is_single);
    let content = content_of(operation);
    let shows = match (listed, single) {
        // What is no list is not read as one.
        (Some(kind), _) if !content.is_some_and(|it| is_one(&it.schema)) => Shows::All(kind),
        (Some(_), Some(single)) => Shows::One(single),
        (Some(_), None) => Shows::Nothing,
        (None, _) => Shows::Effect,
    };
    let body = operation.body.clone();
    let paging = Paging::of_parameters(&operation.parameters);
    Operation { method, path, answer, effect, shows, needs_body, body, refuses: None, paging }
}

fn at_once(routes: &Routes, operation: &Described) -> Answer {
    let first = operation.answers.first();
    let status = first.map_or(StatusCode::OK, |answer| answer.status);
    let content = first.and_then(|answer| answer.content.as_ref());
    let kind = routes.kind_at(&operation.path);
    let kind = kind.or_else(|| routes.kind_listed_at(&operation.path));
    let shape = match content {
        Some(content) => Shape::Schema {
            envelope: kind.and_then(|kind| {
                let kind = routes.kind(kind);
                envelope(&content.schema, &kind.id_name, kind.singular()).map(Into::into)
            }),
            schema: content.schema.clone(),
            example: content.example.clone(),
        },
        None if operation.method == Method::GET => Shape::Resource(None),
        None => Shape::Nothing,
    };
    Answer::AtOnce { status, shape }
}

/// Whether a request reads a resource of a kind at once.
fn is_readable(routes: &Routes, kind: usize) -> bool {
    let item = &routes.kind(kind).item;
    let reads = |it: &Operation| it.method == Method::GET && it.path == *item;
    routes.operations().iter().any(|it| reads(it) && it.command().is_none())
}

/// The name of what reads something, such as `getDatabase`.
fn getter(singular: &str) -> String {
    let mut letters = singular.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("get{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// Where the tasks of each command type lead: to what they make or change, where one can read that by the
/// ids in a result. And the command types that delete what they lead to.
fn links(
    routes: &Routes,
    titles: &BTreeMap<String, String>,
) -> (Vec<(CommandType, String, String)>, Vec<CommandType>) {
    let mut found: BTreeMap<CommandType, Option<(String, String)>> = BTreeMap::new();
    let mut deletions = Vec::new();
    for operation in routes.operations() {
        let Some(command) = operation.command() else { continue };
        let effect = routes.effect(operation);
        let kind = match effect {
            Effect::Create(kind) | Effect::Change(kind) | Effect::Delete(kind) => Some(kind),
            _ => routes.innermost(operation),
        };
        let route = kind.and_then(|kind| {
            // What there is one of is told by what it belongs to, if not by itself.
            let of_single = routes.kind(kind).parent.filter(|_| routes.kind(kind).is_single);
            let kind = of_single.filter(|_| !is_readable(routes, kind)).unwrap_or(kind);
            let item = &routes.kind(kind).item;
            let path = item.with_names(&["additionalResourceId", "resourceId"])?;
            is_readable(routes, kind).then_some(())?;
            let title = titles.get(&item.to_string()).cloned();
            Some((path, title.unwrap_or_else(|| getter(routes.kind(kind).singular()))))
        });
        if matches!(effect, Effect::Delete(_)) {
            deletions.push(command.clone());
        }
        let known = found.entry(command.clone()).or_insert_with(|| route.clone());
        if *known != route {
            // Tasks of one type that lead to different places lead nowhere.
            *known = None;
        }
    }
    let links = found.into_iter().filter_map(|(command, route)| {
        let (path, title) = route?;
        Some((command, path, title))
    });
    (links.collect(), deletions)
}
