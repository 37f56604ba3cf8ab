//! The API of Redis Cloud: the operations of its public description, and others that its clients
//! use.

mod access;
mod account;
mod active_active;
mod database;
mod network;
mod parts;
mod private_link;
mod subscription;
mod transit_gateway;

use std::sync::{Arc, LazyLock};

use http::Method;
use serde_json::{Map, Value};
use tasklife::{LinkShape, TaskError};

use crate::api::MockApi;
use crate::effect::{Edit, Effect, Refuses, Shows};
use crate::error::MockError;
use crate::kind::{Kind, Listing, Origin, Shown, View, Within};
use crate::openapi::{Blueprint, OpenApiOptions};
use crate::operation::Operation;
use crate::paging::Paging;
use crate::path::Template;
use crate::request_context::RequestContext;
use crate::route::Routes;

/// The schemas of the public description, with the recorded command types, and the operations that
/// were only recorded. A command type that was not recorded is named after the schema of its
/// request, such as `databaseUpdateRequest`.
const DESCRIPTION: &str = include_str!("redis_cloud/description.json");

pub(super) const SUBSCRIPTION: &str = "/subscriptions/{subscriptionId}";
pub(super) const DATABASE: &str = "/subscriptions/{subscriptionId}/databases/{databaseId}";
pub(super) const DATABASES: &str = "/subscriptions/{subscriptionId}/databases";
pub(super) const REGION: &str = "/subscriptions/{subscriptionId}/regions/{regionId}";
pub(super) const REGIONS: &str = "/subscriptions/{subscriptionId}/regions";
pub(super) const FIXED_SUBSCRIPTION: &str = "/fixed/subscriptions/{subscriptionId}";
pub(super) const FIXED_DATABASE: &str =
    "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}";
pub(super) const FIXED_DATABASES: &str = "/fixed/subscriptions/{subscriptionId}/databases";

impl MockApi {
    /// Creates the API of Redis Cloud at a base address such as `/v1`.
    /// [`Links::new`](tasklife::Links::new) lists what it can be.
    ///
    /// The mock has every operation of the public description, with the command type and status
    /// that were recorded. It also has the operations for private links, resource tags and upgrades
    /// that clients use.
    ///
    /// | what | in the mock |
    /// |---|---|
    /// | subscriptions and databases, pro and essentials | have the parts that clients read: `cloudDetails`, `security`, `clustering`, `backup`. The password of a database is in `security`, in clear text |
    /// | `databases` in the request for a subscription | are made with it, each `quantity` times |
    /// | a subscription with databases | cannot be deleted: the task fails with `SUBSCRIPTION_IN_USE` |
    /// | active-active subscriptions | have the regions of their request. The settings of one region are in `crdbDatabases` |
    /// | transit gateways and their invitations | come from outside the API, so every id exists. Accepting an invitation makes a gateway with the same id |
    /// | endpoints of a private service connect | are `initialized` while they are made, then `pending`, until they are accepted or rejected |
    /// | ACL rules, roles and users | must have new names. A role or rule that is in use cannot be deleted |
    /// | plans, regions, versions, payment methods | every account starts with a few of each |
    /// | `dryRun: true` | creates a task that changes nothing |
    ///
    /// Links are written as an [array](LinkShape::Array). Lanes are unlimited, and there can be up
    /// to 1,000,000 tasks, unless you set a [configuration](Self::with_config). Request bodies are
    /// validated only with [`with_checked_bodies`](Self::with_checked_bodies).
    ///
    /// # Errors
    ///
    /// Returns an error if the base address is malformed.
    pub fn redis_cloud(base: &str) -> Result<Self, MockError> {
        let blueprint = BLUEPRINT.as_ref().map_err(Clone::clone)?;
        blueprint.at(base)?.with_links(|links| Ok(links.with_shape(LinkShape::Array)))
    }
}

/// The API without its base address. It is built from its description once.
static BLUEPRINT: LazyLock<Result<Blueprint, MockError>> = LazyLock::new(|| {
    let description = serde_json::from_str(DESCRIPTION).unwrap_or_default();
    let options = OpenApiOptions::new("/")
        .with_task_schema("TaskStateUpdate")
        .with_title(SUBSCRIPTION, "getSubscriptionInformation")
        .with_title(FIXED_SUBSCRIPTION, "getSubscriptionInformation")
        .with_title(DATABASE, "getDatabaseInformation")
        .with_title(FIXED_DATABASE, "getDatabaseInformation")
        .with_conventions(|routes| {
            // Clients page through every list.
            routes.set_paging(&Paging::default());
            // The functions below decide what a resource shows, which is more than the description
            // has.
            routes.show_resources();
            routes.set_dry_runs(true);
            let mut api = Conventions { routes };
            subscription::describe(&mut api);
            database::describe(&mut api);
            active_active::describe(&mut api);
            network::describe(&mut api);
            transit_gateway::describe(&mut api);
            private_link::describe(&mut api);
            access::describe(&mut api);
            account::describe(&mut api);
        });
    Blueprint::new(
        &description,
        &account::with_initial_resources(access::with_initial_resources(options)),
    )
});

/// The conventions that the description does not have.
pub(super) struct Conventions<'a> {
    routes: &'a mut Routes,
}

impl Conventions<'_> {
    /// Sets how a kind of resources is identified, listed and shown.
    pub(super) fn kind(
        &mut self,
        item: &str,
        id_field: &str,
        (list, within): (&str, Within),
        view: View,
    ) -> &mut Kind {
        let path = Template::parse(item).unwrap_or_default();
        let at = self.routes.kind_at(&path).unwrap_or_else(|| {
            let at = self.routes.add_kind(path, id_field);
            self.routes.kind_mut(at).origin = Origin::Outside;
            at
        });
        let kind = self.routes.kind_mut(at);
        kind.id_field = id_field.into();
        kind.listing = Listing { name: Some(list.into()), within, schema: None };
        kind.shown = Shown::Plain(view);
        kind.is_counted = false;
        kind.listed_in = Some(|_| Vec::new());
        kind
    }

    fn operation(&mut self, method: &Method, path: &str, change: impl FnOnce(&mut Operation)) {
        let path = Template::parse(path).unwrap_or_default();
        if let Some(operation) = self.routes.operation_mut(method, &path) {
            change(operation);
        }
    }

    /// Sets what an operation answers.
    pub(super) fn answer(
        &mut self,
        method: &Method,
        path: &str,
        makes: fn(&RequestContext<'_>) -> Value,
    ) {
        self.operation(method, path, |it| it.shows = Shows::By(Arc::new(makes)));
    }

    /// Sets what an operation changes.
    pub(super) fn edit(
        &mut self,
        method: &Method,
        path: &str,
        edits: fn(&RequestContext<'_>) -> Vec<Edit>,
    ) {
        self.operation(method, path, |it| it.effect = Effect::Edits(edits));
    }

    /// Sets when the task of an operation fails.
    pub(super) fn refuse(&mut self, method: &Method, path: &str, refuses: Refuses) {
        self.operation(method, path, |it| it.refuses = Some(refuses));
    }

    /// Makes an operation create (`POST`), list (`GET`), change, or delete all (`DELETE`) resources
    /// at another path.
    pub(super) fn about(&mut self, method: &Method, path: &str, item: &str) {
        let item = Template::parse(item).unwrap_or_default();
        let Some(kind) = self.routes.kind_at(&item) else { return };
        self.operation(method, path, |it| match *method {
            Method::POST => it.effect = Effect::Create(kind),
            Method::DELETE => it.effect = Effect::DeleteAll(kind),
            Method::GET => it.shows = Shows::All(kind),
            _ => it.effect = Effect::Change(kind),
        });
    }
}

/// Creates the error of a task.
pub(super) fn error(code: &'static str, status: &'static str, message: String) -> TaskError {
    TaskError::new(code, message).with_status(status)
}

/// Renames a field, if it exists. If the new name is taken, that field stays as it is.
pub(super) fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.entry(to).or_insert(value);
    }
}

/// Sets a field that is missing.
pub(super) fn default(fields: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    fields.entry(name).or_insert_with(|| value.into());
}
