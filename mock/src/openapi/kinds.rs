//! Finds the kinds of resources in a description.

use std::collections::BTreeSet;

use http::{Method, StatusCode};

use super::document::{Content, Described};
use crate::kind::{Kind, Listing, Naming, Origin, Shown, Within};
use crate::path::Template;
use crate::route::Routes;
use crate::schema::Schema;

/// Names of a field that wraps the resource.
const ENVELOPES: [&str; 5] = ["data", "result", "item", "resource", "value"];

/// Names of a field with a list, other than the name of the kind.
const LISTS: [&str; 6] = ["data", "items", "results", "value", "values", "resources"];

/// Adds the kinds of resources that have an id, are listed, or are settings.
pub(super) fn add_kinds(routes: &mut Routes, described: &[Described]) {
    let mut items: Vec<Template> = Vec::new();
    let mut add = |item: Template| {
        if !items.contains(&item) {
            items.push(item);
        }
    };
    for operation in described.iter().filter(|it| !routes.is_of_tasks(&it.path)) {
        for length in 1..=operation.path.len() {
            let prefix = operation.path.item_prefix(length);
            if prefix.last_id().is_some() && !routes.is_of_tasks(&prefix) {
                add(prefix);
            }
        }
    }
    for operation in described {
        let path = &operation.path;
        if operation.method != Method::GET || path.last_id().is_some() || routes.is_of_tasks(path) {
            continue;
        }
        let content = content_of(operation);
        let lists = content.is_some_and(|it| list_in(&it.schema, "").is_some());
        let is_listed = items.iter().any(|item| item.last_id().is_some() && item.parent() == *path);
        let is_listed = is_listed && !content.is_some_and(|it| is_one(&it.schema));
        let makes = has(described, path, &Method::POST);
        let writes = makes
            || [Method::PUT, Method::PATCH, Method::DELETE]
                .iter()
                .any(|method| has(described, path, method));
        if is_listed || !writes || path.len() == 0 {
            continue;
        }
        if makes && lists {
            // Made and listed, but without a path of its own.
            if let Ok(item) = Template::parse(&format!("{path}/{{id}}")) {
                items.push(item);
            }
        } else {
            items.push(path.clone());
        }
    }
    // Parents come first.
    items.sort_by_key(Template::len);
    for item in items {
        add_kind(routes, described, &item);
    }
}

fn add_kind(routes: &mut Routes, described: &[Described], item: &Template) {
    let at = routes.add_kind(item.clone(), "id");
    let collection = routes.kind(at).collection();
    let is_single = routes.kind(at).is_single;
    let listed = described.iter().find(|it| it.path == collection && it.method == Method::GET);
    let listed = listed.filter(|_| !is_single).and_then(content_of);
    let list = listed.and_then(|content| {
        let name = list_in(&content.schema, &routes.kind(at).plural)?;
        let items = match &name {
            Some(name) => content.schema.property(name)?.items()?,
            None => content.schema.items()?,
        };
        Some((name, content.schema.clone(), items))
    });

    // The `GET` describes a resource best, then what changes and makes it, then the list.
    let answers_of = |method: &Method, path: &Template| {
        let found = described.iter().find(|it| it.path == *path && it.method == *method)?;
        content_of(found).map(|content| content.schema.clone())
    };
    let own = [
        answers_of(&Method::GET, item),
        answers_of(&Method::PUT, item),
        answers_of(&Method::PATCH, item),
        answers_of(&Method::POST, &collection).filter(|_| !is_single),
    ];
    let singular = routes.kind(at).singular().to_owned();
    let own = own.into_iter().flatten().find(|schema| !schema.property_names().is_empty());
    let own = own.map(|schema| match envelope(&schema, routes.kind(at)) {
        Some(name) => schema.property(&name).unwrap_or(schema),
        None => schema,
    });
    let schema = own.or_else(|| list.as_ref().map(|(_, _, items)| items.clone()));

    let id_name = routes.kind(at).id_name.to_string();
    let names: BTreeSet<String> = schema.iter().flat_map(Schema::property_names).collect();
    let id_field = id_field(&names, &id_name, &singular);
    let gives_id = |operation: &Described| {
        let given = operation.body.as_ref().and_then(|body| body.property(&id_field));
        given.is_some_and(|given| !given.is_read_only())
    };
    let makes = |operation: &&Described| {
        let by_post = operation.method == Method::POST && operation.path == collection;
        by_post || makes_by_put(operation, item)
    };
    let made = described.iter().find(makes);
    let is_deleted = has(described, item, &Method::DELETE);
    let origin = match made {
        Some(_) if !is_single || is_deleted => Origin::Made,
        _ => Origin::Outside,
    };
    let kind = routes.kind_mut(at);
    kind.id_field = id_field.as_str().into();
    kind.origin = origin;
    kind.is_counted = false;
    kind.listed_in = Some(|_| Vec::new());
    kind.listing = match list {
        Some((name, schema, _)) => {
            Listing { name: name.map(Into::into), within: Within::Nothing, schema: Some(schema) }
        }
        None => Listing { within: Within::Nothing, ..Listing::default() },
    };
    if made.is_some_and(gives_id) {
        kind.naming = Naming::Request;
    }
    if let Some(schema) = schema {
        kind.shown = Shown::Schema(schema);
    }
}

/// Returns whether an operation makes the resource at its own path.
pub(super) fn makes_by_put(operation: &Described, item: &Template) -> bool {
    operation.method == Method::PUT
        && operation.path == *item
        && operation.answers.iter().any(|answer| answer.status == StatusCode::CREATED)
}

pub(super) fn has(described: &[Described], path: &Template, method: &Method) -> bool {
    described.iter().any(|it| it.path == *path && it.method == *method)
}

/// Returns the content of the first successful response that is JSON and not a task.
pub(super) fn content_of(operation: &Described) -> Option<&Content> {
    let answers = operation.answers.iter().filter(|_| operation.accepted.is_none());
    let mut contents = answers.filter_map(|answer| answer.content.as_ref());
    contents.next()
}

/// Guesses the field with the id from the names of the fields.
fn id_field(names: &BTreeSet<String>, id_name: &str, singular: &str) -> String {
    let suffixed = ["id", "key", "uuid", "slug", "name"]
        .into_iter()
        .filter(|suffix| id_name.to_ascii_lowercase().ends_with(suffix));
    let tried =
        [id_name.to_owned(), format!("{singular}Id"), format!("{singular}_id"), "id".into()];
    let tried = tried.into_iter().chain(suffixed.map(str::to_owned));
    let tried = tried.chain(["uuid", "key", "slug", "name"].map(str::to_owned));
    let mut known = tried.filter(|name| names.contains(name));
    known.next().unwrap_or_else(|| "id".into())
}

/// Returns the field that wraps the resource, if there is one.
pub(super) fn envelope(schema: &Schema, kind: &Kind) -> Option<String> {
    let (id_name, singular) = (&*kind.id_name, kind.singular());
    let names = schema.property_names();
    let set: BTreeSet<String> = names.iter().cloned().collect();
    let own = id_field(&set, id_name, singular);
    if set.contains(&own) && !["name", "key"].contains(&own.as_str()) {
        return None;
    }
    let is_object = |name: &&String| {
        schema
            .property(name)
            .is_some_and(|it| it.is_of_type("object") || !it.property_names().is_empty())
    };
    let one = one_of(&kind.plural);
    let same = |name: &&String| [plain(singular), plain(&one)].contains(&plain(name));
    let objects: Vec<&String> = names.iter().filter(is_object).collect();
    let found = objects.iter().find(|name| same(name));
    let found = found.or_else(|| objects.iter().find(|name| ENVELOPES.contains(&name.as_str())));
    found.copied().cloned()
}

/// Returns the field with the list. The inner `None` means that the whole answer is a list.
#[expect(clippy::option_option, reason = "whether it lists, and where")]
pub(super) fn list_in(schema: &Schema, plural: &str) -> Option<Option<String>> {
    if schema.is_of_type("array") {
        return Some(None);
    }
    let names = schema.property_names();
    let is_list = |name: &&String| {
        let is_array = schema.property(name).is_some_and(|it| it.is_of_type("array"));
        is_array && !["links", "errors", "warnings"].contains(&name.as_str())
    };
    let lists: Vec<&String> = names.iter().filter(is_list).collect();
    let found = lists.iter().find(|name| !plural.is_empty() && plain(name) == plain(plural));
    let found = found.or_else(|| lists.iter().find(|name| LISTS.contains(&name.as_str())));
    let found = found.copied().or(match &lists[..] {
        [only] => Some(*only),
        _ => None,
    });
    found.map(|name| Some(name.clone()))
}

/// Returns whether an answer is one resource rather than a list.
pub(super) fn is_one(schema: &Schema) -> bool {
    let names = schema.property_names();
    let names_itself =
        ["id", "uuid", "key", "name"].iter().any(|id| names.iter().any(|it| it == id));
    names_itself && list_in(schema, "").is_none_or(|list| list.is_some())
}

/// Returns the singular of a name: `box` of `boxes`, `policy` of `policies`.
fn one_of(plural: &str) -> String {
    let stems = [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")];
    let found =
        stems.iter().find_map(|(end, stem)| Some(format!("{}{stem}", plural.strip_suffix(end)?)));
    found.unwrap_or_else(|| plural.to_owned())
}

/// Returns a name without case and punctuation.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
