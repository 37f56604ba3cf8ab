//! An API from its OpenAPI description.

mod blueprint;
pub(crate) mod document;
mod kinds;
mod links;
mod options;
mod security;

use serde_json::Value;

use crate::api::MockApi;
use crate::error::MockError;

pub(crate) use blueprint::Blueprint;
pub use options::OpenApiOptions;

impl MockApi {
    /// Creates an API from its OpenAPI description of version 3.0 or 3.1, as JSON. Its tasks end
    /// [at once](crate::Pace::Immediate), and it holds up to 1,000,000 of them.
    ///
    /// # Operations and resources
    ///
    /// | in the description | in the mock |
    /// |---|---|
    /// | an operation with a [task](OpenApiOptions::with_task_schema) among its successful responses | creates a task, with the status of that response. The operation takes effect when the task completes |
    /// | any other operation | is answered at once, with its lowest successful status |
    /// | a path that ends with a placeholder, such as `/videos/{videoId}` | a kind of resources, which belong to those further up the path |
    /// | `POST` of the path without that placeholder | makes a resource. Its id is the one in the body, if the schema has it. Otherwise it is the next number, or a string or UUID made of that number, as the schema requires |
    /// | `PUT` of a resource | replaces it. If the operation has a 201, it also makes it |
    /// | `PATCH` of a resource; `POST`, if it has neither `PUT` nor `PATCH` | changes the fields in the body, objects field by field (RFC 7396) |
    /// | `DELETE` of a resource | deletes it and everything that belongs to it |
    /// | a verb, such as `/videos/{videoId}:stop` | is about the resource before it |
    /// | `GET` of a resource, or of the path without the placeholder | reads one, or lists all. With `offset` and `limit`, or `page` and `per_page`, if the description has them, it lists a part. Fields such as `total`, `page`, `next_page` and `has_more` describe the part |
    /// | `GET` of another path that can also be written | reads a setting: the only resource of its kind |
    /// | a resource that no request can make | exists under every id, until it is deleted |
    /// | anything else | is answered, and changes nothing |
    ///
    /// # Values
    ///
    /// An answer satisfies its schema. Its values come from the requests, as far as the schema
    /// names them, then from examples and defaults. The rest are the smallest values that the
    /// schema allows.
    ///
    /// - `writeOnly` properties and passwords are not shown. `readOnly` properties in requests are
    ///   ignored.
    /// - Fields such as `createdAt` and `updatedAt` hold when the resource was made and last
    ///   changed.
    /// - If a response wraps the resource in a field such as `data`, so may the request.
    /// - A response that is not JSON is empty. A request body that need not be JSON is accepted as
    ///   it is.
    /// - Some schemas need more than a few hundred thousand steps, or more than 1 MiB of text.
    ///   These are satisfied as far as that limit allows.
    ///
    /// # Tasks and keys
    ///
    /// Tasks are written in [the format of the mock](Self::with_replies), whatever the description
    /// says about them. Request bodies are validated only with
    /// [`with_checked_bodies`](Self::with_checked_bodies).
    ///
    /// The first security requirement of the description decides how requests
    /// [authenticate](crate::Authentication): with headers, a bearer token, or a user name and
    /// password. If there is none, every request belongs to the account `default`.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - the description has another version,
    /// - a reference in it leads to another document, or to nothing,
    /// - a path is malformed, or two paths of the same form have the same method,
    /// - an option names an operation, schema or resource that the description does not have.
    #[expect(clippy::needless_pass_by_value, reason = "nobody needs it afterwards")]
    pub fn from_openapi(description: &Value, options: OpenApiOptions) -> Result<Self, MockError> {
        Blueprint::new(description, &options)?.at(&options.base)
    }
}
