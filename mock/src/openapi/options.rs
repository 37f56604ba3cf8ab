//! What an OpenAPI description does not say about an API.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::Value;
use tasklife::CommandType;

use super::document::Described;
use crate::effect::Shows;
use crate::error::MockError;
use crate::path::Template;
use crate::request_context::RequestContext;
use crate::route::{RouteFault, Routes};
use crate::text::Excerpt;

/// What an OpenAPI description does not say about an API: its base address, which responses are
/// tasks, and more. For [`MockApi::from_openapi`](crate::MockApi::from_openapi).
///
/// ```
/// use http::Method;
/// use serde_json::json;
/// use tasklife_mock::{MockApi, OpenApiOptions};
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
/// let api = MockApi::from_openapi(&description, OpenApiOptions::new("/v1").with_task_schema("Job"))?;
/// assert_eq!(api.command_types(), [CommandType::from_static("encode")]);
///
/// let now = tasklife_mock::tasklife::MIN_TIME;
/// let accepted = api.handle(&http::Request::post("/v1/videos").body(r#"{"title": "cats"}"#)?, now);
/// assert_eq!(accepted.status(), 202);
/// let task = accepted.headers()["location"].to_str()?;
/// let ended = api.handle(&http::Request::get(task).body("")?, now);
/// assert!(ended.body().contains("/v1/videos/77899"));
///
/// // From the request, then from defaults, then the smallest values that the schema allows
/// let video = api.handle(&http::Request::get("/v1/videos/77899").body("")?, now);
/// assert_eq!(video.body(), r#"{"codec":"av1","id":77899,"seconds":1,"title":"cats"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OpenApiOptions {
    pub(super) base: String,
    /// The name of the schema of tasks.
    pub(super) task_schema: Option<String>,
    /// The path of tasks.
    pub(super) tasks: Option<String>,
    pub(super) with_task: Vec<(Method, String)>,
    pub(super) commands: Vec<(Method, String, CommandType)>,
    pub(super) answers: Vec<(Method, String, Makes)>,
    pub(super) titles: Vec<(String, String)>,
    pub(super) existing: Vec<(String, Value)>,
    /// The further conventions of a built-in API.
    pub(super) conventions: fn(&mut Routes),
}

type Makes = Arc<dyn Fn(&RequestContext<'_>) -> Value + Send + Sync>;

impl OpenApiOptions {
    /// Creates options for an API at a base address such as `/v1`.
    /// [`Links::new`](tasklife::Links::new) lists what it can be. The `servers` of the description
    /// are ignored.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            base: base.into(),
            task_schema: None,
            tasks: None,
            with_task: Vec::new(),
            commands: Vec::new(),
            answers: Vec::new(),
            titles: Vec::new(),
            existing: Vec::new(),
            conventions: |_| {},
        }
    }

    /// Sets the further conventions of a built-in API.
    pub(crate) fn with_conventions(self, conventions: fn(&mut Routes)) -> Self {
        Self { conventions, ..self }
    }

    /// Sets which schema under `components` in the description is a task. An operation with a
    /// successful response of this schema creates a task. So does an operation with
    /// `"x-ms-long-running-operation": true`.
    ///
    /// [`from_openapi`](crate::MockApi::from_openapi) returns an error if the description has no
    /// such schema.
    #[must_use]
    pub fn with_task_schema(self, schema: &str) -> Self {
        Self { task_schema: Some(schema.into()), ..self }
    }

    /// Sets the path of tasks, such as `/operations`. By default it is the path at which the
    /// description lists tasks. If there is none, it is the first of `/tasks`, `/operations` and
    /// `/_tasks` that the description does not use.
    #[must_use]
    pub fn with_tasks_path(self, path: &str) -> Self {
        Self { tasks: Some(path.into()), ..self }
    }

    /// Makes an operation create a task, whatever its responses are. It is accepted with 202.
    /// [`from_openapi`](crate::MockApi::from_openapi) returns an error if the description has no
    /// such operation.
    ///
    /// ```
    /// use http::Method;
    /// use tasklife_mock::tasklife::CommandType;
    /// use tasklife_mock::{MockApi, OpenApiOptions};
    ///
    /// let description = serde_json::json!({"openapi": "3.1.0", "paths": {
    ///     "/boxes": {"post": {"responses": {"201": {}}}},
    ///     "/boxes/{boxId}": {"get": {"responses": {"200": {}}}},
    /// }});
    /// let pack = CommandType::from_static("packBox");
    /// let options = OpenApiOptions::new("/v1").with_task(Method::POST, "/boxes");
    /// let options = options.with_command(Method::POST, "/boxes", pack.clone());
    /// let api = MockApi::from_openapi(&description, options)?;
    /// assert_eq!(api.command_types(), [pack]);
    ///
    /// let typo = OpenApiOptions::new("/v1").with_task(Method::POST, "/boxs");
    /// assert!(MockApi::from_openapi(&description, typo).is_err());
    /// # Ok::<(), tasklife_mock::MockError>(())
    /// ```
    #[must_use]
    pub fn with_task(mut self, method: Method, path: &str) -> Self {
        self.with_task.push((method, path.into()));
        self
    }

    /// Sets the command type of an operation's tasks. By default it is the operation's
    /// `x-command-type`, or else its `operationId`, or else its method and path, such as
    /// `postVideosFrames`.
    ///
    /// [`from_openapi`](crate::MockApi::from_openapi) returns an error if the description has no
    /// such operation, or if the operation creates no task.
    #[must_use]
    pub fn with_command(mut self, method: Method, path: &str, command: CommandType) -> Self {
        self.commands.push((method, path.into(), command));
        self
    }

    /// Sets what an operation answers: the body, if it is answered at once, or the `resource` in
    /// the result of its task. [`RequestContext`] has an example.
    ///
    /// The mock is locked while it calls the function, so the function must not call the mock.
    /// [`from_openapi`](crate::MockApi::from_openapi) returns an error if the description has no
    /// such operation.
    #[must_use]
    pub fn with_answer(
        mut self,
        method: Method,
        path: &str,
        answer: impl Fn(&RequestContext<'_>) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.answers.push((method, path.into(), Arc::new(answer)));
        self
    }

    /// Sets the title of the links to the resources at a path template such as `/plans/{planId}`.
    /// By default it is the `operationId` of the operation that reads them.
    ///
    /// [`from_openapi`](crate::MockApi::from_openapi) returns an error if no kind of resources has
    /// this path.
    #[must_use]
    pub fn with_title(mut self, path: &str, title: &str) -> Self {
        self.titles.push((path.into(), title.into()));
        self
    }

    /// Adds a resource with these fields to every account from the start, at a path such as
    /// `/plans/7`. [`from_openapi`](crate::MockApi::from_openapi) returns an error if no kind of
    /// resources has this path.
    ///
    /// ```
    /// use tasklife_mock::{MockApi, OpenApiOptions};
    ///
    /// let plan = serde_json::json!({"openapi": "3.1.0", "paths": {
    ///     "/plans/{planId}": {"get": {"responses": {"200": {}}}},
    /// }});
    /// let fields = serde_json::json!({"name": "small"});
    /// let api = MockApi::from_openapi(&plan, OpenApiOptions::new("/v1").with_existing("/plans/7", fields))?;
    /// let answer = api.handle(&http::Request::get("/v1/plans/7").body("")?, tasklife::MIN_TIME);
    /// assert!(answer.body().contains(r#""name":"small""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_existing(mut self, path: &str, fields: Value) -> Self {
        self.existing.push((path.into(), fields));
        self
    }
}

impl std::fmt::Debug for OpenApiOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenApiOptions")
            .field("base", &self.base)
            .field("task_schema", &self.task_schema)
            .field("tasks", &self.tasks)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

impl OpenApiOptions {
    /// Sets the answers of operations, and checks that every operation that an option names exists.
    pub(super) fn set_answers(&self, routes: &mut Routes) -> Result<(), MockError> {
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

    /// Returns the command type of an operation's tasks.
    pub(super) fn command(&self, operation: &Described) -> CommandType {
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

    /// Returns the status with which an operation's task is accepted, if it creates one.
    pub(super) fn accepted(&self, operation: &Described) -> Option<StatusCode> {
        let lowest = operation.answers.first().map_or(StatusCode::ACCEPTED, |answer| answer.status);
        let of_tasks = operation.answers.iter().find(|answer| {
            let schema = answer.content.as_ref().map(|content| &content.schema);
            let name = self.task_schema.as_deref();
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

pub(super) fn parsed(path: &str) -> Result<Template, MockError> {
    Template::parse(path).map_err(|fault| RouteFault::from(fault).of(path))
}

fn no_operation(method: &Method, path: &str) -> MockError {
    RouteFault::NoOperation(Excerpt::of(method.as_str())).of(path)
}
