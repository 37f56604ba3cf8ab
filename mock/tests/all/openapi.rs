//! APIs that are created from OpenAPI descriptions.

use http::{Method, Request, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use tasklife::{CommandType, TaskDocument};
use tasklife_mock::{Authentication, MockApi, OpenApiOptions, Pace, Script};

use crate::api::{acme, second, value};
use crate::schema::Schemas;

const WIDGETS: &str = include_str!("../../examples/widgets.openapi.json");

fn description() -> Value {
    serde_json::from_str(WIDGETS).unwrap()
}

fn widgets() -> MockApi {
    let options = OpenApiOptions::new("/api").with_task_schema("Job");
    MockApi::from_openapi(&description(), options).unwrap().with_open_accounts(2)
}

fn call(api: &MockApi, method: &str, path: &str, body: &Value) -> Response<String> {
    let request = Request::builder().method(method).uri(path).header("x-token", "acme");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    api.handle(&request.body(body).unwrap(), second(0.0))
}

fn get(api: &MockApi, path: &str) -> Value {
    let response = call(api, "GET", path, &Value::Null);
    assert_eq!(response.status(), 200, "{path}: {}", response.body());
    value(&response)
}

/// Sends a request that creates a task, and returns the task at its end.
fn ended(api: &MockApi, method: &str, path: &str, body: &Value) -> TaskDocument {
    let accepted = call(api, method, path, body);
    assert_eq!(accepted.status(), 202, "{method} {path}: {}", accepted.body());
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    let ended = call(api, "GET", &location, &Value::Null);
    TaskDocument::from_json(ended.body().as_bytes()).unwrap()
}

#[test]
fn a_new_resource_has_the_fields_of_the_request_then_examples_then_minimal_values() {
    let api = widgets();
    let body = json!({"name": "a", "colour": "red", "pin": "1234", "size": 7, "password": "p"});
    let task = ended(&api, "POST", "/api/widgets", &body);
    assert_eq!(task.command_type(), Some("createWidget"));
    let link = task.link("resource").unwrap();
    let path = "/api/widgets/00000000-0000-4000-8000-00000001304b";
    assert_eq!((link.href(), link.title()), (Some(path), Some("getWidget")));
    let expected = json!({
        "id": "00000000-0000-4000-8000-00000001304b",
        "name": "a",
        "colour": "red",
        "serial": "W-0000",
        "createdAt": "2026-01-01T00:00:00Z",
        "weight": 1.5,
    });
    assert_eq!(get(&api, path), expected);

    // A value that the schema does not allow is replaced or left out.
    let body = json!({"name": "", "colour": "green", "weight": "heavy"});
    ended(&api, "POST", "/api/widgets", &body);
    let shown = get(&api, "/api/widgets/00000000-0000-4000-8000-00000001304c");
    assert_eq!(shown["name"], "a", "at least one character");
    assert_eq!((&shown["colour"], &shown["weight"]), (&Value::Null, &json!(1.5)));
}

#[test]
fn changes_are_visible_and_deleted_resources_are_gone() {
    let api = widgets();
    for name in ["a", "b", "c"] {
        ended(&api, "POST", "/api/widgets", &json!({ "name": name }));
    }
    let second_widget =
        format!("/api/widgets/{}", get(&api, "/api/widgets")["widgets"][1]["id"].as_str().unwrap());
    let changed = call(&api, "PATCH", &second_widget, &json!({"name": "z"}));
    assert_eq!((changed.status().as_u16(), &value(&changed)["name"]), (200, &json!("z")));
    let names = |query: &str| {
        let list = get(&api, &format!("/api/widgets{query}"));
        assert_eq!(list["total"], 3);
        let names = list["widgets"].as_array().unwrap().iter();
        names.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(names(""), "azc");
    assert_eq!(
        ["?page=1&per_page=2", "?page=2&per_page=2", "?page=3&per_page=2"].map(names),
        ["az", "c", ""]
    );
    assert_eq!(names("?page=2"), "", "the first page has room for twenty");

    let gone = ended(&api, "DELETE", &second_widget, &Value::Null);
    assert!(gone.link("resource").is_some());
    assert_eq!(call(&api, "GET", &second_widget, &Value::Null).status(), 404);
    assert_eq!(get(&api, "/api/widgets")["total"], 2);
}

#[test]
fn a_put_can_create_and_a_singleton_exists_from_the_start() {
    let api = widgets();
    ended(&api, "POST", "/api/widgets", &json!({"name": "a"}));
    let path = "/api/widgets/00000000-0000-4000-8000-00000001304b/labels/red";
    assert_eq!(call(&api, "GET", path, &Value::Null).status(), 404);
    let made = call(&api, "PUT", path, &json!({"text": "hot"}));
    assert_eq!(
        (made.status().as_u16(), value(&made)),
        (201, json!({"label": "red", "text": "hot"}))
    );
    assert_eq!(made.headers()["location"], path);
    assert_eq!(get(&api, path)["text"], "hot");
    let gone = call(&api, "DELETE", path, &Value::Null);
    assert_eq!((gone.status().as_u16(), gone.body().as_str()), (204, ""));
    assert_eq!(call(&api, "GET", path, &Value::Null).status(), 404);
    assert_eq!(call(&api, "PUT", "/api/widgets/1/labels/red", &json!({})).status(), 404);

    assert_eq!(get(&api, "/api/settings"), json!({"theme": "dark"}));
    let set = call(&api, "PUT", "/api/settings", &json!({"size": 3}));
    assert_eq!(value(&set), json!({"size": 3, "theme": "dark"}));
    assert_eq!(get(&api, "/api/settings")["size"], 3);
}

#[test]
fn the_description_sets_the_path_of_tasks_and_the_command_types_of_scripts() {
    let api = widgets();
    assert_eq!(
        api.command_types().iter().map(CommandType::as_str).collect::<Vec<_>>(),
        ["createWidget", "deleteWidget"]
    );
    api.on(CommandType::from_static("createWidget"), Script::new(Pace::Reads(2))).unwrap();
    let accepted = call(&api, "POST", "/api/widgets", &json!({"name": "a"}));
    let location = accepted.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/api/jobs/"), "{location}");
    assert_eq!(get(&api, location)["status"], "processing-in-progress");
    assert_eq!(get(&api, location)["status"], "processing-completed");
    assert_eq!(get(&api, "/api/jobs")["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(call(&api, "GET", "/api/tasks", &Value::Null).status(), 404);
}

#[test]
fn the_description_sets_where_requests_have_their_key() {
    let api = widgets();
    let status = |name: &str, key: &str| {
        let request = Request::get("/api/widgets").header(name, key);
        let response = api.handle(&request.body("").unwrap(), second(0.0));
        (response.status().as_u16(), response.headers().get("vary").cloned())
    };
    assert_eq!(status("x-token", "acme").0, 200);
    assert_eq!(status("x-token", "acme").1.unwrap(), "x-token");
    assert_eq!([status("x-api-key", "acme").0, status("x-token", "").0], [401, 401]);
    // Each key opens an account of its own, up to the limit of two.
    assert_eq!([status("x-token", "other").0, status("x-token", "third").0], [200, 401]);

    let bearer = widgets().with_authentication(Authentication::Bearer);
    let status = |text: &str| {
        let request = Request::get("/api/widgets").header("authorization", text);
        let response = bearer.handle(&request.body("").unwrap(), second(0.0));
        (response.status().as_u16(), response.headers().get("www-authenticate").cloned())
    };
    assert_eq!(["Bearer acme", "bearer acme"].map(|text| status(text).0), [200, 200]);
    for text in ["acme", "Basic acme", "Bearer "] {
        assert_eq!(status(text), (401, Some("Bearer".parse().unwrap())), "{text}");
    }
}

#[test]
fn checked_bodies_must_match_their_schema() {
    let lax = widgets();
    assert_eq!(call(&lax, "POST", "/api/widgets", &json!({})).status(), 202);
    let strict = widgets().with_checked_bodies();
    for (body, message) in [
        (json!({}), r#"expected a field "name""#),
        (json!({"name": 7}), "name: expected string, got integer"),
        (json!({"name": ""}), "name: expected at least 1 characters, got 0"),
        (
            json!({"name": "a", "colour": "green"}),
            r#"colour: expected one of "red", "blue"; got "\"green\"""#,
        ),
    ] {
        let refused = call(&strict, "POST", "/api/widgets", &body);
        assert_eq!(refused.status(), 400, "{body}");
        assert_eq!(value(&refused)["message"], message, "{body}");
    }
    // Fields that are `readOnly` are not required in a request.
    assert_eq!(call(&strict, "POST", "/api/widgets", &json!({"name": "a"})).status(), 202);
    assert_eq!(strict.store().len(), 1);
}

#[test]
fn options_add_to_the_description() {
    let create = CommandType::from_static("widgetCreateRequest");
    let options = OpenApiOptions::new("/api")
        .with_task_schema("Job")
        .with_tasks_path("/operations")
        .with_task(Method::PATCH, "/widgets/{id}")
        .with_command(Method::POST, "/widgets", create.clone())
        .with_title("/widgets/{widgetId}", "getWidgetInformation")
        .with_existing("/widgets/7", json!({"name": "seven"}))
        .with_answer(Method::GET, "/settings", |context| json!({"widgets": context.resources("/widgets").len()}))
        .with_answer(Method::DELETE, "/widgets/{widgetId}", |context| {
            json!({"was": context.resource(), "id": context.id("widgetId").map(ToString::to_string)})
        });
    let api = MockApi::from_openapi(&description(), options).unwrap().with_open_accounts(1);
    assert_eq!(get(&api, "/api/widgets/7")["name"], "seven");
    let made = ended(&api, "POST", "/api/widgets", &json!({"name": "a"}));
    assert_eq!(made.command_type(), Some(create.as_str()));
    assert_eq!(made.link("resource").unwrap().title(), Some("getWidgetInformation"));
    assert!(made.link("self").unwrap().href().unwrap().starts_with("/api/operations/"));
    let changed = ended(&api, "PATCH", "/api/widgets/7", &json!({"name": "b"}));
    assert_eq!(changed.command_type(), Some("renameWidget"));
    assert_eq!(get(&api, "/api/widgets/7")["name"], "b");
    assert_eq!(get(&api, "/api/settings"), json!({"widgets": 2}));
    let deleted = call(&api, "DELETE", "/api/widgets/7", &Value::Null);
    let task = deleted.headers()["location"].to_str().unwrap().to_owned();
    let shown = get(&api, &task)["response"]["resource"].clone();
    assert_eq!((&shown["was"]["name"], &shown["id"]), (&json!("b"), &json!("7")));
}

#[test]
fn an_invalid_description_is_refused_with_its_place() {
    let open = || OpenApiOptions::new("/v1");
    let error = |description: &Value, options| {
        MockApi::from_openapi(description, options).unwrap_err().to_string()
    };
    let with = |paths: Value| json!({"openapi": "3.0.0", "paths": paths});
    for (description, message) in [
        (json!({"swagger": "2.0"}), "version 3.0 or 3.1, got \"swagger 2.0\""),
        (json!([]), "version 3.0 or 3.1, got \"a value without `openapi`\""),
        (json!({"openapi": "3.0.0"}), "expected an object with the paths of the API, at `paths`"),
        (with(json!({"/a": 7})), "expected an object, at /paths/~1a"),
        (with(json!({"/a": {"get": []}})), "expected an object, at /paths/~1a/get"),
        (with(json!({"a": {}})), "expected a path that begins with a slash, at paths: a"),
        (with(json!({"/{a}{b}": {}})), "expected segments of letters"),
        (
            with(json!({"/a": {"get": {"responses": {"200": {"$ref": "x.json#/A"}}}}})),
            "expected a reference to something in the description, got \"x.json#/A\", at #/paths/~1a/get/responses/200",
        ),
        (with(json!({"/a": {"$ref": "#/nowhere"}})), "got \"#/nowhere\", at #/paths/~1a"),
        (
            with(json!({"/a/{b}": {"get": {}}, "/a/{c}": {"get": {}}})),
            "expected an unused path for GET, in \"/a/{c}\"",
        ),
    ] {
        let got = error(&description, open());
        assert!(got.contains(message), "{message}: {got}");
    }
    let good = description();
    let command = CommandType::from_static("x");
    for (options, message) in [
        (OpenApiOptions::new("v1"), "expected a base address"),
        (open().with_tasks_path("jobs"), "expected a path of tasks"),
        (
            open().with_command(Method::GET, "/widgets", command.clone()),
            "got \"GET\", in \"/widgets\"",
        ),
        (
            open().with_command(Method::POST, "/nothing", command),
            "expected an operation of the description",
        ),
        (open().with_task(Method::PUT, "/widgets"), "expected an operation of the description"),
        (
            open().with_answer(Method::GET, "/nothing", |_| json!(1)),
            "expected an operation of the description",
        ),
        (open().with_title("/nothing", "x"), "expected the path of a resource"),
        (open().with_existing("/nothing/1", json!({})), "expected the path of a resource"),
    ] {
        let got = error(&good, options);
        assert!(got.contains(message), "{message}: {got}");
    }
}

/// Creates an API of these paths and schemas, without keys.
fn api_of(paths: &Value, schemas: &Value) -> MockApi {
    let description =
        json!({"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}});
    MockApi::from_openapi(&description, OpenApiOptions::new("/")).unwrap()
}

/// A request body or response with this schema.
fn json_of(schema: &Value) -> Value {
    json!({"content": {"application/json": {"schema": schema}}})
}

/// The paths of a kind of resources that can be created, read, listed, changed and deleted.
fn things(schema: &Value) -> Value {
    let (one, none) = (json_of(schema), json!({"description": ""}));
    json!({
        "/things": {
            "get": {"responses": {"200": json_of(&json!({"type": "array", "items": schema}))}},
            "post": {"requestBody": json_of(schema), "responses": {"201": one}},
        },
        "/things/{thingId}": {
            "get": {"responses": {"200": one}},
            "put": {"requestBody": json_of(schema), "responses": {"200": one}},
            "patch": {"requestBody": json_of(schema), "responses": {"200": one}},
            "delete": {"responses": {"204": none}},
        },
    })
}

fn sent(api: &MockApi, method: &str, path: &str, body: &Value) -> Value {
    let response = call(api, method, path, body);
    assert!(
        response.status().is_success(),
        "{method} {path}: {} {}",
        response.status(),
        response.body()
    );
    value(&response)
}

#[test]
fn recursive_and_huge_schemas_give_bounded_answers() {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let many = |name: &str, key: &str, count: usize| {
        let next = |at: usize| json!({key: [reference(&format!("{name}{}", at + 1)), reference(&format!("{name}{}", at + 1))]});
        let mut all: serde_json::Map<String, Value> =
            (0..count).map(|at| (format!("{name}{at}"), next(at))).collect();
        all.insert(format!("{name}{count}"), json!({"type": "string"}));
        Value::Object(all)
    };
    let expression = json!({
        "Rule": {"type": "object", "required": ["when"], "properties": {"when": reference("Expr")}},
        "Expr": {"oneOf": [reference("And"), reference("Or"), reference("Leaf")]},
        "And": {"type": "object", "required": ["left", "right"], "properties": {"left": reference("Expr"), "right": reference("Expr")}},
        "Or": {"type": "object", "required": ["any"], "properties": {"any": {"type": "array", "minItems": 2, "items": reference("Expr")}}},
        "Leaf": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    });
    let api = api_of(&things(&reference("Rule")), &expression);
    assert_eq!(sent(&api, "POST", "/things", &json!({}))["when"], json!({"name": ""}));
    let given =
        json!({"when": {"left": {"name": "a"}, "right": {"any": [{"name": "b"}, {"name": "c"}]}}});
    assert_eq!(sent(&api, "POST", "/things", &given)["when"], given["when"]);

    // Many nested `oneOf`s with one alternative each, followed by a schema that contains itself.
    let alternatives = |inner: Value| (0..190).fold(inner, |inner, _| json!({ "oneOf": [inner] }));
    let deep = json!({"allOf": [
        {"type": "object", "required": ["a"], "properties": {"a": reference("A")}},
        alternatives(json!({})),
        alternatives(json!({})),
    ]});
    for (schema, schemas) in [
        (reference("A"), json!({ "A": deep })),
        (reference("A"), json!({"A": {"anyOf": [reference("A"), reference("A")]}})),
        (
            reference("A"),
            json!({"A": {"type": "object", "required": ["a"], "properties": {"a": reference("A")}}}),
        ),
        (reference("B0"), many("B", "oneOf", 40)),
        (reference("B0"), many("B", "allOf", 27)),
        (json!({"type": "string", "pattern": "(?:a?){4000000000}"}), json!({})),
        (json!({"type": "string", "pattern": "(?:(?:a{1000}){1000}){1000}"}), json!({})),
        (
            json!({"type": "array", "minItems": 1000, "items": {"type": "array", "minItems": 1000, "items": {"type": "string", "minLength": 4096}}}),
            json!({}),
        ),
    ] {
        let within = json!({"type": "object", "required": ["x"], "properties": {"x": schema}});
        let api = api_of(&things(&within), &schemas);
        let shown = call(&api, "POST", "/things", &json!({"x": {"a": 1}}));
        assert!(shown.body().len() < 4 << 20, "{}", shown.body().len());
    }
}

#[test]
fn a_resource_is_found_under_the_id_that_it_shows() {
    for id in [
        json!({"type": "integer"}),
        json!({"type": "string"}),
        json!({"type": "string", "format": "uuid"}),
        json!({"type": "string", "pattern": "^cus_[a-zA-Z0-9]{14}$"}),
        json!({"type": "string", "minLength": 9}),
    ] {
        let schema = json!({"type": "object", "required": ["id"], "properties": {"id": id}});
        let api = api_of(&things(&schema), &json!({}));
        let ids: Vec<Value> =
            (0..3).map(|_| sent(&api, "POST", "/things", &json!({}))["id"].clone()).collect();
        assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
        for shown in &ids {
            let text = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
            assert_eq!(get(&api, &format!("/things/{text}"))["id"], *shown);
            call(&api, "DELETE", &format!("/things/{text}"), &Value::Null);
        }
        assert_eq!(get(&api, "/things"), json!([]));
    }
}

#[test]
fn put_replaces_fields_and_patch_merges_them() {
    let schema = json!({"type": "object", "properties": {
        "id": {"type": "string", "readOnly": true},
        "a": {"type": "string"}, "b": {"type": "string"},
        "flags": {"type": "object", "properties": {"isSecret": {"type": "boolean"}, "n": {"type": "integer"}}},
        "created_at": {"type": "string", "format": "date-time"},
        "status": {"type": "string", "default": "draft"},
        "dryRun": {"type": "boolean"},
    }});
    let api = api_of(&things(&schema), &json!({}));
    let body = json!({"id": "mine", "a": "1", "b": "2", "flags": {"isSecret": true, "n": 1}, "dryRun": true});
    let made = sent(&api, "POST", "/things", &body);
    let path = format!("/things/{}", made["id"].as_str().unwrap());
    assert_ne!(made["id"], "mine", "a request cannot set a read-only field");
    assert_eq!(
        (&made["status"], &made["dryRun"], &made["flags"]),
        (&json!("draft"), &json!(true), &body["flags"])
    );
    assert_eq!(made["created_at"], "2026-01-01T00:00:00Z");
    let later = api.handle(&Request::get(&*path).body("").unwrap(), second(60.0));
    assert_eq!(value(&later)["created_at"], "2026-01-01T00:00:00Z");

    let patched = sent(&api, "PATCH", &path, &json!({"flags": {"n": 2}, "b": null}));
    assert_eq!(
        (&patched["a"], &patched["b"], &patched["flags"]),
        (&json!("1"), &Value::Null, &json!({"isSecret": true, "n": 2}))
    );
    let put = sent(&api, "PUT", &path, &json!({"b": "3"}));
    assert_eq!((&put["a"], &put["b"], &put["flags"]), (&Value::Null, &json!("3"), &Value::Null));
    // A body may wrap the resource in a field.
    let wrapped = sent(&api, "POST", "/things", &json!({"thing": {"a": "w"}, "commit": "Save"}));
    assert_eq!(wrapped["a"], "w");
}

#[test]
fn a_body_may_have_any_type_that_the_description_allows() {
    let answer = json!({"200": {"description": ""}});
    let labels = json!({"type": "array", "items": {"type": "string"}});
    let paths = json!({
        "/labels": {"put": {"requestBody": json_of(&labels), "responses": answer}},
        "/files": {"post": {"requestBody": {"required": true, "content": {"multipart/form-data": {}}}, "responses": answer}},
        "/plain": {"post": {"requestBody": json_of(&json!({"type": "object"})), "responses": answer}},
        "x-internal": {"anything": true},
    });
    let api = api_of(&paths, &json!({}));
    let status = |path: &str, kind: &str, body: &str| {
        let method = if path == "/labels" { Method::PUT } else { Method::POST };
        let request = Request::builder().method(method).uri(path).header("content-type", kind);
        api.handle(&request.body(body.to_owned()).unwrap(), second(0.0)).status().as_u16()
    };
    assert_eq!(status("/labels", "application/json", r#"["a"]"#), 200);
    assert_eq!(status("/files", "multipart/form-data; boundary=x", "--x--"), 200);
    assert_eq!(status("/plain", "application/json", "[]"), 400);
    assert_eq!(status("/plain", "text/plain", "x"), 400);
}

#[test]
fn a_page_has_its_number_and_the_next_page() {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    let number = json!({"type": "integer"});
    let pagination = json!({"type": "object", "required": ["page", "last_page", "next_page", "total_entries"], "properties": {
        "page": number, "last_page": number, "total_entries": number,
        "next_page": {"type": ["integer", "null"], "examples": [4]},
    }});
    let list = json!({"type": "object", "required": ["things", "meta"], "properties": {
        "things": {"type": "array", "items": schema}, "meta": {"type": "object", "required": ["pagination"], "properties": {"pagination": pagination}},
        "has_more": {"type": "boolean", "default": true}, "next_cursor": {"type": "string", "default": "abc"},
    }});
    let mut paths = things(&schema);
    paths["/things"]["get"] = json!({"responses": {"200": json_of(&list)}, "parameters": [
        {"name": "page", "in": "query", "schema": {"type": "integer"}},
        {"name": "per_page", "in": "query", "schema": {"type": "integer", "default": 2}},
    ]});
    let api = api_of(&paths, &json!({}));
    for _ in 0..3 {
        sent(&api, "POST", "/things", &json!({}));
    }
    let (mut page, mut seen) = (json!(1), 0);
    while !page.is_null() {
        let list = get(&api, &format!("/things?page={page}"));
        seen += list["things"].as_array().unwrap().len();
        let pagination = &list["meta"]["pagination"];
        assert_eq!(
            (&pagination["page"], &pagination["last_page"], &pagination["total_entries"]),
            (&page, &json!(2), &json!(3))
        );
        assert_eq!((&list["has_more"], &list["next_cursor"]), (&json!(page == 1), &json!("")));
        page = pagination["next_page"].clone();
    }
    assert_eq!(seen, 3);
}

#[test]
fn a_custom_method_applies_to_the_resource_before_the_colon() {
    let vm = json!({"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}});
    let mut paths = things(&vm);
    paths["/things/{thingId}:stop"] = json!({"post": {"responses": {"200": json_of(&vm)}}});
    paths["/things/{thingId}:policy"] = json!({"get": {"responses": {"200": json_of(&json!({"type": "object", "required": ["etag"], "properties": {"etag": {"type": "string"}}}))}}});
    let api = api_of(&paths, &json!({}));
    let id =
        sent(&api, "POST", "/things", &json!({"name": "v"}))["id"].as_str().unwrap().to_owned();
    assert_eq!(sent(&api, "POST", &format!("/things/{id}:stop"), &Value::Null)["name"], "v");
    assert_eq!(get(&api, &format!("/things/{id}:policy")), json!({"etag": ""}));
    assert_eq!(call(&api, "POST", "/things/nope:stop", &Value::Null).status(), 404);
}

#[test]
fn a_deleted_singleton_can_be_set_again_and_an_id_may_have_a_question_mark() {
    let policy = json_of(&json!({"type": "object", "properties": {"text": {"type": "string"}}}));
    let none = json!({"204": {"description": ""}});
    let page =
        json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
    let paths = json!({
        "/policy": {"get": {"responses": {"200": policy}}, "put": {"responses": {"200": policy}}, "delete": {"responses": none}},
        "/pages": {"post": {"requestBody": json_of(&page), "responses": {"201": json_of(&page)}}},
        "/pages/{name}": {"get": {"responses": {"200": json_of(&page)}}},
    });
    let api = api_of(&paths, &json!({}));
    sent(&api, "PUT", "/policy", &json!({"text": "a"}));
    assert_eq!(call(&api, "DELETE", "/policy", &Value::Null).status(), 204);
    assert_eq!(call(&api, "GET", "/policy", &Value::Null).status(), 404);
    assert_eq!(sent(&api, "PUT", "/policy", &json!({"text": "b"}))["text"], "b");
    assert_eq!(get(&api, "/policy")["text"], "b");

    let made = call(&api, "POST", "/pages", &json!({"name": "what?x=1"}));
    let location = made.headers()["location"].to_str().unwrap();
    assert_eq!(
        (location, &get(&api, location)["name"]),
        ("/pages/what%3Fx%3D1", &json!("what?x=1"))
    );
    let again = call(&api, "POST", "/pages", &json!({"name": "what?x=1"}));
    assert_eq!(again.status(), 409);
}

#[test]
fn basic_authentication_takes_the_user_name_as_key_and_the_password_as_secret() {
    let mut description =
        json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {"200": {}}}}}});
    description["components"] =
        json!({"securitySchemes": {"b": {"type": "http", "scheme": "basic"}}});
    let status = |security: Value, header: &str| {
        let mut description = description.clone();
        description["security"] = security;
        let api = MockApi::from_openapi(&description, OpenApiOptions::new("/")).unwrap();
        let api = api.with_account("ada", "pass", acme());
        let request = Request::get("/a").header("authorization", header).body("").unwrap();
        api.handle(&request, second(0.0)).status().as_u16()
    };
    let basic = json!([{"b": []}]);
    assert_eq!(status(basic.clone(), "Basic YWRhOnBhc3M="), 200);
    for header in ["Basic YWRhOm90aGVy", "Basic !", "Bearer YWRhOnBhc3M=", ""] {
        assert_eq!(status(basic.clone(), header), 401, "{header}");
    }
    assert_eq!(
        status(json!([{"b": []}, {}]), ""),
        200,
        "an empty requirement makes the key optional"
    );
}

#[test]
fn an_api_describes_itself() {
    let own = widgets().description();
    assert_eq!(own["openapi"], "3.1.0");
    assert_eq!(own["servers"][0]["url"], "/api");
    assert_eq!(own["security"], json!([{ "x-token": [] }]));
    let widget = &own["paths"]["/widgets/{widgetId}"];
    assert_eq!(widget["delete"]["operationId"], "deleteWidget");
    assert_eq!(widget["delete"]["responses"]["202"]["description"], "Success.");
    let list = &own["paths"]["/widgets"]["get"];
    let names = list["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["per_page", "page"]);
    assert!(own["paths"]["/jobs/{taskId}"]["get"].is_object(), "{own}");
    // A schema that is not checked is not part of the description.
    let body = |own: &Value| {
        let body = &own["paths"]["/widgets"]["post"]["requestBody"];
        body["content"]["application/json"]["schema"].clone()
    };
    assert_eq!(body(&own), json!({"type": "object"}));
    let strict = widgets().with_checked_bodies().description();
    assert_eq!(body(&strict), json!({"$ref": "#/components/schemas/NewWidget"}));

    // An API can be created from its own description.
    for own in [own, crate::api::api().description()] {
        let tasks = if own["paths"]["/jobs"].is_object() { "/jobs" } else { "/tasks" };
        MockApi::from_openapi(&own, OpenApiOptions::new("/v1").with_tasks_path(tasks)).unwrap();
    }
}

#[test]
fn every_answer_of_the_example_matches_its_schema() {
    assert_eq!(
        mismatches(&description(), OpenApiOptions::new("/v1").with_task_schema("Job"), "/jobs"),
        [] as [String; 0]
    );
}

/// Sends one request for each operation of a description, and returns the answers that are errors
/// or do not match their schema. `tasks` is the path of tasks.
fn mismatches(description: &Value, options: OpenApiOptions, tasks: &str) -> Vec<String> {
    let mut api = MockApi::from_openapi(description, options).unwrap();
    api = api.with_authentication(Authentication::None(acme()));
    let schemas = Schemas::new(description);
    let mut requests = Vec::new();
    let paths = description["paths"].as_object().unwrap().iter();
    // A `#` distinguishes variants of one operation, of which only the first counts. The format
    // defines tasks, not the description.
    for (path, item) in paths.filter(|(path, _)| !path.contains('#') && !path.starts_with(tasks)) {
        let address = address(description, path, item);
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                requests.push((method, path, address.clone()));
            }
        }
        // One resource of each kind exists.
        for (end, _) in address.match_indices('/').skip(1).chain([(address.len(), "")]) {
            if api.has_resource(&address[..end]) {
                api = api.with_existing(&acme(), &address[..end], &json!({})).unwrap();
            }
        }
    }
    // Deletions come last, and the innermost resource first.
    requests.sort_by_key(|(method, path, _)| {
        let depth = if *method == "delete" { path.matches('/').count() } else { 0 };
        (*method == "delete", usize::MAX - depth)
    });
    let mut mismatches = Vec::new();
    for (method, path, address) in requests {
        let request = http::Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(format!("/v1{address}"));
        let body = if method == "get" { "" } else { "{}" };
        let response = api.handle(&request.body(body).unwrap(), second(0.0));
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            mismatches.push(format!("{method} {path}: {status} {}", response.body()));
        } else if let Some(schema) = schemas.answer(method, path, status)
            && !response.headers().contains_key("retry-after")
        {
            let mismatch = match serde_json::from_str(response.body()) {
                Ok(shown) => schemas.error(&schema, &shown),
                Err(_) => Some(format!("no JSON: {:?}", response.body())),
            };
            mismatches.extend(mismatch.map(|mismatch| format!("{method} {path}: {mismatch}")));
        }
    }
    mismatches
}

/// Fills in a path with ids of the types that its parameters have.
fn address(description: &Value, path: &str, item: &Value) -> String {
    let resolved = |value: &Value| match value["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => value.clone(),
    };
    let own =
        item.as_object().unwrap().values().filter_map(|operation| operation.get("parameters"));
    let lists = item.get("parameters").into_iter().chain(own);
    let parameters: Vec<Value> =
        lists.filter_map(Value::as_array).flatten().map(resolved).collect();
    let mut address = String::new();
    let mut rest = path.split('#').next().unwrap().trim_end_matches('/');
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name);
        let schema = parameter.map(|parameter| resolved(&parameter["schema"])).unwrap_or_default();
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

/// Sends a request for each operation of your own description:
///
/// `OPENAPI=FILE.json cargo test -p tasklife-mock --test all -- --ignored any_description`
#[test]
#[ignore = "needs a description"]
fn any_description() {
    let file = std::env::var("OPENAPI").unwrap();
    let description = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let options = OpenApiOptions::new("/v1");
    let options = match std::env::var("TASKS_ARE") {
        Ok(name) => options.with_task_schema(&name),
        Err(_) => options,
    };
    let mismatches = mismatches(&description, options, "/tasks ");
    assert!(mismatches.is_empty(), "{}: {}", mismatches.len(), mismatches.join("\n"));
}

/// The description of the example, with a few values replaced.
fn damaged_description() -> impl Strategy<Value = Value> {
    let replacement = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(7)),
        Just(json!("#/components/schemas/Widget")),
        Just(json!({"$ref": "#/components/schemas/Widget"})),
        Just(json!({"$ref": "#/components/schemas/NewWidget"})),
        Just(json!([])),
        Just(json!({})),
        Just(
            json!({"type": "array", "minItems": u64::MAX, "items": {"minLength": u64::MAX, "type": "string"}})
        ),
        Just(
            json!({"type": "number", "minimum": 1e308, "exclusiveMinimum": true, "multipleOf": 1e-308})
        ),
        Just(json!({"type": "string", "pattern": "(a{9999}){9999}|[^\\x00]{3}"})),
        Just(
            json!({"oneOf": [{"$ref": "#/components/schemas/Widget"}, {"$ref": "#/components/schemas/Label"}]})
        ),
        Just(
            json!({"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/components/schemas/Label"}}})
        ),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), replacement), 1..6).prop_map(|changes| {
        let mut description = description();
        for (at, replacement) in changes {
            let mut pointers = Vec::new();
            pointers_of(&description, &mut String::new(), &mut pointers);
            let pointer = &pointers[at.index(pointers.len())];
            *description.pointer_mut(pointer).unwrap() = replacement;
        }
        description
    })
}

fn pointers_of(value: &Value, at: &mut String, pointers: &mut Vec<String>) {
    pointers.push(at.clone());
    let length = at.len();
    let fields = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.replace('/', "~1"), value));
    let elements = value.as_array().into_iter().flatten().enumerate();
    for (step, value) in fields.chain(elements.map(|(index, value)| (index.to_string(), value))) {
        at.push('/');
        at.push_str(&step);
        pointers_of(value, at, pointers);
        at.truncate(length);
    }
}

proptest! {
    #[test]
    fn a_damaged_description_is_refused_or_answers_without_a_server_error(description in damaged_description()) {
        let options = OpenApiOptions::new("/api").with_task_schema("Job");
        let Ok(api) = MockApi::from_openapi(&description, options) else { return Ok(()) };
        let api = api.with_authentication(Authentication::None(acme()));
        for (method, path) in [
            ("POST", "/api/widgets"),
            ("PATCH", "/api/widgets/7"),
            ("PUT", "/api/widgets/7/labels/x"),
            ("PUT", "/api/settings"),
            ("GET", "/api/settings"),
            ("GET", "/api/widgets"),
            ("GET", "/api/widgets/7"),
            ("DELETE", "/api/widgets/7"),
        ] {
            let body = if method == "GET" { Value::Null } else { json!({"name": "a", "label": "x"}) };
            let response = call(&api, method, path, &body);
            prop_assert!(response.status().as_u16() < 500, "{} {}: {}", method, path, response.body());
        }
        let own = api.description();
        prop_assert!(own["paths"].is_object());
    }
}
