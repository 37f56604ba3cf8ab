//! How resources show themselves, alone and in lists.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tasklife::{ProvisioningStatus, ResourceId, Timestamp};

use crate::kind::{Kind, Naming, ResourceContext, Shown, View, Within};
use crate::pages::Part;
use crate::path::Template;
use crate::resource::{ResourceKey, Resources, State};
use crate::route::Routes;
use crate::schema::{Given, Schema};

/// Shows the resources of an account at an instant.
#[derive(Clone, Copy)]
pub(crate) struct Describer<'a> {
    pub(crate) routes: &'a Routes,
    pub(crate) resources: &'a Resources,
    /// The ids on the path of the request or resource that reads them.
    pub(crate) ids: &'a [ResourceId],
    pub(crate) now: Timestamp,
    /// The number of the account.
    pub(crate) account: usize,
    /// When the resource that reads them was made, and last changed.
    pub(crate) times: [Timestamp; 2],
}

/// A resource as it shows itself: its id, its fields, and last its status and the numbers of
/// resources that belong to it.
pub(crate) struct Described {
    id: Option<(Box<str>, Value)>,
    fields: Map<String, Value>,
    ends: Vec<(String, Value)>,
}

impl Serialize for Described {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, id)) = &self.id {
            map.serialize_entry(name, id)?;
        }
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.ends {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Described {
    pub(crate) fn into_value(self) -> Value {
        let mut fields = self.fields;
        fields.extend(self.ends);
        fields.extend(self.id.map(|(name, id)| (name.into(), id)));
        Value::Object(fields)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'a> Describer<'a> {
    pub(crate) fn new(
        routes: &'a Routes,
        resources: &'a Resources,
        ids: &'a [ResourceId],
        now: Timestamp,
        account: usize,
    ) -> Self {
        Self { routes, resources, ids, now, account, times: [now; 2] }
    }

    /// Returns the same with other ids.
    fn at(self, ids: &'a [ResourceId]) -> Self {
        Self { ids, ..self }
    }

    /// Shows a resource, if it exists.
    pub(crate) fn describe(self, key: &ResourceKey) -> Option<Described> {
        let kind = self.routes.kind(key.0);
        let State { fields, status, times } = self.resources.state(self.routes, key, self.now)?;
        let describer = Self { times, ..self };
        let id = kind.own_id(&key.1).map(|id| {
            if kind.naming == Naming::RequestAsText {
                Value::from(id.to_string())
            } else {
                id_value(id)
            }
        });
        match &kind.shown {
            Shown::Plain(view) => Some(describer.plain(key, *view, (fields, status), id)),
            Shown::Schema(schema) => Some(describer.as_schema(kind, schema, fields, status, id)),
        }
    }

    fn plain(
        self,
        key: &ResourceKey,
        view: View,
        (fields, status): (Arc<Map<String, Value>>, ProvisioningStatus),
        id: Option<Value>,
    ) -> Described {
        let kind = self.routes.kind(key.0);
        let counts = self.routes.children(key.0).filter(|(_, child)| child.is_counted);
        let counts: Vec<(String, Value)> = counts
            .map(|(child, kind)| {
                let count = self.resources.standing(child, &key.1, self.now).count();
                (kind.number_field(), Value::from(count))
            })
            .collect();
        let mut fields = Arc::unwrap_or_clone(fields);
        fields.remove(&*kind.id_field);
        fields.retain(|name, _| counts.iter().all(|(known, _)| known != name));
        let word = view.status.map_or_else(|| status.as_str(), |words| words(status));
        fields.insert("status".into(), Value::from(word));
        if let Some(shows) = view.shows {
            shows(&self.at(&key.1), &mut fields);
        }
        let status = fields.remove("status").map(|status| ("status".into(), status));
        let ends = status.into_iter().chain(counts).collect();
        Described { id: id.map(|id| (kind.id_field.clone(), id)), fields, ends }
    }

    fn as_schema(
        self,
        kind: &Kind,
        schema: &Schema,
        kept: Arc<Map<String, Value>>,
        status: ProvisioningStatus,
        id: Option<Value>,
    ) -> Described {
        let mut given = Map::new();
        for (name, at) in TIMES {
            given.insert(name.into(), json!(self.times[at]));
        }
        // Its status, unless the description has a value for it.
        let own = schema.property("status").is_some_and(|status| status.says_what_it_is());
        if !own {
            given.insert("status".into(), Value::from(status.as_str()));
        }
        given.extend(Arc::unwrap_or_clone(kept));
        given.extend(id.map(|id| (kind.id_field.to_string(), id)));
        let mut fields = match self.fill(schema, &Value::Object(given)) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let id = fields.remove(&*kind.id_field).map(|id| (kind.id_field.clone(), id));
        Described { id, fields, ends: Vec::new() }
    }

    /// Returns a value of a schema, from the given value.
    pub(crate) fn fill(self, schema: &Schema, given: &Value) -> Value {
        schema.fill(&Given { value: given, is_open: false, now: self.now })
    }

    /// Lists at most `limit` resources of a kind from `offset` on, lowest id first. Returns the
    /// JSON, and their number. `before` are the ids of their parent.
    pub(crate) fn list(
        self,
        (kind, before): &ResourceKey,
        (offset, limit): (usize, usize),
    ) -> (String, usize) {
        let kind_of = self.routes.kind(*kind);
        let standing: Vec<&ResourceKey> =
            self.resources.standing(*kind, before, self.now).collect();
        let page = standing.iter().skip(offset).take(limit);
        let all: Vec<Described> = page.filter_map(|key| self.describe(key)).collect();
        let count = all.len();
        let text = match &kind_of.listing.schema {
            Some(schema) => {
                let values = all.into_iter().map(Described::into_value).collect();
                let part = Part { offset, limit, total: standing.len() };
                self.list_as_schema(kind_of, schema, values, part).to_string()
            }
            None => self.list_within(kind_of, before, &all, standing.len()),
        };
        (text, count)
    }

    fn list_as_schema(self, kind: &Kind, schema: &Schema, values: Vec<Value>, part: Part) -> Value {
        let Some(name) = &kind.listing.name else {
            return self.fill(schema, &Value::Array(values));
        };
        let given = Map::from_iter([(name.to_string(), Value::Array(values))]);
        let mut answer = self.fill(schema, &Value::Object(given));
        part.tell(&mut answer, schema, name);
        answer
    }

    fn list_within(
        self,
        kind: &Kind,
        before: &[ResourceId],
        all: &[Described],
        total: usize,
    ) -> String {
        let name = kind.listing.name.as_ref().unwrap_or(&kind.plural);
        let texts: Vec<String> = all.iter().map(Described::text).collect();
        let list = format!(r#""{name}":[{}]"#, texts.join(","));
        let account = self.account;
        let parent = kind.parent.map(|parent| self.routes.kind(parent));
        let parent = parent.zip(before.last().map(|id| id_value(id).to_string()));
        match (kind.listing.within, parent) {
            (Within::Nothing, _) | (Within::Parent, None) => format!("{{{list}}}"),
            (Within::Parent, Some((parent, id))) => {
                format!(r#"{{"{}":{id},{list}}}"#, parent.id_name)
            }
            (Within::Account, _) | (_, None) => format!(r#"{{"accountId":{account},{list}}}"#),
            (within, Some((parent, id))) => {
                let (number, count) = (kind.number_field(), total);
                let within_it =
                    format!(r#"{{"{}":{id},"{number}":{count},{list}}}"#, parent.id_name);
                let parent = parent.singular();
                if within == Within::Object {
                    format!(r#"{{"accountId":{account},"{parent}":{within_it}}}"#)
                } else {
                    format!(r#"{{"accountId":{account},"{parent}":[{within_it}]}}"#)
                }
            }
        }
    }
}

/// The fields for the time at which a resource was made (0) or last changed (1).
const TIMES: [(&str, usize); 8] = [
    ("createdAt", 0),
    ("created_at", 0),
    ("created", 0),
    ("creationDate", 0),
    ("updatedAt", 1),
    ("updated_at", 1),
    ("modifiedAt", 1),
    ("modified_at", 1),
];

impl ResourceContext for Describer<'_> {
    fn ids(&self) -> &[ResourceId] {
        self.ids
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn account(&self) -> usize {
        self.account
    }

    fn times(&self) -> [Timestamp; 2] {
        self.times
    }

    fn kept(
        &self,
        collection: &str,
        before: &[ResourceId],
    ) -> Vec<(ResourceId, Map<String, Value>)> {
        let kind = Template::parse(collection).ok();
        let kind = kind.and_then(|path| self.routes.kind_listed_at(&path));
        let found = kind.map(|kind| self.resources.standing(kind, before, self.now));
        let kept = found.into_iter().flatten().filter_map(|key| {
            let state = self.resources.state(self.routes, key, self.now)?;
            Some((key.1.last()?.clone(), Arc::unwrap_or_clone(state.fields)))
        });
        kept.collect()
    }

    fn kept_of(&self, item: &str, ids: &[ResourceId]) -> Option<Map<String, Value>> {
        let kind = self.routes.kind_at(&Template::parse(item).ok()?)?;
        let key = (kind, ids.to_vec());
        let state = self.resources.state(self.routes, &key, self.now)?;
        Some(Arc::unwrap_or_clone(state.fields))
    }

    fn all(&self, collection: &str) -> Vec<Value> {
        let kind = Template::parse(collection).ok();
        let kind = kind.and_then(|path| self.routes.kind_listed_at(&path));
        let found = kind.and_then(|kind| {
            let before = self.ids.get(..self.routes.kind(kind).ids - 1)?;
            Some(self.resources.standing(kind, before, self.now))
        });
        let described = found.into_iter().flatten().filter_map(|key| self.describe(key));
        described.map(Described::into_value).collect()
    }

    fn one(&self, item: &str) -> Option<Value> {
        let kind = self.routes.kind_at(&Template::parse(item).ok()?)?;
        let ids = self.ids.get(..self.routes.kind(kind).ids)?.to_vec();
        self.describe(&(kind, ids)).map(Described::into_value)
    }
}

/// Returns an id as JSON.
pub(crate) fn id_value(id: &ResourceId) -> Value {
    match id {
        ResourceId::Number(number) => Value::from(*number),
        ResourceId::Text(text) => Value::from(&**text),
    }
}
