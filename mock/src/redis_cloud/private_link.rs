//! The private link of a subscription or region, and its principals.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::ProvisioningStatus;

use super::{Conventions, REGION, SUBSCRIPTION};
use crate::describe::id_value;
use crate::effect::Edit;
use crate::kind::{ResourceContext, StatusWord, View, Within};
use crate::request_context::RequestContext;

const LINK: &str = "/subscriptions/{subscriptionId}/private-link";
const LINK_OF_REGION: &str = "/subscriptions/{subscriptionId}/regions/{regionId}/private-link";

pub(super) fn describe(api: &mut Conventions<'_>) {
    for at in [SUBSCRIPTION, REGION] {
        let link = format!("{at}/private-link");
        let status = Some(status as StatusWord);
        let view = View { keeps: Some(kept), shows: Some(shown), status };
        api.kind(&link, "", ("links", Within::Nothing), view);
        // Without a private link, the answer is not an error.
        api.answer(&Method::GET, &link, |request| {
            request.resource_at(&request.path.to_string()).unwrap_or_else(|| json!({"links": []}))
        });
        api.answer(&Method::GET, &format!("{link}/endpoint-script"), script);
        let principals = format!("{link}/principals");
        api.edit(&Method::POST, &principals, |request| {
            let mut principals = others(request);
            principals.push(request.body().clone());
            put(request, principals)
        });
        api.edit(&Method::DELETE, &principals, |request| put(request, others(request)));
    }
}

fn status(status: ProvisioningStatus) -> &'static str {
    match status {
        ProvisioningStatus::Pending => "initializing",
        other => other.as_str(),
    }
}

/// Returns the name of the link, and its first principal.
fn kept(body: &Value) -> Map<String, Value> {
    let principal =
        json!({"principal": body["principal"], "type": body["type"], "alias": body["alias"]});
    Map::from_iter([
        ("shareName".to_owned(), body["shareName"].clone()),
        ("principals".to_owned(), json!([principal])),
    ])
}

fn shown(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let principals = fields.remove("principals").and_then(|all| all.as_array().cloned());
    let principals = principals.into_iter().flatten().filter(|it| it["principal"].is_string());
    let principals = principals.map(|mut principal| {
        principal["status"] = json!("ready");
        principal
    });
    let principals: Vec<Value> = principals.collect();
    fields.insert("principals".into(), principals.into());
    let id: Vec<String> = context.ids().iter().map(ToString::to_string).collect();
    let id = id.join("-");
    for (name, value) in [
        ("resourceConfigurationId", format!("rcfg-{id}")),
        (
            "resourceConfigurationArn",
            format!("arn:aws:vpc-lattice:us-east-1:123456789012:resourceconfiguration/rcfg-{id}"),
        ),
        ("shareArn", format!("arn:aws:ram:us-east-1:123456789012:resource-share/{id}")),
    ] {
        fields.insert(name.into(), json!(value));
    }
    fields.insert("connections".into(), json!([]));
    fields.insert("databases".into(), json!([]));
    fields.insert("subscriptionId".into(), context.ids().first().map(id_value).unwrap_or_default());
    fields.extend(context.ids().get(1).map(|id| ("regionId".to_owned(), id_value(id))));
}

/// Returns the principals other than the one in the request.
fn others(request: &RequestContext<'_>) -> Vec<Value> {
    let link = request.resource().unwrap_or_default();
    let mut principals = link["principals"].as_array().cloned().unwrap_or_default();
    principals.retain(|known| known["principal"] != request.body()["principal"]);
    principals
}

fn put(request: &RequestContext<'_>, principals: Vec<Value>) -> Vec<Edit> {
    let item = if request.id("regionId").is_some() { LINK_OF_REGION } else { LINK };
    let fields = Map::from_iter([("principals".to_owned(), Value::Array(principals))]);
    vec![Edit::Put { item, ids: request.ids().to_vec(), fields }]
}

fn script(request: &RequestContext<'_>) -> Value {
    let id = request.id("subscriptionId").map(ToString::to_string).unwrap_or_default();
    let script = format!("aws ec2 create-vpc-endpoint --tag subscription={id}");
    let mut scripts = json!({"resourceEndpointScript": script});
    if request.query("includeTerraformAwsScript").as_deref() == Some("true") {
        scripts["terraformAwsScript"] = json!(format!("# subscription {id}"));
    }
    scripts
}
