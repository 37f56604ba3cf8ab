//! The form of a path: literal segments, and placeholders for ids.

use tasklife::ResourceId;

use crate::text::{Excerpt, decoded_segment};

/// A path template such as `/subscriptions/{subscriptionId}/databases`, in segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Vec<Segment>);

/// A segment: texts and placeholders in turn. Most have one of either.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Literal(Box<str>),
    Id(Box<str>),
}

impl PartialEq for Part {
    /// Placeholders stand for the same, whatever their names.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(one), Self::Literal(other)) => one == other,
            (Self::Id(_), Self::Id(_)) => true,
            _ => false,
        }
    }
}

impl Eq for Part {}

/// What is wrong with a path of an API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathFault {
    #[error("expected a path that begins with a slash")]
    NoSlash,
    #[error(
        "expected segments of letters, digits and `-_.~:!$&'()*+,;=@`, with placeholders such as `{{databaseId}}`; got {0}"
    )]
    Segment(Excerpt),
}

impl Template {
    /// The template of a path; `/` alone has no segment.
    pub(crate) fn parse(path: &str) -> Result<Self, PathFault> {
        let path = path.strip_prefix('/').ok_or(PathFault::NoSlash)?;
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let parsed = path.split('/').map(|segment| {
            Segment::parse(segment).ok_or_else(|| PathFault::Segment(Excerpt::of(segment)))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The ids in a path that has this form.
    pub(crate) fn ids(&self, path: &[&str]) -> Option<Vec<ResourceId>> {
        if path.len() != self.0.len() {
            return None;
        }
        let mut ids = Vec::new();
        for (segment, text) in self.0.iter().zip(path) {
            segment.add_ids(text, &mut ids)?;
        }
        Some(ids)
    }

    /// Whether the same paths have this form, up to where this one ends.
    ///
    /// A verb such as `{vm}:stop` is about what is before it.
    pub(crate) fn begins(&self, other: &Self) -> bool {
        let Some((last, before)) = self.0.split_last() else { return true };
        let Some(there) = other.0.get(before.len()) else { return false };
        other.0.starts_with(before)
            && (there == last || there.without_verb().as_ref() == Some(last))
    }

    /// How many segments are literal: of two templates that a path has, the one with more says more.
    pub(crate) fn literals(&self) -> usize {
        self.0.iter().filter(|segment| segment.as_literal().is_some()).count()
    }

    /// Which segments are literal, from the first on: of two templates that a path has, the larger one
    /// says more.
    pub(crate) fn specificity(&self) -> Vec<usize> {
        let literals = |segment: &Segment| match (segment.as_literal(), segment.as_id()) {
            (Some(_), _) => usize::MAX,
            (None, Some(_)) => 0,
            (None, None) => segment.0.len(),
        };
        self.0.iter().map(literals).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The names of the placeholders, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|segment| &segment.0).filter_map(|part| match part {
            Part::Id(name) => Some(&**name),
            Part::Literal(_) => None,
        })
    }

    /// The segments from `at` on, each as a literal where it is one.
    pub(crate) fn literals_from(&self, at: usize) -> Option<Vec<Option<&str>>> {
        Some(self.0.get(at..)?.iter().map(Segment::as_literal).collect())
    }

    /// Its first so many segments, without a verb in the last.
    pub(crate) fn item_prefix(&self, segments: usize) -> Self {
        let mut prefix = self.prefix(segments);
        if let Some(last) = prefix.0.last_mut()
            && let Some(stem) = last.without_verb()
        {
            *last = stem;
        }
        prefix
    }

    /// Its first so many segments.
    pub(crate) fn prefix(&self, segments: usize) -> Self {
        Self(self.0[..segments.min(self.0.len())].to_vec())
    }

    /// The path without its last segment.
    pub(crate) fn parent(&self) -> Self {
        self.prefix(self.0.len().saturating_sub(1))
    }

    /// The name of the placeholder that is the last segment.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.0.last().and_then(Segment::as_id)
    }

    /// The last segment that is a literal.
    pub(crate) fn last_literal(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Segment::as_literal)
    }

    /// The path with other names for its placeholders: the last names for the last ones. `None` where it
    /// has more of them, or one that isn't a whole segment.
    pub(crate) fn with_names(&self, names: &[&str]) -> Option<String> {
        let mut left = names.iter().rev();
        let mut segments: Vec<String> = Vec::new();
        for segment in self.0.iter().rev() {
            segments.push(match (segment.as_literal(), segment.as_id()) {
                (Some(text), _) => text.to_owned(),
                (None, Some(_)) => format!("{{{}}}", left.next()?),
                (None, None) => return None,
            });
        }
        segments.push(String::new());
        segments.reverse();
        Some(segments.join("/"))
    }

    /// All literal segments, in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Segment::as_literal)
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        for segment in &self.0 {
            f.write_str("/")?;
            for part in &segment.0 {
                match part {
                    Part::Literal(text) => f.write_str(text)?,
                    Part::Id(name) => write!(f, "{{{name}}}")?,
                }
            }
        }
        Ok(())
    }
}

impl Segment {
    fn parse(segment: &str) -> Option<Self> {
        let is_text = |text: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~:!$&'()*+,;=@%".contains(c))
        };
        let mut parts = Vec::new();
        let mut rest = segment;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            // Two placeholders side by side can't be told apart.
            if name.is_empty() || (before.is_empty() && !parts.is_empty()) {
                return None;
            }
            let fine = |c: char| c.is_ascii_alphanumeric() || "-_.~:".contains(c);
            if !name.chars().all(fine) || !is_text(before) {
                return None;
            }
            if !before.is_empty() {
                parts.push(Part::Literal(before.into()));
            }
            parts.push(Part::Id(name.into()));
            rest = after;
        }
        if !is_text(rest) || segment.is_empty() || matches!(segment, "." | "..") {
            return None;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.into()));
        }
        Some(Self(parts))
    }

    /// The placeholder in front of a verb, in `{vm}:stop`.
    fn without_verb(&self) -> Option<Self> {
        match &*self.0 {
            [id @ Part::Id(_), Part::Literal(verb)] if verb.starts_with(':') => {
                Some(Self(vec![id.clone()]))
            }
            _ => None,
        }
    }

    fn as_literal(&self) -> Option<&str> {
        match &*self.0 {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    fn as_id(&self) -> Option<&str> {
        match &*self.0 {
            [Part::Id(name)] => Some(name),
            _ => None,
        }
    }

    /// Adds the ids of a segment that has this form. A placeholder ends where the text after it begins.
    fn add_ids(&self, mut text: &str, ids: &mut Vec<ResourceId>) -> Option<()> {
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(literal) => text = text.strip_prefix(&**literal)?,
                Part::Id(_) => {
                    let end = match parts.peek() {
                        Some(Part::Literal(next)) => text.find(&**next)?,
                        _ => text.len(),
                    };
                    let (id, rest) = text.split_at(end);
                    ids.push(id_in(id)?);
                    text = rest;
                }
            }
        }
        text.is_empty().then_some(())
    }
}

/// An id as a path has it: a number where it is one, written in the one way that numbers are.
fn id_in(text: &str) -> Option<ResourceId> {
    decoded_segment(text).filter(|text| !text.is_empty()).map(|text| as_in_path(text.into()))
}

/// An id as it is once it has been in a path: a text that looks like a number is one.
pub(crate) fn as_in_path(id: ResourceId) -> ResourceId {
    let ResourceId::Text(text) = &id else { return id };
    let number = text.parse::<i64>().ok().filter(|number| format!("{number}") == **text);
    number.map_or(id, ResourceId::Number)
}
