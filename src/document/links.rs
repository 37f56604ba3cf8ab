//! The links of a document as a client reads them: a map or an array.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::write;
use crate::json::Object;

/// A link of a document that was read. A field is `None` if it was missing or `null`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct TaskLink {
    rel: Option<Box<str>>,
    href: Option<Box<str>>,
    title: Option<Box<str>>,
    #[serde(rename = "type")]
    method: Option<Box<str>>,
}

impl TaskLink {
    pub(super) fn new(rel: &str, href: impl Into<Box<str>>) -> Self {
        let (rel, href) = (Some(rel.into()), Some(href.into()));
        Self { rel, href, title: None, method: None }
    }

    /// Returns the relation, such as `self`, `task` or `resource`.
    ///
    /// A link in a map always has one, because relations are the keys of the map.
    #[must_use]
    pub fn rel(&self) -> Option<&str> {
        self.rel.as_deref()
    }

    /// Returns the address.
    #[must_use]
    pub fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    /// Returns the title, such as `getTaskStatusUpdates`.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns the HTTP method to use with the address. Its wire name is `type`.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    pub(super) fn as_written(&self) -> write::LinkFields<'_> {
        write::LinkFields {
            rel: self.rel().map(write::Text::Any),
            href: self.href().map(write::Address::Text),
            title: self.title(),
            method: self.method().map(write::Text::Any),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkMap(pub(super) Vec<TaskLink>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkArray(pub(super) Vec<TaskLink>);

/// Checks that no relation occurs twice, since a relation is the key of its link.
fn check_unique_relations<E: serde::de::Error>(links: &[TaskLink]) -> Result<(), E> {
    let mut relations: Vec<&str> = links.iter().filter_map(TaskLink::rel).collect();
    relations.sort_unstable();
    match relations.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(E::custom(format_args!("expected each relation once, got {:?} again", pair[0])))
        }
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for LinkMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct LinkFields {
            href: Option<Box<str>>,
            title: Option<Box<str>>,
            #[serde(rename = "type")]
            method: Option<Box<str>>,
        }

        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = LinkMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`_links`, a map of links by relation")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LinkMap, A::Error> {
                let mut links = Vec::new();
                while let Some((rel, link)) = map.next_entry()? {
                    // A link that is `null` counts as missing.
                    if let Some(Object(LinkFields { href, title, method })) = link {
                        links.push(TaskLink { rel: Some(rel), href, title, method });
                    }
                }
                check_unique_relations(&links)?;
                Ok(LinkMap(links))
            }
        }

        deserializer.deserialize_map(Map)
    }
}

impl<'de> Deserialize<'de> for LinkArray {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = LinkArray;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`links`, an array of links")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LinkArray, A::Error> {
                let mut links = Vec::new();
                while let Some(Object(link)) = seq.next_element()? {
                    links.push(link);
                }
                Ok(LinkArray(links))
            }
        }

        deserializer.deserialize_seq(Array)
    }
}
