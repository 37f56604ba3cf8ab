//! Links to tasks and to what they made: a public base address, and a route for each command type.

mod base;
mod route;

use alloc::collections::BTreeMap;
use core::fmt;

use base::Base;
use route::Route;

use crate::id::CommandType;
use crate::json::{Plain, Shown};
use crate::outcome::Completion;
use crate::wire::named_enum;

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

/// Makes the documents of tasks, with their links.
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
#[derive(Clone, Debug)]
pub struct Links {
    base: Base,
    routes: BTreeMap<CommandType, Route>,
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
            routes: BTreeMap::new(),
            shape: LinkShape::default(),
            error_form: ErrorForm::default(),
        })
    }

    /// Sets the base address, in place of the one before: the same links at another host, or below
    /// another path.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_base(self, base: &str) -> Result<Self, LinkError> {
        Ok(Self { base: Base::parse(base)?, ..self })
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

    pub(crate) fn shape(&self) -> LinkShape {
        self.shape
    }

    pub(crate) fn error_form(&self) -> ErrorForm {
        self.error_form
    }

    /// The link `rel` to the task itself.
    pub(crate) fn task<'a>(
        &'a self,
        id: &'a str,
        rel: &'static str,
        title: Option<&'static str>,
    ) -> Link<'a> {
        Link { rel, title, href: Href { base: &self.base, target: LinkTarget::Task(id) } }
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
