//! The paging parameters of a request.

use serde_json::{Value, json};

use crate::rejection::Rejection;
use crate::text::{Excerpt, query_parameters};

/// The query parameters that select a part of a list.
#[derive(Clone, Debug)]
pub(crate) struct Paging {
    /// The parameter for the first element.
    offset: Option<Box<str>>,
    /// The parameter for the number of elements.
    limit: Option<Box<str>>,
    /// The parameter for the page, and the number of the first page.
    page: Option<(Box<str>, usize)>,
    /// The number of elements if the query does not set it.
    usual: usize,
}

impl Default for Paging {
    fn default() -> Self {
        let (offset, limit) = (Some("offset".into()), Some("limit".into()));
        Self { offset, limit, page: None, usual: usize::MAX }
    }
}

const OFFSETS: [&str; 3] = ["offset", "skip", "start"];
const LIMITS: [&str; 9] = [
    "limit",
    "per_page",
    "perPage",
    "page_size",
    "pageSize",
    "page[size]",
    "size",
    "max_results",
    "maxResults",
];
const PAGES: [&str; 5] = ["page", "page_number", "pageNumber", "page[number]", "pageIndex"];

impl Paging {
    /// Finds the paging parameters of a description by their names.
    pub(crate) fn of_parameters(parameters: &[Value]) -> Self {
        let number = |known: &[&str]| {
            parameters.iter().find(|parameter| {
                let named = parameter["name"].as_str().is_some_and(|name| known.contains(&name));
                let numeric = ["integer", "number"]
                    .contains(&parameter["schema"]["type"].as_str().unwrap_or(""));
                named && numeric && parameter["in"] == "query"
            })
        };
        let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().into();
        let size = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        let limit = number(&LIMITS);
        // The number of the first page is the minimum, or else the default.
        let page = number(&PAGES).map(|parameter| {
            let schema = &parameter["schema"];
            let first = size(&schema["minimum"]).or_else(|| size(&schema["default"])).unwrap_or(1);
            (name(parameter), first)
        });
        let usual = limit.and_then(|limit| size(&limit["schema"]["default"]));
        Self {
            offset: number(&OFFSETS).map(name),
            limit: limit.map(name),
            page,
            usual: usual.filter(|usual| *usual > 0).unwrap_or(usize::MAX),
        }
    }

    /// Returns the parameters for a description.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = Value> {
        let page = self.page.as_ref().map(|(name, _)| name);
        [self.offset.as_ref(), self.limit.as_ref(), page].into_iter().flatten().map(|name| {
            let schema = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
            json!({"name": name, "in": "query", "schema": schema})
        })
    }

    /// Returns the offset and the limit that a query asks for.
    pub(crate) fn part(&self, query: &str) -> Result<(usize, usize), Rejection> {
        let [mut offset, mut limit, mut page] = [None; 3];
        let is = |name: &str, known: Option<&str>| known == Some(name);
        for (name, value) in query_parameters(query) {
            let value_of = if is(&name, self.offset.as_deref()) {
                &mut offset
            } else if is(&name, self.limit.as_deref()) {
                &mut limit
            } else if is(&name, self.page.as_ref().map(|(name, _)| &**name)) {
                &mut page
            } else {
                continue;
            };
            let number = Some(value.as_str()).filter(|v| v.bytes().all(|c| c.is_ascii_digit()));
            let number = number.and_then(|number| number.parse::<u32>().ok());
            let number =
                number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
                    let (most, got) = (u32::MAX, Excerpt::of(&value));
                    Rejection::bad_request(format!(
                        "{name}: expected a whole number from 0 to {most}, got {got}"
                    ))
                })?;
            if value_of.replace(number).is_some() {
                return Err(Rejection::bad_request(format!("expected {name} at most once")));
            }
        }
        let limit = limit.unwrap_or(self.usual);
        let first = self.page.as_ref().map_or(1, |(_, first)| *first);
        let pages = page.map_or(0, |page: usize| page.saturating_sub(first));
        Ok((offset.unwrap_or(0).saturating_add(pages.saturating_mul(limit)), limit))
    }
}
