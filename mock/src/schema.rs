//! The schemas of a description, version 3.0 or 3.1: what a value can be.

mod check;
mod fill;
mod merged;
mod root;
mod text;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use check::Mismatch;
pub(crate) use fill::Given;
use merged::{Merged, Node};
use root::Budget;
pub(crate) use root::{Root, escaped};

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
        let budget = Budget::for_value(value);
        check::check(&self.node(&budget), value)
    }

    /// The value for an answer: of what is given as much as the schema allows, then its examples and
    /// defaults, then the least that it allows.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Value {
        let budget = Budget::for_value(given.value);
        fill::fill(&self.node(&budget), given)
    }

    /// Whether it allows a value of an answer.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        let budget = Budget::for_value(value);
        check::fits(&self.node(&budget), value)
    }

    /// The schema of a property, if it names it.
    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        let budget = Budget::for_value(&Value::Null);
        let nodes = self.settled(&budget).properties().remove(name)?;
        let at = nodes.first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// The names of its properties.
    pub(crate) fn property_names(&self) -> Vec<String> {
        let budget = Budget::for_value(&Value::Null);
        self.settled(&budget).properties().into_keys().map(str::to_owned).collect()
    }

    /// The schema of the elements of an array.
    pub(crate) fn items(&self) -> Option<Self> {
        let budget = Budget::for_value(&Value::Null);
        let at = self.settled(&budget).items().first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// Whether a value can be of this type, as far as the schema says one.
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        self.settled(&Budget::for_value(&Value::Null)).types().contains(&name)
    }

    /// Whether it has a value of its own: a default, an example, or one that is the only one.
    pub(crate) fn says_what_it_is(&self) -> bool {
        let budget = Budget::for_value(&Value::Null);
        let settled = self.settled(&budget);
        ["default", "example", "const"].iter().any(|key| settled.get(key).is_some())
    }

    /// Whether a request may not say it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.settled(&Budget::for_value(&Value::Null)).flag("readOnly")
    }

    /// Whether it is a component of this name, or made of it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.node(&Budget::for_value(&Value::Null)).names().iter().any(|known| known == name)
    }

    /// The description that it is of.
    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// The schema itself, as the description has it.
    pub(crate) fn value(&self) -> &Value {
        self.root.pointer(&self.at).unwrap_or(&Value::Bool(true))
    }

    fn node<'a>(&'a self, budget: &'a Budget) -> Node<'a> {
        Node { root: &self.root, budget, value: self.value(), at: self.at.to_string() }
    }

    fn settled<'a>(&'a self, budget: &'a Budget) -> Merged<'a> {
        Merged::of(&[self.node(budget)]).settled(None, 0)
    }
}

/// The fields of an object, or none.
pub(crate) fn fields_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
