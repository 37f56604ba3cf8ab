//! The kinds of resources of an API.

use std::fmt;

use serde_json::{Map, Value};
use tasklife::{ProvisioningStatus, ResourceId, Timestamp};

use crate::path::{Template, as_in_path};
use crate::schema::{Given, Schema};

/// A kind of resources: where they are found, how they are identified, and what they show.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    /// The path template of a resource.
    pub(crate) item: Template,
    /// The field with the id of a resource.
    pub(crate) id_field: Box<str>,
    /// The last name on the path, such as `databases`.
    pub(crate) plural: Box<str>,
    /// The last placeholder, such as `databaseId`. For a single resource, the last name.
    pub(crate) id_name: Box<str>,
    /// The number of ids on its path.
    pub(crate) ids: usize,
    /// Whether there is only one for each resource to which it belongs, without an id of its own.
    pub(crate) is_single: bool,
    pub(crate) parent: Option<usize>,
    pub(crate) origin: Origin,
    pub(crate) shown: Shown,
    pub(crate) listing: Listing,
    pub(crate) naming: Naming,
    /// Whether the resource to which it belongs shows how many there are.
    pub(crate) is_counted: bool,
    /// Finds the resources of this kind that a request for their parent makes as well. By default
    /// they are in the list named after the kind.
    pub(crate) listed_in: Option<ListedIn>,
}

/// Returns the fields of each further resource, and how often it is made.
pub(crate) type ListedIn = fn(&Value) -> Vec<(Value, usize)>;

/// What decides the ids of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The API: the next free number.
    #[default]
    Api,
    /// The request, if it has an id.
    Request,
    /// The request. The id is a string even if it looks like a number.
    RequestAsText,
}

/// Where resources of a kind come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A request makes them, or a test adds them.
    #[default]
    Made,
    /// From outside the API. Every id exists until it is deleted.
    Outside,
}

/// What a resource shows of the requests that made and changed it.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// The strings, numbers and booleans, but no password, then its status, and how many resources
    /// of each kind belong to it. A view can change this.
    Plain(View),
    /// A value of its schema.
    Schema(Schema),
}

impl Default for Shown {
    fn default() -> Self {
        Self::Plain(View::default())
    }
}

/// Functions that decide what a resource keeps and shows.
#[derive(Clone, Copy, Default)]
pub(crate) struct View {
    /// Selects the fields of a request to keep. By default these are the strings, numbers and
    /// booleans.
    pub(crate) keeps: Option<Keeps>,
    /// Changes the fields to show, given the kept fields and `status`.
    pub(crate) shows: Option<ShowsFields>,
    /// Names a status differently.
    pub(crate) status: Option<StatusWord>,
}

pub(crate) type Fields = Map<String, Value>;
type Keeps = fn(&Value) -> Fields;
type ShowsFields = fn(&dyn ResourceContext, &mut Fields);
pub(crate) type StatusWord = fn(ProvisioningStatus) -> &'static str;

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// How resources of a kind are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// The name of the list. By default it is the name of the kind.
    pub(crate) name: Option<Box<str>>,
    pub(crate) within: Within,
    /// The schema of the whole answer, if there is one.
    pub(crate) schema: Option<Schema>,
}

/// The JSON around a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Within {
    /// `{"accountId", "subscription": [{"subscriptionId", "numberOfDatabases", "databases":
    /// […]}]}`: the parent, in an array. Without a parent, `{"accountId", "subscriptions": […]}`.
    #[default]
    Array,
    /// The same, but an empty list is a 404.
    ArrayOrNotFound,
    /// The same, but the parent is an object.
    Object,
    /// `{"accountId", "tags": […]}`, even with a parent.
    Account,
    /// `{"subscriptionId", "regions": […]}`, with the id of the parent.
    Parent,
    /// `{"peerings": […]}`.
    Nothing,
}

impl Kind {
    /// Returns the name of one resource, such as `database`.
    pub(crate) fn singular(&self) -> &str {
        self.id_name.strip_suffix("Id").filter(|name| !name.is_empty()).unwrap_or(&self.id_name)
    }

    /// Returns the error code for one resource, such as `DATABASE_NOT_FOUND`.
    pub(crate) fn code(&self, what: &str) -> String {
        let mut code = String::new();
        for letter in self.singular().chars() {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(if letter.is_ascii_alphanumeric() {
                letter.to_ascii_uppercase()
            } else {
                '_'
            });
        }
        format!("{code}_{what}")
    }

    /// Returns the id of a new resource, from a free number. The schema can require a string.
    pub(crate) fn new_id(&self, number: ResourceId, now: Timestamp) -> ResourceId {
        let Shown::Schema(schema) = &self.shown else { return number };
        let Some(schema) = schema.property(&self.id_field) else { return number };
        let value = match &number {
            ResourceId::Number(number) => Value::from(*number),
            ResourceId::Text(text) => Value::from(&**text),
        };
        match schema.fill(&Given { value: &value, is_open: false, now }) {
            Value::String(text) if has_number(&text, &number) => as_in_path(text.as_str().into()),
            // If the value does not contain the number, try to put it at the end.
            Value::String(text) => {
                let digits = number.to_string();
                let front = text.len().saturating_sub(digits.len());
                let text = format!("{}{digits}", text.get(..front).unwrap_or_default());
                if schema.allows(&Value::from(&*text)) { text.as_str().into() } else { number }
            }
            _ => number,
        }
    }

    /// Returns the path template of the list.
    pub(crate) fn collection(&self) -> Template {
        if self.is_single { self.item.clone() } else { self.item.parent() }
    }

    /// Returns the last id on the path, if the resource has one of its own.
    pub(crate) fn own_id<'a>(&self, ids: &'a [ResourceId]) -> Option<&'a ResourceId> {
        if self.is_single { None } else { ids.last() }
    }

    /// Returns the field with the number of resources, such as `numberOfDatabases`.
    pub(crate) fn number_field(&self) -> String {
        let mut letters = self.plural.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        format!("numberOf{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
    }

    /// Returns the resources of this kind that a request for their parent makes as well.
    pub(crate) fn along_with(&self, body: &Value) -> Vec<(Value, usize)> {
        if let Some(listed_in) = self.listed_in {
            return listed_in(body);
        }
        let listed = body[&*self.plural].as_array().into_iter().flatten();
        listed.map(|one| (one.clone(), 1)).collect()
    }

    /// Returns the fields of a resource that are wrapped in a field such as `data`.
    fn unwrapped(&self, schema: &Schema, fields: Fields) -> Fields {
        let names = [self.singular(), "data", "item", "resource"];
        let found = names.iter().find_map(|name| match fields.get(*name) {
            Some(Value::Object(inner)) if schema.property(name).is_none() => Some(inner.clone()),
            _ => None,
        });
        found.unwrap_or(fields)
    }

    /// Returns the fields of a request that are kept.
    pub(crate) fn kept(&self, body: &Value) -> Map<String, Value> {
        match &self.shown {
            Shown::Plain(View { keeps: Some(keeps), .. }) => keeps(body),
            Shown::Plain(_) => visible_fields(body),
            Shown::Schema(schema) => {
                let mut fields = self.unwrapped(schema, fields_but_secrets(body));
                fields.retain(|name, _| {
                    schema.property(name).is_none_or(|property| !property.is_read_only())
                });
                fields
            }
        }
    }
}

/// Returns whether a string was made from a number, so that another number gives another string.
fn has_number(text: &str, number: &ResourceId) -> bool {
    let ResourceId::Number(number) = number else { return false };
    text.ends_with(&number.to_string()) || text.ends_with(&format!("{number:012x}"))
}

/// Returns the strings, numbers and booleans of a request, but no password. Objects and lists look
/// different in requests and answers.
pub(crate) fn visible_fields(body: &Value) -> Map<String, Value> {
    let mut fields = fields_but_secrets(body);
    fields.retain(|name, value| {
        !["dryRun", "status"].contains(&name.as_str())
            && (value.is_string() || value.is_number() || value.is_boolean())
    });
    fields
}

/// All fields of a request, except passwords and secrets.
pub(crate) fn fields_but_secrets(body: &Value) -> Map<String, Value> {
    let mut fields = body.as_object().cloned().unwrap_or_default();
    fields.retain(|name, value| {
        let name = name.to_ascii_lowercase();
        let is_secret = ["password", "secret", "secretkey"].iter().any(|end| name.ends_with(end));
        !is_secret || !value.is_string()
    });
    fields
}

/// What a resource can read to decide what it shows: its path, its times and the other resources of
/// its account.
pub(crate) trait ResourceContext {
    /// Returns the ids on its path.
    fn ids(&self) -> &[ResourceId];

    fn now(&self) -> Timestamp;

    /// Returns the number of its account.
    fn account(&self) -> usize;

    /// Returns when it was made, and when it was last changed.
    fn times(&self) -> [Timestamp; 2];

    /// Returns the ids and kept fields of all resources listed at a path template. `before` are the
    /// ids on the path.
    fn kept(
        &self,
        collection: &str,
        before: &[ResourceId],
    ) -> Vec<(ResourceId, Map<String, Value>)>;

    /// Returns the kept fields of the resource at a path template with these ids.
    fn kept_of(&self, item: &str, ids: &[ResourceId]) -> Option<Map<String, Value>>;

    /// All resources listed at a path template, as they show themselves. Its placeholders stand for
    /// the first ids on this resource's path.
    fn all(&self, collection: &str) -> Vec<Value>;

    /// Returns the resource at a path template, in the same way.
    fn one(&self, item: &str) -> Option<Value>;
}
