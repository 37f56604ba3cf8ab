//! Where following a task begins: with the answer that accepted it, or with its address.

use alloc::boxed::Box;
use core::fmt;

use http::header::{HeaderMap, HeaderName, LOCATION};
use http::{Response, StatusCode};

#[cfg(doc)]
use super::FollowedTask;
use super::address::{AddressFault, Directory, last_segment};
use super::header;
use super::outcome::is_same;
use super::poller::Poller;
use super::task_poller::{Place, TaskPoller};
use crate::document::{DocumentError, TaskDocument};
use crate::format::{Accepted, ReportedRefusal};
use crate::id::TaskId;
use crate::time::Now;
use crate::wire::Excerpt;

impl Poller {
    /// Follows the task that was started by a request with this answer.
    ///
    /// The address is the first of these: `Operation-Location`, `Azure-AsyncOperation`, what the
    /// [format](Self::with_format) says, `Location`, the document's link `task` or `self`, and its id below the
    /// [path of tasks](Self::with_tasks). Where the answer shows that the task has ended, it is not asked for at
    /// all. An answer whose body was cut short is good enough where it has an address.
    ///
    /// With one of Azure's two headers, the body may be about what the task makes. So it counts only where its id is
    /// that in the header `Operation-Id`, or that with which the address ends.
    ///
    /// # Errors
    /// Where the request was not accepted, or the answer doesn't say of which task, or leads to where
    /// [nobody may ask](Self::new).
    pub fn started_by<B: AsRef<[u8]>>(
        &self,
        accepted: &Response<B>,
        now: Now,
    ) -> Result<TaskPoller, StartError> {
        let (status, headers) = (accepted.status(), accepted.headers());
        let body = accepted.body().as_ref();
        if !status.is_success() {
            let refusal = self.format.read_refusal(body).unwrap_or_default();
            return Err(StartError(Fault::Refused { status, refusal: Box::new(refusal) }));
        }
        let read = self.format.read_accepted(&|name| header::named(headers, name), body);
        let (Accepted { task, href }, unread) = match read {
            Ok(accepted) => (accepted, None),
            Err(error) => (Accepted { task: None, href: None }, Some(error)),
        };
        let task = task.filter(|task| is_the_task(task, headers));
        let id = task.as_ref().map(TaskDocument::task_id).filter(|id| !id.is_empty());
        if let Some(ended) = task.as_ref().filter(|task| task.status().is_terminal()) {
            let place = self.place(headers, href.as_deref(), Some(ended)).ok().flatten();
            let mut poller = TaskPoller::new(self.clone(), id.map(Box::from), place, now);
            poller.end(ended.clone());
            return Ok(poller);
        }
        let place = self.place(headers, href.as_deref(), task.as_ref());
        let place =
            place.map_err(|fault| StartError(Fault::Address(fault, id.map(Excerpt::of))))?;
        let Some(place) = place else {
            return Err(StartError(match unread {
                Some(error) => Fault::Unreadable(error),
                None => Fault::NoAddress(id.map(Excerpt::of)),
            }));
        };
        let mut poller = TaskPoller::new(self.clone(), id.map(Box::from), Some(place), now);
        if let Some(task) = task {
            poller.note(task, core::time::Duration::ZERO);
        }
        poller.wait_first(status, headers, now);
        Ok(poller)
    }

    /// Follows the task at this address, which is asked at once: the [address](FollowedTask::address) that another
    /// process had, or a path below the base address's host.
    ///
    /// Keep the instant of the last [`Step::Wait`](super::Step::Wait) beside the address, where a server may ask for long
    /// waits, and [wait](TaskPoller::wait_until) for it. Limits of time begin anew. What is at the address is taken for the
    /// status: a resource there is no end. Where the task [leads to its result](FollowedTask::leads_to_result), see
    /// [`following_result`](Self::following_result).
    ///
    /// # Errors
    /// Where it is no address, or leads to where [nobody may ask](Self::new).
    pub fn following(&self, address: &str, now: Now) -> Result<TaskPoller, StartError> {
        let address = self.base.resolve(address, &self.sites);
        let address = address.map_err(|fault| StartError(Fault::Address(fault, None)))?;
        let place = Place { address, header: None, is_result: false };
        Ok(TaskPoller::new(self.clone(), None, Some(place), now))
    }

    /// The same, where only what the task came to is at the address, and not its status: a task that
    /// [leads to its result](FollowedTask::leads_to_result).
    ///
    /// # Errors
    /// Where it is no address, or leads to where [nobody may ask](Self::new).
    pub fn following_result(&self, address: &str, now: Now) -> Result<TaskPoller, StartError> {
        let address = self.base.resolve(address, &self.sites);
        let address = address.map_err(|fault| StartError(Fault::Address(fault, None)))?;
        let place = Place { address, header: None, is_result: true };
        Ok(TaskPoller::new(self.clone(), None, Some(place), now))
    }

    /// Follows the task with this id, which is asked for at once, below the [path of tasks](Self::with_tasks).
    ///
    /// It is for those who kept the id alone. For the rest, it is as with [`following`](Self::following).
    ///
    /// ```
    /// use tasklife::poll::{Poller, Step};
    ///
    /// let poller = Poller::new("https://api.example.com/v1")?;
    /// let now = "2026-01-01T00:00:00Z".parse()?;
    /// let mut task = poller.following_id("36d4b04d-72d4-4404-8600-a223120a553e", now)?;
    /// let Step::Send(request) = task.next(now) else { panic!("it asks at once") };
    /// assert_eq!(request.uri().path(), "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the id can't be in an address as it is.
    pub fn following_id(&self, id: &str, now: Now) -> Result<TaskPoller, StartError> {
        let path = self.path_of(id);
        let path = path.ok_or_else(|| StartError(Fault::UnusableId(Excerpt::of(id))))?;
        let place = self.at(&self.base, &path, None);
        let place =
            place.map_err(|fault| StartError(Fault::Address(fault, Some(Excerpt::of(id)))))?;
        Ok(TaskPoller::new(self.clone(), Some(id.into()), Some(place), now))
    }

    /// Where the task is, if anything says so.
    fn place(
        &self,
        headers: &HeaderMap,
        href: Option<&str>,
        task: Option<&TaskDocument>,
    ) -> Result<Option<Place>, AddressFault> {
        let said = |name: &HeaderName| header::text(headers, name).map(|text| (text, name.clone()));
        let [best @ .., _] = &header::ADDRESSES;
        let best = best.iter().find_map(said);
        // What a format found in a header, is relative as that is.
        let by_format = || {
            Some((
                href?,
                header::ADDRESSES.iter().filter_map(said).find(|(text, _)| Some(*text) == href),
            ))
        };
        let directory = self.request.as_ref().unwrap_or(&self.base);
        if let Some((text, name)) = best {
            return self.at(directory, text, Some(name)).map(Some);
        }
        if let Some((text, header)) = by_format() {
            let (directory, name) = match header {
                Some((_, name)) => (directory, Some(name)),
                None => (&self.base, None),
            };
            return self.at(directory, text, name).map(Some);
        }
        if let Some((text, name)) = said(&LOCATION) {
            return self.at(directory, text, Some(name)).map(Some);
        }
        let Some(task) = task else { return Ok(None) };
        let link = task.link("task").or_else(|| task.link("self"));
        let path = link
            .and_then(|link| link.href())
            .map(Box::from)
            .or_else(|| self.path_of(task.task_id()));
        path.map(|path| self.at(&self.base, &path, None)).transpose()
    }

    fn at(
        &self,
        directory: &Directory,
        text: &str,
        header: Option<HeaderName>,
    ) -> Result<Place, AddressFault> {
        let address = directory.resolve(text, &self.sites)?;
        let is_result = header == Some(LOCATION) && self.format.has_result_at_location();
        Ok(Place { address, header, is_result })
    }

    /// Where the task with an id is, if the id can be in an address.
    fn path_of(&self, id: &str) -> Option<Box<str>> {
        if let Ok(id) = id.parse::<TaskId>() {
            return Some(self.links.task_href(id).into());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte);
        let fits =
            !id.is_empty() && id.bytes().all(is_plain) && !id.bytes().all(|byte| byte == b'.');
        fits.then(|| [self.links.list_href(), "/", id].concat().into())
    }
}

/// Whether the body of an accepting answer is about the task, and not about what it makes.
fn is_the_task(task: &TaskDocument, headers: &HeaderMap) -> bool {
    let [best @ .., _] = &header::ADDRESSES;
    let Some(address) = best.iter().find_map(|name| header::text(headers, name)) else {
        return true;
    };
    let id = header::text(headers, &header::OPERATION_ID);
    let is_its = |id: &str| !id.is_empty() && is_same(id, task.task_id());
    id.is_some_and(is_its) || is_its(last_segment(address))
}

/// The error for an answer, an id, or an address, with which following a task can't begin.
///
/// ```
/// use tasklife::poll::Poller;
///
/// let poller = Poller::new("https://api.example.com/v1")?;
/// let error = poller.following("https://example.org/tasks/7", tasklife::MIN_TIME).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected an address of a host that may be asked, got \"https://example.org/tasks/7\""
/// );
/// # Ok::<(), tasklife::LinkError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("expected the request to be accepted, got {status}{}", Said(refusal))]
    Refused { status: StatusCode, refusal: Box<ReportedRefusal> },
    #[error("expected a task, or the address of one, got an answer without an address: {0}")]
    Unreadable(DocumentError),
    #[error("expected the address of {}, got an answer without one", Named(.0.as_ref()))]
    NoAddress(Option<Excerpt>),
    #[error("expected an id of letters, digits, and -_~. only, got {0}")]
    UnusableId(Excerpt),
    #[error("{}{}", Wrong(.0), Of(.1.as_ref()))]
    Address(AddressFault, Option<Excerpt>),
}

struct Said<'a>(&'a ReportedRefusal);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.message.as_deref();
        message.map_or(Ok(()), |message| write!(f, ": {}", Excerpt::of(message)))
    }
}

struct Named<'a>(Option<&'a Excerpt>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, "task {id}"),
            None => f.write_str("the task"),
        }
    }
}

struct Of<'a>(Option<&'a Excerpt>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |id| write!(f, " for task {id}"))
    }
}

struct Wrong<'a>(&'a AddressFault);

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            AddressFault::Malformed(got) => write!(f, "expected an address, got {got}"),
            AddressFault::Elsewhere(got) => {
                write!(f, "expected an address of a host that may be asked, got {got}")
            }
        }
    }
}

impl StartError {
    /// The HTTP status, where the request was not accepted.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0 {
            Fault::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the answer leads to a host that was not [allowed](Poller::with_further_origin).
    #[must_use]
    pub fn leads_elsewhere(&self) -> bool {
        matches!(self.0, Fault::Address(AddressFault::Elsewhere(_), _))
    }
}
