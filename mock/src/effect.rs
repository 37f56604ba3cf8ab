//! The effect of an operation on resources, and what its answer shows.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{ResourceId, TaskError};

use crate::request_context::RequestContext;

/// The effect of an operation on resources, at once or when its task completes.
#[derive(Clone)]
pub(crate) enum Effect {
    /// The effect that its method and path imply.
    ByPath,
    Create(usize),
    Change(usize),
    /// Replaces the fields of a resource.
    Replace(usize),
    Delete(usize),
    /// Deletes all resources of a kind that belong to the resource on the path.
    DeleteAll(usize),
    /// The changes that a function returns.
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

/// Returns the error with which a task fails instead of completing, if there is one.
pub(crate) type Refuses = fn(&RequestContext<'_>) -> Option<TaskError>;

/// A change to one resource.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Changes a resource, or makes it.
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

/// What the answer shows, or the result of the task.
#[derive(Clone)]
pub(crate) enum Shows {
    /// The resource that the operation made or changed, or is about.
    Effect,
    /// Only what its schema says.
    Nothing,
    /// One resource of a kind.
    One(usize),
    /// All resources of a kind.
    All(usize),
    /// What a function returns.
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
