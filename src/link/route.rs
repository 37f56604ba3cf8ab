//! A route: the path template under which a command type's resources are found.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::base::{Fault, LinkError, check_segment};
use crate::outcome::{Completion, ResourceId};

#[derive(Clone, Debug)]
pub(super) struct Route {
    segments: Vec<Segment>,
    pub(super) title: Box<str>,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(Box<str>),
    ResourceId,
    AdditionalResourceId,
}

impl Route {
    pub(super) fn parse(path: &str, title: &str) -> Result<Self, LinkError> {
        if title.is_empty() || title.contains(char::is_control) {
            return Err(LinkError::new("a title", Fault::Title, title));
        }
        let fail = |fault| LinkError::new("a route", fault, path);
        let segments = path.strip_prefix('/').ok_or_else(|| fail(Fault::NoSlash))?.split('/');
        let segments = segments.map(|segment| match segment {
            "{resourceId}" => Ok(Segment::ResourceId),
            "{additionalResourceId}" => Ok(Segment::AdditionalResourceId),
            _ if segment.contains(['{', '}']) => Err(fail(Fault::Placeholder)),
            _ => check_segment(segment).map(|()| Segment::Literal(segment.into())).map_err(fail),
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()?, title: title.into() })
    }

    /// Whether the completion has the ids that the route needs, fit to be segments of a path.
    pub(super) fn fits(&self, completion: &Completion) -> bool {
        let fit = |id: Option<&ResourceId>| match id {
            Some(ResourceId::Number(_)) => true,
            Some(ResourceId::Text(text)) => !matches!(&**text, "" | "." | ".."),
            None => false,
        };
        self.segments.iter().all(|segment| match segment {
            Segment::Literal(_) => true,
            Segment::ResourceId => fit(completion.resource_id()),
            Segment::AdditionalResourceId => fit(completion.additional_resource_id()),
        })
    }

    /// Writes the path of a completion that fits.
    pub(super) fn render(
        &self,
        completion: &Completion,
        out: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        for segment in &self.segments {
            out.write_str("/")?;
            let id = match segment {
                Segment::Literal(text) => {
                    out.write_str(text)?;
                    continue;
                }
                Segment::ResourceId => completion.resource_id(),
                Segment::AdditionalResourceId => completion.additional_resource_id(),
            };
            match id {
                Some(ResourceId::Number(number)) => write!(out, "{number}")?,
                Some(ResourceId::Text(text)) => write_encoded(text, out)?,
                None => {}
            }
        }
        Ok(())
    }
}

/// Writes text with everything percent-encoded but RFC 3986's unreserved characters.
fn write_encoded(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                fmt::Write::write_char(out, byte.into())?;
            }
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
}
