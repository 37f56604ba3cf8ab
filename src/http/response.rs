//! Building responses from the messages of a format.

use alloc::format;
use alloc::string::{String, ToString};

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use uuid::Uuid;

use crate::format::Message;

/// Returns the strong entity tag of a document: a version 5 UUID, which has 122 bits of a hash of
/// its bytes.
pub(super) fn etag_of(body: &str) -> String {
    format!("\"{}\"", Uuid::new_v5(&Uuid::nil(), body.as_bytes()).simple())
}

/// Builds the response of a message, with `Cache-Control: no-store`, which `mark_as_read` replaces.
///
/// The response to a `HEAD` request has the length of the body instead of the body.
pub(super) fn respond(request: &Parts, message: Message) -> Response<String> {
    let mut response = Response::new(String::new());
    let status = Some(message.status()).filter(|status| (200..=599).contains(status));
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let Some(status) = status else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    *response.status_mut() = status;
    set(&mut response, CACHE_CONTROL, "no-store");
    for (name, value) in message.headers() {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes())
            && name != CONTENT_LENGTH
            && name != TRANSFER_ENCODING
        {
            set(&mut response, name, value);
        }
    }
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !has_body || message.body().is_empty() {
        return response;
    }
    set(&mut response, CONTENT_TYPE, message.media_type());
    if request.method == Method::HEAD {
        set(&mut response, CONTENT_LENGTH, &message.body().len().to_string());
    } else {
        *response.body_mut() = message.into_body();
    }
    response
}

/// Sets a header, unless the value is invalid.
pub(super) fn set(response: &mut Response<String>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
