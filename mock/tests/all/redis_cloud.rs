//! The API of Redis Cloud, compared with what is known about it: its operations, its schemas, and
//! recorded results.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use tasklife_mock::{MockApi, Pace, Script};

use crate::api::{Client, acme, api, document, value};
use crate::schema::Schemas;

const DESCRIPTION: &str = include_str!("../../src/redis_cloud/description.json");
const OPERATIONS: &str = include_str!("fixtures/operations.tsv");
const RESULTS: &str = include_str!("fixtures/results.tsv");

/// A line of the table of operations.
#[derive(Clone, Copy)]
struct Operation {
    method: &'static str,
    path: &'static str,
    status: Option<u16>,
    answer: &'static str,
    command: &'static str,
}

fn operations() -> Vec<Operation> {
    let lines = OPERATIONS.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [method, path, status, answer, command] = columns[..] else { panic!("{line}") };
        Operation { method, path, status: status.parse().ok(), answer, command }
    });
    lines.collect()
}

/// Fills in a path with the ids of [`populated`]. Subscription 1 is in one region, and 11 in
/// several.
fn with_ids(path: &str) -> String {
    let subscription = if path.contains("/regions") { "11" } else { "1" };
    let mut unnamed = 0;
    let segments = path.split('/').map(|segment| match segment {
        "{subscriptionId}" if path.starts_with("/fixed") => "3",
        "{subscriptionId}" => subscription,
        "{databaseId}" if path.starts_with("/fixed") => "4",
        "{databaseId}" if path.ends_with("/regions") => "12",
        "{databaseId}" if path.ends_with("/flush") => "12",
        "{databaseId}" => "2",
        "{regionId}" => "13",
        "{planId}" => "98183",
        "{tagKey}" => "team",
        "{userId}" | "{TgwId}" | "{tgwInvitationId}" => "1",
        // Operations that are only known from recordings have unnamed placeholders.
        "{}" => {
            unnamed += 1;
            match (path.starts_with("/fixed"), unnamed) {
                (true, 1) => "3",
                (true, _) => "4",
                (false, 1) => subscription,
                (false, _) => "13",
            }
        }
        id if id.starts_with('{') => "5",
        literal => literal,
    });
    let path = segments.collect::<Vec<&str>>().join("/");
    // Database 12 is in several regions, so it is in subscription 11.
    if path.contains("/databases/12/") {
        path.replace("/subscriptions/1/", "/subscriptions/11/")
    } else {
        path
    }
}

/// The API, with one resource of each kind.
fn populated() -> MockApi {
    let regions = json!({"cloudProviders": [{"provider": "AWS", "regions": [
        {"region": "us-east-1", "networking": {"deploymentCIDR": "10.0.0.0/24"}},
    ]}]});
    let mut active_active = regions.clone();
    active_active["deploymentType"] = json!("active-active");
    let existing = [
        ("/subscriptions/1", regions),
        ("/subscriptions/1/databases/2", json!({"name": "sessions", "datasetSizeInGb": 1})),
        ("/subscriptions/1/databases/2/tags/team", json!({"value": "blue"})),
        (
            "/subscriptions/1/peerings/5",
            json!({"vpcId": "vpc-1", "vpcCidr": "10.1.0.0/24", "region": "us-east-1", "awsAccountId": "1"}),
        ),
        ("/subscriptions/1/private-service-connect/5", json!({})),
        (
            "/subscriptions/1/private-service-connect/5/endpoints/5",
            json!({"gcpProjectId": "p", "gcpVpcName": "v", "gcpVpcSubnetName": "s", "endpointConnectionName": "c"}),
        ),
        (
            "/subscriptions/1/private-link",
            json!({"shareName": "s", "principal": "1", "type": "aws_account"}),
        ),
        ("/subscriptions/1/transitGateways/1", json!({"cidrs": ["10.2.0.0/24"]})),
        ("/subscriptions/1/transitGateways/invitations/1", json!({})),
        ("/subscriptions/11", active_active),
        ("/subscriptions/11/databases/12", json!({"name": "everywhere"})),
        (
            "/subscriptions/11/regions/13",
            json!({"region": "us-east-1", "deploymentCIDR": "10.0.0.0/24"}),
        ),
        (
            "/subscriptions/11/regions/peerings/5",
            json!({"sourceRegion": "us-east-1", "vpcProjectUid": "p", "vpcNetworkName": "n"}),
        ),
        ("/subscriptions/11/regions/13/private-service-connect/5", json!({})),
        (
            "/subscriptions/11/regions/13/private-service-connect/5/endpoints/5",
            json!({"gcpProjectId": "p", "gcpVpcName": "v", "gcpVpcSubnetName": "s", "endpointConnectionName": "c"}),
        ),
        ("/subscriptions/11/regions/13/private-link", json!({"shareName": "s", "principal": "1"})),
        ("/subscriptions/11/regions/13/transitGateways/1", json!({})),
        ("/subscriptions/11/regions/13/transitGateways/invitations/1", json!({})),
        ("/fixed/subscriptions/3", json!({"name": "small", "planId": 98183})),
        ("/fixed/subscriptions/3/databases/4", json!({"name": "cache"})),
        ("/fixed/subscriptions/3/databases/4/tags/team", json!({"value": "blue"})),
        ("/acl/redisRules/5", json!({"name": "mine", "redisRule": "+@read ~*"})),
        (
            "/acl/roles/5",
            json!({"name": "reader", "redisRules": [{"ruleName": "Read-Only", "databases": [{"subscriptionId": 1, "databaseId": 2}]}]}),
        ),
        ("/acl/users/5", json!({"name": "ada", "role": "other"})),
        ("/cloud-accounts/5", json!({"name": "own", "provider": "AWS"})),
    ];
    existing
        .into_iter()
        .fold(api(), |api, (path, fields)| api.with_existing(&acme(), path, &fields).unwrap())
}

/// A minimal body for an operation.
fn body(method: &str, path: &str) -> String {
    if method == "DELETE" && path.ends_with("/regions") {
        return json!({ "regions": [{ "region": "us-east-1" }] }).to_string();
    }
    if ["GET", "DELETE"].contains(&method) {
        return String::new();
    }
    let body = match path.rsplit('/').next() {
        Some("roles" | "{aclRoleId}") => {
            json!({"name": "n", "redisRules": [{"ruleName": "mine", "databases": []}]})
        }
        Some("users" | "{aclUserId}") => json!({"name": "n", "role": "reader", "password": "p"}),
        Some("tags") => {
            json!({"key": "stage", "value": "test", "tags": [{"key": "a", "value": "b"}]})
        }
        Some("regions") => json!({"region": "eu-west-1", "deploymentCIDR": "10.3.0.0/24"}),
        Some("private-service-connect") if method == "POST" => return String::new(),
        _ => {
            json!({"name": "n", "redisRule": "+@all ~*", "mode": "automatic", "targetRedisVersion": "8.0"})
        }
    };
    body.to_string()
}

/// The populated API, without the resources that an operation needs to be absent.
fn prepared(method: &str, path: &str) -> MockApi {
    let api = populated();
    let absent = match (method, path) {
        (
            "POST",
            "/subscriptions/{subscriptionId}/private-service-connect"
            | "/subscriptions/{subscriptionId}/regions/{regionId}/private-service-connect",
        ) => {
            vec![format!("/v1{}", with_ids(path))]
        }
        ("DELETE", "/subscriptions/{subscriptionId}") => {
            vec!["/v1/subscriptions/1/databases/2".into()]
        }
        ("DELETE", "/fixed/subscriptions/{subscriptionId}") => {
            vec!["/v1/fixed/subscriptions/3/databases/4".into()]
        }
        _ => Vec::new(),
    };
    for path in absent {
        let task = api.accepted("DELETE", &path, "", 0.0);
        assert_eq!(api.status(&task, 0.0), "processing-completed", "{path}");
    }
    api
}

#[test]
fn every_operation_has_its_status_its_command_type_and_its_schemas() {
    let schemas = Schemas::new(&serde_json::from_str(DESCRIPTION).unwrap());
    let component = |name: &str| format!("/components/schemas/{name}");
    let mut count = 0;
    for Operation { method, path, status, answer, command } in operations() {
        if path.starts_with("/tasks") {
            continue;
        }
        let api = prepared(method, path);
        let address = format!("/v1{}", with_ids(path));
        let response = api.call(method, &address, &body(method, path), 0.0);
        let got = response.status().as_u16();
        assert!(
            status.map_or([200, 202].contains(&got), |status| status == got),
            "{method} {address}: {got} {}",
            response.body()
        );
        let shown = value(&response);
        if !answer.is_empty() {
            assert_eq!(schemas.error(&component(answer), &shown), None, "{method} {path}");
        }
        if answer == "TaskStateUpdate" {
            let accepted = document(&response);
            if !command.is_empty() {
                assert_eq!(accepted.command_type(), Some(command), "{method} {path}");
            }
            let task = value(&api.get(&format!("/v1/tasks/{}", accepted.task_id()), 0.0));
            assert_eq!(task["status"], "processing-completed", "{method} {path}: {task}");
            assert_eq!(schemas.error(&component(answer), &task), None, "{method} {path}");
            let listed = value(&api.get("/v1/tasks", 0.0));
            assert_eq!(schemas.error(&component("TasksStateUpdate"), &listed), None);
        }
        count += 1;
    }
    assert_eq!(count, 136);
}

/// Parses the outermost fields of a shape such as `{status:s,links:[{rel,href}]}`, with their
/// types.
fn fields(shape: &str) -> BTreeMap<String, String> {
    let inner = shape.trim_start_matches('{').strip_suffix('}').unwrap();
    let (mut fields, mut depth, mut start) = (BTreeMap::new(), 0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ',' if depth == 0 && at > start => {
                let (name, kind) = inner[start..at].split_once(':').unwrap();
                fields.insert(name.to_owned(), kind.to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    fields
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind.chars().next().unwrap() {
        's' => value.is_string(),
        'n' => value.is_number(),
        'b' => value.is_boolean(),
        '[' => {
            let inner = kind.trim_start_matches('[').trim_end_matches(']');
            let known: BTreeSet<&str> = inner.trim_matches(['{', '}']).split(',').collect();
            value.as_array().unwrap().iter().all(|one| match one {
                Value::Object(fields) => {
                    // A recording lists at least the ids of the elements.
                    fields.keys().any(|name| known.contains(name.as_str()))
                }
                other => inner != "s" || other.is_string(),
            })
        }
        _ => value.is_object(),
    }
}

#[test]
fn results_have_the_recorded_fields() {
    let mut shapes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in RESULTS.lines().skip(1) {
        let (command, shape) = line.split_once('\t').unwrap();
        let command =
            if command == "privatelinkGetRequest" { "privateLinkGetRequest" } else { command };
        shapes.entry(command).or_default().push(shape);
    }
    let mut checked = BTreeSet::new();
    for Operation { method, path, command, .. } in operations() {
        let Some(shapes) = shapes.get(command) else { continue };
        let api = prepared(method, path);
        let address = format!(
            "/v1{}?includeTerraformGcpScript=true&includeTerraformAwsScript=true",
            with_ids(path)
        );
        if path.ends_with("/backup") || path.ends_with("/import") {
            api.accepted("POST", &address, "{}", 0.0);
        }
        let task = api.accepted(method, &address, &body(method, path), 0.0);
        let response = value(&api.get(&task, 0.0))["response"].clone();
        let fits = |shape: &&str| {
            match shape.strip_prefix("ids:") {
            Some(ids) => ids
                .split(',')
                .filter(|id| !id.is_empty())
                .all(|id| response[id].as_i64().is_some_and(|id| i32::try_from(id).is_ok())),
            None => fields(shape).iter().all(|(name, kind)| {
                let field = &response["resource"][name];
                !field.is_null() && has_type(field, kind)
                    // The operation did not fail, so it has no reason for a failure.
                    || ["failureReason", "failureReasonParams", "errorMessage"].contains(&name.as_str())
            }),
        }
        };
        assert!(shapes.iter().any(fits), "{method} {path}: {response} for {shapes:?}");
        checked.insert(command);
    }
    // No command type was recorded for peerings of subscriptions in several regions.
    let unchecked: Vec<&&str> =
        shapes.keys().filter(|command| !checked.contains(**command)).collect();
    assert_eq!(unchecked, [&"vpcPeeringGetRequest"]);
}

#[test]
fn a_renamed_rule_or_role_is_renamed_where_it_is_used() {
    let api = populated();
    let failure = |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let task = api.accepted(method, path, &body, 0.0);
        value(&api.get(&task, 0.0))["response"]["error"]["type"].clone()
    };
    let user = api.submit("/v1/acl/users", r#"{"name": "bob", "role": "reader"}"#, 0.0);
    let user = format!("/v1/acl/users/{}", api.made(&user, 0.0));
    assert_eq!(
        failure("PUT", "/v1/acl/roles/5", json!({"name": "all", "redisRules": []})),
        Value::Null
    );
    assert_eq!(value(&api.get(&user, 0.0))["role"], "all");
    assert_eq!(
        failure("DELETE", "/v1/acl/roles/5", Value::Null),
        "ACL_ROLE_HAS_ACTIVE_USERS_AND_CANNOT_BE_DELETED"
    );
    let other = json!({"name": "other", "redisRules": [{"ruleName": "mine", "databases": []}]});
    assert_eq!(failure("POST", "/v1/acl/roles", other.clone()), Value::Null);
    assert_eq!(failure("POST", "/v1/acl/roles", other), "ACL_ROLE_NAME_ALREADY_EXISTS");
    assert_eq!(
        failure("PUT", "/v1/acl/roles/5", json!({"name": "other"})),
        "ACL_ROLE_NAME_ALREADY_EXISTS"
    );
    assert_eq!(
        failure("PUT", "/v1/acl/redisRules/5", json!({"name": "ours", "redisRule": "+@all"})),
        Value::Null
    );
    let roles = value(&api.get("/v1/acl/roles", 0.0));
    assert_eq!(roles["roles"][1]["redisRules"][0]["ruleName"], "ours", "{roles}");
    assert_eq!(
        failure("POST", "/v1/acl/users", json!({"name": "eve", "role": "reader"})),
        "ACL_ROLE_DOES_NOT_EXISTS"
    );
    assert_eq!(
        failure("DELETE", "/v1/acl/redisRules/1", Value::Null),
        "ACL_REDIS_RULE_CANNOT_DELETE_DEFAULT"
    );
}

#[test]
fn reads_by_a_task_or_a_list_count_as_reads_of_a_resource() {
    let api = populated();
    api.on_any(Script::new(Pace::Immediate).resource(Pace::Reads(2))).unwrap();
    let task = api.submit("/v1/subscriptions/1/peerings", r#"{"vpcId": "v"}"#, 0.0);
    let made = api.made(&task, 0.0);
    let status = || {
        let task = api.accepted("GET", "/v1/subscriptions/1/peerings", "", 0.0);
        let shown = value(&api.get(&task, 0.0))["response"]["resource"]["peerings"].clone();
        let own = shown.as_array().unwrap().iter().find(|one| one["vpcPeeringId"] == made).cloned();
        own.unwrap()["status"].clone()
    };
    assert_eq!([status(), status()], ["initiating-request", "active"]);
    // The read that completes the deletion no longer finds the resource.
    let services = "/v1/subscriptions/1/private-service-connect";
    api.accepted("DELETE", services, "", 0.0);
    let read = || {
        let task = api.accepted("GET", services, "", 0.0);
        value(&api.get(&task, 0.0))["response"].clone()
    };
    assert_eq!(read()["resource"]["status"], "delete-pending");
    assert_eq!(read()["error"]["type"], "PSC_SERVICE_NOT_FOUND");
    api.submit("/v1/acl/redisRules", r#"{"name": "n", "redisRule": "r"}"#, 0.0);
    let rule = || value(&api.get("/v1/acl/redisRules", 0.0))["redisRules"][4]["status"].clone();
    assert_eq!([rule(), rule()], ["pending", "active"]);
}

#[test]
fn quantity_sets_the_number_of_databases_and_changes_are_visible() {
    let api = api();
    let body = json!({
        "name": "shop", "cloudProviders": [{"provider": "AWS", "regions": [{"region": "eu-west-1", "networking": {"deploymentCIDR": "10.0.0.0/24"}}]}],
        "databases": [{"name": "a", "quantity": 3}, {"name": "b"}, {"name": "none", "quantity": 0}],
    });
    let task = api.submit("/v1/subscriptions", &body.to_string(), 0.0);
    let path = format!("/v1/subscriptions/{}", api.made(&task, 0.0));
    let subscription = value(&api.get(&path, 0.0));
    assert_eq!(subscription["numberOfDatabases"], 4);
    let region = &subscription["cloudDetails"][0]["regions"][0];
    assert_eq!(region["networking"], json!([{"deploymentCIDR": "10.0.0.0/24"}]));
    let listed = value(&api.get(&format!("{path}/databases"), 0.0));
    let ids: BTreeSet<String> = listed["subscription"][0]["databases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|database| database["databaseId"].to_string())
        .collect();
    assert_eq!(ids.len(), 4);
    let database = format!("{path}/databases/{}", ids.first().unwrap());
    let change = json!({"password": "p", "sourceIp": ["10.0.0.1/32"], "replicaOf": ["redis://a"], "alerts": [{"name": "latency", "value": 3}], "remoteBackup": {"active": true, "interval": "every-1-hours", "storagePath": "s3://b"}});
    api.accepted("PUT", &database, &change.to_string(), 0.0);
    let shown = value(&api.get(&database, 0.0));
    assert_eq!(shown["security"]["password"], "p");
    assert_eq!(shown["security"]["sourceIps"], change["sourceIp"]);
    assert_eq!(shown["replicaOf"]["endpoints"], change["replicaOf"]);
    assert_eq!(shown["alerts"], change["alerts"]);
    assert_eq!(shown["backup"]["destination"], "s3://b");
    assert_eq!(shown["region"], "eu-west-1");
    // A tag's key is a string, even if it looks like a number.
    api.call("POST", &format!("{database}/tags"), r#"{"key": "2024", "value": "x"}"#, 0.0);
    let tags = value(&api.get(&format!("{database}/tags"), 0.0));
    assert_eq!(tags["tags"], json!([{"key": "2024", "value": "x"}]));
}

/// A body with fields that the operations have, and with any values.
fn any_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9.-]{0,8}".prop_map(Value::from),
        Just(json!("active-active")),
        Just(json!("customer-managed-key")),
        Just(json!("us-east-1")),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any_field(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(any_field(), value, 0..8)
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn any_field() -> impl Strategy<Value = String> {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    let schemas = description["components"]["schemas"].as_object().unwrap().values();
    let objects = schemas.filter_map(|schema| schema["properties"].as_object());
    let names: BTreeSet<String> = objects.flat_map(|fields| fields.keys().cloned()).collect();
    prop::sample::select(names.into_iter().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_body_gets_a_valid_answer_and_listed_resources_can_be_read(
        sent in prop::collection::vec((0..136_usize, any_body()), 1..24)
    ) {
        let operations: Vec<Operation> =
            operations().into_iter().filter(|operation| !operation.path.starts_with("/tasks")).collect();
        let api = populated();
        for (at, body) in sent {
            let Operation { method, path, .. } = operations[at];
            let body = if method == "GET" { String::new() } else { body.to_string() };
            let response = api.call(method, &format!("/v1{}", with_ids(path)), &body, 0.0);
            prop_assert!(response.status().as_u16() < 500, "{} {}: {}", method, path, response.body());
            if let Some(task) = response.headers().get("location") {
                let path = task.to_str().unwrap().split_once("example.com").unwrap().1.to_owned();
                let status = value(&api.get(&path, 0.0))["status"].clone();
                let ended = ["processing-completed", "processing-error"].map(Value::from);
                prop_assert!(ended.contains(&status), "{} {}: {}", method, path, status);
            }
        }
        // Every listed subscription can be read, and has the right number of databases.
        let subscriptions = value(&api.get("/v1/subscriptions", 0.0));
        for subscription in subscriptions["subscriptions"].as_array().unwrap() {
            let at = format!("/v1/subscriptions/{}", subscription["id"]);
            prop_assert_eq!(&value(&api.get(&at, 0.0)), subscription);
            let listed = api.get(&format!("{at}/databases"), 0.0);
            let count = subscription["numberOfDatabases"].as_u64().unwrap();
            if count == 0 {
                prop_assert_eq!(listed.status(), 404);
                continue;
            }
            let listed = value(&listed)["subscription"][0]["databases"].clone();
            prop_assert_eq!(listed.as_array().unwrap().len() as u64, count);
        }
    }
}
