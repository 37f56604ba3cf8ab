//! Makes values that a schema allows.

use serde_json::{Map, Number, Value};
use tasklife::Timestamp;

use super::check::{Bound, bounds, equal, fits};
use super::merged::{MAX_DEPTH, Merged, Node, ranked};
use super::text::{of_format, of_length, of_pattern};

/// The most values in one answer, whatever its schema requires.
const MAX_VALUES: usize = 100_000;

/// The most bytes of text in one answer.
const MAX_TEXT: usize = 1 << 20;

/// The deepest recursion, because alternatives can contain alternatives.
const MAX_NESTING: usize = 120;

/// The most alternatives that are tried.
const MAX_TRIES: usize = 16;

/// The input for a value.
pub(crate) struct Given<'a> {
    /// The known part of the value.
    pub(crate) value: &'a Value,
    /// Whether objects keep fields that their schema does not name.
    pub(crate) is_open: bool,
    pub(crate) now: Timestamp,
}

/// Makes a value: from the given value as far as the schema allows, then from examples and
/// defaults, then the smallest values.
pub(super) fn fill(node: &Node<'_>, given: &Given<'_>) -> Value {
    let value = Some(given.value).filter(|value| !value.is_null());
    // A schema may contain itself, so the smallest value is searched with a growing depth.
    let depths = [2, 5, 12, MAX_DEPTH].into_iter();
    let mut made = depths.filter_map(|most| {
        let (is_open, now) = (given.is_open, given.now);
        let mut filler =
            Filler { is_open, now, most, left: MAX_VALUES, text: MAX_TEXT, nesting: 0 };
        filler.fill(std::slice::from_ref(node), value, 0)
    });
    made.next().or_else(|| value.cloned()).unwrap_or_default()
}

struct Filler {
    is_open: bool,
    now: Timestamp,
    /// The deepest nesting of values that are not given.
    most: usize,
    /// The remaining number of values, and of bytes of text.
    left: usize,
    text: usize,
    /// The current depth of recursion.
    nesting: usize,
}

impl Filler {
    /// Returns a value that all these schemas allow, if there is one within the depth.
    fn fill(&mut self, nodes: &[Node<'_>], given: Option<&Value>, depth: usize) -> Option<Value> {
        self.settle(nodes, Merged::of(nodes).with_named(given), given, depth)
    }

    /// Tries the alternatives, best first, until all schemas allow the value.
    fn settle(
        &mut self,
        nodes: &[Node<'_>],
        mut merged: Merged<'_>,
        given: Option<&Value>,
        depth: usize,
    ) -> Option<Value> {
        self.left = self.left.saturating_sub(1);
        let depth = if given.is_some() { 0 } else { depth };
        let is_over = nodes.first().is_some_and(|node| !node.budget.step());
        let too_deep = depth > self.most || self.nesting > MAX_NESTING;
        if too_deep || is_over || self.left == 0 || merged.never {
            return None;
        }
        self.nesting += 1;
        let made = match merged.choices.pop() {
            None => self.make(nodes, &merged, given, depth),
            Some((node, alternatives)) => {
                let mut first = None;
                let mut found = None;
                for alternative in ranked(&node, &alternatives, given, depth).iter().take(MAX_TRIES)
                {
                    let made = self.settle(nodes, merged.with(alternative), given, depth);
                    if made.as_ref().is_some_and(|value| fit(nodes, value)) {
                        found = made;
                        break;
                    }
                    first = first.or(made);
                }
                found.or(first)
            }
        };
        self.nesting -= 1;
        made
    }

    fn make(
        &mut self,
        nodes: &[Node<'_>],
        merged: &Merged<'_>,
        given: Option<&Value>,
        depth: usize,
    ) -> Option<Value> {
        if let Some(constant) = merged.get("const") {
            return Some(constant.clone());
        }
        let types = merged.types();
        let can_be = |name: &str| types.is_empty() || types.contains(&name);
        match given {
            Some(Value::Object(fields)) if can_be("object") => {
                return self.object(merged, fields, depth).map(Value::Object);
            }
            Some(Value::Array(values)) if can_be("array") => {
                return self.array(merged, values, depth);
            }
            Some(value) => {
                let coerced = [Some(value.clone()), coerced(value, merged)];
                if let Some(value) = coerced.into_iter().flatten().find(|value| fit(nodes, value)) {
                    return Some(value);
                }
            }
            None => {}
        }
        if let Some(example) = example(nodes, merged) {
            return Some(example);
        }
        let listed = merged.all("enum").filter_map(Value::as_array).flatten();
        if let Some(value) = listed.filter(|value| !value.is_null()).find(|it| fit(nodes, it)) {
            return Some(value.clone());
        }
        if types.contains(&"null") && fit(nodes, &Value::Null) {
            return Some(Value::Null);
        }
        self.least(merged, &types, depth)
    }

    fn object(
        &mut self,
        merged: &Merged<'_>,
        given: &Map<String, Value>,
        depth: usize,
    ) -> Option<Map<String, Value>> {
        let (properties, required) = (merged.properties(), merged.required());
        let example = merged.get("example").and_then(Value::as_object);
        let mut fields = Map::new();
        for (name, nodes) in &properties {
            let own = Merged::of(nodes);
            if own.flag("writeOnly") {
                continue;
            }
            // Given values that are not allowed are left out, unless the property is required.
            let sound = |value: &&Value| can_show(nodes, value);
            let known = given.get(*name).filter(sound);
            let known = known.or_else(|| example?.get(*name).filter(sound));
            if known.is_some() || required.contains(name) || says_what_it_is(&own) {
                match self.fill(nodes, known, depth + 1) {
                    Some(value) => drop(fields.insert((*name).to_owned(), value)),
                    None if required.contains(name) || known.is_some() => return None,
                    None => {}
                }
            }
        }
        let additional = merged.additional();
        let closed = additional.iter().any(|node| *node.value == Value::Bool(false));
        let shows_more = !additional.is_empty() || self.is_open || properties.is_empty();
        if shows_more && !closed {
            for (name, value) in given {
                if !properties.contains_key(name.as_str()) && fit(&additional, value) {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        // A required property without a schema can have any value.
        for name in required {
            if !properties.contains_key(name) && !fields.contains_key(name) {
                let value = match given.get(name) {
                    Some(value) => value.clone(),
                    None => self.fill(&additional, None, depth + 1)?,
                };
                fields.insert(name.to_owned(), value);
            }
        }
        Some(fields)
    }

    fn array(&mut self, merged: &Merged<'_>, given: &[Value], depth: usize) -> Option<Value> {
        let bound = |key: &str| merged.get(key).and_then(Value::as_u64);
        let size = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
        let most = bound("maxItems").map_or(usize::MAX, size);
        let least = bound("minItems").map_or(0, size).min(1_000);
        let items = merged.items();
        let mut values = Vec::new();
        for value in given.iter().take(most) {
            values.push(match &items[..] {
                [] => value.clone(),
                items => self.fill(items, Some(value), depth + 1)?,
            });
        }
        while values.len() < least && self.left > 0 {
            let number = Value::from(values.len());
            values.push(match &items[..] {
                [] => number,
                // Numbers, and strings of numbers, are distinct.
                items if merged.flag("uniqueItems") => {
                    self.fill(items, Some(&number), depth + 1)?
                }
                items => self.fill(items, None, depth + 1)?,
            });
        }
        Some(Value::Array(values))
    }

    fn least(&mut self, merged: &Merged<'_>, types: &[&str], depth: usize) -> Option<Value> {
        match types.iter().copied().find(|name| *name != "null") {
            Some("string") => self.least_text(merged).map(Value::from),
            Some("integer") => Some(least_number(merged, true)),
            Some("number") => Some(least_number(merged, false)),
            Some("boolean") => Some(Value::Bool(false)),
            Some("array") => self.array(merged, &[], depth),
            _ => self.object(merged, &Map::new(), depth).map(Value::Object),
        }
    }

    fn least_text(&mut self, merged: &Merged<'_>) -> Option<String> {
        let bound = |key: &str| merged.get(key).and_then(Value::as_u64);
        let size = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
        let pattern = merged.get("pattern").and_then(Value::as_str);
        let format = merged.get("format").and_then(Value::as_str);
        let text = pattern.and_then(of_pattern);
        let text = text.or_else(|| format.map(|format| of_format(format, self.now)));
        let (least, most) = (bound("minLength").map_or(0, size), bound("maxLength"));
        let text = of_length(text.unwrap_or_default(), least, most.map_or(usize::MAX, size));
        self.text = self.text.checked_sub(text.len())?;
        Some(text)
    }
}

/// Returns whether all these schemas allow a value.
fn fit(nodes: &[Node<'_>], value: &Value) -> bool {
    nodes.iter().all(|node| fits(node, value))
}

/// Returns whether a value can be shown, at least in part.
fn can_show(nodes: &[Node<'_>], value: &Value) -> bool {
    let merged = Merged::of(nodes).settled(Some(value), 0);
    let types = merged.types();
    let is_of = |name: &str| types.is_empty() || types.contains(&name);
    match value {
        Value::Object(_) => is_of("object"),
        Value::Array(_) => is_of("array"),
        scalar => {
            fit(nodes, scalar) || coerced(scalar, &merged).is_some_and(|value| fit(nodes, &value))
        }
    }
}

/// Returns an example or a default that the schemas allow.
fn example(nodes: &[Node<'_>], merged: &Merged<'_>) -> Option<Value> {
    let examples = merged.get("examples").and_then(Value::as_array);
    let examples = examples.into_iter().flatten();
    let known = merged.get("example").into_iter().chain(examples).chain(merged.get("default"));
    known.filter(|value| !value.is_null()).find(|value| fit(nodes, value)).cloned()
}

/// Returns whether a property has a value of its own.
fn says_what_it_is(merged: &Merged<'_>) -> bool {
    ["example", "examples", "default", "const"].into_iter().any(|key| {
        merged
            .get(key)
            .is_some_and(|value| !value.is_null() && !equal(value, &Value::Array(vec![])))
    })
}

/// Converts an id between number and string, as the schema requires.
fn coerced(value: &Value, merged: &Merged<'_>) -> Option<Value> {
    let types = merged.types();
    match value {
        Value::Number(number) if types.contains(&"string") => {
            let format = merged.get("format").and_then(Value::as_str);
            let id = number.as_u64().filter(|_| format == Some("uuid"));
            Some(match id {
                Some(id) => Value::from(format!("00000000-0000-4000-8000-{id:012x}")),
                None => Value::from(number.to_string()),
            })
        }
        Value::String(text) if types.contains(&"integer") => {
            text.parse::<i64>().ok().map(Value::from)
        }
        _ => None,
    }
}

/// Returns the number closest to zero within the bounds.
fn least_number(merged: &Merged<'_>, is_whole: bool) -> Value {
    let (least, most) = bounds(merged);
    let step = merged.get("multipleOf").and_then(Value::as_f64).filter(|step| *step > 0.0);
    let grain = step.unwrap_or(if is_whole { 1.0 } else { 0.5 });
    let within = |bound: Bound, up: bool| {
        let at = bound.at?;
        let past = if up { at > 0.0 } else { at < 0.0 };
        let touches = bound.is_exclusive && at.abs() < f64::MIN_POSITIVE;
        if !past && !touches {
            return None;
        }
        let whole = if step.is_some() || is_whole {
            if up { (at / grain).ceil() * grain } else { (at / grain).floor() * grain }
        } else {
            at
        };
        let is_at = (whole - at).abs() < f64::MIN_POSITIVE;
        let further = if up { grain } else { -grain };
        Some(if bound.is_exclusive && is_at { whole + further } else { whole })
    };
    let mut number = within(least, true).or_else(|| within(most, false)).unwrap_or(0.0);
    if let (Some(from), Some(to)) = (least.at, most.at)
        && !is_whole
        && step.is_none()
        && !(from..=to).contains(&number)
    {
        number = f64::midpoint(from, to);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a number within i64 is what is wanted")]
    let whole = number as i64;
    if number.fract().abs() < f64::MIN_POSITIVE && number.abs() < 9e15 {
        Value::from(whole)
    } else {
        Number::from_f64(number).map_or(Value::from(whole), Value::Number)
    }
}
