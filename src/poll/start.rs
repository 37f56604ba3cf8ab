//! How polling starts: with the answer that accepted the task, or with its address or id.

use alloc::boxed::Box;
use core::time::Duration;

use http::Response;
use http::header::{HeaderMap, HeaderName, LOCATION};

#[cfg(doc)]
use super::FollowedTask;
use super::address::{AddressFault, BaseUri, last_segment};
use super::header;
use super::outcome::is_same_id;
use super::poller::Poller;
use super::start_error::{StartError, StartFault};
use super::task_poller::{TaskAddress, TaskPoller};
use crate::document::TaskDocument;
use crate::format::Accepted;
use crate::id::TaskId;
use crate::time::Timestamp;
use crate::wire::Excerpt;

impl Poller {
    /// Follows the task that a request started, given the answer to the request.
    ///
    /// The task's address is the first of these:
    ///
    /// 1. the header `Operation-Location`,
    /// 2. the header `Azure-AsyncOperation`,
    /// 3. what the [format](Self::with_format) reads as the address,
    /// 4. the header `Location`,
    /// 5. the document's link `task` or `self`,
    /// 6. the document's id below the [path of the tasks](Self::with_tasks_path).
    ///
    /// If the answer shows that the task has ended, the poller sends no request. If the body was
    /// cut short, an address in a header is enough.
    ///
    /// With one of Azure's two headers, the body may be about the resource that the task makes. So
    /// it counts only if its id is the one in the header `Operation-Id`, or the last segment of the
    /// address.
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] if the server did not accept the request, if the answer has no
    /// address of the task, or if the origin of the address is [not
    /// allowed](Self::with_allowed_origin).
    pub fn started_by<B: AsRef<[u8]>>(
        &self,
        accepted: &Response<B>,
        now: Timestamp,
    ) -> Result<TaskPoller, StartError> {
        let (status, headers) = (accepted.status(), accepted.headers());
        let body = accepted.body().as_ref();
        if !status.is_success() {
            let refusal = self.format.read_refusal(body).unwrap_or_default();
            let refusal = Box::new(refusal);
            return Err(StartError(StartFault::NotAccepted { status, refusal }));
        }
        let read = self.format.read_accepted(&|name| header::named(headers, name), body);
        let (Accepted { task, href }, error) = match read {
            Ok(accepted) => (accepted, None),
            Err(error) => (Accepted { task: None, href: None }, Some(error)),
        };
        let document = task.filter(|document| is_about_the_task(document, headers));
        let id = document.as_ref().map(TaskDocument::task_id).filter(|id| !id.is_empty());
        let address = self.address(headers, href.as_deref(), document.as_ref());
        if let Some(ended) = document.as_ref().filter(|task| task.status().is_terminal()) {
            // The address is not needed, so it need not be valid.
            let address = address.ok().flatten();
            let mut poller = TaskPoller::new(self.clone(), id.map(Box::from), address, now);
            poller.end(ended.clone());
            return Ok(poller);
        }
        let address = address.map_err(|fault| {
            StartError(StartFault::BadAddress { fault, id: id.map(Excerpt::of) })
        })?;
        let Some(address) = address else {
            return Err(StartError(match error {
                Some(error) => StartFault::Unreadable(error),
                None => StartFault::NoAddress { id: id.map(Excerpt::of) },
            }));
        };
        let mut poller = TaskPoller::new(self.clone(), id.map(Box::from), Some(address), now);
        if let Some(document) = document {
            poller.note(document, Duration::ZERO);
        }
        poller.wait_before_first_read(status, headers, now);
        Ok(poller)
    }

    /// Follows the task at this address, and reads it at once.
    ///
    /// Use it for an [address](FollowedTask::address) from another process, or for a path on the
    /// host of the base address. If the task [leads to its result](FollowedTask::leads_to_result),
    /// use [`following_result`](Self::following_result): here, a resource at the address is not
    /// taken for the end of the task.
    ///
    /// Time limits start anew. If the server may ask for long waits, store the instant of the last
    /// [`Step::Wait`](super::Step::Wait) with the address, and pass it to
    /// [`wait_until`](TaskPoller::wait_until).
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] if the address is malformed, or if its origin is
    /// [not allowed](Self::with_allowed_origin).
    pub fn following(&self, address: &str, now: Timestamp) -> Result<TaskPoller, StartError> {
        self.following_address(address, false, now)
    }

    /// Follows the task whose result is at this address.
    ///
    /// Use it for a task that [leads to its result](FollowedTask::leads_to_result), and not to its
    /// status. Otherwise it is like [`following`](Self::following).
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] if the address is malformed, or if its origin is
    /// [not allowed](Self::with_allowed_origin).
    pub fn following_result(
        &self,
        address: &str,
        now: Timestamp,
    ) -> Result<TaskPoller, StartError> {
        self.following_address(address, true, now)
    }

    fn following_address(
        &self,
        address: &str,
        is_result: bool,
        now: Timestamp,
    ) -> Result<TaskPoller, StartError> {
        let uri = self
            .base
            .resolve(address, &self.allowed_origins)
            .map_err(|fault| StartError(StartFault::BadAddress { fault, id: None }))?;
        let address = TaskAddress { uri, header: None, is_result };
        Ok(TaskPoller::new(self.clone(), None, Some(address), now))
    }

    /// Follows the task with this id, below the [path of the tasks](Self::with_tasks_path), and reads it
    /// at once.
    ///
    /// Use it if you have only the id. Otherwise it is like [`following`](Self::following).
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] if the id has characters other than ASCII letters, digits and `-_~.`,
    /// or is empty, or consists of dots.
    ///
    /// # Examples
    ///
    /// ```
    /// use tasklife::poll::{Poller, Step};
    ///
    /// let poller = Poller::new("https://api.example.com/v1")?;
    /// let now = "2026-01-01T00:00:00Z".parse()?;
    /// let mut task = poller.following_id("36d4b04d-72d4-4404-8600-a223120a553e", now)?;
    /// let Step::Send(request) = task.next(now) else { panic!("expected a request") };
    /// assert_eq!(request.uri().path(), "/v1/tasks/36d4b04d-72d4-4404-8600-a223120a553e");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn following_id(&self, id: &str, now: Timestamp) -> Result<TaskPoller, StartError> {
        let path =
            self.path_of(id).ok_or_else(|| StartError(StartFault::UnusableId(Excerpt::of(id))))?;
        let address = self.resolve(&self.base, &path, None).map_err(|fault| {
            StartError(StartFault::BadAddress { fault, id: Some(Excerpt::of(id)) })
        })?;
        Ok(TaskPoller::new(self.clone(), Some(id.into()), Some(address), now))
    }

    /// Returns the first address that an accepting answer has, in the order of
    /// [`started_by`](Self::started_by).
    fn address(
        &self,
        headers: &HeaderMap,
        href: Option<&str>,
        document: Option<&TaskDocument>,
    ) -> Result<Option<TaskAddress>, AddressFault> {
        let in_header =
            |name: &HeaderName| header::text(headers, name).map(|text| (text, name.clone()));
        // An address in a header is relative to the request.
        let header_base = self.request_base.as_ref().unwrap_or(&self.base);

        let [azure @ .., _] = &header::ADDRESSES;
        if let Some((text, name)) = azure.iter().find_map(in_header) {
            return self.resolve(header_base, text, Some(name)).map(Some);
        }
        if let Some(href) = href {
            // The format may have found it in a header.
            let mut names = header::ADDRESSES.into_iter();
            let name = names.find(|name| header::text(headers, name) == Some(href));
            let base = if name.is_some() { header_base } else { &self.base };
            return self.resolve(base, href, name).map(Some);
        }
        if let Some((text, name)) = in_header(&LOCATION) {
            return self.resolve(header_base, text, Some(name)).map(Some);
        }
        let Some(document) = document else { return Ok(None) };
        let link = document.link("task").or_else(|| document.link("self"));
        let path = link
            .and_then(|link| link.href())
            .map(Box::from)
            .or_else(|| self.path_of(document.task_id()));
        path.map(|path| self.resolve(&self.base, &path, None)).transpose()
    }

    fn resolve(
        &self,
        base: &BaseUri,
        text: &str,
        header: Option<HeaderName>,
    ) -> Result<TaskAddress, AddressFault> {
        let uri = base.resolve(text, &self.allowed_origins)?;
        let is_result = header == Some(LOCATION) && self.format.has_result_at_location();
        Ok(TaskAddress { uri, header, is_result })
    }

    /// Returns the path of the task with an id, if the id can be in an address.
    fn path_of(&self, id: &str) -> Option<Box<str>> {
        if let Ok(id) = id.parse::<TaskId>() {
            return Some(self.links.task_href(id).into());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte);
        let is_usable =
            !id.is_empty() && id.bytes().all(is_plain) && !id.bytes().all(|byte| byte == b'.');
        is_usable.then(|| [self.links.list_href(), "/", id].concat().into())
    }
}

/// Returns whether the body of an accepting answer is about the task, and not about the resource
/// that the task makes.
fn is_about_the_task(document: &TaskDocument, headers: &HeaderMap) -> bool {
    let [azure @ .., _] = &header::ADDRESSES;
    let Some(address) = azure.iter().find_map(|name| header::text(headers, name)) else {
        return true;
    };
    let operation_id = header::text(headers, &header::OPERATION_ID);
    let is_own = |id: &str| !id.is_empty() && is_same_id(id, document.task_id());
    operation_id.is_some_and(is_own) || is_own(last_segment(address))
}
