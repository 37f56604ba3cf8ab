//! The configuration file.

use std::fs;

use serde_json::{Value, json};

use super::{Mock, keys, run};
use tasklife_test_support::{Reply, Scratch};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/config.json");

/// Starts a mock with this configuration.
fn configured(name: &str, config: &Value, options: &[&str]) -> Mock {
    let file = Scratch::new(name);
    fs::write(file.path(), config.to_string()).unwrap();
    Mock::start(&[&["--config", file.path()], options].concat())
}

/// A client with these keys.
struct Caller<'a> {
    mock: &'a Mock,
    keys: &'a str,
}

impl Caller<'_> {
    fn get(&self, path: &str) -> Reply {
        self.mock.0.send("GET", path, self.keys, b"")
    }

    /// Sends a request that creates a task, and returns the path of the task.
    fn submit(&self, method: &str, path: &str, body: &str) -> String {
        let accepted = self.mock.0.send(method, path, self.keys, body.as_bytes());
        let location = accepted.header("location").unwrap();
        location.strip_prefix(&format!("http://{}", self.mock.0.address)).unwrap().to_owned()
    }

    /// Reads a task `N` times, and returns its status each time, or the HTTP status if it is not
    /// 200.
    fn read<const N: usize>(&self, task: &str) -> [String; N] {
        [(); N].map(|()| {
            let reply = self.get(task);
            match reply.status {
                200 => reply.document(200).status().to_string(),
                other => other.to_string(),
            }
        })
    }
}

#[test]
fn the_example_config_works_as_written() {
    let mock = Mock::start(&["--config", EXAMPLE, "--speed", "100"]);
    let acme = Caller { mock: &mock, keys: "x-api-key: key\r\nx-api-secret-key: secret\r\n" };
    let other = "x-api-key: other-key\r\nx-api-secret-key: other-secret\r\n";
    let umbrella = Caller { mock: &mock, keys: other };
    assert_eq!(mock.get("acme", "/v1/tasks").error(401), "/v1/tasks");
    let path = "/v1/subscriptions/1/databases/2";
    assert_eq!(umbrella.get(path).error(404), path);
    let database = acme.get(path).json(200);
    assert_eq!((&database["name"], &database["status"]), (&json!("sessions"), &json!("active")));

    let databases = "/v1/subscriptions/1/databases";
    let fine = acme.submit("POST", databases, r#"{"name": "fine"}"#);
    let life = ["404", "received", "processing-in-progress", "processing-completed"];
    assert_eq!(acme.read(&fine), life);
    let made = "/v1/subscriptions/1/databases/77899";
    assert_eq!([(); 2].map(|()| acme.get(made).json(200)["status"].clone()), ["pending", "active"]);

    let broken = acme.submit("POST", databases, r#"{"name": "broken", "memoryLimitInGb": 1}"#);
    assert_eq!(acme.read(&broken), ["404", "processing-error"]);
    let error = &acme.get(&broken).json(200)["response"]["error"];
    assert_eq!(error["type"], "DATABASE_NOT_CREATED");
    assert_eq!(error["status"], "409 CONFLICT");
    assert_eq!(error["description"], "There is no capacity left for the database.");

    let backup = acme.submit("GET", &format!("{path}/backup"), "");
    assert_eq!(acme.read(&backup), ["404", "processing-completed"]);
    let resource = &acme.get(&backup).json(200)["response"]["resource"];
    assert_eq!(*resource, json!({ "status": "idle" }));

    let here = json!({ "cloudProviders": [{ "regions": [{ "region": "eu-west-1" }] }] });
    let body = here.to_string();
    let accepted = mock.0.send("POST", "/v1/subscriptions", acme.keys, body.as_bytes());
    assert_eq!(accepted.json(202)["status"], "initialized");
    let [there, here] = ["eu-west-1", "eu-west-2"].map(|region| {
        let body =
            json!({ "cloudProviders": [{ "regions": [{ "region": "x" }, { "region": region }] }] });
        acme.submit("POST", "/v1/subscriptions", &body.to_string())
    });
    assert_eq!(acme.read(&there), ["404"]);
    let becomes = |task: &str, status: &str| super::poll(|| acme.read(task) == [status]);
    becomes(&here, "processing-completed");
    becomes(&there, "processing-in-progress");
    for database in [path, made] {
        let deleted = acme.submit("DELETE", database, "");
        becomes(&deleted, "processing-completed");
    }
    super::poll(|| acme.get(made).status == 404);
    acme.submit("DELETE", "/v1/subscriptions/1", "");
    super::poll(|| acme.get("/v1/subscriptions/1").json(200)["status"] == "error");
    assert_eq!(acme.read(&there), ["processing-in-progress"]);

    let spoiled = umbrella.submit("POST", "/v1/subscriptions", "{}");
    let shown = [(); 7].map(|()| umbrella.get(&spoiled));
    assert_eq!(shown.each_ref().map(|it| it.status), [404, 200, 503, 200, 200, 200, 404]);
    assert_eq!(shown[2].header("retry-after"), Some("5"));
    assert_eq!(
        (&shown[1].json(200)["progress"], &shown[3].json(200)["progress"]),
        (&json!(10), &json!(60))
    );
    assert!(!shown[4].body.ends_with('}'), "{:?}", shown[4]);
    assert_eq!(shown[5].json(200)["status"], "processing-completed");
}

const WIDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/widgets.openapi.json");

#[test]
fn a_description_defines_the_api() {
    let token = "x-token: acme\r\n";
    let send = |mock: &Mock, method: &str, path: &str, body: &str| {
        mock.0.send(method, path, token, body.as_bytes())
    };
    let command = ["--openapi", WIDGETS, "--tasks-are", "Job", "--advance", "immediate"];
    let file = Scratch::new("described");
    fs::write(
        file.path(),
        json!({ "openapi": WIDGETS, "tasksAre": "Job", "advance": "immediate" }).to_string(),
    )
    .unwrap();
    let configured = ["--config", file.path()];
    for mock in [Mock::start(&command), Mock::start(&configured)] {
        let accepted = send(&mock, "POST", "/v1/widgets", r#"{"name": "a"}"#);
        let task = accepted.header("location").unwrap().split_once("/v1").unwrap().1.to_owned();
        assert!(accepted.status == 202 && task.starts_with("/jobs/"), "{task}");
        let ended = send(&mock, "GET", &format!("/v1{task}"), "").json(200);
        assert_eq!(ended["response"]["resourceId"], "00000000-0000-4000-8000-00000001304b");
        assert_eq!(send(&mock, "GET", "/v1/widgets", "").json(200)["total"], 1);
        assert_eq!(mock.get("acme", "/v1/widgets").status, 401);
        assert_eq!(send(&mock, "POST", "/v1/widgets", "{}").status, 202);
    }

    // The file adds to the description.
    let config = json!({
        "base": "/api",
        "openapi": WIDGETS,
        "tasksAre": "Job",
        "operations": [
            {"method": "POST", "path": "/widgets", "command": "widgetCreateRequest", "status": 201},
            {"method": "PATCH", "path": "/widgets/{widgetId}", "command": "widgetUpdateRequest"},
        ],
        "keys": "none",
        "checkBodies": true,
        "existing": [{"account": "default", "path": "/widgets/7", "fields": {"name": "old"}}],
        "scripts": [{"command": "widgetUpdateRequest", "pace": "never"}],
    });
    let mock = self::configured("beside", &config, &[]);
    let send =
        |method: &str, path: &str, body: &str| mock.0.send(method, path, "", body.as_bytes());
    assert_eq!(send("POST", "/api/widgets", r#"{"name": "a"}"#).status, 201);
    assert_eq!(
        send("POST", "/api/widgets", "{}").json(400)["message"],
        "expected a field \"name\""
    );
    assert_eq!(send("GET", "/api/widgets/7", "").json(200)["name"], "old");
    assert_eq!(send("PATCH", "/api/widgets/7", r#"{"name": "new"}"#).status, 202);
    assert_eq!(send("GET", "/v1/widgets/7", "").status, 404);
}

#[test]
fn operations_and_resources_define_an_api() {
    let config = json!({
        "base": "",
        "operations": [
            {"method": "POST", "path": "/boxes", "command": "pack"},
            {"method": "DELETE", "path": "/boxes/{boxId}", "command": "unpack", "status": 200},
        ],
        "resources": [{"path": "/boxes/{boxId}", "idField": "boxId"}],
        "keys": {"header": "x-token"},
        "accounts": [{"key": "k", "account": "acme"}],
        "advance": "immediate",
    });
    let mock = configured("own", &config, &[]);
    let send = |method: &str, path: &str, body: &str| {
        mock.0.send(method, path, "x-token: k\r\n", body.as_bytes())
    };
    assert_eq!(send("POST", "/boxes", r#"{"size": 3}"#).document(202).command_type(), Some("pack"));
    assert_eq!(send("GET", "/tasks", "").status, 200);
    let made = send("GET", "/boxes/77899", "").json(200);
    assert_eq!(made, json!({"boxId": 77899, "size": 3, "status": "active"}));
    assert_eq!(send("DELETE", "/boxes/77899", "").status, 200);
    assert_eq!(send("GET", "/boxes/77899", "").status, 404);
    assert_eq!(send("POST", "/subscriptions", "{}").status, 404);
    assert_eq!(mock.0.send("GET", "/boxes", "x-token: other\r\n", b"").status, 401);
    // Without `keys`, no key is needed.
    let open = configured("open", &json!({"resources": [{"path": "/boxes/{boxId}"}]}), &[]);
    assert_eq!(
        open.0.send("GET", "/v1/boxes", "", b"").json(200),
        json!({"accountId": 1, "boxes": []})
    );
}

#[test]
fn the_config_in_the_readme_works_as_written() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme.split_once("```json\n").unwrap();
    let config: Value = serde_json::from_str(after.split_once("```").unwrap().0).unwrap();
    let mock = configured("readme", &config, &[]);
    let acme = Caller { mock: &mock, keys: "x-api-key: key\r\nx-api-secret-key: secret\r\n" };
    let databases = "/v1/subscriptions/1/databases";
    let fine = acme.submit("POST", databases, r#"{"name": "fine"}"#);
    let work = ["processing-in-progress"; 2];
    assert_eq!(acme.read(&fine), [work[0], work[1], "processing-completed"]);
    let broken = acme.submit("POST", databases, r#"{"name": "broken"}"#);
    assert_eq!(acme.read(&broken), ["processing-error"]);
}

#[test]
fn the_api_in_the_readme_works_as_written() {
    let readme = include_str!("../../../README.md");
    let config = readme.split("```json\n").nth(2).unwrap().split_once("```").unwrap().0;
    let config: Value = serde_json::from_str(config).unwrap();
    let mock = configured("readme-api", &config, &["--advance", "immediate"]);
    let send = |method: &str, path: &str, body: &str| {
        mock.0.send(method, path, "x-token: me\r\n", body.as_bytes())
    };
    assert_eq!(
        send("POST", "/api/boxes", r#"{"size": 3}"#).document(202).command_type(),
        Some("pack")
    );
    assert_eq!(send("GET", "/api/boxes/77899", "").json(200)["boxId"], 77_899);
}

#[test]
fn when_matches_bodies_that_contain_it() {
    let when = |when: Value| json!({ "command": "subscriptionCreateRequest", "when": when });
    for (wanted, body, met) in [
        (json!({}), r#"{"name": "a"}"#, true),
        (json!({"name": "a"}), r#"{"name": "a", "more": 1}"#, true),
        (json!({"name": "a"}), r#"{"name": "b"}"#, false),
        (json!({"name": "a"}), r#"{"Name": "a"}"#, false),
        (json!({"name": "a"}), r#"{"name": ["a"]}"#, false),
        (json!({"name": null}), r"{}", false),
        (json!({"name": null}), r#"{"name": null}"#, true),
        (json!({"n": 1, "m": 2.0}), r#"{"n": 1.0, "m": 2}"#, true),
        (json!({"n": 1}), r#"{"n": 1.5}"#, false),
        (json!({"a": {"b": {"c": true}}}), r#"{"a": {"b": {"c": true, "d": 1}, "e": 1}}"#, true),
        (json!({"a": {"b": {"c": true}}}), r#"{"a": {"b": {"c": false}}}"#, false),
        (json!({"a": {}}), r#"{"a": []}"#, false),
        (json!({"a": [{"b": 1}, 2]}), r#"{"a": [1, 2, {"b": 1, "c": 1}]}"#, true),
        (json!({"a": [{"b": 1}, 3]}), r#"{"a": [1, 2, {"b": 1}]}"#, false),
        (json!({"a": []}), r#"{"a": [1]}"#, true),
    ] {
        let mut rule = when(wanted.clone());
        rule["pace"] = json!("never");
        let config = json!({ "advance": "immediate", "scripts": [rule] });
        let mock = configured("condition", &config, &[]);
        let expected = if met { "received" } else { "processing-completed" };
        assert_eq!(mock.status(&mock.submit("acme", body)), expected, "{wanted} in {body}");
    }
}

#[test]
fn the_last_matching_script_applies_and_options_override_the_file() {
    let create = "subscriptionCreateRequest";
    let config = json!({
        "advance": "never",
        "visibilityLag": 3600,
        "scripts": [
            { "command": create, "when": { "name": "a" }, "pace": "immediate" },
            { "command": create, "when": { "name": "a", "b": 1 }, "fail": { "code": "B" } },
        ],
    });
    let mock = configured("last", &config, &["--advance", "immediate", "--not-found-for", "0"]);
    for (body, expected) in [
        (r#"{"name": "a"}"#, "processing-completed"),
        (r#"{"name": "a", "b": 1}"#, "processing-error"),
        (r#"{"name": "c"}"#, "processing-completed"),
    ] {
        assert_eq!(mock.status(&mock.submit("acme", body)), expected, "{body}");
    }
    assert_eq!(configured("lag", &config, &[]).status(&mock.submit("acme", "{}")), "404");
    let options = ["--not-found-for", "0", "--fail", "subscriptionCreateRequest=ALL"];
    let mock = configured("fail", &config, &options);
    assert_eq!(mock.status(&mock.submit("acme", r#"{"name": "a"}"#)), "received");
    let mock = configured("fail", &config, &[&options[..], &["--advance", "immediate"]].concat());
    assert_eq!(mock.status(&mock.submit("acme", r#"{"name": "a"}"#)), "processing-error");
}

#[test]
fn limits_are_enforced() {
    let config = json!({
        "openAccounts": 2, "advance": "never", "maxOpen": 1, "maxTasks": 2, "maxInput": 10,
    });
    let mock = configured("bounds", &config, &[]);
    let path = "/v1/subscriptions";
    mock.submit("acme", "{}");
    assert_eq!(mock.post("acme", path, "{}").error(429), path);
    assert_eq!(mock.post("acme", path, r#"{"name": 1}"#).error(413), path);
    mock.submit("umbrella", r#"{"nam": 1}"#);
    assert_eq!(mock.get("initech", path).error(401), path);

    let config = json!({ "advance": 0.2, "maxInProgress": 1, "retentionDays": 0 });
    assert_eq!(configured("retention", &config, &[]).post("acme", path, "{}").error(503), path);
    let config = json!({
        "scripts": [{ "command": "subscriptionCreateRequest", "inProgress": "never" }],
        "maxInProgress": 1,
        "maxTasks": 2,
    });
    let mock = configured("lane", &config, &[]);
    let tasks = [(); 2].map(|()| mock.submit("acme", "{}"));
    assert_eq!(tasks.map(|task| mock.status(&task)), ["processing-in-progress", "received"]);
    assert_eq!(mock.post("umbrella", path, "{}").error(503), path);
}

#[test]
fn resources_and_results_are_as_configured() {
    let config = json!({
        "accounts": [{ "key": "acme", "secret": "secret-of-acme", "account": "a" }],
        "openAccounts": 1,
        "advance": "immediate",
        "existing": [{ "account": "umbrella", "path": "/fixed/subscriptions/5" }],
        "scripts": [{
            "command": "subscriptionCreateRequest",
            "initialized": "reads:2",
            "resource": "never",
            "complete": { "resourceId": "text", "additionalResourceId": 7, "resource": { "a": [1] } },
        }, {
            "command": "fixedSubscriptionDeleteRequest",
            "resourceFails": true,
            "resource": "reads:1",
        }, {
            "command": "subscriptionUpdateRequest",
            "fail": { "code": "C", "additionalInfo": "more" },
        }],
    });
    let mock = configured("results", &config, &[]);
    let task = mock.submit("acme", "{}");
    assert_eq!([(); 2].map(|()| mock.status(&task)), ["initialized", "processing-completed"]);
    let response = &mock.get("acme", &task).json(200)["response"];
    let expected =
        json!({ "resourceId": "text", "additionalResourceId": 7, "resource": { "a": [1] } });
    assert_eq!(*response, expected);
    assert_eq!(mock.get("acme", "/v1/subscriptions/text").json(200)["status"], "pending");

    let updated = mock.0.send("PUT", "/v1/subscriptions/text", &keys("acme"), b"{}").document(200);
    let failed = mock.get("acme", &format!("/v1/tasks/{}", updated.task_id())).json(200);
    assert_eq!(failed["response"]["additionalInfo"], "more");

    let path = "/v1/fixed/subscriptions/5";
    assert_eq!(mock.get("umbrella", path).json(200)["status"], "active");
    mock.0.send("DELETE", path, &keys("umbrella"), b"").document(200);
    assert_eq!(mock.get("umbrella", path).json(200)["status"], "error");
}

/// Asserts that the program refuses a configuration and names the file, and returns the rest of the
/// message.
fn refusal(file: &Scratch) -> String {
    let refused = run(&["--listen", "127.0.0.1:0", "--config", file.path()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    let message = String::from_utf8(refused.stderr).unwrap();
    let named = message.strip_prefix(&format!("{}: ", file.path()));
    named.unwrap_or_else(|| panic!("{message}")).trim_end().to_owned()
}

#[test]
fn an_invalid_api_is_refused_with_its_place() {
    let file = Scratch::new("no-api");
    for (text, message) in [
        (r#"{"base": "v1"}"#, "base: expected a path such as /v1, or an empty string, got \"v1\""),
        (r#"{"openapi": "/nowhere.json"}"#, "/nowhere.json: No such file"),
        (
            r#"{"operations": [{"method": "get", "path": "/a", "command": "a"}]}"#,
            "operations[0]: expected one of GET, POST, PUT, PATCH, DELETE as `method`, got \"get\"",
        ),
        (
            r#"{"operations": [{"method": "GET", "path": "/tasks", "command": "a"}]}"#,
            "operations[0]: expected an unused path for GET",
        ),
        (
            r#"{"operations": [{"method": "GET", "path": "/a", "command": "a", "status": 404}]}"#,
            "operations[0]: expected a `status` from 200 to 299, got 404",
        ),
        (
            r#"{"operations": ["x"]}"#,
            "expected an object with `method`, `path` and `command` at line",
        ),
        (
            r#"{"resources": [{"path": "/a"}]}"#,
            "resources[0]: expected a path that ends with a name",
        ),
        (r#"{"keys": "digest"}"#, "expected \"none\", \"basic\", \"bearer\", or an object such as"),
        (r#"{"keys": {"header": "x y"}}"#, "keys: expected the name of a header, got \"x y\""),
        (
            &format!(
                r#"{{"openapi": "{WIDGETS}", "operations": [{{"method": "GET", "path": "/x", "command": "x"}}]}}"#
            ),
            "expected an operation of the description",
        ),
    ] {
        fs::write(file.path(), text).unwrap();
        let refused = refusal(&file);
        assert!(refused.contains(message), "{text}: {message}: {refused}");
    }
    let refused = run(&["--openapi", file.path(), "--listen", "127.0.0.1:0"]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.starts_with(&format!("--openapi: {}: expected an OpenAPI", file.path())),
        "{message}"
    );
}

#[test]
fn an_invalid_config_is_refused_with_its_place() {
    let file = Scratch::new("bad");
    let refusal = || refusal(&file);
    assert!(refusal().contains("No such file"));
    let create = r#""command": "subscriptionCreateRequest""#;
    for (text, message) in [
        ("", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("{}\n}", "trailing characters at line 2 column 1"),
        (r#"{"acounts": []}"#, "unknown field `acounts`, expected one of `base`, "),
        (r#"{"accounts": {}}"#, "expected a sequence at line 1 column 13"),
        (r#"{"accounts": [{"key": "k", "secret": "s"}]}"#, "missing field `account` at line 1"),
        (
            r#"{"accounts": [{"key": "k", "secret": "s", "account": ""}]}"#,
            "expected an account id of 1 to 255 bytes, got 0 at line 1",
        ),
        (
            r#"{"accounts": [{"key": "", "secret": "s", "account": "a"}]}"#,
            "accounts[0]: expected a key and a secret of visible ASCII",
        ),
        (
            r#"{"accounts": [{"key": "k", "secret": "ß", "account": "a"}]}"#,
            "accounts[0]: expected a key and a secret of visible ASCII",
        ),
        (
            r#"{"accounts": [{"key": "k", "secret": "s", "account": "a"}, {"key": "k", "secret": "t", "account": "b"}]}"#,
            "accounts[1]: expected a key that no other account has",
        ),
        (r#"{"openAccounts": -1}"#, "invalid value: integer `-1`"),
        (
            "{\n  \"advance\": \"soon\"\n}",
            "expected immediate, a number of seconds, reads:N or never, got \"soon\" at line",
        ),
        (r#"{"visibilityLag": true}"#, "reads:N or never, got \"true\" at line 1"),
        (r#"{"maxInProgress": 0}"#, "expected a nonzero u32 at line 1"),
        (r#"{"retentionDays": 4294967296}"#, "invalid value: integer `4294967296`"),
        (
            r#"{"existing": [{"account": "a", "path": "/nothing/1"}]}"#,
            "existing[0]: expected the path of a resource",
        ),
        (
            r#"{"openAccounts": 0, "existing": [{"account": "a", "path": "/subscriptions/1"}]}"#,
            "existing[0]: expected one of `accounts`, got \"a\"",
        ),
        (
            r#"{"scripts": [{"command": "databaseMakeRequest"}]}"#,
            "scripts[0]: expected one of the 83 command types of the API, such as databaseCreateRequest, ",
        ),
        (
            r#"{"scripts": [{"when": {"a": 1}}]}"#,
            "scripts[0]: expected `when` together with a `command`",
        ),
        (
            &format!(r#"{{"scripts": [{{{create}}}, {{"faults": [{{}}]}}]}}"#),
            "scripts[1]: faults[0]: expected one or more of `status`, `cutShort`, `notJson` and `delay`",
        ),
        (
            r#"{"tasksAre": "Job"}"#,
            "tasksAre: expected an OpenAPI description that has this schema",
        ),
        (r#"{"rateLimit": 0}"#, "invalid value: integer `0`, expected a nonzero u32"),
        // Messages of serde, in terms of the file and with the place.
        (
            &format!(r#"{{"scripts": [{{{create}, "fail": 7}}]}}"#),
            "expected a code, or an object such as {\"code\": \"DATABASE_NOT_CREATED\"} at line 1 column",
        ),
        (
            &format!(r#"{{"scripts": [{{{create}, "complete": 7}}]}}"#),
            "expected an object such as {\"resourceId\": 77899} at line 1 column",
        ),
        (r#"{"scripts": ["x"]}"#, "expected an object such as {\"command\": "),
        (r#"{"accounts": ["x"]}"#, "expected an object with `key`, `secret` and `account` at line"),
        (r#"{"existing": ["x"]}"#, "expected an object with `account` and `path` at line"),
        (&format!(r#"{{"scripts": [{{{create}, "when": "x"}}]}}"#), "expected a map at line 1"),
        (&format!(r#"{{"scripts": [{{{create}, "pase": "1"}}]}}"#), "unknown field `pase`"),
        (
            &format!(
                r#"{{"scripts": [{{{create}}}, {{{create}, "pace": "1", "received": "1"}}]}}"#
            ),
            "scripts[1]: expected `pace`, or `received` and `inProgress`, not both",
        ),
        (
            &format!(r#"{{"scripts": [{{{create}, "complete": {{}}, "fail": {{"code": "C"}}}}]}}"#),
            "scripts[0]: expected `fail` or `complete`, not both",
        ),
        (&format!(r#"{{"scripts": [{{{create}, "fail": {{}}}}]}}"#), "missing field `code`"),
        (
            &format!(
                r#"{{"scripts": [{{{create}, "complete": {{"resource": {{"a": {}{}}}}}}}]}}"#,
                "[".repeat(121),
                "]".repeat(121)
            ),
            "scripts[0]: expected a `resource` with less nesting",
        ),
    ] {
        fs::write(file.path(), text).unwrap();
        let refused = refusal();
        assert!(refused.contains(message), "{text}: {message}: {refused}");
        assert!(!refused.contains("struct "), "the message must not name types of the program");
    }
}
