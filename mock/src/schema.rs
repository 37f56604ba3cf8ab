//! The schemas of a description, version 3.0 or 3.1: what a value can be.

mod check;
mod fill;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use check::Mismatch;
pub(crate) use fill::Given;

/// How many references, and how many levels, are followed: a schema may contain itself.
const MAX_DEPTH: usize = 48;

/// A schema, in the description that has the others to which it refers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema {
    root: Arc<Value>,
    /// Where it is, as a JSON pointer.
    at: Arc<str>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.at).finish()
    }
}

impl Schema {
    /// The schema at a JSON pointer. Where nothing is, it allows all.
    pub(crate) fn at(root: &Arc<Value>, pointer: &str) -> Self {
        Self { root: root.clone(), at: pointer.into() }
    }

    /// What is wrong with a value of a request, where something is.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Mismatch> {
        check::check(&self.node(), value)
    }

    /// The value for an answer: of what is given as much as the schema allows, then its examples and
    /// defaults, then the least that it allows.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Value {
        fill::fill(&self.node(), given)
    }

    /// The schema of a property, if it names it.
    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        let node = self.node().merged(None).properties().remove(name)?;
        node.at.map(|at| Self { root: self.root.clone(), at: at.into() })
    }

    /// The names of its properties.
    pub(crate) fn property_names(&self) -> Vec<String> {
        self.node().merged(None).properties().into_keys().map(str::to_owned).collect()
    }

    /// The schema of the elements of an array.
    pub(crate) fn items(&self) -> Option<Self> {
        let at = self.node().merged(None).items()?.at?;
        Some(Self { root: self.root.clone(), at: at.into() })
    }

    /// Whether a value can be of this type, as far as the schema says one.
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        self.node().merged(None).types().contains(&name)
    }

    /// Whether a request may not say it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.node().merged(None).flag("readOnly")
    }

    /// Whether it is a component of this name, or made of it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.node().names().iter().any(|known| known == name)
    }

    /// The schema itself, as the description has it.
    pub(crate) fn value(&self) -> &Value {
        self.root.pointer(&self.at).unwrap_or(&Value::Bool(true))
    }

    fn node(&self) -> Node<'_> {
        Node { root: &self.root, value: self.value(), at: Some(self.at.to_string()) }
    }
}

/// A schema within its description.
#[derive(Clone)]
struct Node<'a> {
    root: &'a Value,
    value: &'a Value,
    /// Its JSON pointer.
    at: Option<String>,
}

impl<'a> Node<'a> {
    fn child(&self, value: &'a Value, step: &str) -> Self {
        let at = self.at.as_ref().map(|at| format!("{at}/{}", escaped(step)));
        Self { root: self.root, value, at }
    }

    /// What it refers to.
    fn target(&self) -> Option<Self> {
        let reference = self.value.get("$ref")?.as_str()?.strip_prefix('#')?;
        let at = unescaped_percent(reference);
        Some(Self { root: self.root, value: self.root.pointer(&at)?, at: Some(at) })
    }

    /// The names of the components that it is made of: its own, and those of all its parts.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = vec![(self.clone(), 0)];
        while let Some((node, depth)) = at.pop() {
            if depth > MAX_DEPTH {
                continue;
            }
            if let Some(target) = node.target() {
                let name = target.at.as_deref().and_then(|at| at.rsplit('/').next());
                names.extend(name.map(str::to_owned));
                at.push((target, depth + 1));
            }
            for key in ["allOf", "oneOf", "anyOf"] {
                let parts = node.value.get(key).and_then(Value::as_array).into_iter().flatten();
                at.extend(parts.enumerate().map(|(index, part)| {
                    (node.child(part, key).child(part, &index.to_string()), depth + 1)
                }));
            }
            if names.len() > 100 {
                break;
            }
        }
        names
    }

    /// All that applies to a value: the schema, what it refers to, and all of `allOf`; of `oneOf` and
    /// `anyOf` the one that what is given is most like.
    fn merged(&self, given: Option<&Value>) -> Merged<'a> {
        let mut merged = Merged { parts: Vec::new(), never: false };
        merged.add(self, given, 0);
        merged
    }
}

/// The parts of a schema that all apply to a value.
struct Merged<'a> {
    parts: Vec<Node<'a>>,
    /// Whether no value is allowed.
    never: bool,
}

impl<'a> Merged<'a> {
    fn add(&mut self, node: &Node<'a>, given: Option<&Value>, depth: usize) {
        if depth > MAX_DEPTH || self.parts.len() > 200 {
            return;
        }
        self.never |= *node.value == Value::Bool(false);
        if !node.value.is_object() {
            return;
        }
        self.parts.push(node.clone());
        if let Some(target) = node.target() {
            self.add(&target, given, depth + 1);
        }
        for (index, part) in elements(node.value, "allOf") {
            self.add(&node.child(part, "allOf").child(part, &index.to_string()), given, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            let alternatives: Vec<Node<'a>> = elements(node.value, key)
                .map(|(index, part)| node.child(part, key).child(part, &index.to_string()))
                .collect();
            if let Some(chosen) = chosen(node, &alternatives, given, depth) {
                self.add(chosen, given, depth + 1);
            }
        }
    }

    /// What the first part says that says it.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.value.get(key))
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    fn properties(&self) -> BTreeMap<&'a str, Node<'a>> {
        let mut properties = BTreeMap::new();
        for part in &self.parts {
            let named = part.value.get("properties").and_then(Value::as_object);
            for (name, value) in named.into_iter().flatten() {
                let node = part.child(value, "properties").child(value, name);
                properties.entry(name.as_str()).or_insert(node);
            }
        }
        properties
    }

    fn required(&self) -> BTreeSet<&'a str> {
        let of = |part: &Node<'a>| part.value.get("required").and_then(Value::as_array);
        self.parts.iter().filter_map(of).flatten().filter_map(Value::as_str).collect()
    }

    fn items(&self) -> Option<Node<'a>> {
        self.parts.iter().find_map(|part| Some(part.child(part.value.get("items")?, "items")))
    }

    /// The schema of what is not named among the properties, where there is one.
    fn additional(&self) -> Option<Node<'a>> {
        self.parts.iter().find_map(|part| {
            Some(part.child(part.value.get("additionalProperties")?, "additionalProperties"))
        })
    }

    /// The types that a value can have; all, where the schema says none.
    fn types(&self) -> Vec<&'a str> {
        let mut types: Vec<&str> = match self.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if self.get("properties").is_some() || self.get("additionalProperties").is_some() => {
                vec!["object"]
            }
            _ if self.get("items").is_some() => vec!["array"],
            _ => return Vec::new(),
        };
        if self.flag("nullable") {
            types.push("null");
        }
        types
    }
}

fn elements<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// The alternative that what is given is most like: the one that its discriminator names, or with
/// most of its fields, or of its type; without anything to go by the first that is not null.
fn chosen<'n, 'a>(
    node: &Node<'a>,
    alternatives: &'n [Node<'a>],
    given: Option<&Value>,
    depth: usize,
) -> Option<&'n Node<'a>> {
    let discriminator = node.value.get("discriminator");
    let named = discriminator.and_then(|it| it["propertyName"].as_str());
    let named = named.and_then(|property| given?.get(property)?.as_str());
    if let Some(name) = named {
        let mapped = discriminator.and_then(|it| it["mapping"][name].as_str());
        let wanted = mapped.and_then(|reference| reference.rsplit('/').next()).unwrap_or(name);
        let fits = |alternative: &&Node<'a>| alternative.names().iter().any(|it| it == wanted);
        if let Some(found) = alternatives.iter().find(fits) {
            return Some(found);
        }
    }
    let likeness = |alternative: &Node<'a>| {
        let mut merged = Merged { parts: Vec::new(), never: false };
        merged.add(alternative, None, depth + 1);
        let types = merged.types();
        let Some(given) = given else { return usize::from(types != ["null"]) };
        let of_type = check::type_names(given).iter().any(|name| types.contains(name));
        let fields = given.as_object().map_or(0, |fields| {
            let (properties, required) = (merged.properties(), merged.required());
            let known = fields.keys().filter(|name| properties.contains_key(name.as_str())).count();
            let missing = required.iter().filter(|name| !fields.contains_key(**name)).count();
            (2 * known + 100).saturating_sub(missing)
        });
        1 + fields + usize::from(of_type || types.is_empty()) * 1_000
    };
    let mut best: Option<(&Node<'a>, usize)> = None;
    for alternative in alternatives {
        let likeness = likeness(alternative);
        if best.is_none_or(|(_, most)| likeness > most) {
            best = Some((alternative, likeness));
        }
    }
    best.map(|(alternative, _)| alternative)
}

/// A step of a JSON pointer.
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// A reference's fragment as it was meant: it may be percent-encoded.
fn unescaped_percent(fragment: &str) -> String {
    percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned()
}

/// The fields of an object, or none.
pub(crate) fn fields_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
