//! The schemas of a description, version 3.0 or 3.1: what a value can be.

mod check;
mod fill;
mod text;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

pub(crate) use check::Mismatch;
pub(crate) use fill::Given;

/// How large a compiled pattern may be, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// How many parts of a schema apply to a value at the most.
const MAX_PARTS: usize = 200;

/// How many references, and how many levels, are followed: a schema may contain itself.
const MAX_DEPTH: usize = 48;

/// A description in which schemas refer to each other.
pub(crate) struct Root {
    value: Value,
    /// The patterns that were compiled; `None` for what is none.
    patterns: Mutex<BTreeMap<String, Option<Regex>>>,
}

impl Root {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, patterns: Mutex::default() }
    }

    /// Whether a text matches a pattern; what is no pattern in our reading of it matches all.
    fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().ok());
        known.as_ref().is_none_or(|known| known.is_match(text))
    }
}

impl std::ops::Deref for Root {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// How much may be done for one answer yet, whatever its schema says: a small schema can mean a large one.
pub(crate) struct Effort {
    steps: Cell<usize>,
}

impl Effort {
    /// Enough for a value of so many parts.
    fn for_value(value: &Value) -> Self {
        Self { steps: Cell::new(200_000_usize.saturating_add(2_000 * parts(value))) }
    }

    /// Takes a step, and says whether that was still allowed.
    fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }
}

/// How many values a value has in it.
fn parts(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(parts).sum::<usize>(),
        Value::Array(values) => 1 + values.iter().map(parts).sum::<usize>(),
        _ => 1,
    }
}

/// A schema, in the description that has the others to which it refers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema {
    root: Arc<Root>,
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
    pub(crate) fn at(root: &Arc<Root>, pointer: &str) -> Self {
        Self { root: root.clone(), at: pointer.into() }
    }

    /// What is wrong with a value of a request, where something is.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Mismatch> {
        let effort = Effort::for_value(value);
        check::check(&self.node(&effort), value)
    }

    /// The value for an answer: of what is given as much as the schema allows, then its examples and
    /// defaults, then the least that it allows.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Value {
        let effort = Effort::for_value(given.value);
        fill::fill(&self.node(&effort), given)
    }

    /// Whether it allows a value of an answer.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        let effort = Effort::for_value(value);
        check::fits(&self.node(&effort), value)
    }

    /// The schema of a property, if it names it.
    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        let effort = Effort::for_value(&Value::Null);
        let nodes = self.settled(&effort).properties().remove(name)?;
        let at = nodes.first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// The names of its properties.
    pub(crate) fn property_names(&self) -> Vec<String> {
        let effort = Effort::for_value(&Value::Null);
        self.settled(&effort).properties().into_keys().map(str::to_owned).collect()
    }

    /// The schema of the elements of an array.
    pub(crate) fn items(&self) -> Option<Self> {
        let effort = Effort::for_value(&Value::Null);
        let at = self.settled(&effort).items().first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// Whether a value can be of this type, as far as the schema says one.
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        self.settled(&Effort::for_value(&Value::Null)).types().contains(&name)
    }

    /// Whether it has a value of its own: a default, an example, or one that is the only one.
    pub(crate) fn says_what_it_is(&self) -> bool {
        let effort = Effort::for_value(&Value::Null);
        let settled = self.settled(&effort);
        ["default", "example", "const"].iter().any(|key| settled.get(key).is_some())
    }

    /// Whether a request may not say it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.settled(&Effort::for_value(&Value::Null)).flag("readOnly")
    }

    /// Whether it is a component of this name, or made of it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.node(&Effort::for_value(&Value::Null)).names().iter().any(|known| known == name)
    }

    /// The description that it is of.
    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// The schema itself, as the description has it.
    pub(crate) fn value(&self) -> &Value {
        self.root.pointer(&self.at).unwrap_or(&Value::Bool(true))
    }

    fn node<'a>(&'a self, effort: &'a Effort) -> Node<'a> {
        Node { root: &self.root, effort, value: self.value(), at: self.at.to_string() }
    }

    fn settled<'a>(&'a self, effort: &'a Effort) -> Merged<'a> {
        Merged::of(&[self.node(effort)]).settled(None, 0)
    }
}

/// A schema within its description.
#[derive(Clone)]
struct Node<'a> {
    root: &'a Root,
    effort: &'a Effort,
    value: &'a Value,
    /// Its JSON pointer.
    at: String,
}

impl<'a> Node<'a> {
    fn child(&self, value: &'a Value, step: &str) -> Self {
        Self { value, at: format!("{}/{}", self.at, escaped(step)), ..*self }
    }

    /// The schemas in a list of it, such as `allOf`.
    fn elements(&self, key: &'a str) -> impl Iterator<Item = Self> + use<'a> {
        let (root, effort, at) = (self.root, self.effort, self.at.clone());
        let all = self.value.get(key).and_then(Value::as_array).into_iter().flatten();
        all.enumerate().map(move |(index, value)| Self {
            root,
            effort,
            value,
            at: format!("{at}/{key}/{index}"),
        })
    }

    /// What it refers to.
    fn target(&self) -> Option<Self> {
        let reference = self.value.get("$ref")?.as_str()?.strip_prefix('#')?;
        let at = percent_encoding::percent_decode_str(reference).decode_utf8_lossy().into_owned();
        Some(Self { value: self.root.pointer(&at)?, at, ..*self })
    }

    /// The names of the components that it is made of: its own, and those of all its parts.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut left = vec![(self.clone(), 0)];
        while let Some((node, depth)) = left.pop() {
            if depth > MAX_DEPTH || names.len() > 100 {
                break;
            }
            if let Some(target) = node.target() {
                names.extend(target.at.rsplit('/').next().map(str::to_owned));
                left.push((target, depth + 1));
            }
            for key in ["allOf", "oneOf", "anyOf"] {
                left.extend(node.elements(key).map(|part| (part, depth + 1)));
            }
        }
        names
    }
}

/// The parts of schemas that all apply to one value: what they refer to, and all of `allOf`.
#[derive(Clone, Default)]
struct Merged<'a> {
    parts: Vec<Node<'a>>,
    /// The alternatives of which one applies besides, `oneOf` and `anyOf`, each with where they stand.
    choices: Vec<(Node<'a>, Vec<Node<'a>>)>,
    /// Whether no value is allowed.
    never: bool,
}

impl<'a> Merged<'a> {
    fn of(nodes: &[Node<'a>]) -> Self {
        let mut merged = Self::default();
        for node in nodes {
            merged.add(node, 0);
        }
        merged
    }

    fn add(&mut self, node: &Node<'a>, depth: usize) {
        if depth > MAX_DEPTH || self.parts.len() > MAX_PARTS || !node.effort.step() {
            return;
        }
        self.never |= *node.value == Value::Bool(false);
        if !node.value.is_object() {
            return;
        }
        self.parts.push(node.clone());
        if let Some(target) = node.target() {
            self.add(&target, depth + 1);
        }
        for part in node.elements("allOf") {
            self.add(&part, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            let alternatives: Vec<Node<'a>> = node.elements(key).collect();
            if !alternatives.is_empty() {
                self.choices.push((node.clone(), alternatives));
            }
        }
    }

    /// The same, with the schema that what is given names in the field that tells schemas apart: another
    /// that is made of this one.
    fn with_named(mut self, given: Option<&Value>) -> Self {
        for part in self.parts.clone() {
            let discriminator = &part.value["discriminator"];
            let property = discriminator["propertyName"].as_str();
            let name = property.and_then(|property| given?.get(property)?.as_str());
            let Some(name) = name.filter(|_| self.choices.is_empty()) else { continue };
            let mapped = discriminator["mapping"][name].as_str();
            let mapped = mapped.and_then(|it| it.strip_prefix('#')).map(str::to_owned);
            let at = mapped.unwrap_or_else(|| format!("/components/schemas/{}", escaped(name)));
            if let Some(value) = part.root.pointer(&at)
                && self.parts.iter().all(|known| known.at != at)
            {
                self.add(&Node { value, at, ..part }, 0);
            }
        }
        self
    }

    /// The same, with one of its alternatives.
    fn with(&self, alternative: &Node<'a>) -> Self {
        let mut merged = self.clone();
        merged.add(alternative, 0);
        merged
    }

    /// The same, with the best of each of its alternatives.
    fn settled(mut self, given: Option<&Value>, depth: usize) -> Self {
        for _ in 0..MAX_DEPTH {
            let Some((node, alternatives)) = self.choices.pop() else { break };
            if let Some(best) = ranked(&node, &alternatives, given, depth).first() {
                self = self.with(best);
            }
        }
        self
    }

    /// What the first part says that says it.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.value.get(key))
    }

    /// All that the parts say.
    fn all(&self, key: &'a str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| part.value.get(key))
    }

    fn flag(&self, key: &str) -> bool {
        self.parts.iter().any(|part| part.value.get(key) == Some(&Value::Bool(true)))
    }

    /// Each property, with all schemas that apply to it.
    fn properties(&self) -> BTreeMap<&'a str, Vec<Node<'a>>> {
        let mut properties: BTreeMap<&str, Vec<Node<'a>>> = BTreeMap::new();
        for part in &self.parts {
            let named = part.value.get("properties").and_then(Value::as_object);
            for (name, value) in named.into_iter().flatten() {
                let node = part.child(value, "properties");
                let node = Node { at: format!("{}/{}", node.at, escaped(name)), ..node };
                properties.entry(name.as_str()).or_default().push(node);
            }
        }
        properties
    }

    fn required(&self) -> BTreeSet<&'a str> {
        let lists = self.all("required").filter_map(Value::as_array);
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// All schemas that apply to each element.
    fn items(&self) -> Vec<Node<'a>> {
        let of = |part: &Node<'a>| Some(part.child(part.value.get("items")?, "items"));
        self.parts.iter().filter_map(of).collect()
    }

    /// All schemas that apply to a property by a pattern of its name.
    fn pattern_properties(&self, name: &str) -> Vec<Node<'a>> {
        const KEY: &str = "patternProperties";
        let mut nodes = Vec::new();
        for part in &self.parts {
            let patterns = part.value.get(KEY).and_then(Value::as_object).into_iter().flatten();
            for (pattern, value) in patterns.filter(|(pattern, _)| part.root.matches(pattern, name))
            {
                let node = part.child(value, KEY);
                nodes.push(Node { at: format!("{}/{}", node.at, escaped(pattern)), ..node });
            }
        }
        nodes
    }

    /// The schemas of the first elements, one after the other.
    fn prefix_items(&self) -> Vec<Node<'a>> {
        self.parts.iter().flat_map(|part| part.elements("prefixItems")).collect()
    }

    /// All schemas that apply to what is not named among the properties.
    fn additional(&self) -> Vec<Node<'a>> {
        const KEY: &str = "additionalProperties";
        let of = |part: &Node<'a>| Some(part.child(part.value.get(KEY)?, KEY));
        self.parts.iter().filter_map(of).collect()
    }

    /// The types that a value can have; none, where no part says any.
    fn types(&self) -> Vec<&'a str> {
        let mut known: Option<Vec<&str>> = None;
        for part in &self.parts {
            let Some(mut types) = types_of(part.value) else { continue };
            if let Some(known) = known {
                // A whole number is a number.
                types.retain(|name| {
                    known.contains(name) || (*name == "integer" && known.contains(&"number"))
                });
            }
            known = Some(types);
        }
        known.unwrap_or_default()
    }
}

/// The types that one part says; what has properties is an object, and what has items an array.
fn types_of(value: &Value) -> Option<Vec<&str>> {
    let mut types: Vec<&str> = match &value["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ if !value["properties"].is_null() || !value["additionalProperties"].is_null() => {
            return Some(vec!["object"]);
        }
        _ if !value["items"].is_null() => return Some(vec!["array"]),
        _ => return None,
    };
    if value["nullable"] == true {
        types.push("null");
    }
    Some(types)
}

/// Alternatives, the one that what is given is most like first: that which the discriminator names, or
/// with most of its fields, or of its type; without anything to go by those that are not null.
fn ranked<'a>(
    node: &Node<'a>,
    alternatives: &[Node<'a>],
    given: Option<&Value>,
    depth: usize,
) -> Vec<Node<'a>> {
    let discriminator = &node.value["discriminator"];
    let property = discriminator["propertyName"].as_str();
    let named = property.and_then(|property| given?.get(property)?.as_str()).map(|name| {
        let mapped = discriminator["mapping"][name].as_str();
        mapped.and_then(|reference| reference.rsplit('/').next()).unwrap_or(name)
    });
    let likeness = |alternative: &Node<'a>| {
        if depth > MAX_DEPTH {
            return 0;
        }
        if named.is_some_and(|name| alternative.names().iter().any(|known| known == name)) {
            return usize::MAX;
        }
        let merged = Merged::of(std::slice::from_ref(alternative));
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
    let mut ranked = alternatives.to_vec();
    ranked.sort_by_cached_key(|alternative| std::cmp::Reverse(likeness(alternative)));
    ranked
}

/// A step of a JSON pointer.
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// The fields of an object, or none.
pub(crate) fn fields_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
