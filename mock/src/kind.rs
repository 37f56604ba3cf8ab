//! The kinds of resources that an API has.

use std::fmt;

use serde_json::{Map, Value};
use tasklife::{Now, ProvisioningStatus, ResourceId};

use crate::path::{Template, as_in_path};
use crate::schema::{Given, Schema};

/// A kind of resources: where each is found, how it names itself, and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    /// The path of a resource.
    pub(crate) item: Template,
    /// The field with the id of a resource, as it describes itself.
    pub(crate) id_field: Box<str>,
    /// The last name on the path, such as `databases`.
    pub(crate) plural: Box<str>,
    /// The last placeholder, such as `databaseId`; of what has no id of its own, the last name.
    pub(crate) id_name: Box<str>,
    /// How many ids are on its path.
    pub(crate) ids: usize,
    /// Whether it has no id of its own: there is one for each of what it belongs to.
    pub(crate) is_single: bool,
    pub(crate) parent: Option<usize>,
    pub(crate) origin: Origin,
    pub(crate) shown: Shown,
    pub(crate) listing: Listing,
    pub(crate) naming: Naming,
    /// Whether what it belongs to says how many of it there are.
    pub(crate) is_counted: bool,
    /// Where a request that makes what it belongs to lists what is made along with it; under the name
    /// of the kind, unless set.
    pub(crate) listed_in: Option<ListedIn>,
}

/// The resources that a request wants along with another: what it says of each, and how often.
pub(crate) type ListedIn = fn(&Value) -> Vec<(Value, usize)>;

/// Who gives resources of a kind their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The API: the next that is free.
    #[default]
    Api,
    /// The request, if it gives one.
    Request,
    /// The same; it is a text, also where it looks like a number.
    RequestAsText,
}

/// How resources of a kind come to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A request makes them, or somebody puts them there.
    #[default]
    Made,
    /// From outside of the API: whichever a request names is taken to be there, until it is deleted.
    Outside,
}

/// What a resource shows of the requests that it was made and changed by.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// Their texts, numbers and flags, but no password; then where it stands, and how many of each kind
    /// belong to it.
    Plain(View),
    /// What its schema allows.
    Schema(Schema),
}

impl Default for Shown {
    fn default() -> Self {
        Self::Plain(View::default())
    }
}

/// How an API shows a resource in its own words: what it keeps of a request, and what it makes of that.
#[derive(Clone, Copy, Default)]
pub(crate) struct View {
    /// Which fields of the request are kept; else the texts, numbers and flags.
    pub(crate) keeps: Option<Keeps>,
    /// Changes the fields that it shows: those that were kept, and `status`.
    pub(crate) shows: Option<ShowsFields>,
    /// Where it stands, in other words than usual.
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
    /// The name of the list; that of the kind unless set.
    pub(crate) name: Option<Box<str>>,
    pub(crate) within: Within,
    /// The schema of the whole answer, where there is one to be met.
    pub(crate) schema: Option<Schema>,
}

/// What a list is within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Within {
    /// `{"accountId", "subscription": [{"subscriptionId", "numberOfDatabases", "databases": […]}]}`: what
    /// it belongs to, an array of one; without that `{"accountId", "subscriptions": […]}`.
    #[default]
    Array,
    /// The same; where nothing would be in the list, it is a 404.
    ArrayOrNotFound,
    /// The same, but what it belongs to is an object.
    Object,
    /// `{"accountId", "tags": […]}`, whatever they belong to.
    Account,
    /// `{"subscriptionId", "regions": […]}`: the id of what it belongs to.
    Parent,
    /// `{"peerings": […]}`.
    Nothing,
}

impl Kind {
    /// What there is one of, such as `database`.
    pub(crate) fn singular(&self) -> &str {
        self.id_name.strip_suffix("Id").filter(|name| !name.is_empty()).unwrap_or(&self.id_name)
    }

    /// The code of the error for one that is not there, such as `DATABASE_NOT_FOUND`.
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

    /// The id of a new resource, made of a number that is free: as the schema wants it, where it does.
    pub(crate) fn new_id(&self, number: ResourceId, now: Now) -> ResourceId {
        let Shown::Schema(schema) = &self.shown else { return number };
        let Some(schema) = schema.property(&self.id_field) else { return number };
        let value = match &number {
            ResourceId::Number(number) => Value::from(*number),
            ResourceId::Text(text) => Value::from(&**text),
        };
        match schema.fill(&Given { value: &value, is_open: false, now }) {
            Value::String(text) if has_number(&text, &number) => as_in_path(text.as_str().into()),
            // One that the number doesn't fit may still have it at its end.
            Value::String(text) => {
                let digits = number.to_string();
                let front = text.len().saturating_sub(digits.len());
                let text = format!("{}{digits}", text.get(..front).unwrap_or_default());
                if schema.allows(&Value::from(&*text)) { text.as_str().into() } else { number }
            }
            _ => number,
        }
    }

    /// The path at which all of them are.
    pub(crate) fn collection(&self) -> Template {
        if self.is_single { self.item.clone() } else { self.item.parent() }
    }

    /// The id of a resource with these ids, if it has one of its own.
    pub(crate) fn own_id<'a>(&self, ids: &'a [ResourceId]) -> Option<&'a ResourceId> {
        if self.is_single { None } else { ids.last() }
    }

    /// The field with how many there are, such as `numberOfDatabases`.
    pub(crate) fn number_field(&self) -> String {
        let mut letters = self.plural.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        format!("numberOf{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
    }

    /// What a request that makes the resource to which it belongs wants of it along with that.
    pub(crate) fn along_with(&self, body: &Value) -> Vec<(Value, usize)> {
        if let Some(listed_in) = self.listed_in {
            return listed_in(body);
        }
        let listed = body[&*self.plural].as_array().into_iter().flatten();
        listed.map(|one| (one.clone(), 1)).collect()
    }

    /// The fields of a resource that a request has in a field of its own, such as `data`.
    fn unwrapped(&self, schema: &Schema, fields: Fields) -> Fields {
        let names = [self.singular(), "data", "item", "resource"];
        let found = names.iter().find_map(|name| match fields.get(*name) {
            Some(Value::Object(inner)) if schema.property(name).is_none() => Some(inner.clone()),
            _ => None,
        });
        found.unwrap_or(fields)
    }

    /// What is kept of a request.
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

/// Whether a text was made of a number, so that another number makes another.
fn has_number(text: &str, number: &ResourceId) -> bool {
    let ResourceId::Number(number) = number else { return false };
    text.ends_with(&number.to_string()) || text.ends_with(&format!("{number:012x}"))
}

/// The fields of a request that its resource shows: texts, numbers and flags, but no password.
/// Objects and lists look differently in the API's requests and in its answers.
pub(crate) fn visible_fields(body: &Value) -> Map<String, Value> {
    let mut fields = fields_but_secrets(body);
    fields.retain(|name, value| {
        !["dryRun", "status"].contains(&name.as_str())
            && (value.is_string() || value.is_number() || value.is_boolean())
    });
    fields
}

/// All fields of a request, but passwords and secrets.
pub(crate) fn fields_but_secrets(body: &Value) -> Map<String, Value> {
    let mut fields = body.as_object().cloned().unwrap_or_default();
    fields.retain(|name, value| {
        let name = name.to_ascii_lowercase();
        let is_secret = ["password", "secret", "secretkey"].iter().any(|end| name.ends_with(end));
        !is_secret || !value.is_string()
    });
    fields
}

/// What a resource can look at when it says what it is: the others of its account.
pub(crate) trait ResourceContext {
    /// The ids on its path, its own last.
    fn ids(&self) -> &[ResourceId];

    fn now(&self) -> Now;

    /// The number of its account.
    fn account(&self) -> usize;

    /// When it was made, and when it was last changed.
    fn times(&self) -> [Now; 2];

    /// What was kept of the requests for all resources at a path with placeholders, with their ids; `before`
    /// are the ids of what they belong to.
    fn kept(
        &self,
        collection: &str,
        before: &[ResourceId],
    ) -> Vec<(ResourceId, Map<String, Value>)>;

    /// What was kept of the requests for the resource at a path with placeholders, with these ids.
    fn kept_of(&self, item: &str, ids: &[ResourceId]) -> Option<Map<String, Value>>;

    /// All resources at a path with placeholders, which stand for the first ids on its own path, such as
    /// `/subscriptions/{subscriptionId}/databases`.
    fn all(&self, collection: &str) -> Vec<Value>;

    /// The resource at a path with placeholders, in the same way.
    fn one(&self, item: &str) -> Option<Value>;
}
