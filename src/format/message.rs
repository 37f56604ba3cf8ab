//! What formats write, what they write it from, and what they read.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::document::TaskDocument;
use crate::store::Cursor;
use crate::time::Timestamp;

/// A response before it is an `http::Response`: an HTTP status, headers and a body.
///
/// `Replies` turns it into an `http::Response`. It leaves out headers whose name or value HTTP
/// doesn't permit, and headers that follow from the body, such as `Content-Length` and
/// `Transfer-Encoding`. A status outside 200 to 599 is a bug of the format: the response is a 500
/// without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    status: u16,
    media_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Message {
    /// Creates a message with this HTTP status and this JSON. An empty string means no body.
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

    /// Sets the media type of the body. The default is `application/json`.
    #[must_use]
    pub fn with_media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the media type of the body.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Returns the headers, without `Content-Type`.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the body, without a copy.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }
}

/// Where a list continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage {
    cursor: Cursor,
    href: Box<str>,
}

impl NextPage {
    /// Creates the page after this cursor, at this address.
    #[must_use]
    pub fn new(cursor: Cursor, href: impl Into<Box<str>>) -> Self {
        Self { cursor, href: href.into() }
    }

    /// Returns the cursor, for formats that show only that.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Returns the address, with the cursor and all other parameters of the request.
    #[must_use]
    pub fn href(&self) -> &str {
        &self.href
    }
}

/// Why a server refuses a request, for a format to show.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    status: u16,
    reason: &'a str,
    message: &'a str,
    path: &'a str,
    at: Timestamp,
}

impl<'a> Refusal<'a> {
    /// Creates a refusal from an HTTP status and its reason phrase, such as `Not Found`, a message
    /// for the client, the path of the request, and the time of the refusal.
    #[must_use]
    pub fn new(
        status: u16,
        reason: &'a str,
        message: &'a str,
        path: &'a str,
        at: Timestamp,
    ) -> Self {
        Self { status, reason, message, path, at }
    }

    /// Returns the HTTP status, 400 or more.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the reason phrase of the status, such as `Not Found`. It is empty if the status has
    /// none.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.reason
    }

    /// Returns what is wrong, in terms of what the client sent.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.message
    }

    /// Returns the path of the request.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Returns when the server refused the request.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Writes the refusal as problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
    /// Their type is `about:blank`: the HTTP status says what kind of problem it is.
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

        let problem = Problem {
            r#type: "about:blank",
            title: self.reason,
            status: self.status,
            detail: self.message,
            instance: self.path,
        };
        Message::new(self.status, to_json(&problem)).with_media_type("application/problem+json")
    }
}

/// Writes a value as JSON. This can't fail, because the values of this module consist of strings,
/// numbers and JSON.
pub(super) fn to_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value);
    debug_assert!(json.is_ok(), "expected a value that JSON can hold: {json:?}");
    json.unwrap_or_default()
}

/// Why a server refused a request, as a client reads it. Parts that the server left out are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedRefusal {
    /// The HTTP status, if the body has it.
    pub status: Option<u16>,
    /// The reason for programs: a name or a phrase.
    pub code: Option<Box<str>>,
    /// The reason for people.
    pub message: Option<Box<str>>,
}

/// The response to a request that was accepted, as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task, if the body has it.
    pub task: Option<TaskDocument>,
    /// Where to read the task, as the server sent it: an address, or the format's equivalent.
    pub href: Option<Box<str>>,
}
