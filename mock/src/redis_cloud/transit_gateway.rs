//! Transit gateways, their attachments and invitations. They come from outside the API.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Conventions, REGION, SUBSCRIPTION, default};
use crate::effect::Edit;
use crate::kind::{Origin, ResourceContext, View, Within};
use crate::request_context::RequestContext;
use crate::schema::fields_of;

pub(super) fn describe(api: &mut Conventions<'_>) {
    for at in [SUBSCRIPTION, REGION] {
        let gateways = format!("{at}/transitGateways");
        let invitations = format!("{gateways}/invitations");
        let view =
            View { keeps: Some(fields_of), shows: Some(gateway), status: Some(|_| "available") };
        api.kind(&format!("{gateways}/{{TgwId}}"), "id", ("tgws", Within::Nothing), view).origin =
            Origin::Outside;
        let view = View { keeps: Some(fields_of), shows: Some(invitation), status: None };
        let item = format!("{invitations}/{{tgwInvitationId}}");
        api.kind(&item, "id", ("resources", Within::Nothing), view).origin = Origin::Outside;

        let attachment = format!("{gateways}/{{TgwId}}/attachment");
        api.edit(&Method::POST, &attachment, |request| {
            let id = request.id("TgwId").map(ToString::to_string).unwrap_or_default();
            let uid = format!("tgw-attach-{id:0>17}");
            put_gateway(request, &json!({"attachmentUid": uid, "attachmentStatus": "available"}))
        });
        api.edit(&Method::PUT, &attachment, |request| {
            put_gateway(request, &json!({"cidrs": request.body()["cidrs"]}))
        });
        api.edit(&Method::DELETE, &attachment, |request| {
            put_gateway(
                request,
                &json!({"attachmentUid": null, "attachmentStatus": null, "cidrs": []}),
            )
        });
        api.edit(&Method::PUT, &format!("{item}/accept"), |request| {
            let mut edits = put_invitation(request, "accepted");
            edits.extend(put_gateway(request, &json!({})));
            edits
        });
        api.edit(&Method::PUT, &format!("{item}/reject"), |request| {
            put_invitation(request, "rejected")
        });
    }
}

fn is_of_region(request: &RequestContext<'_>) -> bool {
    request.id("regionId").is_some()
}

/// Changes the gateway with the last id on the path.
fn put_gateway(request: &RequestContext<'_>, fields: &Value) -> Vec<Edit> {
    let item = if is_of_region(request) {
        "/subscriptions/{subscriptionId}/regions/{regionId}/transitGateways/{TgwId}"
    } else {
        "/subscriptions/{subscriptionId}/transitGateways/{TgwId}"
    };
    vec![Edit::Put { item, ids: request.ids().to_vec(), fields: fields_of(fields) }]
}

fn put_invitation(request: &RequestContext<'_>, status: &str) -> Vec<Edit> {
    let item = if is_of_region(request) {
        "/subscriptions/{subscriptionId}/regions/{regionId}/transitGateways/invitations/{tgwInvitationId}"
    } else {
        "/subscriptions/{subscriptionId}/transitGateways/invitations/{tgwInvitationId}"
    };
    let fields = Map::from_iter([("answer".to_owned(), json!(status))]);
    vec![Edit::Put { item, ids: request.ids().to_vec(), fields }]
}

fn gateway(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    fields.retain(|_, value| !value.is_null());
    default(fields, "awsTgwUid", format!("tgw-{id:0>17}"));
    default(fields, "awsAccountId", "123456789012");
    let cidrs = fields.remove("cidrs").and_then(|cidrs| cidrs.as_array().cloned());
    let cidrs = cidrs.into_iter().flatten().map(|cidr| {
        // The description has objects, but clients send strings.
        let address = if cidr.is_string() { cidr } else { cidr["cidrAddress"].clone() };
        json!({"cidrAddress": address, "status": "active"})
    });
    let cidrs: Vec<Value> = cidrs.collect();
    fields.insert("cidrs".into(), cidrs.into());
}

fn invitation(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let id = context.ids().last().map(ToString::to_string).unwrap_or_default();
    let answer = fields.remove("answer");
    fields.insert("status".into(), answer.unwrap_or(json!("pending")));
    default(fields, "name", format!("share-{id}"));
    default(fields, "resourceShareUid", format!("00000000-0000-4000-8000-{id:0>12}"));
    default(fields, "awsAccountId", "123456789012");
    default(fields, "sharedDate", json!(context.times()[0]));
}
