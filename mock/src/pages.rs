//! Fields of a list that describe which part it is.

use serde_json::{Map, Value, json};

use crate::schema::Schema;

/// Which part of a list is in an answer.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    /// The number of all elements.
    pub(crate) total: usize,
}

/// The deepest nesting of such fields, as in `meta.pagination.page`.
const MAX_DEPTH: usize = 3;

impl Part {
    /// Sets the fields next to the list that are known by their names, as far as the schema allows.
    /// A field for a next page is `null` or absent if there is none.
    pub(crate) fn tell(self, answer: &mut Value, schema: &Schema, list: &str) {
        if let Value::Object(fields) = answer {
            self.tell_in(fields, schema, Some(list), 0);
        }
    }

    fn tell_in(
        self,
        fields: &mut Map<String, Value>,
        schema: &Schema,
        list: Option<&str>,
        depth: usize,
    ) {
        let mut gone = Vec::new();
        for (name, value) in fields.iter_mut().filter(|(name, _)| Some(name.as_str()) != list) {
            let own = schema.property(name);
            if let (Value::Object(inner), Some(own)) = (&mut *value, &own) {
                if depth < MAX_DEPTH {
                    self.tell_in(inner, own, None, depth + 1);
                }
                continue;
            }
            let Some(known) = self.known(name) else { continue };
            let allowed = |value: &Value| own.as_ref().is_none_or(|own| own.allows(value));
            match known.iter().find(|value| allowed(value)) {
                Some(known) => *value = known.clone(),
                None => gone.push(name.clone()),
            }
        }
        for name in gone {
            let was = fields.remove(&name);
            // A required field stays as it was.
            if !schema.allows(&Value::Object(fields.clone()))
                && let Some(was) = was
            {
                fields.insert(name, was);
            }
        }
    }

    /// Returns the possible values of a field with this name, best first.
    fn known(self, name: &str) -> Option<Vec<Value>> {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        let size = if self.limit == usize::MAX { self.total.max(1) } else { self.limit.max(1) };
        let page = self.offset / size + 1;
        let pages = self.total.div_ceil(size).max(1);
        let is_last = self.offset.saturating_add(size) >= self.total;
        let or_none = |number: usize, is_there: bool| {
            if is_there { vec![json!(number)] } else { vec![Value::Null] }
        };
        Some(match name.as_str() {
            "page" | "currentpage" | "pagenumber" => vec![json!(page)],
            "perpage" | "pagesize" | "limit" | "pagelength" => vec![json!(size)],
            "offset" | "skip" => vec![json!(self.offset)],
            "total" | "totalcount" | "totalitems" | "totalresults" | "totalentries"
            | "totalrecords" | "totalsize" => vec![json!(self.total)],
            "lastpage" | "totalpages" | "pagecount" => vec![json!(pages)],
            "nextpage" => or_none(page + 1, !is_last),
            "previouspage" | "prevpage" => or_none(page.saturating_sub(1), page > 1),
            "hasmore" | "hasnext" | "hasnextpage" => vec![json!(!is_last)],
            "hasprevious" | "haspreviouspage" => vec![json!(page > 1)],
            // The mock has no cursors, so these are empty.
            "next" | "nexturl" | "nextcursor" | "nextmarker" | "nextpagetoken" | "nexttoken"
            | "prevmarker" | "previous" | "prevcursor" | "endcursor" => {
                vec![Value::Null, json!("")]
            }
            _ => return None,
        })
    }
}
