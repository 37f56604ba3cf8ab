//! What an operation does to resources, and what its answer shows.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{ResourceId, TaskError};

use crate::request_context::RequestContext;

/// What an operation does to resources: at once, or once its task has completed.
#[derive(Clone)]
pub(crate) enum Effect {
    /// What its method and path say.
    ByPath,
    Create(usize),
    Change(usize),
    /// Changes it: what the request doesn't say is there no more.
    Replace(usize),
    Delete(usize),
    /// Deletes all of a kind that belong to the resource on the path.
    DeleteAll(usize),
    /// Whatever a function makes of the request.
    Edits(fn(&RequestContext<'_>) -> Vec<Edit>),
    Nothing,
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPath => f.write_str("ByPath"),
            Self::Create(kind) => write!(f, "Create({kind})"),
            Self::Change(kind) => write!(f, "Change({kind})"),
            Self::Replace(kind) => write!(f, "Replace({kind})"),
            Self::Delete(kind) => write!(f, "Delete({kind})"),
            Self::DeleteAll(kind) => write!(f, "DeleteAll({kind})"),
            Self::Edits(_) => f.write_str("Edits"),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// Why a task fails, as things stand when it would complete.
pub(crate) type Refuses = fn(&RequestContext<'_>) -> Option<TaskError>;

/// One change to a resource.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Changes it; where it is not there, it is made.
    Put {
        item: &'static str,
        ids: Vec<ResourceId>,
        fields: Map<String, Value>,
    },
    Delete {
        item: &'static str,
        ids: Vec<ResourceId>,
    },
}

/// What an answer shows: that of a request which is answered at once, or the result of a completed task.
#[derive(Clone)]
pub(crate) enum Shows {
    /// What the operation made or changed, or the resource that it is about.
    Effect,
    /// What its schema says, whatever there is.
    Nothing,
    /// The resource of a kind.
    One(usize),
    /// All resources of a kind.
    All(usize),
    /// What a function makes of the request and the resources.
    By(Arc<dyn Fn(&RequestContext<'_>) -> Value + Send + Sync>),
}

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect => f.write_str("Effect"),
            Self::Nothing => f.write_str("Nothing"),
            Self::One(kind) => write!(f, "One({kind})"),
            Self::All(kind) => write!(f, "All({kind})"),
            Self::By(_) => f.write_str("By"),
        }
    }
}
