//! APIs made from descriptions.

use serde_json::{Value, json};
use tasklife_mock::{KeyIn, MockApi, OpenApi};

use crate::api::{acme, second};
use crate::schema::Schemas;

/// What goes wrong where every operation of a description is asked for once, and each answer held against
/// its schema.
fn faults(description: &Value, beside: OpenApi) -> Vec<String> {
    let mut api = MockApi::from_openapi(description, beside).unwrap();
    api = api.with_keys(KeyIn::Nowhere(acme()));
    let schemas = Schemas::new(description);
    let mut requests = Vec::new();
    let paths = description["paths"].as_object().unwrap().iter();
    // Forms of one operation are told apart after `#`: the first counts.
    for (path, item) in paths.filter(|(path, _)| !path.contains('#')) {
        let address = address(description, path, item);
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                requests.push((method, path, address.clone()));
            }
        }
        // One of each kind is there, as far as it is a kind.
        for (end, _) in address.match_indices('/').skip(1).chain([(address.len(), "")]) {
            if api.has_resource(&address[..end]) {
                api = api.with_existing(&acme(), &address[..end], &json!({})).unwrap();
            }
        }
    }
    // What is deleted goes last, the innermost first.
    requests.sort_by_key(|(method, path, _)| {
        let depth = if *method == "delete" { path.matches('/').count() } else { 0 };
        (*method == "delete", usize::MAX - depth)
    });
    let mut faults = Vec::new();
    for (method, path, address) in requests {
        let request = http::Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(format!("/v1{address}"));
        let body = if method == "get" { "" } else { "{}" };
        let response = api.handle(&request.body(body).unwrap(), second(0.0));
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            faults.push(format!("{method} {path}: {status} {}", response.body()));
        } else if let Some(schema) = schemas.answer(method, path, status)
            && !response.headers().contains_key("retry-after")
        {
            let fault = match serde_json::from_str(response.body()) {
                Ok(shown) => schemas.fault(&schema, &shown),
                Err(_) => Some(format!("no JSON: {:?}", response.body())),
            };
            faults.extend(fault.map(|fault| format!("{method} {path}: {fault}")));
        }
    }
    faults
}

/// A path with ids of the types that its parameters have.
fn address(description: &Value, path: &str, item: &Value) -> String {
    let resolved = |it: &Value| match it["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => it.clone(),
    };
    let own = item.as_object().unwrap().values().filter_map(|it| it.get("parameters"));
    let all = item.get("parameters").into_iter().chain(own);
    let parameters: Vec<Value> = all.filter_map(Value::as_array).flatten().map(resolved).collect();
    let mut address = String::new();
    let mut rest = path.split('#').next().unwrap().trim_end_matches('/');
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        let schema =
            parameters.iter().find(|it| it["name"] == name).map(|it| resolved(&it["schema"]));
        let schema = schema.unwrap_or_default();
        address.push_str(before);
        address.push_str(match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("integer" | "number"), _) => "7",
            (_, Some("uuid")) => "36d4b04d-72d4-4404-8600-a223120a553e",
            _ => "x7",
        });
        rest = after;
    }
    address + rest
}

/// `OPENAPI=FILE.json cargo test -p tasklife-mock --test all -- --ignored any_description` asks for every
/// operation of a description of one's own.
#[test]
#[ignore = "needs a description"]
fn any_description() {
    let file = std::env::var("OPENAPI").unwrap();
    let description = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let beside = OpenApi::base("/v1");
    let beside = match std::env::var("TASKS_ARE") {
        Ok(name) => beside.tasks_are(&name),
        Err(_) => beside,
    };
    let faults = faults(&description, beside);
    assert!(faults.is_empty(), "{}: {}", faults.len(), faults.join("\n"));
}
