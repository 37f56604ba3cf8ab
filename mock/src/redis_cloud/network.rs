//! The network of a subscription: its allow list, peerings, and private service connects.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::ProvisioningStatus;

use super::{Conventions, REGION, REGIONS, SUBSCRIPTION, error, rename};
use crate::describe::id_value;
use crate::kind::{ResourceContext, StatusWord, View, Within, fields_but_secrets};
use crate::request_context::RequestContext;

const CIDR: &str = "/subscriptions/{subscriptionId}/cidr";
const PEERING: &str = "/subscriptions/{subscriptionId}/peerings/{peeringId}";
const ACTIVE_ACTIVE_PEERING: &str = "/subscriptions/{subscriptionId}/regions/peerings/{peeringId}";
const ACTIVE_ACTIVE_PEERINGS: &str = "/subscriptions/{subscriptionId}/regions/peerings";

pub(super) fn describe(api: &mut Conventions<'_>) {
    let view = View { keeps: Some(fields_but_secrets), shows: Some(allow_list), status: None };
    api.kind(CIDR, "", ("cidr", Within::Nothing), view);
    api.answer(&Method::PUT, CIDR, |request| {
        let mut fields = fields_but_secrets(request.body());
        allow_list(request.context(), &mut fields);
        Value::Object(fields)
    });

    let status = Some(peering_status as StatusWord);
    let view = View { keeps: Some(fields_but_secrets), shows: Some(peering), status };
    api.kind(PEERING, "vpcPeeringId", ("peerings", Within::Nothing), view);
    let view = View { shows: Some(active_active_peering), ..view };
    api.kind(ACTIVE_ACTIVE_PEERING, "id", ("vpcPeerings", Within::Nothing), view);
    api.answer(&Method::GET, ACTIVE_ACTIVE_PEERINGS, peerings_by_region);

    for at in [SUBSCRIPTION, REGION] {
        private_service_connect(api, at);
    }
}

fn allow_list(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let mut take = |name: &str| fields.remove(name).filter(Value::is_array).unwrap_or(json!([]));
    let [ips, groups] = ["cidrIps", "securityGroupIds"].map(&mut take);
    *fields =
        Map::from_iter([("cidr_ips".to_owned(), ips), ("security_group_ids".to_owned(), groups)]);
}

fn peering_status(status: ProvisioningStatus) -> &'static str {
    match status {
        ProvisioningStatus::Pending => "initiating-request",
        ProvisioningStatus::Error => "failed",
        other => other.as_str(),
    }
}

fn peering(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    rename(fields, "vpcProjectUid", "projectUid");
    rename(fields, "vpcNetworkName", "networkName");
    rename(fields, "region", "regionName");
    of_provider(context, fields, "projectUid");
}

fn active_active_peering(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    if let Some(region) = fields.get("destinationRegion").cloned() {
        fields.insert("regionName".into(), region);
    }
    let named = context.kept(REGIONS, context.ids().get(..1).unwrap_or_default()).into_iter();
    let mut named = named.filter(|(_, kept)| kept.get("region") == fields.get("sourceRegion"));
    let id = named.next().map(|(id, _)| id_value(&id));
    fields.extend(id.map(|id| ("regionId".to_owned(), id)));
    of_provider(context, fields, "vpcProjectUid");
}

/// Returns the names of the other side of a peering: on AWS or on Google Cloud.
fn of_provider(context: &dyn ResourceContext, fields: &mut Map<String, Value>, project: &str) {
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    fields.remove("provider");
    if fields.contains_key(project) {
        fields.insert("redisProjectUid".into(), json!("redis-cloud-project"));
        fields.insert("redisNetworkName".into(), json!(format!("redis-cloud-network-{id}")));
        fields.insert("cloudPeeringId".into(), json!(format!("redis-cloud-peering-{id}")));
        return;
    }
    rename(fields, "vpcId", "vpcUid");
    fields.insert("awsPeeringUid".into(), json!(format!("pcx-{id:0>17}")));
    let cidrs = fields.get("vpcCidrs").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(first) = cidrs.first() {
        fields.entry("vpcCidr").or_insert_with(|| first.clone());
        let cidrs = cidrs.iter().map(|cidr| json!({"vpcCidr": cidr, "active": "active"}));
        fields.insert("vpcCidrs".into(), cidrs.collect::<Vec<Value>>().into());
    }
}

/// All peerings of an active-active subscription, by source region.
fn peerings_by_region(request: &RequestContext<'_>) -> Value {
    let subscription = request.ids();
    let all = request.resources(ACTIVE_ACTIVE_PEERINGS);
    let regions = request.context().kept(REGIONS, subscription);
    let listed = regions.iter().map(|(id, region)| {
        let name = region.get("region").cloned().unwrap_or_default();
        let of_region = all.iter().filter(|peering| peering["sourceRegion"] == name);
        let peerings: Vec<Value> = of_region.cloned().collect();
        json!({"id": id_value(id), "region": name, "vpcPeerings": peerings})
    });
    let mut listed: Vec<Value> = listed.collect();
    // Add peerings from a region that the subscription does not have.
    for peering in &all {
        let source = &peering["sourceRegion"];
        match listed.iter_mut().find(|region| region["region"] == *source) {
            Some(region) => {
                let there = region["vpcPeerings"].as_array_mut();
                if let Some(there) = there
                    && !there.contains(peering)
                {
                    there.push(peering.clone());
                }
            }
            None => listed.push(json!({"region": source, "vpcPeerings": [peering]})),
        }
    }
    json!({"subscriptionId": request.id("subscriptionId").map(id_value), "regions": listed})
}

/// Returns the private service connect of a subscription or region, and its endpoints.
fn private_service_connect(api: &mut Conventions<'_>, at: &str) {
    let services = format!("{at}/private-service-connect");
    let service = format!("{services}/{{pscServiceId}}");
    let endpoint = format!("{service}/endpoints/{{endpointId}}");

    let status = Some(service_status as StatusWord);
    let view = View { keeps: Some(|_| Map::new()), shows: Some(service_shown), status };
    api.kind(&service, "id", ("services", Within::Nothing), view);
    let status = Some(endpoint_status as StatusWord);
    let view = View { keeps: Some(fields_but_secrets), shows: Some(endpoint_shown), status };
    api.kind(&endpoint, "id", ("endpoints", Within::Parent), view);

    api.about(&Method::DELETE, &services, &service);
    api.answer(&Method::GET, &services, |request| {
        services_of(request).into_iter().next().unwrap_or_default()
    });
    let missing = |request: &RequestContext<'_>| {
        services_of(request).is_empty().then(|| {
            let message = "The private service connect was not found.".to_owned();
            error("PSC_SERVICE_NOT_FOUND", "404 NOT_FOUND", message)
        })
    };
    api.refuse(&Method::GET, &services, missing);
    api.refuse(&Method::DELETE, &services, missing);
    api.refuse(&Method::POST, &services, |request| {
        (!services_of(request).is_empty()).then(|| {
            let message = "The private service connect already exists.".to_owned();
            error("PSC_SERVICE_ALREADY_EXISTS", "409 CONFLICT", message)
        })
    });
    api.about(&Method::POST, &service, &endpoint);
    api.about(&Method::GET, &service, &endpoint);
    for (name, scripts) in [
        ("creationScripts", creation_scripts as fn(&RequestContext<'_>) -> Value),
        ("deletionScripts", deletion_scripts),
    ] {
        api.answer(&Method::GET, &format!("{endpoint}/{name}"), scripts);
    }
}

fn services_of(request: &RequestContext<'_>) -> Vec<Value> {
    request.resources(&request.path.to_string())
}

fn service_status(status: ProvisioningStatus) -> &'static str {
    match status {
        ProvisioningStatus::Pending => "create-pending",
        ProvisioningStatus::Active => "active",
        ProvisioningStatus::Deleting => "delete-pending",
        ProvisioningStatus::Error => "failed",
    }
}

fn endpoint_status(status: ProvisioningStatus) -> &'static str {
    match status {
        ProvisioningStatus::Pending => "initialized",
        ProvisioningStatus::Active => "pending",
        ProvisioningStatus::Deleting => "processing",
        ProvisioningStatus::Error => "failed",
    }
}

fn service_shown(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    fields.insert("connectionHostName".into(), json!(format!("psc-{id}.example.com")));
    let name = format!("projects/redis-cloud/serviceAttachments/psc-{id}");
    fields.insert("serviceAttachmentName".into(), json!(name));
}

fn endpoint_shown(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let action = fields.remove("action");
    let status = fields.get("status").cloned().unwrap_or_default();
    let word = match (action.as_ref().and_then(Value::as_str), status.as_str()) {
        (Some("accept"), Some("pending")) => "active",
        (Some("accept"), Some("initialized")) => "accept-pending",
        (Some("reject"), Some("pending")) => "rejected",
        (Some("reject"), Some("initialized")) => "reject-pending",
        _ => return,
    };
    fields.insert("status".into(), json!(word));
}

fn creation_scripts(request: &RequestContext<'_>) -> Value {
    let endpoint = request.resource().unwrap_or_default();
    let mut scripts = deletion_scripts(request);
    if request.query("includeTerraformGcpScript").as_deref() == Some("true") {
        let id = endpoint["id"].to_string();
        let attachment = json!({
            "name": format!("redis-{id}"),
            "dnsRecord": format!("psc-{id}.example.com"),
            "ipAddressName": format!("redis-{id}-ip"),
            "forwardingRuleName": format!("redis-{id}-rule"),
        });
        scripts["script"]["terraformGcp"] = json!({"serviceAttachments": [attachment]});
    }
    scripts
}

fn deletion_scripts(request: &RequestContext<'_>) -> Value {
    let id = request.id("endpointId").map(ToString::to_string).unwrap_or_default();
    json!({"script": {"bash": format!("echo endpoint {id}"), "powershell": format!("Write-Output 'endpoint {id}'")}})
}
