//! Everything that a schema requires of one value: its own keywords, references and alternatives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::root::{Budget, Root, escaped};

/// The most parts of a schema that apply to a value.
const MAX_PARTS: usize = 200;

/// The most references and levels that are followed, because a schema may contain itself.
pub(super) const MAX_DEPTH: usize = 48;

/// A schema in its description.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) root: &'a Root,
    pub(super) budget: &'a Budget,
    pub(super) value: &'a Value,
    /// Its JSON pointer.
    pub(super) at: String,
}

impl<'a> Node<'a> {
    pub(super) fn child(&self, value: &'a Value, step: &str) -> Self {
        Self { value, at: format!("{}/{}", self.at, escaped(step)), ..*self }
    }

    /// Returns the schemas in one of its lists, such as `allOf`.
    pub(super) fn elements(&self, key: &'a str) -> impl Iterator<Item = Self> + use<'a> {
        let (root, budget, at) = (self.root, self.budget, self.at.clone());
        let all = self.value.get(key).and_then(Value::as_array).into_iter().flatten();
        all.enumerate().map(move |(index, value)| Self {
            root,
            budget,
            value,
            at: format!("{at}/{key}/{index}"),
        })
    }

    /// Returns the schema to which it refers.
    pub(super) fn target(&self) -> Option<Self> {
        let reference = self.value.get("$ref")?.as_str()?.strip_prefix('#')?;
        let at = percent_encoding::percent_decode_str(reference).decode_utf8_lossy().into_owned();
        Some(Self { value: self.root.pointer(&at)?, at, ..*self })
    }

    /// Returns the names of the components to which it refers, directly or through its parts.
    pub(super) fn names(&self) -> Vec<String> {
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

/// The schemas that all apply to one value: references and `allOf` are resolved.
#[derive(Clone, Default)]
pub(super) struct Merged<'a> {
    pub(super) parts: Vec<Node<'a>>,
    /// The alternatives, `oneOf` and `anyOf`, with the schemas that contain them. One of each also
    /// applies.
    pub(super) choices: Vec<(Node<'a>, Vec<Node<'a>>)>,
    /// Whether no value is allowed.
    pub(super) never: bool,
}

impl<'a> Merged<'a> {
    pub(super) fn of(nodes: &[Node<'a>]) -> Self {
        let mut merged = Self::default();
        for node in nodes {
            merged.add(node, 0);
        }
        merged
    }

    pub(super) fn add(&mut self, node: &Node<'a>, depth: usize) {
        if depth > MAX_DEPTH || self.parts.len() > MAX_PARTS || !node.budget.step() {
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

    /// Adds the schema that the given value names in the discriminator.
    pub(super) fn with_named(mut self, given: Option<&Value>) -> Self {
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

    /// Adds one alternative.
    pub(super) fn with(&self, alternative: &Node<'a>) -> Self {
        let mut merged = self.clone();
        merged.add(alternative, 0);
        merged
    }

    /// Adds the best of each of its alternatives.
    pub(super) fn settled(mut self, given: Option<&Value>, depth: usize) -> Self {
        for _ in 0..MAX_DEPTH {
            let Some((node, alternatives)) = self.choices.pop() else { break };
            if let Some(best) = ranked(&node, &alternatives, given, depth).first() {
                self = self.with(best);
            }
        }
        self
    }

    /// Returns the first value of a keyword.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.value.get(key))
    }

    /// All values of a keyword.
    pub(super) fn all(&self, key: &'a str) -> impl Iterator<Item = &'a Value> {
        self.parts.iter().filter_map(move |part| part.value.get(key))
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.parts.iter().any(|part| part.value.get(key) == Some(&Value::Bool(true)))
    }

    /// Returns the properties, each with all schemas that apply to it.
    pub(super) fn properties(&self) -> BTreeMap<&'a str, Vec<Node<'a>>> {
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

    pub(super) fn required(&self) -> BTreeSet<&'a str> {
        let lists = self.all("required").filter_map(Value::as_array);
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// Returns the schemas that apply to each element.
    pub(super) fn items(&self) -> Vec<Node<'a>> {
        let of = |part: &Node<'a>| Some(part.child(part.value.get("items")?, "items"));
        self.parts.iter().filter_map(of).collect()
    }

    /// Returns the schemas that apply to a property because its name matches a pattern.
    pub(super) fn pattern_properties(&self, name: &str) -> Vec<Node<'a>> {
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

    /// Returns the schemas of the first elements, in order.
    pub(super) fn prefix_items(&self) -> Vec<Node<'a>> {
        self.parts.iter().flat_map(|part| part.elements("prefixItems")).collect()
    }

    /// Returns the schemas that apply to additional properties.
    pub(super) fn additional(&self) -> Vec<Node<'a>> {
        const KEY: &str = "additionalProperties";
        let of = |part: &Node<'a>| Some(part.child(part.value.get(KEY)?, KEY));
        self.parts.iter().filter_map(of).collect()
    }

    /// Returns the types that a value can have. Empty if no part lists any.
    pub(super) fn types(&self) -> Vec<&'a str> {
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

/// Returns the types that one schema lists. A schema with properties is an object, and one with
/// items an array.
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

/// Sorts alternatives by how well they match the given value: first the one that the discriminator
/// names, then those with the right type and the most fields of the value. Without a value, those
/// other than `null` come first.
pub(super) fn ranked<'a>(
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
        let of_type = type_names(given).iter().any(|name| types.contains(name));
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

/// Returns the types of a value. A whole number is both an integer and a number.
pub(super) fn type_names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Null => &["null"],
        Value::Bool(_) => &["boolean"],
        Value::Number(number) if number.as_f64().is_some_and(is_whole) => &["integer", "number"],
        Value::Number(_) => &["number"],
        Value::String(_) => &["string"],
        Value::Array(_) => &["array"],
        Value::Object(_) => &["object"],
    }
}

fn is_whole(number: f64) -> bool {
    number.fract().abs() < f64::MIN_POSITIVE
}
