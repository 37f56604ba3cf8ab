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
use crate::wire::{Excerpt, Text, percent_decoded, percent_encoded};

/// The query parameters of a request for the list: their names, and the limits on a page.
///
/// The defaults are:
///
/// | parameter | value |
/// |---|---|
/// | `limit` | how many tasks a page has at most: 1 to 1,000; without it, 1,000 |
/// | `cursor` | where the list continues |
/// | `status` | a status; repeat it for further ones |
/// | `changedSince` | a revision |
///
/// Other parameters are ignored.
///
/// ```
/// use core::num::NonZeroUsize;
/// use tasklife::format::ListParameters;
///
/// let max = NonZeroUsize::new(50).unwrap();
/// let parameters = ListParameters::default().with_limit("per_page", max).without_status();
/// assert_eq!(parameters.read("per_page=20&status=any")?.limit().get(), 20);
/// assert_eq!(
///     parameters.read("per_page=51").unwrap_err().to_string(),
///     "per_page: expected 1 to 50, got \"51\""
/// );
/// # Ok::<(), tasklife::format::ParameterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListParameters {
    limit: Text,
    max_limit: NonZeroUsize,
    default_limit: NonZeroUsize,
    is_lenient: bool,
    cursor: Text,
    status: Option<Text>,
    /// The values of the status parameter. If empty, they are the names of [`TaskStatus`].
    status_names: Vec<(Text, TaskStatus)>,
    changed_since: Option<Text>,
    unsupported: Vec<Text>,
}

impl Default for ListParameters {
    fn default() -> Self {
        Self {
            limit: Text::Static("limit"),
            max_limit: Self::MAX_LIMIT,
            default_limit: Self::MAX_LIMIT,
            is_lenient: false,
            cursor: Text::Static("cursor"),
            status: Some(Text::Static("status")),
            status_names: Vec::new(),
            changed_since: Some(Text::Static("changedSince")),
            unsupported: Vec::new(),
        }
    }
}

impl ListParameters {
    /// The default for the largest number of tasks on a page: 1,000.
    ///
    /// A request without a limit gets as many, since clients of the documented API expect all
    /// tasks. [`ListQuery::DEFAULT_LIMIT`] does not apply.
    pub const MAX_LIMIT: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

    /// Sets the name of the parameter for the number of tasks on a page, and its largest value. A
    /// request without the parameter gets as many.
    #[must_use]
    pub fn with_limit(self, name: impl Into<Cow<'static, str>>, most: NonZeroUsize) -> Self {
        Self { limit: name.into().into(), max_limit: most, default_limit: most, ..self }
    }

    /// Sets the number of tasks on a page for requests without a limit. A value above the largest
    /// limit is lowered to it.
    #[must_use]
    pub fn with_default_limit(self, limit: NonZeroUsize) -> Self {
        Self { default_limit: limit.min(self.max_limit), ..self }
    }

    /// Accepts values that would otherwise be refused. A limit that is too large counts as the
    /// largest. A limit of 0 counts as missing, and so does any parameter with an empty value.
    #[must_use]
    pub fn with_lenient_values(self) -> Self {
        Self { is_lenient: true, ..self }
    }

    /// Sets the name of the parameter for the cursor, with which a list continues.
    #[must_use]
    pub fn with_cursor(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { cursor: name.into().into(), ..self }
    }

    /// Sets the name of the parameter for a status. Its values are the names of [`TaskStatus`],
    /// unless you set [others](Self::with_status_name).
    #[must_use]
    pub fn with_status(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { status: Some(name.into().into()), ..self }
    }

    /// Adds a value of the status parameter. Once you add one, the names of [`TaskStatus`] are no
    /// longer accepted.
    ///
    /// A name can stand for several statuses, and a status can have several names.
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

    /// Removes the parameter for a status.
    #[must_use]
    pub fn without_status(self) -> Self {
        Self { status: None, ..self }
    }

    /// Sets the name of the parameter for a revision. The list then has only tasks that changed
    /// after it.
    #[must_use]
    pub fn with_changed_since(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { changed_since: Some(name.into().into()), ..self }
    }

    /// Removes the parameter for a revision.
    #[must_use]
    pub fn without_changed_since(self) -> Self {
        Self { changed_since: None, ..self }
    }

    /// Refuses requests with this parameter, unless its value is empty.
    ///
    /// Use it for a parameter that would leave out tasks or sort them. If such a parameter were
    /// ignored, the client would take a wrong list for the right one.
    #[must_use]
    pub fn with_unsupported(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.unsupported.push(name.into().into());
        self
    }

    /// Reads the query of a request.
    ///
    /// # Errors
    ///
    /// Returns [`ParameterError`] if a parameter has an invalid value, if a parameter is not
    /// supported, or if the limit, the cursor or the revision is given twice.
    pub fn read(&self, query: &str) -> Result<ListQuery, ParameterError> {
        let fields: Vec<(String, String)> = fields(query).collect();
        let single = [Some(&self.limit), Some(&self.cursor), self.changed_since.as_ref()];
        for single in single.into_iter().flatten() {
            if fields.iter().filter(|(name, _)| **name == **single).count() > 1 {
                let name = &**single;
                return Err(ParameterError(format!("{name}: expected one value, got more")));
            }
        }
        let mut query = ListQuery::new(self.default_limit);
        for (name, value) in &fields {
            if self.is_lenient && value.is_empty() {
                continue;
            }
            let is = |known: &Text| **name == **known;
            query = if is(&self.limit) {
                query.with_limit(self.read_limit(value)?)
            } else if is(&self.cursor) {
                query.after(parse(name, value)?)
            } else if self.status.as_ref().is_some_and(is) {
                self.read_status(name, value)?.into_iter().fold(query, ListQuery::with_status)
            } else if self.changed_since.as_ref().is_some_and(is) {
                query.changed_since(read_revision(name, value)?)
            } else if self.unsupported.iter().any(is) && !value.is_empty() {
                let got = Excerpt::of(value);
                return Err(ParameterError(format!(
                    "{name}: expected no value, as this parameter is not supported, got {got}"
                )));
            } else {
                query
            };
        }
        Ok(query)
    }

    /// Returns whether a query may leave out tasks. A limit alone does not: the page then says
    /// where the list continues. Every other parameter may.
    #[cfg(feature = "audit")]
    pub(crate) fn may_leave_out_tasks(&self, query: &str) -> bool {
        fields(query).any(|(name, _)| *name != *self.limit)
    }

    /// Returns the query of a request for the next page: this query with another cursor. Bytes that
    /// can't be in a query are percent-encoded.
    #[must_use]
    pub fn next(&self, query: &str, cursor: Cursor) -> String {
        let mut next = String::new();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let name = field.split_once('=').map_or(field, |(name, _)| name);
            if decoded(name) != *self.cursor {
                encode(field, is_query_byte, &mut next);
                next.push('&');
            }
        }
        let is_name_byte = |byte| is_query_byte(byte) && !b"%&+=".contains(&byte);
        encode(&self.cursor, is_name_byte, &mut next);
        next + &format!("={cursor}")
    }

    fn read_status(&self, name: &str, value: &str) -> Result<Vec<TaskStatus>, ParameterError> {
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

    fn read_limit(&self, value: &str) -> Result<NonZeroUsize, ParameterError> {
        let digits = digits(value).filter(|digits| !digits.is_empty());
        let limit = match digits.map(str::parse::<usize>) {
            // Digits that are not a usize are a number beyond it.
            Some(Err(_)) if self.is_lenient => Some(self.max_limit),
            Some(Ok(0)) if self.is_lenient => Some(self.default_limit),
            Some(Ok(limit)) if self.is_lenient => {
                NonZeroUsize::new(limit.min(self.max_limit.get()))
            }
            Some(Ok(limit)) => NonZeroUsize::new(limit).filter(|limit| *limit <= self.max_limit),
            _ => None,
        };
        limit.ok_or_else(|| {
            let (name, most, got) = (&*self.limit, self.max_limit, Excerpt::of(value));
            let least = u8::from(!self.is_lenient);
            ParameterError(format!("{name}: expected {least} to {most}, got {got}"))
        })
    }
}

/// The error for a parameter that can't be read. It names the parameter, and says what was expected
/// and what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(String);

/// Returns the string if it consists of digits. `str::parse` would accept a sign too.
fn digits(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read_revision(name: &str, value: &str) -> Result<Revision, ParameterError> {
    let number = digits(value).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        let (most, got) = (Revision::MAX, Excerpt::of(value));
        ParameterError(format!("{name}: expected a revision, 0 to {most}, got {got}"))
    })
}

fn parse<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T, ParameterError> {
    value.parse().map_err(|error| ParameterError(format!("{name}: {error}")))
}

/// Returns the decoded names and values of a query.
fn fields(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    })
}

/// Returns whether RFC 3986 permits a byte in a query.
fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}

/// Appends a string. Percent-encodes every byte that is not permitted.
fn encode(text: &str, is_permitted: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if is_permitted(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(percent_encoded(byte));
        }
    }
}

/// Decodes a name or a value. Invalid UTF-8 becomes replacement characters, which match
/// nothing.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).to_string()
}
