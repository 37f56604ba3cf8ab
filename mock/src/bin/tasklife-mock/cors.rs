//! Pages of other origins that call the API from a browser.

use std::time::Duration;

use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};

use crate::options::CorsOrigin;

/// Lets pages of these origins send any request, and read all of the answer. No cookies are involved, so that
/// a page has what its keys give it and no more.
pub(crate) fn layer(origins: &[CorsOrigin]) -> CorsLayer {
    let named = origins.iter().filter_map(|origin| match origin {
        CorsOrigin::This(origin) => Some(origin.clone()),
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
