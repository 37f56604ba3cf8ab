//! A request that an API knows: what it does, and how it is answered.

use http::{Method, StatusCode};
use serde_json::Value;
use tasklife::CommandType;

use crate::effect::{Effect, Refuses, Shows};
use crate::paging::Paging;
use crate::path::Template;
use crate::schema::Schema;

/// A request that an API knows.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: Template,
    pub(crate) reply: OperationReply,
    pub(crate) effect: Effect,
    pub(crate) shows: Shows,
    /// Whether there must be a body; where nothing is said, one that makes or changes something has one.
    pub(crate) needs_body: Option<bool>,
    /// The schema of the body.
    pub(crate) body: Option<Schema>,
    /// What a body may be beside a JSON object.
    pub(crate) takes: Takes,
    /// Why its task fails, as things stand.
    pub(crate) refuses: Option<Refuses>,
    /// How its query asks for a part, where it is answered with a list.
    pub(crate) paging: Paging,
}

/// What a body may be beside a JSON object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Takes {
    /// Any JSON.
    pub(crate) any_json: bool,
    /// What its type says, such as a form or a file: nobody looks into it.
    pub(crate) other_types: bool,
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum OperationReply {
    /// With a task.
    Task { command: CommandType, accepted: StatusCode },
    /// At once: with what it shows, as its schema allows.
    Immediate { status: StatusCode, shape: Shape },
}

/// What is in an answer that comes at once.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Nothing,
    /// The resource that it is about, as it describes itself; and what schema that meets, if one is known.
    Resource(Option<Schema>),
    /// What a schema allows; and the field in which the resource is, if it isn't the whole.
    Schema {
        schema: Schema,
        envelope: Option<Box<str>>,
        example: Option<Value>,
    },
}

impl Operation {
    /// One that is answered with a task, and does what its path says.
    pub(crate) fn with_task(method: Method, path: Template, command: CommandType) -> Self {
        let reply = OperationReply::Task { command, accepted: StatusCode::ACCEPTED };
        Self { reply, ..Self::immediate(method, path) }
    }

    /// One that is answered at once, and does what its path says.
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
