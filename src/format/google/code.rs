//! The canonical error codes of Google's APIs, and their HTTP statuses.

use alloc::format;
use alloc::string::String;

/// A code of `google.rpc.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(usize);

/// The name and the HTTP status of each code, in the order of their numbers.
const CODES: [(&str, u16); 17] = [
    ("OK", 200),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 501),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

impl Code {
    pub(super) const CANCELLED: Self = Self(1);
    pub(super) const UNKNOWN: Self = Self(2);

    /// Returns the code with a number, or `UNKNOWN` if there is none.
    pub(super) fn of_number(number: i32) -> Self {
        let index = usize::try_from(number).ok().filter(|index| *index < CODES.len());
        index.map_or(Self::UNKNOWN, Self)
    }

    /// Returns the code for an HTTP status.
    pub(super) fn of_http(status: u16) -> Self {
        Self(match status {
            401 => 16,
            403 => 7,
            404 | 410 => 5,
            409 => 10,
            412 => 9,
            429 => 8,
            499 => 1,
            405 | 501 => 12,
            503 => 14,
            504 => 4,
            400..=498 => 3,
            500..=599 => 13,
            _ => 2,
        })
    }

    /// Returns the code for a status such as `404 NOT_FOUND`, or `UNKNOWN` if it has no number.
    pub(super) fn of_status_text(text: &str) -> Self {
        let number = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
        number.map_or(Self::UNKNOWN, Self::of_http)
    }

    pub(super) fn number(self) -> i32 {
        i32::try_from(self.0).unwrap_or_default()
    }

    pub(super) fn name(self) -> &'static str {
        CODES[self.0].0
    }

    /// Returns the HTTP status and the name, such as `404 NOT_FOUND`.
    pub(super) fn status_text(self) -> String {
        let (name, status) = CODES[self.0];
        format!("{status} {name}")
    }
}
