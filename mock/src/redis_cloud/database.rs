//! Pro and essentials databases, their backups and tags.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::ResourceId;

use super::parts::{VERSION, backup, keep_local, retain_shown, security};
use super::subscription::{is_active_active, place};
use super::{
    Conventions, DATABASE, DATABASES, FIXED_DATABASE, FIXED_DATABASES, FIXED_SUBSCRIPTION,
    active_active, default,
};
use crate::effect::Edit;
use crate::kind::{Naming, ResourceContext, View, Within, fields_but_secrets};
use crate::request_context::RequestContext;

pub(super) fn describe(api: &mut Conventions<'_>) {
    let view = View { keeps: Some(kept), shows: Some(pro), status: None };
    let kind = api.kind(DATABASE, "databaseId", ("databases", Within::ArrayOrNotFound), view);
    kind.is_counted = true;
    kind.listed_in = Some(in_quantity);
    let view = View { keeps: Some(kept), shows: Some(essentials), status: None };
    let kind = api.kind(FIXED_DATABASE, "databaseId", ("databases", Within::Object), view);
    kind.is_counted = true;
    kind.listed_in = Some(in_quantity);

    for (item, all) in [(DATABASE, DATABASES), (FIXED_DATABASE, FIXED_DATABASES)] {
        let below = |name: &str| format!("{item}/{name}");
        for name in ["backup", "import"] {
            let view = View { shows: Some(outcome), ..raw() };
            api.kind(&below(name), "", (name, Within::Nothing), view);
            api.answer(&Method::GET, &below(name), latest);
        }
        api.edit(&Method::POST, &below("backup"), |request| {
            put(request, "backup", &json!({"outcome": "success", "lastBackupTime": request.now()}))
        });
        api.edit(&Method::POST, &below("import"), |request| {
            put(request, "import", &json!({"outcome": "imported", "lastImportTime": request.now()}))
        });
        api.kind(&below("upgrade"), "", ("upgrade", Within::Nothing), raw());
        api.edit(&Method::POST, &below("upgrade"), upgrade);
        api.answer(&Method::GET, &below("upgrade"), upgrade_status);
        api.answer(&Method::GET, &below("slow-log"), |_| json!({"entries": [], "links": []}));

        let tag = format!("{all}/{{databaseId}}/tags/{{tagKey}}");
        let tags = below("tags");
        let view =
            View { shows: Some(|_, fields| drop(fields.remove("status"))), ..View::default() };
        let kind = api.kind(&tag, "key", ("tags", Within::Account), view);
        kind.naming = Naming::RequestAsText;
        api.edit(&Method::PUT, &tags, replace_tags);
        api.answer(&Method::PUT, &tags, |request| {
            let all = request.resources(&request.path.to_string());
            json!({"accountId": request.context().account(), "tags": all})
        });
        api.answer(&Method::DELETE, &tag, |_| json!({}));
    }
    let certificate = format!("{DATABASE}/certificate");
    api.answer(&Method::GET, &certificate, |_| {
        json!({"publicCertificatePEMString": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"})
    });
}

/// Returns a view that shows the fields as they are.
fn raw() -> View {
    View { keeps: Some(fields_but_secrets), ..View::default() }
}

/// Returns the status of a backup or an import.
fn outcome(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let outcome = fields.remove("outcome").unwrap_or_default();
    let is_over = fields.get("status") != Some(&json!("pending"));
    fields.insert("status".into(), if is_over { outcome } else { json!("processing") });
}

/// Returns the databases in a request for a subscription, each with its quantity.
fn in_quantity(body: &Value) -> Vec<(Value, usize)> {
    let listed = body["databases"].as_array().into_iter().flatten();
    let many = listed.map(|database| {
        let quantity = database["quantity"].as_u64().map(usize::try_from);
        (database.clone(), quantity.map_or(1, |quantity| quantity.unwrap_or(usize::MAX)))
    });
    many.collect()
}

/// Returns the fields of a request, with settings of regions stored by region.
fn kept(body: &Value) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let all: Vec<&Value> = value.as_array().map_or(vec![value], |all| all.iter().collect());
        match name.as_str() {
            "dryRun" | "status" | "quantity" | "commandType" | "databaseId" | "subscriptionId" => {}
            "localThroughputMeasurement" | "regions" => {
                for local in all {
                    keep_local(&mut kept, name, local);
                }
            }
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    kept
}

fn pro(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    if is_active_active(context) {
        return active_active::database(context, fields);
    }
    common(context, fields, "enableDefaultUser");
    let (provider, region) = place(context);
    default(fields, "provider", provider);
    default(fields, "region", region);
    let usual = json!({"by": "operations-per-second", "value": 1000});
    default(fields, "throughputMeasurement", usual);
    default(fields, "memoryLimitInGb", fields.get("datasetSizeInGb").cloned().unwrap_or(json!(1)));
    let endpoints = fields.remove("replicaOf").filter(|all| all[0].is_string());
    fields
        .insert("replicaOf".into(), endpoints.map_or(Value::Null, |all| json!({"endpoints": all})));
    let backup = backup(fields.remove("remoteBackup"), fields.remove("periodicBackupPath"));
    fields.insert("backup".into(), backup);
    retain_shown(fields);
}

fn essentials(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    common(context, fields, "defaultUserEnabled");
    default(fields, "replica", Value::Null);
    let subscription =
        context.ids().get(..1).and_then(|ids| context.kept_of(FIXED_SUBSCRIPTION, ids));
    let plan = subscription.and_then(|kept| kept.get("planId")?.as_i64()).map(ResourceId::Number);
    let plan = plan.and_then(|plan| context.kept_of("/fixed/plans/{planId}", &[plan]));
    let size = plan.as_ref().and_then(|plan| plan.get("size")).cloned();
    default(fields, "planMemoryLimit", size.unwrap_or(json!(250.0)));
    default(fields, "memoryLimitMeasurementUnit", "MB");
    default(fields, "provider", "AWS");
    default(fields, "region", "us-east-1");
    let path = fields
        .remove("periodicBackupPath")
        .filter(|path| path.as_str().is_some_and(|it| !it.is_empty()));
    let mut backup = json!({"remoteBackupEnabled": path.is_some(), "status": "idle"});
    if let Some(path) = path {
        backup["destination"] = path;
    }
    fields.insert("backup".into(), backup);
    if let Some(clustering) = fields.get_mut("clustering") {
        clustering["enabled"] = json!(false);
        clustering.as_object_mut().map(|clustering| clustering.remove("numberOfShards"));
    }
    if let Some(enabled) = fields.remove("enableDatabaseClustering") {
        fields["clustering"]["enabled"] = enabled;
    }
    retain_shown(fields);
}

/// Fields that pro and essentials databases have in common.
fn common(context: &dyn ResourceContext, fields: &mut Map<String, Value>, default_user: &str) {
    for (name, usual) in [
        ("protocol", json!("redis")),
        ("redisVersion", json!(VERSION)),
        ("memoryStorage", json!("ram")),
        ("memoryUsedInMb", json!(0.0)),
        ("supportOSSClusterApi", json!(false)),
        ("useExternalEndpointForOSSClusterApi", json!(false)),
        ("dataPersistence", json!("none")),
        ("dataEvictionPolicy", json!("volatile-lru")),
        ("replication", json!(true)),
        ("modules", json!([])),
        ("alerts", json!([])),
        ("activatedOn", json!(context.times()[0])),
        ("lastModified", json!(context.times()[1])),
    ] {
        default(fields, name, usual);
    }
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    default(fields, "publicEndpoint", format!("redis-{id}.example.com:{}", port(fields)));
    default(fields, "privateEndpoint", format!("redis-{id}.internal.example.com:{}", port(fields)));
    let security = security(fields, default_user);
    fields.insert("security".into(), security);
    let rules = fields.remove("regexRules").and_then(|rules| rules.as_array().cloned());
    let rules: Vec<Value> = rules
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(ordinal, pattern)| json!({"ordinal": ordinal, "pattern": pattern}))
        .collect();
    let shards = fields.remove("numberOfShards").unwrap_or(json!(1));
    let policy = if rules.is_empty() { "standard" } else { "custom" };
    let clustering =
        json!({"numberOfShards": shards, "regexRules": rules, "hashingPolicy": policy});
    fields.insert("clustering".into(), clustering);
}

fn port(fields: &Map<String, Value>) -> i64 {
    fields.get("port").and_then(Value::as_i64).unwrap_or(10_000)
}

/// Returns the latest backup or import, if there was one.
fn latest(request: &RequestContext<'_>) -> Value {
    let mut latest = request.resource().unwrap_or_default();
    match latest.get("lastBackupTime").or(latest.get("lastImportTime")) {
        Some(_) => latest.take(),
        None => json!({}),
    }
}

/// Changes the single resource of this name below the database.
fn put(request: &RequestContext<'_>, name: &str, fields: &Value) -> Vec<Edit> {
    let item = match (is_fixed(request), name) {
        (false, "backup") => "/subscriptions/{subscriptionId}/databases/{databaseId}/backup",
        (false, "import") => "/subscriptions/{subscriptionId}/databases/{databaseId}/import",
        (true, "backup") => "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/backup",
        (true, "import") => "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/import",
        (false, _) => "/subscriptions/{subscriptionId}/databases/{databaseId}/upgrade",
        (true, _) => "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/upgrade",
    };
    let fields = crate::schema::fields_of(fields);
    vec![Edit::Put { item, ids: request.ids().to_vec(), fields }]
}

fn is_fixed(request: &RequestContext<'_>) -> bool {
    request.path.words().next() == Some("fixed")
}

fn upgrade(request: &RequestContext<'_>) -> Vec<Edit> {
    let version = request.body()["targetRedisVersion"].clone();
    let item = if is_fixed(request) { FIXED_DATABASE } else { DATABASE };
    let fields = Map::from_iter([("redisVersion".to_owned(), version.clone())]);
    let mut edits = put(request, "upgrade", &json!({"targetRedisVersion": version}));
    edits.push(Edit::Put { item, ids: request.ids().to_vec(), fields });
    edits
}

fn upgrade_status(request: &RequestContext<'_>) -> Value {
    let upgrade = request.resource().unwrap_or_default();
    let mut status = json!({"databaseId": request.id("databaseId").map(crate::describe::id_value)});
    if upgrade["targetRedisVersion"].is_string() {
        status["targetRedisVersion"] = upgrade["targetRedisVersion"].clone();
        status["progress"] = json!(100.0);
        status["upgradeStatus"] = json!("done");
    }
    status
}

/// Deletes the tags that are not in the request, and sets the others.
fn replace_tags(request: &RequestContext<'_>) -> Vec<Edit> {
    let (item, all) = if is_fixed(request) {
        (
            "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}",
            "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}/tags",
        )
    } else {
        (
            "/subscriptions/{subscriptionId}/databases/{databaseId}/tags/{tagKey}",
            "/subscriptions/{subscriptionId}/databases/{databaseId}/tags",
        )
    };
    let ids = |key: ResourceId| request.ids().iter().cloned().chain([key]).collect::<Vec<_>>();
    let wanted = request.body()["tags"].as_array().into_iter().flatten();
    let wanted = wanted.filter_map(|tag| {
        let key = crate::path::as_in_path(tag["key"].as_str()?.into());
        Some((key, Map::from_iter([("value".to_owned(), tag["value"].clone())])))
    });
    let wanted: Vec<(ResourceId, Map<String, Value>)> = wanted.collect();
    let there = request.context().kept(all, request.ids());
    let gone = there.into_iter().filter(|(key, _)| wanted.iter().all(|(known, _)| known != key));
    let mut edits: Vec<Edit> = gone.map(|(key, _)| Edit::Delete { item, ids: ids(key) }).collect();
    edits.extend(wanted.into_iter().map(|(key, fields)| Edit::Put { item, ids: ids(key), fields }));
    edits
}
