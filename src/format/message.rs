//! What a format writes, what it is told to write, and what it reads.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::document::TaskDocument;
use crate::store::Cursor;
use crate::time::Now;

/// A response before it is one: an HTTP status, headers, and a body.
///
/// Where it becomes a response, a header whose name or value HTTP doesn't permit is left out, and so are
/// those that follow from the body: its length and transfer. A status that is none of 200 to 599 is a fault
/// of the format, and becomes 500 without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    status: u16,
    media_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Message {
    /// A message with this HTTP status and this JSON; an empty text for no body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        let (media_type, headers) = ("application/json", Vec::new());
        Self { status, media_type, headers, body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the media type of the body; `application/json` unless set.
    #[must_use]
    pub fn with_media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The media type of the body.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// The headers, without that of the media type.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage {
    cursor: Cursor,
    href: Box<str>,
}

impl NextPage {
    /// The page after this cursor, at this address.
    #[must_use]
    pub fn new(cursor: Cursor, href: impl Into<Box<str>>) -> Self {
        Self { cursor, href: href.into() }
    }

    /// The cursor, for formats that hand it out by itself.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The address, with the cursor and all else that was asked for.
    #[must_use]
    pub fn href(&self) -> &str {
        &self.href
    }
}

/// Why a request is refused, to be told in a format's words.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    status: u16,
    reason: &'a str,
    message: &'a str,
    path: &'a str,
    at: Now,
}

impl<'a> Refusal<'a> {
    /// A refusal with an HTTP status and its reason phrase, such as `Not Found`, a message for the client,
    /// the path that was asked for, and when.
    #[must_use]
    pub fn new(status: u16, reason: &'a str, message: &'a str, path: &'a str, at: Now) -> Self {
        Self { status, reason, message, path, at }
    }

    /// The HTTP status: 400 or more.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase of the status, such as `Not Found`; empty for a status that has none.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.reason
    }

    /// What is wrong, in terms of what the client sent.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.message
    }

    /// The path of the request.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// When it was refused.
    #[must_use]
    pub fn at(&self) -> Now {
        self.at
    }

    /// The refusal as problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), of the type
    /// `about:blank`, as the status says it all.
    ///
    /// ```
    /// use tasklife::format::Refusal;
    ///
    /// let now = "2019-08-08T06:49:15Z".parse()?;
    /// let refusal = Refusal::new(404, "Not Found", "there is no such task", "/v1/tasks/7", now);
    /// let problem = refusal.to_problem();
    /// assert_eq!(problem.media_type(), "application/problem+json");
    /// assert_eq!(
    ///     problem.body(),
    ///     r#"{"type":"about:blank","title":"Not Found","status":404,"#.to_owned()
    ///         + r#""detail":"there is no such task","instance":"/v1/tasks/7"}"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_problem(&self) -> Message {
        #[derive(Serialize)]
        struct Problem<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            instance: &'a str,
        }

        let Self { status, reason: title, message: detail, path: instance, .. } = *self;
        let problem = Problem { r#type: "about:blank", title, status, detail, instance };
        Message::new(status, to_json(&problem)).with_media_type("application/problem+json")
    }
}

/// The JSON of what consists of texts, numbers and JSON: writing it can't fail.
pub(super) fn to_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value);
    debug_assert!(json.is_ok(), "it can be written: {json:?}");
    json.unwrap_or_default()
}

/// Why a request was refused, as a client reads it. What it lacks, the server didn't say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedRefusal {
    /// The HTTP status, where the body has it.
    pub status: Option<u16>,
    /// The reason, as a name or a phrase: for programs.
    pub code: Option<Box<str>>,
    /// What is wrong: for people.
    pub message: Option<Box<str>>,
}

/// The reply to a request that was accepted, as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task, where the body has it.
    pub task: Option<TaskDocument>,
    /// Where to ask for it, as it came: an address, or what the format has in its place.
    pub href: Option<Box<str>>,
}
