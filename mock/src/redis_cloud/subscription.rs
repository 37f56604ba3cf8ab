//! Pro and essentials subscriptions.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::TaskError;

use super::{
    Conventions, DATABASES, FIXED_DATABASES, FIXED_SUBSCRIPTION, SUBSCRIPTION, default, error,
    rename,
};
use crate::effect::Edit;
use crate::kind::{ResourceContext, View, Within, visible_fields};
use crate::request_context::RequestContext;

const MAINTENANCE: &str = "/subscriptions/{subscriptionId}/maintenance-windows";
const PRICING: &str = "/subscriptions/{subscriptionId}/pricing";
const RESOURCE_TAGS: &str = "/subscriptions/{subscriptionId}/resource-tags";

pub(super) fn describe(api: &mut Conventions<'_>) {
    let view = View { keeps: Some(kept), shows: Some(shown), status: None };
    api.kind(SUBSCRIPTION, "id", ("subscriptions", Within::Array), view);
    let view = View { shows: Some(fixed), ..View::default() };
    api.kind(FIXED_SUBSCRIPTION, "id", ("subscriptions", Within::Array), view);

    let view = View { keeps: Some(kept_windows), shows: Some(windows), status: None };
    api.kind(MAINTENANCE, "", ("windows", Within::Nothing), view);
    api.answer(&Method::GET, PRICING, pricing);
    api.refuse(&Method::DELETE, SUBSCRIPTION, |request| in_use(request, DATABASES));
    api.refuse(&Method::DELETE, FIXED_SUBSCRIPTION, |request| in_use(request, FIXED_DATABASES));
    // Tags are stored in the subscription.
    api.edit(&Method::PUT, RESOURCE_TAGS, |request| {
        let tags = request.body()["resourceTags"].clone();
        let fields = Map::from_iter([("resourceTags".to_owned(), tags)]);
        vec![Edit::Put { item: SUBSCRIPTION, ids: request.ids()[..1].to_vec(), fields }]
    });
}

fn kept(body: &Value) -> Map<String, Value> {
    let mut kept = visible_fields(body);
    for name in ["cloudProviders", "customerManagedKeys", "resourceTags"] {
        if !body[name].is_null() {
            kept.insert(name.into(), body[name].clone());
        }
    }
    kept
}

fn shown(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    rename(fields, "paymentMethod", "paymentMethodType");
    let keys = fields.remove("customerManagedKeys");
    let tags = fields.remove("resourceTags");
    if let Some(providers) = fields.remove("cloudProviders") {
        let details = providers.as_array().into_iter().flatten();
        let details: Vec<Value> =
            details.map(|provider| cloud_detail(provider, tags.as_ref())).collect();
        fields.insert("cloudDetails".into(), details.into());
    }
    if fields.get("persistentStorageEncryptionType") == Some(&json!("customer-managed-key")) {
        // The subscription waits for the keys, and shows who must be able to use them.
        let account = "service-account@example.iam.gserviceaccount.com";
        let access = json!({"redisServiceAccount": account, "redisIamRole": "arn:aws:iam::123456789012:role/redis"});
        fields.insert("customerManagedKeyAccessDetails".into(), access);
        if keys.is_none() && fields.get("status") == Some(&json!("active")) {
            fields.insert("status".into(), json!("encryption_key_pending"));
        }
    }
}

/// Returns a cloud provider as it is shown. Its `networking` is a list there.
fn cloud_detail(provider: &Value, tags: Option<&Value>) -> Value {
    let regions = provider["regions"].as_array().into_iter().flatten();
    let regions = regions.map(|region| {
        let networking = &region["networking"];
        let mut network = Map::new();
        for (name, value) in networking.as_object().into_iter().flatten() {
            let value = if name == "subnetIds" { &value[0] } else { value };
            let name = if name == "subnetIds" { "subnetId" } else { name };
            network.insert(name.into(), value.clone());
        }
        let zones = region["preferredAvailabilityZones"].clone();
        json!({
            "region": region["region"],
            "multipleAvailabilityZones": region["multipleAvailabilityZones"] == true,
            "preferredAvailabilityZones": if zones.is_null() { json!([]) } else { zones },
            "networking": if network.is_empty() { json!([]) } else { json!([network]) },
        })
    });
    let known = |name: &str, value: Value| {
        if provider[name].is_null() { value } else { provider[name].clone() }
    };
    let mut detail = json!({
        "provider": known("provider", json!("AWS")),
        "cloudAccountId": known("cloudAccountId", json!(1)),
        "totalSizeInGb": 0,
        "regions": regions.collect::<Vec<Value>>(),
    });
    let tags = tags.cloned().or_else(|| Some(provider["resourceTags"].clone()));
    if let Some(tags) = tags.filter(Value::is_array) {
        detail["resourceTags"] = tags;
    }
    detail
}

fn fixed(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    rename(fields, "paymentMethod", "paymentMethodType");
    default(fields, "paymentMethodType", "credit-card");
    let made = context.times()[0];
    default(fields, "creationDate", json!(made));
    let plan = fields.get("planId").and_then(Value::as_i64).map(tasklife::ResourceId::Number);
    let plan = plan.and_then(|plan| context.kept_of("/fixed/plans/{planId}", &[plan]));
    for name in ["size", "sizeMeasurementUnit", "provider", "region", "maximumDatabases"] {
        if let Some(value) = plan.as_ref().and_then(|plan| plan.get(name)) {
            default(fields, name, value.clone());
        }
    }
}

/// Returns the error for the deletion of a subscription that has databases.
fn in_use(request: &RequestContext<'_>, databases: &str) -> Option<TaskError> {
    let count = request.context().kept(databases, request.ids()).len();
    (count > 0).then(|| {
        let message = format!("The subscription has {count} databases. Delete them first.");
        error("SUBSCRIPTION_IN_USE", "409 CONFLICT", message)
    })
}

/// Returns the prices of a subscription's databases, one shard each.
fn pricing(request: &RequestContext<'_>) -> Value {
    let databases = request.context().kept(DATABASES, request.ids()).into_iter();
    let region = place(request.context()).1;
    let prices = databases.map(|(_, kept)| {
        json!({
            "databaseName": kept.get("name"), "type": "Shards", "typeDetails": "micro", "quantity": 1,
            "quantityMeasurement": "shards", "pricePerUnit": 0.027, "priceCurrency": "USD",
            "pricePeriod": "hour", "region": region,
        })
    });
    json!({"pricing": prices.collect::<Vec<Value>>(), "links": []})
}

fn kept_windows(body: &Value) -> Map<String, Value> {
    let windows = body["windows"].as_array().cloned().unwrap_or_default();
    Map::from_iter([
        ("mode".to_owned(), body["mode"].clone()),
        ("windows".to_owned(), Value::Array(windows)),
    ])
}

fn windows(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    fields.remove("status");
    default(fields, "mode", "automatic");
    if fields.get("windows").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        fields.remove("windows");
    }
    if fields["mode"] == "manual" {
        default(fields, "timeZone", "Etc/UTC");
    }
}

/// Returns whether a subscription is active-active.
pub(super) fn is_active_active(context: &dyn ResourceContext) -> bool {
    let subscription = context.ids().get(..1).and_then(|ids| context.kept_of(SUBSCRIPTION, ids));
    subscription.is_some_and(|kept| kept.get("deploymentType") == Some(&json!("active-active")))
}

/// Returns the first provider and region of a subscription.
pub(super) fn place(context: &dyn ResourceContext) -> (Value, Value) {
    let subscription = context.ids().get(..1).and_then(|ids| context.kept_of(SUBSCRIPTION, ids));
    let first = subscription.map(|kept| kept.get("cloudProviders").cloned().unwrap_or_default());
    let first = first.map(|providers| providers[0].clone()).unwrap_or_default();
    let or = |value: &Value, usual: &str| {
        if value.is_string() { value.clone() } else { json!(usual) }
    };
    (or(&first["provider"], "AWS"), or(&first["regions"][0]["region"], "us-east-1"))
}
