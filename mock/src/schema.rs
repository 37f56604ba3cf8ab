//! JSON schemas of OpenAPI 3.0 and 3.1.

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

/// A schema in its description, which has the schemas that it refers to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema {
    root: Arc<Root>,
    /// Its JSON pointer.
    at: Arc<str>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.at).finish()
    }
}

impl Schema {
    /// Returns the schema at a JSON pointer. A pointer to nothing allows every value.
    pub(crate) fn at(root: &Arc<Root>, pointer: &str) -> Self {
        Self { root: root.clone(), at: pointer.into() }
    }

    /// Validates a value of a request.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Mismatch> {
        let budget = Budget::for_value(value);
        check::check(&self.node(&budget), value)
    }

    /// Makes a value for an answer: from the given value as far as the schema allows, then from
    /// examples and defaults, then the smallest values.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Value {
        let budget = Budget::for_value(given.value);
        fill::fill(&self.node(&budget), given)
    }

    /// Returns whether the schema allows a value of an answer.
    pub(crate) fn allows(&self, value: &Value) -> bool {
        let budget = Budget::for_value(value);
        check::fits(&self.node(&budget), value)
    }

    /// Returns the schema of a property, if there is one.
    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        let budget = Budget::for_value(&Value::Null);
        let nodes = self.settled(&budget).properties().remove(name)?;
        let at = nodes.first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// Returns the names of the properties.
    pub(crate) fn property_names(&self) -> Vec<String> {
        let budget = Budget::for_value(&Value::Null);
        self.settled(&budget).properties().into_keys().map(str::to_owned).collect()
    }

    /// Returns the schema of the elements of an array.
    pub(crate) fn items(&self) -> Option<Self> {
        let budget = Budget::for_value(&Value::Null);
        let at = self.settled(&budget).items().first()?.at.as_str().into();
        Some(Self { root: self.root.clone(), at })
    }

    /// Returns whether the schema lists this type.
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        self.settled(&Budget::for_value(&Value::Null)).types().contains(&name)
    }

    /// Returns whether the schema has a default, an example or a constant.
    pub(crate) fn says_what_it_is(&self) -> bool {
        let budget = Budget::for_value(&Value::Null);
        let settled = self.settled(&budget);
        ["default", "example", "const"].iter().any(|key| settled.get(key).is_some())
    }

    /// Returns whether requests may not set it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.settled(&Budget::for_value(&Value::Null)).flag("readOnly")
    }

    /// Returns whether it is the component of this name, or refers to it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.node(&Budget::for_value(&Value::Null)).names().iter().any(|known| known == name)
    }

    /// Returns the description.
    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// Returns the JSON of the schema.
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

/// Returns the fields of an object. Other values have none.
pub(crate) fn fields_of(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
