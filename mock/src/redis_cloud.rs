//! The documented API, as far as subscriptions and databases go.

use http::{Method, StatusCode};

use crate::api::{MockApi, MockError};
use crate::route::Listing;
use tasklife::{CommandType, LinkShape, Links, StoreConfig};

const SUBSCRIPTION: &str = "/subscriptions/{subscriptionId}";
const DATABASE: &str = "/subscriptions/{subscriptionId}/databases/{databaseId}";
const FIXED_SUBSCRIPTION: &str = "/fixed/subscriptions/{subscriptionId}";
const FIXED_DATABASE: &str = "/fixed/subscriptions/{subscriptionId}/databases/{databaseId}";

/// Kinds of resources, the field with the id of each, and how they are listed: clients of the live
/// API read pages of pro databases until a 404 comes, and of essentials databases until an empty one.
const RESOURCES: [(&str, &str, Listing); 4] = [
    (SUBSCRIPTION, "id", Listing::Array),
    (DATABASE, "databaseId", Listing::ArrayOrNotFound),
    (FIXED_SUBSCRIPTION, "id", Listing::Array),
    (FIXED_DATABASE, "databaseId", Listing::Object),
];

/// Method, path, the status of the reply, and command type, from the `OpenAPI` description and
/// from recorded tasks. `databaseBackupRequest` and `cidrGetRequest` are by analogy.
const OPERATIONS: [(Method, &str, u16, &str); 16] = [
    (Method::POST, "/subscriptions", 202, "subscriptionCreateRequest"),
    (Method::PUT, SUBSCRIPTION, 200, "subscriptionUpdateRequest"),
    (Method::DELETE, SUBSCRIPTION, 200, "subscriptionDeleteRequest"),
    (Method::POST, "/subscriptions/{subscriptionId}/databases", 202, "databaseCreateRequest"),
    (Method::PUT, DATABASE, 200, "databaseUpdateRequest"),
    (Method::DELETE, DATABASE, 200, "databaseDeleteRequest"),
    (
        Method::GET,
        "/subscriptions/{subscriptionId}/databases/{databaseId}/backup",
        200,
        "databaseBackupStatusRequest",
    ),
    (
        Method::POST,
        "/subscriptions/{subscriptionId}/databases/{databaseId}/backup",
        200,
        "databaseBackupRequest",
    ),
    (Method::GET, "/subscriptions/{subscriptionId}/cidr", 202, "cidrGetRequest"),
    (Method::PUT, "/subscriptions/{subscriptionId}/cidr", 202, "cidrUpdateRequest"),
    (Method::POST, "/fixed/subscriptions", 202, "fixedSubscriptionCreateRequest"),
    (Method::PUT, FIXED_SUBSCRIPTION, 202, "fixedSubscriptionUpdateRequest"),
    (Method::DELETE, FIXED_SUBSCRIPTION, 200, "fixedSubscriptionDeleteRequest"),
    (
        Method::POST,
        "/fixed/subscriptions/{subscriptionId}/databases",
        200,
        "fixedDatabaseCreateRequest",
    ),
    (Method::PUT, FIXED_DATABASE, 200, "fixedDatabaseUpdateRequest"),
    (Method::DELETE, FIXED_DATABASE, 200, "fixedDatabaseDeleteRequest"),
];

/// Where the tasks of a command type find their resource, and the title of the link to it.
fn route(command: &str) -> (&'static str, &'static str) {
    match command {
        _ if command.starts_with("fixedSubscription") => {
            ("/fixed/subscriptions/{resourceId}", "getSubscriptionInformation")
        }
        _ if command.starts_with("fixedDatabase") => (
            "/fixed/subscriptions/{additionalResourceId}/databases/{resourceId}",
            "getDatabaseInformation",
        ),
        _ if command.starts_with("database") => (
            "/subscriptions/{additionalResourceId}/databases/{resourceId}",
            "getDatabaseInformation",
        ),
        _ => ("/subscriptions/{resourceId}", "getSubscriptionInformation"),
    }
}

impl MockApi {
    /// The documented API, with its operations on subscriptions and databases, pro and essentials
    /// (`/fixed`), at a base address such as `/v1`: [`Links::new`] says what it can be.
    ///
    /// Databases are listed within their subscription: pro, it is an array of one, and a part of the
    /// list with nothing in it is a 404; essentials, it is an object, and such a part is empty.
    ///
    /// Links come as an [array](LinkShape::Array). Lanes are unlimited, and there are up to 1,000,000
    /// tasks, unless a [configuration](Self::with_config) is set.
    ///
    /// | method and path | status | command type |
    /// |---|---|---|
    /// | POST /subscriptions | 202 | subscriptionCreateRequest |
    /// | PUT, DELETE /subscriptions/{subscriptionId} | 200 | subscriptionUpdateRequest, subscriptionDeleteRequest |
    /// | POST /subscriptions/{subscriptionId}/databases | 202 | databaseCreateRequest |
    /// | PUT, DELETE /subscriptions/{subscriptionId}/databases/{databaseId} | 200 | databaseUpdateRequest, databaseDeleteRequest |
    /// | GET, POST …/databases/{databaseId}/backup | 200 | databaseBackupStatusRequest, databaseBackupRequest |
    /// | GET, PUT /subscriptions/{subscriptionId}/cidr | 202 | cidrGetRequest, cidrUpdateRequest |
    /// | POST, PUT /fixed/subscriptions… | 202 | fixedSubscriptionCreateRequest, fixedSubscriptionUpdateRequest |
    /// | DELETE /fixed/subscriptions/{subscriptionId} | 200 | fixedSubscriptionDeleteRequest |
    /// | POST, PUT, DELETE /fixed/subscriptions/{subscriptionId}/databases… | 200 | fixedDatabaseCreateRequest, fixedDatabaseUpdateRequest, fixedDatabaseDeleteRequest |
    ///
    /// # Errors
    /// Where the base address is none.
    pub fn redis_cloud(base: &str) -> Result<Self, MockError> {
        let mut links = Links::new(base)?.with_shape(LinkShape::Array);
        for (_, _, _, command) in OPERATIONS {
            let (path, title) = route(command);
            links = links.with_route(CommandType::from_static(command), path, title)?;
        }
        for (_, _, _, command) in OPERATIONS.iter().filter(|(method, ..)| *method == Method::DELETE)
        {
            links = links.with_deletion(CommandType::from_static(command));
        }
        let mut api = Self::new(links, StoreConfig::default().with_max_tasks(1_000_000));
        for (path, id_field, listing) in RESOURCES {
            api = api.with_resource(path, id_field)?;
            api.routes.set_listing(listing);
        }
        for (method, path, status, command) in OPERATIONS {
            let command = CommandType::from_static(command);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED);
            api = api
                .with_operation(method, path, command.clone())?
                .with_accepted(command, status)?;
        }
        Ok(api)
    }
}
