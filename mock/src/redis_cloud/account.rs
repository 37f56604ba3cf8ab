//! Cloud accounts, users, payment methods, plans, and lists of options.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::ProvisioningStatus;

use super::Conventions;
use crate::kind::{Origin, ResourceContext, StatusWord, View, Within, visible_fields};
use crate::openapi::OpenApiOptions;
use crate::request_context::RequestContext;

type Makes = fn(&RequestContext<'_>) -> Value;

const CLOUD_ACCOUNT: &str = "/cloud-accounts/{cloudAccountId}";
const PLAN: &str = "/fixed/plans/{planId}";
const PLANS: &str = "/fixed/plans";
const PERSON: &str = "/users/{userId}";
const PEOPLE: &str = "/users";

pub(super) fn with_initial_resources(api: OpenApiOptions) -> OpenApiOptions {
    let internal = json!({"name": "Redis Cloud", "provider": "AWS", "accessKeyId": "internal"});
    let owner = json!({
        "name": "Owner", "email": "owner@example.com", "role": "Owner", "userType": "Local",
        "signUp": "2019-08-08T06:49:15Z", "hasApiKey": true,
        "options": {"billing": true, "emailAlerts": true, "operationalEmails": true, "mfaEnabled": false},
    });
    let api = api.with_existing("/cloud-accounts/1", internal).with_existing("/users/1", owner);
    let plans = [
        (98_183, "30MB", 30.0, "AWS", "us-east-1", 0),
        (98_184, "250MB", 250.0, "AWS", "us-east-1", 5),
        (98_185, "1GB", 1024.0, "AWS", "us-east-1", 18),
        (98_186, "250MB", 250.0, "GCP", "us-central1", 5),
        (98_187, "250MB", 250.0, "AZURE", "east-us", 5),
    ];
    plans.into_iter().fold(api, |api, (id, name, size, provider, region, price)| {
        let paid = price > 0;
        let fields = json!({
            "name": name, "size": size, "datasetSize": size, "sizeMeasurementUnit": "MB",
            "provider": provider, "region": region, "regionId": 1,
            "price": price, "priceCurrency": "USD", "pricePeriod": "Month",
            "maximumDatabases": 1, "maximumThroughput": 1000, "maximumBandwidthGB": 5,
            "availability": if paid { "Single-zone" } else { "No replication" },
            "connections": "256", "cidrAllowRules": 4,
            "supportDataPersistence": paid, "redisFlex": false,
            "supportInstantAndDailyBackups": paid, "supportReplication": paid,
            "supportClustering": false, "supportSsl": paid,
            "supportedAlerts": ["datasets-size", "connections-limit"], "customerSupport": "Standard",
        });
        api.with_existing(&format!("/fixed/plans/{id}"), fields)
    })
}

pub(super) fn describe(api: &mut Conventions<'_>) {
    let status = Some(cloud_account_status as StatusWord);
    let view = View { keeps: Some(visible_fields), shows: Some(cloud_account), status };
    api.kind(CLOUD_ACCOUNT, "id", ("cloudAccounts", Within::Account), view);
    let kept =
        View { keeps: Some(crate::schema::fields_of), shows: Some(without_status), status: None };
    api.kind(PLAN, "id", ("plans", Within::Nothing), kept).origin = Origin::Made;
    api.kind(PERSON, "id", ("users", Within::Account), kept).origin = Origin::Made;
    api.answer(&Method::GET, PLANS, |request| plans(request, request.query("provider").as_deref()));
    api.answer(&Method::GET, PEOPLE, |request| {
        json!({"account": request.context().account(), "users": request.resources(PEOPLE)})
    });

    let plain: [(&str, Makes); 11] = [
        ("/", |request| {
            let number = request.context().account();
            json!({"account": {"id": number, "name": format!("Account {number}")}, "links": []})
        }),
        ("/data-persistence", |_| named("dataPersistence", &PERSISTENCE)),
        ("/database-modules", |_| named("modules", &MODULES)),
        ("/payment-methods", payment_methods),
        (
            "/query-performance-factors",
            |_| json!({"queryPerformanceFactors": ["Standard", "2x", "4x", "6x", "8x"]}),
        ),
        ("/regions", regions),
        ("/logs", |_| json!({"entries": []})),
        ("/session-logs", |_| json!({"entries": []})),
        ("/subscriptions/redis-versions", |_| versions()),
        ("/fixed/redis-versions", |_| versions()),
        ("/fixed/plans/subscriptions/{subscriptionId}", |request| plans(request, None)),
    ];
    for (path, makes) in plain {
        api.answer(&Method::GET, path, makes);
    }
}

fn cloud_account_status(status: ProvisioningStatus) -> &'static str {
    match status {
        ProvisioningStatus::Pending => "draft",
        other => other.as_str(),
    }
}

fn cloud_account(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !name.starts_with("console"));
}

fn without_status(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    fields.remove("status");
}

fn plans(request: &RequestContext<'_>, provider: Option<&str>) -> Value {
    let mut plans = request.context().all(PLANS);
    plans.retain(|plan| provider.is_none_or(|it| plan["provider"] == it));
    json!({"plans": plans, "links": []})
}

const PERSISTENCE: [(&str, &str); 6] = [
    ("none", "None"),
    ("aof-every-1-second", "Append-only file, every second"),
    ("aof-every-write", "Append-only file, every write"),
    ("snapshot-every-1-hour", "Snapshot, every hour"),
    ("snapshot-every-6-hours", "Snapshot, every 6 hours"),
    ("snapshot-every-12-hours", "Snapshot, every 12 hours"),
];

const MODULES: [(&str, &str); 4] = [
    ("RedisJSON", "JSON"),
    ("RediSearch", "Search and query"),
    ("RedisTimeSeries", "Time series"),
    ("RedisBloom", "Probabilistic"),
];

fn named(list: &str, all: &[(&str, &str)]) -> Value {
    let all = all.iter().map(|(name, text)| json!({"name": name, "description": text}));
    json!({list: all.collect::<Vec<Value>>(), "links": []})
}

fn payment_methods(request: &RequestContext<'_>) -> Value {
    let card = json!({
        "id": 8241, "type": "Visa", "creditCardEndsWith": 9876, "nameOnCard": "Owner",
        "expirationMonth": 12, "expirationYear": 2099, "links": [],
    });
    json!({"accountId": request.context().account(), "paymentMethods": [card], "links": []})
}

fn regions(request: &RequestContext<'_>) -> Value {
    let provider = request.query("provider");
    let all = [
        (1, "us-east-1", "AWS"),
        (2, "us-east-2", "AWS"),
        (3, "us-west-2", "AWS"),
        (4, "eu-west-1", "AWS"),
        (5, "eu-central-1", "AWS"),
        (6, "us-central1", "GCP"),
        (7, "us-east1", "GCP"),
        (8, "europe-west1", "GCP"),
    ];
    let wanted = all.iter().filter(|(_, _, of)| provider.as_ref().is_none_or(|it| it == of));
    let regions = wanted.map(|(id, name, of)| json!({"id": id, "name": name, "provider": of}));
    json!({"regions": regions.collect::<Vec<Value>>(), "links": []})
}

fn versions() -> Value {
    let version = |version: &str, usual: bool| json!({"version": version, "eolDate": "2099-12-31", "isPreview": false, "isDefault": usual});
    json!({"redisVersions": [version("7.2", false), version("7.4", true), version("8.0", false)]})
}
