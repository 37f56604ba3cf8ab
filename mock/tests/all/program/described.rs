//! Control over HTTP matches its description: each operation, each refusal, and nothing else.

use serde_json::{Map, Value, json};
use tasklife_test_support::Reply;

use super::Mock;

/// A mock, and the description of its control.
struct Described {
    mock: Mock,
    description: Value,
}

/// An operation of the description.
struct Operation<'a> {
    path: String,
    method: String,
    description: &'a Value,
}

impl Described {
    fn start() -> Self {
        let mock = Mock::start(&["--advance", "never"]);
        let description = mock.0.send("GET", "/_mock/control.json", "", b"").json(200);
        Self { mock, description }
    }

    /// Returns all operations. Those that remove or reset something come last.
    fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.description["paths"].as_object().unwrap();
        let mut operations: Vec<_> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().iter().map(move |entry| (path, entry))
            })
            .map(|(path, (method, description))| Operation {
                path: path.clone(),
                method: method.to_uppercase(),
                description,
            })
            .collect();
        operations.sort_by_key(|operation| {
            operation.method == "DELETE" || operation.path == "/_mock/reset"
        });
        operations
    }

    /// Asserts that a value matches a schema.
    fn assert_matches(&self, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.description["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {value}");
    }

    /// Asserts that the operation describes this answer.
    fn assert_described(&self, operation: &Operation<'_>, reply: &Reply) {
        let responses: &Map<String, Value> =
            operation.description["responses"].as_object().unwrap();
        let Operation { method, path, .. } = operation;
        let response = responses.get(&reply.status.to_string());
        let response = response.unwrap_or_else(|| panic!("{method} {path}: {reply:?}"));
        match response["content"].as_object().and_then(|content| content.iter().next()) {
            None => assert_eq!(reply.body, "", "{method} {path}"),
            Some((kind, content)) if kind == "application/json" => {
                self.assert_matches(&content["schema"], &reply.json(reply.status));
            }
            Some((kind, _)) => assert!(reply.header("content-type").unwrap().starts_with(&**kind)),
        }
    }

    /// Sends a request for an operation. `{taskId}` becomes a new task.
    fn send(&self, operation: &Operation<'_>, query: &str, headers: &str, body: &str) -> Reply {
        // Earlier requests may have moved the clock on, so that older tasks have expired.
        let fresh = self.mock.submit("fresh", "{}");
        let path = operation.path.replace("{taskId}", fresh.rsplit_once('/').unwrap().1);
        let body = body.as_bytes();
        self.mock.0.send(&operation.method, &format!("{path}{query}"), headers, body)
    }
}

impl Operation<'_> {
    /// Returns the example of the request body, if there is one.
    fn example(&self) -> Option<&Value> {
        self.description["requestBody"]["content"]["application/json"].get("example")
    }
}

#[test]
fn each_operation_answers_as_described() {
    let described = Described::start();
    let operations = described.operations();
    assert_eq!(operations.len(), 18);
    for operation in &operations {
        let body = operation.example().map(ToString::to_string).unwrap_or_default();
        if let Some(example) = operation.example() {
            let content = &operation.description["requestBody"]["content"]["application/json"];
            described.assert_matches(&content["schema"], example);
        }
        let reply = described.send(operation, "", "", &body);
        assert!(reply.status < 300, "{} {}: {reply:?}", operation.method, operation.path);
        described.assert_described(operation, &reply);
        for parameter in operation.description["parameters"].as_array().into_iter().flatten() {
            let value = match (parameter["name"].as_str().unwrap(), &*operation.path) {
                ("status", "/_mock/tasks") => "received",
                ("task", _) => "36d4b04d-72d4-4404-8600-a223120a553e",
                ("status" | "since" | "limit", _) => "200",
                ("taskId", _) => continue,
                _ => "x",
            };
            let body = if operation.example().is_some() { "[]" } else { "" };
            let query = format!("?{}={value}", parameter["name"].as_str().unwrap());
            let reply = described.send(operation, &query, "", body);
            assert!(reply.status < 300, "{}{query}: {reply:?}", operation.path);
            described.assert_described(operation, &reply);
        }
    }
}

#[test]
fn each_operation_refuses_as_described() {
    let described = Described::start();
    for operation in &described.operations() {
        // A foreign origin is refused, except by the operations without a 403.
        let foreign = described.send(operation, "", "Origin: http://evil.example\r\n", "");
        let is_public = operation.description["responses"].get("403").is_none();
        assert_eq!(foreign.status, if is_public { 200 } else { 403 });
        described.assert_described(operation, &foreign);
        if operation.example().is_some() {
            let bad = described.send(operation, "", "", "{\"x\"");
            assert_eq!(bad.status, 400);
            described.assert_described(operation, &bad);
            let long = described.send(operation, "", "", &" ".repeat((8 << 20) + 1));
            assert_eq!(long.status, 413);
            described.assert_described(operation, &long);
        }
        if operation.description["responses"].get("400").is_some() {
            let unknown = described.send(operation, "?x=1", "", "[]");
            assert_eq!(unknown.status, 400, "{}", operation.path);
            described.assert_described(operation, &unknown);
        }
    }
}

#[test]
fn nothing_exists_that_is_not_described() {
    let described = Described::start();
    let error = json!({"$ref": "#/components/schemas/Error"});
    let mock = &described.mock.0;
    for (path, item) in described.description["paths"].as_object().unwrap() {
        let known: Vec<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"] {
            if !known.contains(&&*method.to_lowercase()) {
                let other = mock.send(method, path, "", b"");
                let allowed = other.header("allow").unwrap().to_lowercase();
                assert_eq!(allowed.split(", ").collect::<Vec<_>>(), known, "{method} {path}");
                described.assert_matches(&error, &other.json(405));
            }
        }
    }
    for path in ["/", "", "/nothing", "/tasks/", "/scripts/1", "//scripts", "/tasks/1/2"] {
        let nothing = mock.send("GET", &format!("/_mock{path}"), "", b"");
        described.assert_matches(&error, &nothing.json(404));
    }
    assert_eq!(mock.send("HEAD", "/_mock/clock", "", b"").body, "");
    assert_eq!(mock.send("HEAD", "/_mock/clock", "", b"").status, 200);
    // The API of the mock is described, too.
    let api = mock.send("GET", "/_mock/openapi.json", "", b"").json(200);
    assert!(api["paths"]["/subscriptions"]["post"].is_object());
    let types = mock.send("GET", "/_mock/command-types", "", b"").json(200);
    assert!(types.as_array().unwrap().contains(&json!("databaseCreateRequest")));
}
