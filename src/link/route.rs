//! Routes: path templates for the resources of a command type.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::base::check_segment;
use super::error::{LinkError, LinkErrorKind};
use crate::outcome::{Completion, ResourceId};
use crate::wire::{Decimal, percent_encoded};

/// A parsed route.
#[derive(Clone, Debug)]
pub(super) struct Route {
    segments: Vec<Segment>,
    pub(super) title: Box<str>,
}

#[derive(Clone, Debug)]
enum Segment {
    /// The text, with the slash before it.
    Literal(Box<str>),
    ResourceId,
    AdditionalResourceId,
}

impl Route {
    pub(super) fn parse(path: &str, title: &str) -> Result<Self, LinkError> {
        check_title(title)?;
        let fail = |kind| LinkError::new("a route", kind, path);
        let segments =
            path.strip_prefix('/').ok_or_else(|| fail(LinkErrorKind::NoSlash))?.split('/');
        let segments = segments.map(|segment| match segment {
            "{resourceId}" => Ok(Segment::ResourceId),
            "{additionalResourceId}" => Ok(Segment::AdditionalResourceId),
            _ if segment.contains(['{', '}']) => Err(fail(LinkErrorKind::Placeholder)),
            _ => match check_segment(segment) {
                Ok(()) => Ok(Segment::Literal(["/", segment].concat().into())),
                Err(kind) => Err(fail(kind)),
            },
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()?, title: title.into() })
    }

    /// Returns whether the completion has the ids that the route needs, and each can be a path
    /// segment.
    pub(super) fn fits(&self, completion: &Completion) -> bool {
        let is_segment = |id: Option<&ResourceId>| match id {
            Some(ResourceId::Number(_)) => true,
            Some(ResourceId::Text(text)) => !matches!(&**text, "" | "." | ".."),
            None => false,
        };
        self.segments.iter().all(|segment| match segment {
            Segment::Literal(_) => true,
            Segment::ResourceId => is_segment(completion.resource_id()),
            Segment::AdditionalResourceId => is_segment(completion.additional_resource_id()),
        })
    }

    /// Passes each part of the path to `write`. The completion must [fit](Self::fits).
    pub(super) fn write<E>(
        &self,
        completion: &Completion,
        mut write: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        for segment in &self.segments {
            let id = match segment {
                Segment::Literal(text) => {
                    write(text)?;
                    continue;
                }
                Segment::ResourceId => completion.resource_id(),
                Segment::AdditionalResourceId => completion.additional_resource_id(),
            };
            write("/")?;
            match id {
                Some(ResourceId::Number(number)) => write(Decimal::of(*number).as_str())?,
                Some(ResourceId::Text(text)) => write_encoded(text, &mut write)?,
                None => {}
            }
        }
        Ok(())
    }
}

/// Checks the title of a link.
pub(super) fn check_title(title: &str) -> Result<(), LinkError> {
    if title.is_empty() || title.contains(char::is_control) {
        return Err(LinkError::new("a title", LinkErrorKind::Title, title));
    }
    Ok(())
}

/// Writes a string, with each character percent-encoded except RFC 3986's unreserved characters.
fn write_encoded<E>(mut text: &str, mut write: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let is_reserved = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_' | '~');
    while let Some((at, reserved)) = text.char_indices().find(|(_, c)| is_reserved(*c)) {
        let (plain, rest) = text.split_at(at);
        write(plain)?;
        let (encoded, after) = rest.split_at(reserved.len_utf8());
        for byte in encoded.bytes() {
            let encoded = percent_encoded(byte);
            encoded.iter().try_for_each(|c| write(c.encode_utf8(&mut [0; 1])))?;
        }
        text = after;
    }
    write(text)
}
