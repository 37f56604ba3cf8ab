//! Links to tasks and to what they made: a public base address, and a route for each command type.

mod base;
mod route;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use core::fmt;

use base::Base;
use route::{Route, check_title};

use crate::id::{CommandType, TaskId};
use crate::json::{Plain, Shown};
use crate::outcome::Completion;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::wire::{Text, named_enum};

pub use base::LinkError;

named_enum! {
    /// In which of two shapes a document holds its links.
    ///
    /// Both say the same; no relation occurs twice. The names are for options and configurations.
    #[derive(Default)]
    pub enum LinkShape {
        /// `"_links": {"self": {"href": …, "type": "GET"}}`, as the documentation shows it.
        #[default]
        Map = "map",
        /// `"links": [{"rel": "self", "href": …, "type": "GET"}]`, as the live API sends it today,
        /// and the only shape that some clients read.
        Array = "array",
    }
}

named_enum! {
    /// In which of two forms a document holds the error of a task that failed.
    #[derive(Default)]
    pub enum ErrorForm {
        /// `"error": {"type": …, "status": …, "description": …}`, as the live API sends it.
        #[default]
        Object = "object",
        /// `"error": "SUBSCRIPTION_NOT_FOUND"`, the code alone, as the `OpenAPI` description has it.
        Code = "code",
    }
}

/// Makes the documents of tasks, with their links: where everything is, and in which words.
///
/// Everything that can be wrong with an address or a route is found here, once; making a document
/// can't fail. The documents that it makes are described at [`Document`](crate::Document).
///
/// ```
/// use tasklife::{CommandType, Links};
///
/// const DATABASE: CommandType = CommandType::from_static("fixedDatabaseCreateRequest");
///
/// let links = Links::new("https://api.redislabs.com/v1")?.with_route(
///     DATABASE,
///     "/fixed/subscriptions/{additionalResourceId}/databases/{resourceId}",
///     "getDatabaseInformation",
/// )?;
/// # Ok::<(), tasklife::LinkError>(())
/// ```
///
/// A server with its own layout and words sets those too:
///
/// ```
/// use tasklife::{Links, TaskStatus};
///
/// let links = Links::new("https://jobs.example.com/api")?
///     .with_tasks("/jobs")? // GET /api/jobs, GET /api/jobs/{taskId}
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
    sentences: [Option<Text>; TaskStatus::ALL.len()],
    routes: BTreeMap<CommandType, Route>,
    /// The command types that delete what their route leads to.
    deletions: BTreeSet<CommandType>,
    shape: LinkShape,
    error_form: ErrorForm,
}

impl Links {
    /// Links below a public base address: `https://api.example.com/v1`, or a path such as `/v1`.
    /// A slash at its end makes no difference.
    ///
    /// # Errors
    /// Where the address is neither `http://` or `https://` with a host, nor a path from the root;
    /// or where it has user information, a query, a fragment, a step such as `..`, an empty
    /// segment, or a character that an address does not have.
    pub fn new(base: &str) -> Result<Self, LinkError> {
        Ok(Self {
            base: Base::parse(base)?,
            task_title: Text::Static("getTaskStatusUpdates"),
            sentences: TaskStatus::ALL.map(|status| status.description().map(Text::Static)),
            routes: BTreeMap::new(),
            deletions: BTreeSet::new(),
            shape: LinkShape::default(),
            error_form: ErrorForm::default(),
        })
    }

    /// Sets the base address, in place of the one before: the same links at another host, or below
    /// another path. The [path of tasks](Self::with_tasks) stays.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_base(self, base: &str) -> Result<Self, LinkError> {
        Ok(Self { base: self.base.with_address(base)?, ..self })
    }

    /// Sets the path of the list of tasks below the base address, such as `/jobs`; `/tasks` unless set.
    /// A task is there under its id.
    ///
    /// # Errors
    /// Where the path doesn't begin with a slash, ends with one, or has anything that [`new`](Self::new)
    /// refuses in a path.
    pub fn with_tasks(self, path: &str) -> Result<Self, LinkError> {
        Ok(Self { base: self.base.with_tasks_path(path)?, ..self })
    }

    /// Sets the title of the link `task`, in the reply to a submission; `getTaskStatusUpdates` unless set.
    ///
    /// # Errors
    /// Where the title is empty or has control characters.
    pub fn with_task_title(self, title: impl Into<Cow<'static, str>>) -> Result<Self, LinkError> {
        let title = title.into();
        check_title(&title)?;
        Ok(Self { task_title: title.into(), ..self })
    }

    /// Sets the sentence that documents show with a status, where an event brought no words of its own;
    /// an empty one for none. Unless set, it is that of [the status](TaskStatus::description).
    #[must_use]
    pub fn with_sentence(
        mut self,
        status: TaskStatus,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        let sentence = sentence.into();
        self.sentences[status as usize] = (!sentence.is_empty()).then(|| sentence.into());
        self
    }

    /// Sets where the resources of a command type are found: the path below the base address, and
    /// the title of the link. `{resourceId}` and `{additionalResourceId}` each stand for a whole
    /// segment, filled from the task's [`Completion`]. A task that completed without the ids that
    /// its route needs has no link to a resource; nor has one whose id is empty, `.` or `..`.
    ///
    /// # Errors
    /// Where the path doesn't begin with a slash, ends with one, has another placeholder, or has
    /// anything else that [`new`](Self::new) refuses in a path; or where the title is empty or has
    /// control characters.
    pub fn with_route(
        mut self,
        command: CommandType,
        path: &str,
        title: &str,
    ) -> Result<Self, LinkError> {
        self.routes.insert(command, Route::parse(path, title)?);
        Ok(self)
    }

    /// Says that tasks of a command type delete what their [route](Self::with_route) leads to. Redis Cloud
    /// shows the link all the same; formats whose clients read what it leads to show none.
    #[must_use]
    pub fn with_deletion(mut self, command: CommandType) -> Self {
        self.deletions.insert(command);
        self
    }

    /// Sets the shape in which documents hold their links; the map unless set.
    #[must_use]
    pub fn with_shape(mut self, shape: LinkShape) -> Self {
        self.shape = shape;
        self
    }

    /// Sets the form in which documents hold errors; the object unless set.
    #[must_use]
    pub fn with_error_form(mut self, form: ErrorForm) -> Self {
        self.error_form = form;
        self
    }

    /// The base address, without a slash at its end.
    ///
    /// ```
    /// assert_eq!(tasklife::Links::new("https://api.example.com/v1/")?.base(), "https://api.example.com/v1");
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// The path of the list of tasks below the base address.
    ///
    /// ```
    /// assert_eq!(tasklife::Links::new("https://api.example.com/v1")?.tasks_path(), "/tasks");
    /// # Ok::<(), tasklife::LinkError>(())
    /// ```
    #[must_use]
    pub fn tasks_path(&self) -> &str {
        self.base.tasks_path()
    }

    /// The address of the list of tasks.
    #[must_use]
    pub fn list_href(&self) -> &str {
        self.base.list()
    }

    /// The address of a task.
    #[must_use]
    pub fn task_href(&self, id: TaskId) -> String {
        [self.base.tasks(), &id.to_string()].concat()
    }

    /// The address of what a task made or changed: where it completed with the ids that its
    /// [route](Self::with_route) needs, and was no [deletion](Self::with_deletion).
    #[must_use]
    pub fn resource_href(&self, task: &Task) -> Option<String> {
        let completion = task.outcome()?.ok().filter(|_| !self.deletes(task))?;
        self.resource(task.command_type(), completion).map(|link| link.href.to_string())
    }

    /// The words that go with a task's status: those of the latest event that had some, or
    /// [the sentence](Self::with_sentence) of the status.
    #[must_use]
    pub fn description_of<'a>(&'a self, task: &'a Task) -> Option<&'a str> {
        task.words().or(self.sentences[task.status() as usize].as_deref())
    }

    /// Whether a task deletes what its route leads to.
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

    /// The link `task` of a submission.
    pub(crate) fn task<'a>(&'a self, id: &'a str) -> Link<'a> {
        Link { rel: "task", title: Some(&self.task_title), href: self.href_of(id) }
    }

    /// The link `self` of a task.
    pub(crate) fn itself<'a>(&'a self, id: &'a str) -> Link<'a> {
        Link { rel: "self", title: None, href: self.href_of(id) }
    }

    fn href_of<'a>(&'a self, id: &'a str) -> Href<'a> {
        Href { base: &self.base, target: LinkTarget::Task(id) }
    }

    /// The link `resource` to what a task made, where it made something that has an address.
    pub(crate) fn resource<'a>(
        &'a self,
        command: &CommandType,
        completion: &'a Completion,
    ) -> Option<Link<'a>> {
        let route = self.routes.get(command).filter(|route| route.fits(completion))?;
        let target = LinkTarget::Resource(route, completion);
        Some(Link {
            rel: "resource",
            title: Some(&route.title),
            href: Href { base: &self.base, target },
        })
    }
}

/// One link, not yet written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) rel: &'static str,
    pub(crate) title: Option<&'a str>,
    pub(crate) href: Href<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Href<'a> {
    base: &'a Base,
    target: LinkTarget<'a>,
}

#[derive(Clone, Copy, Debug)]
enum LinkTarget<'a> {
    /// By its id, as it is written.
    Task(&'a str),
    Resource(&'a Route, &'a Completion),
}

impl Href<'_> {
    /// Gives each part of the address to a writer, as long as it takes them.
    fn write<E>(&self, mut write: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        match self.target {
            LinkTarget::Task(id) => {
                write(self.base.tasks())?;
                write(id)
            }
            LinkTarget::Resource(route, completion) => {
                write(self.base.as_str())?;
                route.write(completion, write)
            }
        }
    }
}

impl fmt::Display for Href<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(|part| f.write_str(part))
    }
}

impl serde::Serialize for Href<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The base, the routes and what is encoded have no character that JSON escapes.
        Plain(Shown(self)).serialize(serializer)
    }
}
