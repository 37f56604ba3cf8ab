//! A request to the API, and the errors with which it can be refused.

use http::request::Parts;
use http::{Method, Response, StatusCode};
use tasklife::{CommandType, ListQuery, Replies, ResourceId, TaskId, Timestamp};

use crate::accepted::Accepted;
use crate::api::MockApi;
use crate::operation::Operation;
use crate::rejection::Rejection;
use crate::resource::ResourceKey;
use crate::text::Excerpt;
use crate::work::Work;

/// A request to the API.
pub(crate) struct Call<'a> {
    pub(crate) api: &'a MockApi,
    /// Has the links for the answer to this request.
    pub(crate) replies: Replies,
    pub(crate) head: Parts,
    pub(crate) body: &'a [u8],
    pub(crate) now: Timestamp,
}

/// What a request asks for, as far as this can be decided without the API's state.
pub(crate) enum Action<'a> {
    Tasks(ListQuery),
    Task(String),
    /// Creates a task.
    Submit {
        command: CommandType,
        status: StatusCode,
        key: Option<TaskId>,
        operation: Box<Accepted>,
    },
    /// Is answered at once.
    Immediate {
        operation: &'a Operation,
        work: Box<Work>,
        part: (usize, usize),
    },
}

impl Call<'_> {
    /// Returns the method. A `HEAD` is treated as a `GET`.
    pub(crate) fn method(&self) -> &Method {
        if self.head.method == Method::HEAD { &Method::GET } else { &self.head.method }
    }

    pub(crate) fn rejected(&self, rejection: &Rejection) -> Response<String> {
        rejection.answer(&self.replies, &self.head, self.now)
    }

    pub(crate) fn not_found(&self, message: &str) -> Response<String> {
        self.rejected(&Rejection::new(StatusCode::NOT_FOUND, message))
    }

    pub(crate) fn unknown_path(&self) -> Response<String> {
        let tasks = self.replies.links().tasks_path();
        self.not_found(&format!(
            "expected a path of the API, such as {tasks} below its base address"
        ))
    }

    /// Returns the 404 for a missing resource, which names it as the path does.
    pub(crate) fn no_resource(&self, (kind, ids): &ResourceKey) -> Response<String> {
        let kind = self.api.routes.kind(*kind);
        let id = match kind.own_id(ids) {
            Some(ResourceId::Text(text)) => format!(" {}", Excerpt::of(text)),
            Some(ResourceId::Number(number)) => format!(" {number}"),
            None => String::new(),
        };
        self.not_found(&format!("there is no {}{id}", kind.singular()))
    }
}
