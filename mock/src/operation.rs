//! The operations of an API.

use http::{Method, StatusCode};
use serde_json::Value;
use tasklife::CommandType;

use crate::effect::{Effect, Refuses, Shows};
use crate::paging::Paging;
use crate::path::Template;
use crate::schema::Schema;

/// An operation: a method and a path, what it does, and how it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: Template,
    pub(crate) reply: OperationReply,
    pub(crate) effect: Effect,
    pub(crate) shows: Shows,
    /// Whether a body is required. By default it is if the operation makes or changes a resource.
    pub(crate) needs_body: Option<bool>,
    /// The schema of the request body.
    pub(crate) body: Option<Schema>,
    /// What a body may be, other than a JSON object.
    pub(crate) takes: Takes,
    /// Decides whether its task fails.
    pub(crate) refuses: Option<Refuses>,
    /// The paging parameters, if it answers with a list.
    pub(crate) paging: Paging,
}

/// What a body may be, other than a JSON object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takes {
    /// Any JSON.
    pub(crate) any_json: bool,
    /// A form, a file or another type, which is not parsed.
    pub(crate) other_types: bool,
}

/// How an operation is answered.
#[derive(Clone, Debug)]
pub(crate) enum OperationReply {
    /// With a task.
    Task { command: CommandType, accepted: StatusCode },
    /// At once.
    Immediate { status: StatusCode, shape: Shape },
}

/// The body of an answer that comes at once.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Nothing,
    /// The resource, as its kind shows it. The schema is for the description only.
    Resource(Option<Schema>),
    /// A value of a schema. `envelope` is the field that holds the resource, if it is not the whole
    /// value.
    Schema {
        schema: Schema,
        envelope: Option<Box<str>>,
        example: Option<Value>,
    },
}

impl Operation {
    /// Returns an operation with a task. Its path implies its effect.
    pub(crate) fn with_task(method: Method, path: Template, command: CommandType) -> Self {
        let reply = OperationReply::Task { command, accepted: StatusCode::ACCEPTED };
        Self { reply, ..Self::immediate(method, path) }
    }

    /// Returns an operation that is answered at once. Its path implies its effect.
    pub(crate) fn immediate(method: Method, path: Template) -> Self {
        Self {
            method,
            path,
            reply: OperationReply::Immediate {
                status: StatusCode::OK,
                shape: Shape::Resource(None),
            },
            effect: Effect::ByPath,
            shows: Shows::Effect,
            needs_body: None,
            body: None,
            takes: Takes::default(),
            refuses: None,
            paging: Paging::default(),
        }
    }

    pub(crate) fn command(&self) -> Option<&CommandType> {
        match &self.reply {
            OperationReply::Task { command, .. } => Some(command),
            OperationReply::Immediate { .. } => None,
        }
    }
}
