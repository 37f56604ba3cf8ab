//! Validation of values.

use std::fmt;

use serde_json::{Number, Value};

use super::merged::{MAX_DEPTH, Merged, Node, ranked, type_names};
use super::text::has_format;
use crate::text::Excerpt;

/// The error of a value that does not match its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The path to the value, such as `databases[0].name`. Empty for the root.
    at: String,
    expected: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "expected {}", self.expected)
    }
}

/// Validates a value of a request. `readOnly` properties need not be present.
pub(super) fn check(node: &Node<'_>, value: &Value) -> Result<(), Mismatch> {
    let mut at = String::new();
    Checker { at: &mut at, is_answer: false }.check(node, value, 0)
}

/// Returns whether a value of an answer matches.
pub(super) fn fits(node: &Node<'_>, value: &Value) -> bool {
    let mut at = String::new();
    Checker { at: &mut at, is_answer: true }.check(node, value, 0).is_ok()
}

struct Checker<'c> {
    at: &'c mut String,
    is_answer: bool,
}

impl Checker<'_> {
    fn fault(&self, expected: impl Into<String>) -> Mismatch {
        Mismatch { at: self.at.trim_start_matches('.').into(), expected: expected.into() }
    }

    fn within(
        &mut self,
        step: &str,
        node: &Node<'_>,
        value: &Value,
        depth: usize,
    ) -> Result<(), Mismatch> {
        let length = self.at.len();
        self.at.push_str(step);
        let checked = self.check(node, value, depth + 1);
        self.at.truncate(length);
        checked
    }

    fn check(&mut self, node: &Node<'_>, value: &Value, depth: usize) -> Result<(), Mismatch> {
        // Values are nested less deeply than this. A schema that only refers to itself allows
        // everything.
        if depth > 2 * MAX_DEPTH || !node.budget.step() {
            return Ok(());
        }
        if *node.value == Value::Bool(false) {
            return Err(self.fault(format!("nothing, got {}", Excerpt::of(&value.to_string()))));
        }
        if let Some(target) = node.target() {
            self.check(&target, value, depth + 1)?;
        }
        for part in node.elements("allOf") {
            self.check(&part, value, depth + 1)?;
        }
        for key in ["oneOf", "anyOf"] {
            let (mut first, mut fitting) = (None, 0);
            let mut parts: Vec<Node<'_>> = node.elements(key).collect();
            // Report the error of the alternative that the request resembles most.
            if !self.is_answer {
                parts = ranked(node, &parts, Some(value), depth);
            }
            for part in parts {
                match self.check(&part, value, depth + 1) {
                    Ok(()) => fitting += 1,
                    Err(fault) => drop(first.get_or_insert(fault)),
                }
            }
            if let Some(fault) = first.filter(|_| fitting == 0) {
                return Err(fault);
            }
            // Descriptions often have overlapping alternatives, so requests may match several.
            if self.is_answer && key == "oneOf" && fitting > 1 {
                return Err(self.fault("a value that matches exactly one alternative"));
            }
        }
        if let Some(not) = node.value.get("not") {
            let mut at = String::new();
            let mut inner = Checker { at: &mut at, is_answer: self.is_answer };
            if inner.check(&node.child(not, "not"), value, depth + 1).is_ok() {
                let got = Excerpt::of(&value.to_string());
                return Err(self.fault(format!("another value, got {got}")));
            }
        }
        let own = Merged { parts: vec![node.clone()], ..Merged::default() };
        self.check_type(&own, value)?;
        match value {
            Value::Object(_) => self.check_object(&own, value, depth),
            Value::Array(values) => self.check_array(&own, values, depth),
            Value::String(text) => self.check_text(&own, text),
            Value::Number(number) => self.check_number(&own, number),
            Value::Bool(_) | Value::Null => Ok(()),
        }
    }

    fn check_type(&self, own: &Merged<'_>, value: &Value) -> Result<(), Mismatch> {
        let types = own.types();
        let names = type_names(value);
        if own.get("type").is_some() && !names.iter().any(|name| types.contains(name)) {
            let got = names.first().copied().unwrap_or_default();
            return Err(self.fault(format!("{}, got {got}", types.join(" or "))));
        }
        let null = value.is_null() && own.flag("nullable");
        if let Some(wanted) = own.get("const")
            && !equal(wanted, value)
        {
            return Err(self.fault(format!("{wanted}, got {}", Excerpt::of(&value.to_string()))));
        }
        if let Some(Value::Array(values)) = own.get("enum")
            && !null
            && !values.iter().any(|known| equal(known, value))
        {
            let known: Vec<String> = values.iter().take(20).map(Value::to_string).collect();
            let got = Excerpt::of(&value.to_string());
            return Err(self.fault(format!("one of {}; got {got}", known.join(", "))));
        }
        Ok(())
    }

    fn check_object(
        &mut self,
        own: &Merged<'_>,
        value: &Value,
        depth: usize,
    ) -> Result<(), Mismatch> {
        let Some(fields) = value.as_object() else { return Ok(()) };
        let properties = own.properties();
        for name in own.required() {
            let not_here = if self.is_answer { "writeOnly" } else { "readOnly" };
            let is_hidden =
                properties.get(name).is_some_and(|nodes| Merged::of(nodes).flag(not_here));
            if !fields.contains_key(name) && !is_hidden {
                return Err(self.fault(format!("a field {name:?}")));
            }
        }
        let additional = own.additional();
        for (name, value) in fields {
            let step = format!(".{name}");
            if let Some(nodes) = properties.get(name.as_str()) {
                for node in nodes {
                    self.within(&step, node, value, depth)?;
                }
                continue;
            }
            let mut is_known = false;
            for node in own.pattern_properties(name) {
                is_known = true;
                self.within(&step, &node, value, depth)?;
            }
            for node in additional.iter().filter(|_| !is_known) {
                if *node.value == Value::Bool(false) {
                    let known: Vec<&str> = properties.keys().copied().take(20).collect();
                    let (known, got) = (known.join(", "), Excerpt::of(name));
                    return Err(self.fault(format!("one of the fields {known}; got {got}")));
                }
                self.within(&step, node, value, depth)?;
            }
        }
        self.check_length(own, fields.len(), ["minProperties", "maxProperties"], "fields")
    }

    fn check_array(
        &mut self,
        own: &Merged<'_>,
        values: &[Value],
        depth: usize,
    ) -> Result<(), Mismatch> {
        let first = own.prefix_items();
        for (index, (node, value)) in first.iter().zip(values).enumerate() {
            self.within(&format!("[{index}]"), node, value, depth)?;
        }
        for items in own.items() {
            for (index, value) in values.iter().enumerate().skip(first.len()) {
                self.within(&format!("[{index}]"), &items, value, depth)?;
            }
        }
        if own.flag("uniqueItems") {
            let mut seen: Vec<String> = values.iter().map(Value::to_string).collect();
            seen.sort_unstable();
            let mut neighbours = seen.iter().zip(seen.iter().skip(1));
            if let Some((twice, _)) = neighbours.find(|(one, other)| one == other) {
                let twice = Excerpt::of(twice);
                return Err(self.fault(format!("distinct elements, got {twice} twice")));
            }
        }
        self.check_length(own, values.len(), ["minItems", "maxItems"], "elements")
    }

    fn check_text(&self, own: &Merged<'_>, text: &str) -> Result<(), Mismatch> {
        if let Some(format) = own.get("format").and_then(Value::as_str)
            && !has_format(text, format)
        {
            let got = Excerpt::of(text);
            return Err(self.fault(format!("a string of the format {format}, got {got}")));
        }
        if let Some(pattern) = own.get("pattern").and_then(Value::as_str)
            && let Some(part) = own.parts.first()
            && !part.root.matches(pattern, text)
        {
            let (pattern, got) = (Excerpt::of(pattern), Excerpt::of(text));
            return Err(self.fault(format!("a string that matches {pattern}, got {got}")));
        }
        self.check_length(own, text.chars().count(), ["minLength", "maxLength"], "characters")
    }

    fn check_length(
        &self,
        own: &Merged<'_>,
        length: usize,
        [least, most]: [&str; 2],
        of: &str,
    ) -> Result<(), Mismatch> {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let bound = |key: &str| own.get(key).and_then(Value::as_u64);
        if let Some(least) = bound(least).filter(|least| length < *least) {
            return Err(self.fault(format!("at least {least} {of}, got {length}")));
        }
        if let Some(most) = bound(most).filter(|most| length > *most) {
            return Err(self.fault(format!("at most {most} {of}, got {length}")));
        }
        Ok(())
    }

    fn check_number(&self, own: &Merged<'_>, number: &Number) -> Result<(), Mismatch> {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let (least, most) = bounds(own);
        if !least.admits(value, |value, bound| value > bound) {
            let (than, at) = (if least.is_exclusive { "more than" } else { "at least" }, least.at);
            let at = at.unwrap_or_default();
            return Err(self.fault(format!("a number of {than} {at}, got {number}")));
        }
        if !most.admits(value, |value, bound| value < bound) {
            let (than, at) = (if most.is_exclusive { "less than" } else { "at most" }, most.at);
            let at = at.unwrap_or_default();
            return Err(self.fault(format!("a number of {than} {at}, got {number}")));
        }
        if let Some(step) = own.get("multipleOf").and_then(Value::as_f64)
            && step > 0.0
            && ((value / step).round() * step - value).abs() > f64::EPSILON * value.abs().max(1.0)
        {
            return Err(self.fault(format!("a multiple of {step}, got {number}")));
        }
        let bits = match own.get("format").and_then(Value::as_str) {
            Some("int32") => {
                Some((32, value.abs() < 2_147_483_648.0 || number.as_i64() == Some(-2_147_483_648)))
            }
            Some("int64") => Some((64, number.as_i64().is_some() || value.abs() < 9.2e18)),
            _ => None,
        };
        match bits {
            Some((bits, false)) => {
                Err(self.fault(format!("a whole number of {bits} bits, got {number}")))
            }
            _ => Ok(()),
        }
    }
}

/// A bound of numbers.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) at: Option<f64>,
    /// Whether the bound itself is excluded.
    pub(super) is_exclusive: bool,
}

impl Bound {
    fn admits(self, value: f64, is_within: impl Fn(f64, f64) -> bool) -> bool {
        self.at.is_none_or(|bound| {
            is_within(value, bound) || (!self.is_exclusive && value.total_cmp(&bound).is_eq())
        })
    }
}

/// Returns the minimum and maximum of a number. Version 3.0 marks an exclusive bound with a flag,
/// and version 3.1 has another keyword for it.
pub(super) fn bounds(merged: &Merged<'_>) -> (Bound, Bound) {
    let bound = |inclusive: &str, exclusive: &str| match merged.get(exclusive) {
        Some(Value::Number(at)) => Bound { at: at.as_f64(), is_exclusive: true },
        flag => Bound {
            at: merged.get(inclusive).and_then(Value::as_f64),
            is_exclusive: flag == Some(&Value::Bool(true)),
        },
    };
    (bound("minimum", "exclusiveMinimum"), bound("maximum", "exclusiveMaximum"))
}

/// Returns whether two values are the same: 1 and 1.0 are.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || one.as_f64().zip(other.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq())
        }
        _ => one == other,
    }
}
