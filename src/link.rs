//! Links to tasks and resources: a public base address, and a route for each command type.

mod base;
mod error;
mod href;
mod route;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};

use base::Base;
use route::{Route, check_title};

use crate::id::{CommandType, TaskId};
use crate::outcome::Completion;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::wire::{Text, named_enum};

pub use error::LinkError;
pub(crate) use href::{Href, Link};

named_enum! {
    /// The shape in which a document holds its links.
    ///
    /// A link leads to the task, or to the resource that the task created, so that clients need not
    /// build addresses. Its *relation* (`self`, `task`, `resource` or `next`) says what it leads to.
    /// Both shapes hold the same links, at most one of each relation.
    ///
    /// Use the names of the variants, such as `map`, in options and configuration files.
    #[derive(Default)]
    pub enum LinkShape {
        /// `"_links": {"self": {"href": …, "type": "GET"}}`, the documented shape.
        #[default]
        Map = "map",
        /// `"links": [{"rel": "self", "href": …, "type": "GET"}]`, which the live API sends.
        ///
        /// Some clients read only this shape.
        Array = "array",
    }
}

named_enum! {
    /// The form in which a document holds the error of a failed task.
    ///
    /// Use the names of the variants, such as `code`, in options and configuration files.
    #[derive(Default)]
    pub enum ErrorForm {
        /// `"error": {"type": …, "status": …, "description": …}`, which the live API sends.
        #[default]
        Object = "object",
        /// `"error": "SUBSCRIPTION_NOT_FOUND"`, the code alone, as the API's `OpenAPI` description
        /// specifies it.
        Code = "code",
    }
}

/// How an API shows its tasks: addresses, routes to resources, default descriptions, and the forms
/// of links and errors.
///
/// `Links` creates the [`Document`](crate::Document)s of tasks. It validates addresses and routes
/// when you set them, so creating a document can't fail.
///
/// ```
/// use tasklife::{CommandType, Links};
/// # use tasklife::*;
///
/// const CREATE_DATABASE: CommandType = CommandType::from_static("fixedDatabaseCreateRequest");
///
/// let links = Links::new("https://api.redislabs.com/v1")?.with_route(
///     CREATE_DATABASE,
///     "/fixed/subscriptions/{additionalResourceId}/databases/{resourceId}",
///     "getDatabaseInformation",
/// )?;
/// # let (retention, clock, now) = (Retention::default(), AccountClock::default(), MIN_TIME);
/// # let submission = Submission::new("acme".parse()?, uuid::Uuid::nil().into(), CREATE_DATABASE);
/// # let mut task = Task::new(submission, retention, now, clock.next(now));
/// # let completion = Completion::of(51_000).with_additional_resource_id(77_899);
/// # task.apply(TaskEvent::start(), retention, now, clock.next(now))?;
/// # task.apply(TaskEvent::complete(completion), retention, now, clock.next(now))?;
///
/// // `task` created database 51000 of subscription 77899.
/// assert_eq!(
///     links.resource_href(&task).unwrap(),
///     "https://api.redislabs.com/v1/fixed/subscriptions/77899/databases/51000"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// You can set the layout and the wording of your own API:
///
/// ```
/// use tasklife::{Links, TaskStatus};
///
/// let links = Links::new("https://jobs.example.com/api")?
///     .with_tasks_path("/jobs")? // GET /api/jobs, GET /api/jobs/{taskId}
///     .with_task_title("getJob")?
///     .with_sentence(TaskStatus::ProcessingCompleted, "The video is ready.");
/// let id = "36d4b04d-72d4-4404-8600-a223120a553e".parse()?;
/// assert_eq!(
///     links.task_href(id),
///     "https://jobs.example.com/api/jobs/36d4b04d-72d4-4404-8600-a223120a553e"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Links {
    base: Base,
    task_title: Text,
    default_descriptions: [Option<Text>; TaskStatus::ALL.len()],
    routes: BTreeMap<CommandType, Route>,
    /// The command types that delete the resource their route leads to.
    deletions: BTreeSet<CommandType>,
    shape: LinkShape,
    error_form: ErrorForm,
}

impl Links {
    /// Creates links below a public base address: `https://api.example.com/v1`, or a path such as
    /// `/v1`.
    ///
    /// A trailing slash makes no difference.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the address is neither a path that begins with `/` nor `http://` or
    /// `https://` with a host. Also returns it if the address has user information, a query, a
    /// fragment, a `.` or `..` segment, an empty segment, or a character that addresses can't
    /// contain.
    pub fn new(base: &str) -> Result<Self, LinkError> {
        Ok(Self {
            base: Base::parse(base)?,
            task_title: Text::Static("getTaskStatusUpdates"),
            default_descriptions: TaskStatus::ALL
                .map(|status| status.description().map(Text::Static)),
            routes: BTreeMap::new(),
            deletions: BTreeSet::new(),
            shape: LinkShape::default(),
            error_form: ErrorForm::default(),
        })
    }

    /// Replaces the base address, and keeps everything else.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] under the same conditions as [`new`](Self::new).
    pub fn with_base(self, base: &str) -> Result<Self, LinkError> {
        Ok(Self { base: self.base.with_address(base)?, ..self })
    }

    /// Sets the path of the list of tasks below the base address, such as `/jobs`. The default is
    /// `/tasks`.
    ///
    /// The address of a task is this path followed by its id.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the path doesn't begin with a slash, ends with one, or contains
    /// anything that [`new`](Self::new) refuses in a path.
    pub fn with_tasks_path(self, path: &str) -> Result<Self, LinkError> {
        Ok(Self { base: self.base.with_tasks_path(path)?, ..self })
    }

    /// Sets the title of the link `task` in the document of an accepted submission. The default is
    /// `getTaskStatusUpdates`.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the title is empty or has control characters.
    pub fn with_task_title(self, title: impl Into<Cow<'static, str>>) -> Result<Self, LinkError> {
        let title = title.into();
        check_title(&title)?;
        Ok(Self { task_title: title.into(), ..self })
    }

    /// Sets the default description of a status: the sentence that documents show if no event set a
    /// description.
    ///
    /// An empty sentence means none. By default, it is [`TaskStatus::description`].
    #[must_use]
    pub fn with_sentence(
        mut self,
        status: TaskStatus,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        let sentence = sentence.into();
        self.default_descriptions[status as usize] =
            (!sentence.is_empty()).then(|| sentence.into());
        self
    }

    /// Sets the route of a command type: the path of its resources below the base address, and the
    /// title of the link.
    ///
    /// In the path, `{resourceId}` and `{additionalResourceId}` each stand for a whole segment.
    /// They are replaced by the ids of the task's [`Completion`]. There is no link to the resource
    /// if the completion lacks an id that the route needs, or if the id is empty, `.` or `..`.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the path doesn't begin with a slash, ends with one, has another
    /// placeholder, or contains anything else that [`new`](Self::new) refuses in a path. Also
    /// returns it if the title is empty or has control characters.
    pub fn with_route(
        mut self,
        command: CommandType,
        path: &str,
        title: &str,
    ) -> Result<Self, LinkError> {
        self.routes.insert(command, Route::parse(path, title)?);
        Ok(self)
    }

    /// Declares that tasks of a command type delete the resource that their
    /// [route](Self::with_route) leads to.
    ///
    /// The Redis Cloud format shows the link anyway. The formats of Azure omit it, because their
    /// clients follow it to read the resource.
    #[must_use]
    pub fn with_deletion(mut self, command: CommandType) -> Self {
        self.deletions.insert(command);
        self
    }

    /// Sets the shape in which documents hold their links. The default is the map.
    #[must_use]
    pub fn with_shape(mut self, shape: LinkShape) -> Self {
        self.shape = shape;
        self
    }

    /// Sets the form in which documents hold errors. The default is the object.
    #[must_use]
    pub fn with_error_form(mut self, form: ErrorForm) -> Self {
        self.error_form = form;
        self
    }

    /// Returns the base address, without a trailing slash.
    ///
    /// ```
    /// assert_eq!(tasklife::Links::new("https://api.example.com/v1/")?.base(), "https://api.example.com/v1");
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Returns the path of the list of tasks below the base address.
    ///
    /// ```
    /// assert_eq!(tasklife::Links::new("https://api.example.com/v1")?.tasks_path(), "/tasks");
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn tasks_path(&self) -> &str {
        self.base.tasks_path()
    }

    /// Returns the address of the list of tasks.
    #[must_use]
    pub fn list_href(&self) -> &str {
        self.base.list_address()
    }

    /// Returns the address of a task.
    #[must_use]
    pub fn task_href(&self, id: TaskId) -> String {
        [self.base.task_prefix(), &id.to_string()].concat()
    }

    /// Returns the address of the resource that a task created or changed.
    ///
    /// Returns `None` if the task did not complete with the ids that its [route](Self::with_route)
    /// needs, or if it is a [deletion](Self::with_deletion). Documents of the Redis Cloud format show
    /// the link for a deletion too.
    #[must_use]
    pub fn resource_href(&self, task: &Task) -> Option<String> {
        let completion = task.outcome()?.ok().filter(|_| !self.deletes(task))?;
        self.resource_link(task.command_type(), completion).map(|link| link.href.to_string())
    }

    /// Returns the description that the task's documents show: the one that an event set, or else
    /// the [default description](Self::with_sentence) of the status.
    #[must_use]
    pub fn description_of<'a>(&'a self, task: &'a Task) -> Option<&'a str> {
        let default = self.default_descriptions[task.status() as usize].as_deref();
        task.own_description().or(default)
    }

    /// Returns whether the task deletes the resource that its route leads to.
    #[must_use]
    pub fn deletes(&self, task: &Task) -> bool {
        self.deletions.contains(task.command_type())
    }

    pub(crate) fn shape(&self) -> LinkShape {
        self.shape
    }

    pub(crate) fn error_form(&self) -> ErrorForm {
        self.error_form
    }

    /// Returns the link `task` of the document of an accepted submission.
    pub(crate) fn task_link<'a>(&'a self, id: &'a str) -> Link<'a> {
        Link { rel: "task", title: Some(&self.task_title), href: Href::to_task(&self.base, id) }
    }

    /// Returns the link `self` of a task.
    pub(crate) fn self_link<'a>(&'a self, id: &'a str) -> Link<'a> {
        Link { rel: "self", title: None, href: Href::to_task(&self.base, id) }
    }

    /// Returns the link `resource`, if the completion has the ids that its route needs.
    pub(crate) fn resource_link<'a>(
        &'a self,
        command: &CommandType,
        completion: &'a Completion,
    ) -> Option<Link<'a>> {
        let route = self.routes.get(command).filter(|route| route.fits(completion))?;
        let href = Href::to_resource(&self.base, route, completion);
        Some(Link { rel: "resource", title: Some(&route.title), href })
    }
}
