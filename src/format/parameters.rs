//! The query parameters of a request for the list.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;
use core::num::NonZeroUsize;
use core::str::FromStr;

use crate::clock::Revision;
use crate::status::TaskStatus;
use crate::store::{Cursor, ListQuery};
use crate::wire::{Excerpt, Text, percent_decoded};

/// The query parameters of a request for the list: their names and bounds. Other parameters are ignored.
///
/// By default they are `limit` (1 to 1,000, and 1,000 without it), `cursor`, `status` (again for another)
/// and `changedSince` (a revision).
///
/// ```
/// use core::num::NonZeroUsize;
/// use tasklife::format::ListParameters;
///
/// let most = NonZeroUsize::new(50).unwrap();
/// let parameters = ListParameters::default().with_limit("per_page", most).without_status();
/// assert_eq!(parameters.read("per_page=20&status=any")?.limit().get(), 20);
/// assert_eq!(
///     parameters.read("per_page=51").unwrap_err().to_string(),
///     "expected a per_page of 1 to 50, got \"51\""
/// );
/// # Ok::<(), tasklife::format::ParameterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListParameters {
    limit: Text,
    most: NonZeroUsize,
    otherwise: NonZeroUsize,
    coerces: bool,
    cursor: Text,
    status: Option<Text>,
    /// The values of that parameter, where they are not the names of the statuses.
    status_names: Vec<(Text, TaskStatus)>,
    changed_since: Option<Text>,
    unsupported: Vec<Text>,
}

impl Default for ListParameters {
    fn default() -> Self {
        Self {
            limit: Text::Static("limit"),
            most: Self::MAX_LIMIT,
            otherwise: Self::MAX_LIMIT,
            coerces: false,
            cursor: Text::Static("cursor"),
            status: Some(Text::Static("status")),
            status_names: Vec::new(),
            changed_since: Some(Text::Static("changedSince")),
            unsupported: Vec::new(),
        }
    }
}

impl ListParameters {
    /// How many tasks a page has at the most, unless [set](Self::with_limit): those of a call without a
    /// query too, as clients of the documented API expect all; not [`ListQuery::DEFAULT_LIMIT`].
    pub const MAX_LIMIT: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

    /// Sets the name of the parameter that says how many tasks a page has, and how many that are at the
    /// most; without the parameter, too.
    #[must_use]
    pub fn with_limit(self, name: impl Into<Cow<'static, str>>, most: NonZeroUsize) -> Self {
        Self { limit: name.into().into(), most, otherwise: most, ..self }
    }

    /// Sets how many tasks a page has where the request doesn't say; at most as many as it may have.
    #[must_use]
    pub fn with_default_limit(self, limit: NonZeroUsize) -> Self {
        Self { otherwise: limit.min(self.most), ..self }
    }

    /// Takes a limit that is too high as the highest, 0 as none, and a parameter that is empty as none,
    /// rather than to refuse them.
    #[must_use]
    pub fn with_coerced_limit(self) -> Self {
        Self { coerces: true, ..self }
    }

    /// Sets the name of the parameter that continues a list.
    #[must_use]
    pub fn with_cursor(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { cursor: name.into().into(), ..self }
    }

    /// Sets the name of the parameter that asks for a status. Its values are the names of
    /// [`TaskStatus`], unless [others](Self::with_status_name) are set.
    #[must_use]
    pub fn with_status(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Some(name.into().into()), ..self }
    }

    /// Adds a value of the parameter that asks for a status; once there is one, no other is understood.
    /// A name may stand for several statuses, and a status have several names.
    ///
    /// ```
    /// use tasklife::{TaskStatus, format::ListParameters};
    ///
    /// let parameters = ListParameters::default()
    ///     .with_status("state")
    ///     .with_status_name("queued", TaskStatus::Initialized)
    ///     .with_status_name("queued", TaskStatus::Received);
    /// let query = parameters.read("state=queued")?;
    /// assert!(query.statuses().eq([TaskStatus::Initialized, TaskStatus::Received]));
    /// # Ok::<(), tasklife::format::ParameterError>(())
    /// ```
    #[must_use]
    pub fn with_status_name(
        mut self,
        name: impl Into<Cow<'static, str>>,
        status: TaskStatus,
    ) -> Self {
        self.status_names.push((name.into().into(), status));
        self
    }

    /// Has no parameter that asks for a status.
    #[must_use]
    pub fn without_status(self) -> Self {
        Self { status: None, ..self }
    }

    /// Sets the name of the parameter that asks for what has changed since a revision.
    #[must_use]
    pub fn with_changed_since(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { changed_since: Some(name.into().into()), ..self }
    }

    /// Has no parameter that asks for what has changed since a revision.
    #[must_use]
    pub fn without_changed_since(self) -> Self {
        Self { changed_since: None, ..self }
    }

    /// Refuses requests with this parameter, unless it is empty: one that would leave tasks out, and is
    /// not understood here, must not be ignored.
    #[must_use]
    pub fn with_unsupported(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.unsupported.push(name.into().into());
        self
    }

    /// What a request with this query asks for.
    ///
    /// # Errors
    /// Where a parameter has a value that it can't have, or one but that of statuses is there twice.
    pub fn read(&self, query: &str) -> Result<ListQuery, ParameterError> {
        let fields: Vec<(String, String)> = fields(query).collect();
        let once = [Some(&self.limit), Some(&self.cursor), self.changed_since.as_ref()];
        for once in once.into_iter().flatten() {
            if fields.iter().filter(|(name, _)| **name == **once).count() > 1 {
                let once = &**once;
                return Err(ParameterError(format!("expected {once} once, got it again")));
            }
        }
        let mut query = ListQuery::new(self.otherwise);
        for (name, value) in &fields {
            if self.coerces && value.is_empty() {
                continue;
            }
            let is = |known: &Text| **name == **known;
            query = if is(&self.limit) {
                query.with_limit(self.limit_of(value)?)
            } else if is(&self.cursor) {
                query.after(parse(name, value)?)
            } else if self.status.as_ref().is_some_and(is) {
                self.statuses_of(name, value)?.into_iter().fold(query, ListQuery::with_status)
            } else if self.changed_since.as_ref().is_some_and(is) {
                query.changed_since(revision_of(name, value)?)
            } else if self.unsupported.iter().any(is) && !value.is_empty() {
                let got = Excerpt::of(value);
                return Err(ParameterError(format!(
                    "expected no {name}, which is not supported, got {got}"
                )));
            } else {
                query
            };
        }
        Ok(query)
    }

    /// Whether a query leaves out tasks without saying so: it has more than a limit, beyond which a page
    /// says what follows.
    #[cfg(feature = "audit")]
    pub(crate) fn narrows(&self, query: &str) -> bool {
        fields(query).any(|(name, _)| *name != *self.limit)
    }

    /// The query of the page that follows: the same, but for the cursor. What is no part of an address is
    /// encoded.
    #[must_use]
    pub fn next(&self, query: &str, cursor: Cursor) -> String {
        let mut next = String::new();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let name = field.split_once('=').map_or(field, |(name, _)| name);
            if decoded(name) != *self.cursor {
                encode(field, is_of_query, &mut next);
                next.push('&');
            }
        }
        encode(&self.cursor, |byte| is_of_query(byte) && !b"%&+=".contains(&byte), &mut next);
        next + &format!("={cursor}")
    }

    fn statuses_of(&self, name: &str, value: &str) -> Result<Vec<TaskStatus>, ParameterError> {
        if self.status_names.is_empty() {
            return parse(name, value).map(|status| [status].into());
        }
        let named = self.status_names.iter().filter(|(known, _)| **known == *value);
        let statuses: Vec<TaskStatus> = named.map(|(_, status)| *status).collect();
        if statuses.is_empty() {
            let mut known: Vec<&str> = self.status_names.iter().map(|(name, _)| &**name).collect();
            known.dedup();
            let (known, got) = (known.join(", "), Excerpt::of(value));
            return Err(ParameterError(format!("{name}: expected one of {known}; got {got}")));
        }
        Ok(statuses)
    }

    fn limit_of(&self, value: &str) -> Result<NonZeroUsize, ParameterError> {
        let number = digits(value).filter(|digits| !digits.is_empty());
        let limit = match number.map(str::parse::<usize>) {
            // What is beyond any number is beyond the highest limit too.
            Some(Err(_)) if self.coerces => Some(self.most),
            Some(Ok(0)) if self.coerces => Some(self.otherwise),
            Some(Ok(limit)) if self.coerces => NonZeroUsize::new(limit.min(self.most.get())),
            Some(Ok(limit)) => NonZeroUsize::new(limit).filter(|limit| *limit <= self.most),
            _ => None,
        };
        limit.ok_or_else(|| {
            let (name, most, got) = (&*self.limit, self.most, Excerpt::of(value));
            let least = u8::from(!self.coerces);
            ParameterError(format!("expected a {name} of {least} to {most}, got {got}"))
        })
    }
}

/// The error for a parameter that can't be read: it says which, what was expected, and what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(String);

/// A text that is digits alone: a number as it is written, and not with a sign.
fn digits(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn revision_of(name: &str, value: &str) -> Result<Revision, ParameterError> {
    let number = digits(value).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        let (most, got) = (Revision::MAX, Excerpt::of(value));
        ParameterError(format!("{name}: expected a revision, 0 to {most}, got {got}"))
    })
}

fn parse<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T, ParameterError> {
    value.parse().map_err(|error| ParameterError(format!("{name}: {error}")))
}

/// The fields of a query, decoded.
fn fields(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    })
}

/// Whether a byte may stand in a query as it is: what RFC 3986 permits.
fn is_of_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

/// Appends a text, with each byte encoded that may not stand as it is.
fn encode(text: &str, may_stand: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if may_stand(byte) {
            out.push(char::from(byte));
        } else {
            let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
            out.extend(['%', hex(byte >> 4), hex(byte & 0xF)]);
        }
    }
}

/// A field's text as it was meant; what is no UTF-8 then is replaced, and fits nothing.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).to_string()
}
