//! The fields of written documents, in their order.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use uuid::fmt::Hyphenated;

use crate::event::Progress;
use crate::json::{JsonText, Plain};
use crate::link::{ErrorForm, Href, Link, LinkShape, Links};
use crate::outcome::{Completion, ResourceId, TaskError};
use crate::task::Task;
use crate::time::Rfc3339;

/// A task document. `T` is the type of its id and status, and `L` of its links.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "T: Serialize, L: Relations")]
pub(super) struct Fields<'a, T, L: Relations> {
    pub(super) task_id: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command_type: Option<&'a str>,
    pub(super) status: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Plain<Rfc3339>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Response<'a>>,
    #[serde(rename = "_links", skip_serializing_if = "Option::is_none")]
    pub(super) link_map: Option<LinkMap<L>>,
    #[serde(rename = "links", skip_serializing_if = "Option::is_none")]
    pub(super) link_array: Option<LinkArray<L>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_id: Option<&'a ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_resource_id: Option<&'a ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<&'a JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Error<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_info: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Error<'a> {
    Code(&'a str),
    Object {
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
    },
}

/// The links of one document, in their order.
pub(super) trait Relations {
    /// The type of a relation or method.
    type Name<'a>: Serialize + Copy
    where
        Self: 'a;
    type Href<'a>: Serialize
    where
        Self: 'a;

    fn each(&self) -> impl Iterator<Item = Relation<'_, Self::Name<'_>, Self::Href<'_>>>;
}

/// One link. Fields that are `None` are not written.
pub(super) struct Relation<'a, N, H> {
    pub(super) rel: Option<N>,
    pub(super) href: Option<H>,
    pub(super) title: Option<&'a str>,
    pub(super) method: Option<N>,
}

/// Links keyed by their relations. A link without a relation is not written.
pub(super) struct LinkMap<L>(pub(super) L);

impl<L: Relations> Serialize for LinkMap<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.0.each().filter_map(|link| link.rel.map(|rel| (rel, link)));
        let entries = named.map(|(rel, link)| (rel, LinkObject::new(link, None)));
        serializer.collect_map(entries)
    }
}

pub(super) struct LinkArray<L>(pub(super) L);

impl<L: Relations> Serialize for LinkArray<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.each().map(|link| {
            let rel = link.rel;
            LinkObject::new(link, rel)
        }))
    }
}

#[derive(Serialize)]
struct LinkObject<'a, N: Serialize, H: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rel: Option<N>,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<H>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    method: Option<N>,
}

impl<'a, N: Serialize, H: Serialize> LinkObject<'a, N, H> {
    /// Creates the object of a link. It contains the relation in an array, but not in a map.
    fn new(link: Relation<'a, N, H>, rel: Option<N>) -> Self {
        let Relation { href, title, method, .. } = link;
        Self { rel, href, title, method }
    }
}

/// The links of a task document: at most two.
#[derive(Clone, Copy)]
pub(super) struct TaskLinks<'a>([Option<Link<'a>>; 2]);

impl Relations for TaskLinks<'_> {
    type Name<'a>
        = Plain<&'a str>
    where
        Self: 'a;
    type Href<'a>
        = Href<'a>
    where
        Self: 'a;

    fn each(&self) -> impl Iterator<Item = Relation<'_, Plain<&str>, Href<'_>>> {
        self.0.iter().flatten().map(|link| Relation {
            rel: Some(Plain(link.rel)),
            href: Some(link.href),
            title: link.title,
            method: Some(Plain("GET")),
        })
    }
}

/// The link from a list to its next page.
struct Next<'a>(&'a str);

impl Relations for Next<'_> {
    type Name<'a>
        = &'a str
    where
        Self: 'a;
    type Href<'a>
        = &'a str
    where
        Self: 'a;

    fn each(&self) -> impl Iterator<Item = Relation<'_, &str, &str>> {
        let (rel, href) = (Some("next"), Some(self.0));
        core::iter::once(Relation { rel, href, title: None, method: Some("GET") })
    }
}

/// Writes the reply to a submission.
pub(super) fn accepted<S: Serializer>(
    links: &Links,
    task: &Task,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut id = [0; Hyphenated::LENGTH];
    let id = task.id().as_uuid().as_hyphenated().encode_lower(&mut id);
    fields(links, task, id, TaskLinks([Some(links.task_link(id)), None])).serialize(serializer)
}

/// The reply to a read of a task.
pub(super) struct Polled<'a>(pub(super) &'a Links, pub(super) &'a Task);

impl Serialize for Polled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(links, task) = self;
        let mut id = [0; Hyphenated::LENGTH];
        let id = task.id().as_uuid().as_hyphenated().encode_lower(&mut id);
        let completion = task.outcome().and_then(Result::ok);
        let resource =
            completion.and_then(|completion| links.resource_link(task.command_type(), completion));
        let self_link = links.self_link(id);
        fields(links, task, id, TaskLinks([resource, Some(self_link)])).serialize(serializer)
    }
}

fn fields<'a, L: Relations + Copy>(
    links: &'a Links,
    task: &'a Task,
    id: &'a str,
    relations: L,
) -> Fields<'a, Plain<&'a str>, L> {
    let (link_map, link_array) = in_shape(links.shape(), relations);
    Fields {
        task_id: Plain(id),
        command_type: Some(task.command_type().as_str()),
        status: Plain(task.status().as_str()),
        description: links.description_of(task),
        progress: task.progress(),
        timestamp: Some(Plain(Rfc3339(task.updated_at()))),
        response: task.outcome().map(|outcome| match outcome {
            Ok(completion) => completion_response(completion),
            Err(error) => error_response(error, links.error_form()),
        }),
        link_map,
        link_array,
    }
}

fn in_shape<L>(shape: LinkShape, relations: L) -> (Option<LinkMap<L>>, Option<LinkArray<L>>) {
    match shape {
        LinkShape::Map => (Some(LinkMap(relations)), None),
        LinkShape::Array => (None, Some(LinkArray(relations))),
    }
}

fn completion_response(completion: &Completion) -> Response<'_> {
    Response {
        resource_id: completion.resource_id.as_ref(),
        additional_resource_id: completion.additional_resource_id.as_ref(),
        resource: completion.resource.as_ref(),
        ..Response::default()
    }
}

fn error_response(error: &TaskError, form: ErrorForm) -> Response<'_> {
    Response {
        error: Some(match form {
            ErrorForm::Code => Error::Code(error.code()),
            ErrorForm::Object => Error::Object {
                code: Some(error.code()),
                status: Some(error.status()),
                description: Some(error.description()),
            },
        }),
        additional_info: error.additional_info(),
        ..Response::default()
    }
}

/// Writes a list of documents. An empty list is `{}`, as in the live API.
pub(super) fn list<S: Serializer>(
    documents: impl ExactSizeIterator<Item: Serialize> + Clone,
    next: Option<(LinkShape, &str)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    struct Sequence<I>(I);

    impl<I: Iterator<Item: Serialize> + Clone> Serialize for Sequence<I> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.clone())
        }
    }

    let mut map = serializer.serialize_map(None)?;
    if documents.len() > 0 {
        map.serialize_entry("tasks", &Sequence(documents))?;
    }
    match next.map(|(shape, href)| in_shape(shape, Next(href))) {
        Some((Some(links), _)) => map.serialize_entry("_links", &links)?,
        Some((_, Some(links))) => map.serialize_entry("links", &links)?,
        _ => {}
    }
    map.end()
}
