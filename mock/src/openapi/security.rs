//! The authentication of a description.

use serde_json::Value;

use crate::keys::Authentication;

/// Returns the authentication of the first security requirement: of the whole description, or else
/// of an operation.
pub(super) fn authentication(root: &Value) -> Authentication {
    let schemes = &root["components"]["securitySchemes"];
    // An empty requirement makes authentication optional.
    let first = |value: &Value| {
        let all: Vec<_> =
            value["security"].as_array()?.iter().filter_map(Value::as_object).collect();
        let least = all.iter().min_by_key(|required| !required.is_empty())?;
        if least.is_empty() { Some((*least).clone()) } else { all.first().map(|it| (*it).clone()) }
    };
    let of_one = || {
        let paths = root["paths"].as_object()?.values().filter_map(Value::as_object);
        paths.flat_map(|path| path.values()).find_map(first)
    };
    let required = first(root).or_else(of_one);
    let names = required.iter().flat_map(serde_json::Map::keys);
    let mut headers = Vec::new();
    for scheme in names.map(|name| &schemes[name]) {
        match (scheme["type"].as_str(), scheme["in"].as_str(), scheme["name"].as_str()) {
            (Some("apiKey"), Some("header"), Some(name)) => {
                headers.extend(name.parse::<http::HeaderName>().ok());
            }
            (Some("http"), ..) if scheme["scheme"] == "basic" => return Authentication::Basic,
            (Some("http" | "oauth2" | "openIdConnect"), ..) => return Authentication::Bearer,
            _ => {}
        }
    }
    let mut headers = headers.into_iter();
    match (headers.next(), headers.next()) {
        (Some(key), Some(secret)) => Authentication::of_headers(key, secret),
        (Some(key), None) => Authentication::Header(key),
        (None, _) => "default".parse().map(Authentication::None).unwrap_or_default(),
    }
}
