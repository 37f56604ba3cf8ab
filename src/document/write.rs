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

/// A task document, with its links in one or both shapes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", bound = "I: Iterator<Item = LinkFields<'a>> + Clone")]
pub(super) struct Fields<'a, I> {
    pub(super) task_id: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command_type: Option<&'a str>,
    pub(super) status: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<Plain<Rfc3339>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Response<'a>>,
    #[serde(rename = "_links", skip_serializing_if = "Option::is_none")]
    pub(super) link_map: Option<LinkMap<I>>,
    #[serde(rename = "links", skip_serializing_if = "Option::is_none")]
    pub(super) link_array: Option<LinkArray<I>>,
}

/// Text, which is [`Plain`] if this crate produced it.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Text<'a> {
    Plain(Plain<&'a str>),
    Any(&'a str),
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

/// The fields of one link. A field that is `None` is not written.
#[derive(Clone, Serialize)]
pub(super) struct LinkFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rel: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) href: Option<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<Text<'a>>,
}

/// The address of a link: composed by [`Links`], or a string.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Address<'a> {
    Href(Href<'a>),
    Text(&'a str),
}

impl<'a> From<Link<'a>> for LinkFields<'a> {
    fn from(link: Link<'a>) -> Self {
        Self {
            rel: Some(Text::Plain(Plain(link.rel))),
            href: Some(Address::Href(link.href)),
            title: link.title,
            method: Some(Text::Plain(Plain("GET"))),
        }
    }
}

/// Links keyed by their relations. A link without a relation is not written.
pub(super) struct LinkMap<I>(pub(super) I);

impl<'a, I: Iterator<Item = LinkFields<'a>> + Clone> Serialize for LinkMap<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.0.clone().filter_map(|mut link| Some((link.rel.take()?, link)));
        serializer.collect_map(entries)
    }
}

pub(super) struct LinkArray<I>(pub(super) I);

impl<'a, I: Iterator<Item = LinkFields<'a>> + Clone> Serialize for LinkArray<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// Writes the document of an accepted submission.
pub(super) fn accepted<S: Serializer>(
    links: &Links,
    task: &Task,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut id = [0; Hyphenated::LENGTH];
    let id = task.id().as_uuid().as_hyphenated().encode_lower(&mut id);
    fields(links, task, id, [Some(links.task_link(id)), None]).serialize(serializer)
}

/// The document of a task that a client polls.
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
        fields(links, task, id, [resource, Some(self_link)]).serialize(serializer)
    }
}

fn fields<'a>(
    links: &'a Links,
    task: &'a Task,
    id: &'a str,
    task_links: [Option<Link<'a>>; 2],
) -> Fields<'a, impl Iterator<Item = LinkFields<'a>> + Clone> {
    let task_links = task_links.into_iter().flatten().map(LinkFields::from);
    let (link_map, link_array) = in_shape(links.shape(), task_links);
    Fields {
        task_id: Text::Plain(Plain(id)),
        command_type: Some(task.command_type().as_str()),
        status: Text::Plain(Plain(task.status().as_str())),
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

fn in_shape<I>(shape: LinkShape, links: I) -> (Option<LinkMap<I>>, Option<LinkArray<I>>) {
    match shape {
        LinkShape::Map => (Some(LinkMap(links)), None),
        LinkShape::Array => (None, Some(LinkArray(links))),
    }
}

/// The link from a list to its next page.
fn next_link(href: &str) -> impl Iterator<Item = LinkFields<'_>> + Clone {
    core::iter::once(LinkFields {
        rel: Some(Text::Plain(Plain("next"))),
        href: Some(Address::Text(href)),
        title: None,
        method: Some(Text::Plain(Plain("GET"))),
    })
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
    match next.map(|(shape, href)| in_shape(shape, next_link(href))) {
        Some((Some(links), _)) => map.serialize_entry("_links", &links)?,
        Some((_, Some(links))) => map.serialize_entry("links", &links)?,
        _ => {}
    }
    map.end()
}
