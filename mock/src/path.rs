//! Path templates.

use tasklife::ResourceId;

use crate::text::{Excerpt, decoded_segment};

/// A path template such as `/subscriptions/{subscriptionId}/databases`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Vec<Segment>);

/// A segment of literals and placeholders. Most segments have one part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Literal(Box<str>),
    Id(Box<str>),
}

impl PartialEq for Part {
    /// The name of a placeholder does not matter.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(one), Self::Literal(other)) => one == other,
            (Self::Id(_), Self::Id(_)) => true,
            _ => false,
        }
    }
}

impl Eq for Part {}

/// The error of a malformed path template.
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
    /// Parses a template; `/` has no segments.
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

    /// Returns the ids in a path, if it matches.
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

    /// Returns whether this template is a prefix of another one. A verb such as `{vm}:stop` is
    /// about the resource before it.
    pub(crate) fn begins(&self, other: &Self) -> bool {
        let Some((last, before)) = self.0.split_last() else { return true };
        let Some(there) = other.0.get(before.len()) else { return false };
        other.0.starts_with(before)
            && (there == last || there.without_verb().as_ref() == Some(last))
    }

    /// Returns the number of literal segments. Of two matching templates, the one with more is more
    /// specific.
    pub(crate) fn literals(&self) -> usize {
        self.0.iter().filter(|segment| segment.as_literal().is_some()).count()
    }

    /// Returns the specificity of each segment. Of two matching templates, the larger one is more
    /// specific.
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

    /// Returns the names of the placeholders, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|segment| &segment.0).filter_map(|part| match part {
            Part::Id(name) => Some(&**name),
            Part::Literal(_) => None,
        })
    }

    /// Returns the segments from `at` on: the text of literals, `None` for others.
    pub(crate) fn literals_from(&self, at: usize) -> Option<Vec<Option<&str>>> {
        Some(self.0.get(at..)?.iter().map(Segment::as_literal).collect())
    }

    /// Returns the first `segments` segments, without a verb in the last one.
    pub(crate) fn item_prefix(&self, segments: usize) -> Self {
        let mut prefix = self.prefix(segments);
        if let Some(last) = prefix.0.last_mut()
            && let Some(stem) = last.without_verb()
        {
            *last = stem;
        }
        prefix
    }

    /// Returns the first `segments` segments.
    pub(crate) fn prefix(&self, segments: usize) -> Self {
        Self(self.0[..segments.min(self.0.len())].to_vec())
    }

    /// Returns the path without its last segment.
    pub(crate) fn parent(&self) -> Self {
        self.prefix(self.0.len().saturating_sub(1))
    }

    /// Returns the name of the placeholder that is the last segment.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.0.last().and_then(Segment::as_id)
    }

    /// Returns the last segment that is a literal.
    pub(crate) fn last_literal(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Segment::as_literal)
    }

    /// Returns the path with other names for its placeholders, assigned from the end. `None` if
    /// there are too few names, or if a placeholder is not a whole segment.
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
            // Adjacent placeholders would be ambiguous.
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

    /// Returns the placeholder before a verb, as in `{vm}:stop`.
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

    /// Adds the ids in a segment, if it matches. A placeholder ends where the next literal begins.
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

/// Parses an id in a path. It is a number if it is written canonically.
fn id_in(text: &str) -> Option<ResourceId> {
    decoded_segment(text).filter(|text| !text.is_empty()).map(|text| as_in_path(text.into()))
}

/// Returns an id as if it had been in a path: a string that looks like a number becomes one.
pub(crate) fn as_in_path(id: ResourceId) -> ResourceId {
    let ResourceId::Text(text) = &id else { return id };
    let number = text.parse::<i64>().ok().filter(|number| format!("{number}") == **text);
    number.map_or(id, ResourceId::Number)
}
