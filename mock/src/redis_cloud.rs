//! The API of Redis Cloud: every operation of its public description, and those that its clients use beside.

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

/// The shapes of the public description, with the command types that were recorded, and those of what was
/// only recorded. What was not recorded is named by analogy: after the schema of its request, such as
/// `databaseUpdateRequest`.
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
    /// The API of Redis Cloud at a base address such as `/v1`: [`Links::new`](tasklife::Links::new) says
    /// what it can be. It has all operations of the public description, each with the command type and the
    /// status that were recorded, and those for private links, resource tags and upgrades that its clients
    /// use beside.
    ///
    /// | what | as follows |
    /// |---|---|
    /// | subscriptions, databases, pro and essentials | with their parts as clients read them: `cloudDetails`, `security`, `clustering`, `backup`; a database's password is in `security`, in clear |
    /// | `databases` in the request for a subscription | are made along with it, each `quantity` times |
    /// | a subscription that has databases | can't be deleted: its task fails with `SUBSCRIPTION_IN_USE` |
    /// | active-active subscriptions | have the regions of their request; what is local to a region is in `crdbDatabases` |
    /// | transit gateways and their invitations | come from outside of the API: whichever is asked for by its id is there. Accepting an invitation makes a gateway of the same id |
    /// | endpoints of a private service connect | `initialized` while they are made, then `pending`, until they are accepted or rejected |
    /// | names of ACL rules, roles and users | must be new; roles and rules that are in use can't be deleted |
    /// | lists of plans, regions, versions, payment methods | a few of each, with which every account begins |
    /// | `dryRun: true` | has a task and makes nothing |
    ///
    /// Links come as an [array](LinkShape::Array). Lanes are unlimited, and there are up to 1,000,000
    /// tasks, unless a [configuration](Self::with_config) is set. Bodies of requests are not held
    /// against their schemas, unless [that is wanted](Self::with_checked_bodies).
    ///
    /// # Errors
    /// Where the base address is none.
    pub fn redis_cloud(base: &str) -> Result<Self, MockError> {
        let blueprint = BLUEPRINT.as_ref().map_err(Clone::clone)?;
        blueprint.at(base)?.with_links(|links| Ok(links.with_shape(LinkShape::Array)))
    }
}

/// The API, wherever it is: it is made of its description once.
static BLUEPRINT: LazyLock<Result<Blueprint, MockError>> = LazyLock::new(|| {
    let description = serde_json::from_str(DESCRIPTION).unwrap_or_default();
    let options = OpenApiOptions::new("/")
        .with_task_schema("TaskStateUpdate")
        .with_title(SUBSCRIPTION, "getSubscriptionInformation")
        .with_title(FIXED_SUBSCRIPTION, "getSubscriptionInformation")
        .with_title(DATABASE, "getDatabaseInformation")
        .with_title(FIXED_DATABASE, "getDatabaseInformation")
        .with_conventions(|routes| {
            // Clients ask for a part of any list.
            routes.set_paging(&Paging::default());
            // What a resource shows is said below, and more than the description has.
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

/// What the description does not say.
pub(super) struct Conventions<'a> {
    routes: &'a mut Routes,
}

impl Conventions<'_> {
    /// Says how a kind of resources names itself, is listed, and is shown.
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

    /// Says what an operation answers.
    pub(super) fn answer(
        &mut self,
        method: &Method,
        path: &str,
        makes: fn(&RequestContext<'_>) -> Value,
    ) {
        self.operation(method, path, |it| it.shows = Shows::By(Arc::new(makes)));
    }

    /// Says what an operation does.
    pub(super) fn edit(
        &mut self,
        method: &Method,
        path: &str,
        edits: fn(&RequestContext<'_>) -> Vec<Edit>,
    ) {
        self.operation(method, path, |it| it.effect = Effect::Edits(edits));
    }

    /// Says what lets an operation fail.
    pub(super) fn refuse(&mut self, method: &Method, path: &str, refuses: Refuses) {
        self.operation(method, path, |it| it.refuses = Some(refuses));
    }

    /// Says that an operation makes, or deletes, or lists, all resources at a path.
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

/// An error with which a task ends.
pub(super) fn error(code: &'static str, status: &'static str, message: String) -> TaskError {
    TaskError::new(code, message).with_status(status)
}

/// Moves a field to another name, where it is there.
pub(super) fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.entry(to).or_insert(value);
    }
}

/// Sets a field that nobody has set.
pub(super) fn default(fields: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    fields.entry(name).or_insert_with(|| value.into());
}
