//! CORS: lets pages of other origins call the API from a browser.

use std::time::Duration;

use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};

use crate::options::CorsOrigin;

/// Creates a layer that lets pages of these origins send any request and read the whole answer.
///
/// Credentials such as cookies are not allowed, so a page can only do what its own keys permit.
pub(crate) fn layer(origins: &[CorsOrigin]) -> CorsLayer {
    let named = origins.iter().filter_map(|origin| match origin {
        CorsOrigin::Exact(origin) => Some(origin.clone()),
        CorsOrigin::Any => None,
    });
    let allowed = if origins.contains(&CorsOrigin::Any) {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(named)
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(Duration::from_mins(10))
}
