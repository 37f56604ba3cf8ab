//! Active-active subscriptions: their regions, and the settings of databases in each.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::ResourceId;

use super::parts::{VERSION, backup, local_key, rename_all, retain_shown, security};
use super::subscription::place;
use super::{Conventions, DATABASES, REGION, REGIONS, default};
use crate::describe::id_value;
use crate::effect::Edit;
use crate::kind::{ResourceContext, View, Within, fields_but_secrets};
use crate::request_context::RequestContext;

const LOCAL_REGIONS: &str = "/subscriptions/{subscriptionId}/databases/{databaseId}/regions";
const FLUSH: &str = "/subscriptions/{subscriptionId}/databases/{databaseId}/flush";

pub(super) fn describe(api: &mut Conventions<'_>) {
    let view = View { keeps: Some(fields_but_secrets), shows: Some(region), status: None };
    let kind = api.kind(REGION, "regionId", ("regions", Within::Parent), view);
    kind.listed_in = Some(of_subscription);
    kind.origin = crate::kind::Origin::Made;
    api.edit(&Method::DELETE, REGIONS, delete_regions);
    api.about(&Method::PUT, LOCAL_REGIONS, super::DATABASE);
    api.edit(&Method::PUT, FLUSH, |_| Vec::new());
}

/// Returns the regions in a request for a subscription.
fn of_subscription(body: &Value) -> Vec<(Value, usize)> {
    if body["deploymentType"] != "active-active" {
        return Vec::new();
    }
    let providers = body["cloudProviders"].as_array().into_iter().flatten();
    let regions = providers.flat_map(|it| it["regions"].as_array().into_iter().flatten());
    let regions = regions.map(|region| {
        let mut kept = json!({"region": region["region"]});
        for name in ["deploymentCIDR", "vpcId"] {
            if region["networking"][name].is_string() {
                kept[name] = region["networking"][name].clone();
            }
        }
        (kept, 1)
    });
    regions.collect()
}

/// The default number of reads, and of writes, per second of a database in a region.
const OPERATIONS: i64 = 1_000;

fn region(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let name = fields.get("region").cloned().unwrap_or_default();
    let region =
        Map::from_iter([("databases".to_owned(), fields.remove("databases").unwrap_or_default())]);
    for name in ["status", "dryRun", "respVersion", "commandType"] {
        fields.remove(name);
    }
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    default(fields, "vpcId", format!("vpc-{id:0>17}"));
    let subscription = context.ids().get(..1).unwrap_or_default();
    let databases = context.kept(DATABASES, subscription).into_iter().map(|(id, kept)| {
        let [reads, writes] = operations(&region, &name, &kept);
        json!({
            "databaseId": id_value(&id),
            "databaseName": kept.get("name"),
            "readOperationsPerSecond": reads,
            "writeOperationsPerSecond": writes,
        })
    });
    let databases: Vec<Value> = databases.collect();
    fields.insert("databases".into(), databases.into());
}

/// Returns the reads and writes per second of a database in a region. The database's own setting
/// takes precedence over the one in the request for the region.
fn operations(
    region: &Map<String, Value>,
    name: &Value,
    database: &Map<String, Value>,
) -> [i64; 2] {
    let said = region.get("databases").and_then(Value::as_array).into_iter().flatten();
    let mut said = said.filter(|one| Some(&one["name"]) == database.get("name"));
    let first = said.next().map(|one| one["localThroughputMeasurement"].clone());
    let own = database.get(&local_key(name, "localThroughputMeasurement")).cloned();
    let local = own.or(first).unwrap_or_default();
    ["readOperationsPerSecond", "writeOperationsPerSecond"]
        .map(|name| local[name].as_i64().unwrap_or(OPERATIONS))
}

fn delete_regions(request: &RequestContext<'_>) -> Vec<Edit> {
    let named = request.body()["regions"].as_array().cloned().unwrap_or_default();
    let is_named = |kept: &Map<String, Value>| {
        named.iter().any(|one| Some(&one["region"]) == kept.get("region"))
    };
    let all = request.context().kept(REGIONS, request.ids());
    let gone = all.into_iter().filter(|(_, kept)| is_named(kept));
    gone.map(|(id, _)| Edit::Delete { item: REGION, ids: with(request.ids(), id) }).collect()
}

pub(super) fn with(ids: &[ResourceId], id: ResourceId) -> Vec<ResourceId> {
    ids.iter().cloned().chain([id]).collect()
}

/// Shows an active-active database: settings for all regions are named `global…`, and
/// `crdbDatabases` has the settings of each region.
pub(super) fn database(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    rename_all(
        fields,
        &[
            ("dataPersistence", "globalDataPersistence"),
            ("password", "globalPassword"),
            ("sourceIp", "globalSourceIp"),
            ("alerts", "globalAlerts"),
            ("enableDefaultUser", "globalEnableDefaultUser"),
        ],
    );
    for (name, usual) in [
        ("protocol", json!("redis")),
        ("redisVersion", json!(VERSION)),
        ("memoryStorage", json!("ram")),
        ("activeActiveRedis", json!(true)),
        ("activatedOn", json!(context.times()[0])),
        ("lastModified", json!(context.times()[1])),
        ("supportOSSClusterApi", json!(false)),
        ("useExternalEndpointForOSSClusterApi", json!(false)),
        ("replication", json!(true)),
        ("dataEvictionPolicy", json!("volatile-lru")),
        ("modules", json!([])),
        ("globalDataPersistence", json!("none")),
        ("globalSourceIp", json!(["0.0.0.0/0"])),
        ("globalAlerts", json!([])),
        ("globalEnableDefaultUser", json!(true)),
    ] {
        default(fields, name, usual);
    }
    let subscription = context.ids().get(..1).unwrap_or_default();
    let provider = place(context).0;
    let regions = context.kept(REGIONS, subscription);
    let locals: Vec<Value> =
        regions.iter().map(|(_, region)| local(context, fields, region, &provider)).collect();
    let mut own = Map::new();
    for name in ["enableTls", "clientTlsCertificates", "clientSslCertificate"] {
        own.extend(fields.remove(name).map(|value| (name.to_owned(), value)));
    }
    fields.insert("security".into(), security(&mut own, "enableDefaultUser"));
    for name in [
        "memoryLimitInGb",
        "datasetSizeInGb",
        "queryPerformanceFactor",
        "localThroughputMeasurement",
    ] {
        fields.remove(name);
    }
    fields.insert("crdbDatabases".into(), locals.into());
    retain_shown(fields);
}

/// Returns the settings of a database in one region: its own, or else the global ones.
fn local(
    context: &dyn ResourceContext,
    fields: &Map<String, Value>,
    region: &Map<String, Value>,
    provider: &Value,
) -> Value {
    let name = region.get("region").cloned().unwrap_or_default();
    let [reads, writes] = operations(region, &name, fields);
    let region = &name;
    let own = |name: &str| fields.get(&local_key(region, name)).cloned();
    let all = |name: &str| fields.get(name).cloned();
    let mut secured = Map::new();
    for (name, value) in [
        ("enableTls", all("enableTls")),
        ("clientTlsCertificates", all("clientTlsCertificates")),
        ("clientSslCertificate", all("clientSslCertificate")),
        ("sourceIp", own("sourceIp").or_else(|| all("globalSourceIp"))),
        ("password", own("password").or_else(|| all("globalPassword"))),
        ("enableDefaultUser", own("enableDefaultUser").or_else(|| all("globalEnableDefaultUser"))),
    ] {
        secured.extend(value.map(|value| (name.to_owned(), value)));
    }
    let size = all("datasetSizeInGb").or_else(|| all("memoryLimitInGb")).unwrap_or(json!(1));
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    let name = region.as_str().unwrap_or_default();
    let mut local = json!({
        "provider": provider,
        "region": region,
        "redisVersionCompliance": fields["redisVersion"],
        "publicEndpoint": format!("redis-{id}.{name}.example.com:10000"),
        "privateEndpoint": format!("redis-{id}.{name}.internal.example.com:10000"),
        "memoryLimitInGb": all("memoryLimitInGb").unwrap_or_else(|| size.clone()),
        "datasetSizeInGb": size,
        "memoryUsedInMb": 0.0,
        "readOperationsPerSecond": reads,
        "writeOperationsPerSecond": writes,
        "dataPersistence": own("dataPersistence").or_else(|| all("globalDataPersistence")),
        "alerts": own("alerts").or_else(|| all("globalAlerts")),
        "security": security(&mut secured, "enableDefaultUser"),
        "backup": backup(own("remoteBackup"), None),
    });
    if let Some(factor) = all("queryPerformanceFactor") {
        local["queryPerformanceFactor"] = factor;
    }
    local
}
