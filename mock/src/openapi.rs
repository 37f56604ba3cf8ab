//! An API made from its description.

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
    /// An API as its OpenAPI description has it, of version 3.0 or 3.1, as JSON; tasks end [at
    /// once](crate::Pace::Immediate), and there are up to 1,000,000.
    ///
    /// | in the description | in the API |
    /// |---|---|
    /// | an operation one of whose successful answers is a [task](OpenApiOptions::tasks_are) | a new task, accepted with the status of that answer; what it does is done when it completes |
    /// | any other | an answer at once, with the lowest successful status |
    /// | a path that ends with a placeholder, such as `/videos/{videoId}` | a kind of resources, within those further up on the path |
    /// | `POST` of the path without the placeholder | makes one: with the id that the body gives, where the schema has it; else with the next number, or a text or UUID of it, as the schema wants |
    /// | `PUT` of it | puts another in its place, or with an answer 201 also makes it |
    /// | `PATCH` of it; `POST`, where there is neither | changes the fields that it says, those of objects one by one (RFC 7396) |
    /// | `DELETE` of it | deletes it, with all that belongs to it |
    /// | a verb, such as `/videos/{videoId}:stop` | is about the resource before it |
    /// | `GET` of it, and of the path without the placeholder | reads one, and lists all: with `offset` and `limit`, or `page` and `per_page`, where the description has them, a part. Fields such as `total`, `page`, `next_page` and `has_more` say which |
    /// | `GET` of another path that can also be written | the one resource of its kind: a setting |
    /// | what no request can make | is there, whichever id it is asked for by, until it is deleted |
    /// | anything else | is answered, and changes nothing |
    ///
    /// An answer is what its schema allows: of what requests gave as much as it names, then its examples and
    /// defaults, then the least. What is `writeOnly` is not shown, nor is a password; what is `readOnly` is not
    /// taken from requests. Fields such as `createdAt` and `updatedAt` say when it was made and changed. Where an
    /// answer has the resource in a field of its own, such as `data`, it is found there, and so it is in a
    /// request. An answer that isn't JSON is empty, and a request that need not be JSON is taken as it is. A
    /// schema that would need more than some hundred thousand steps, or a text of more than a megabyte, is met as
    /// far as that goes.
    ///
    /// Tasks look as [the format](Self::with_replies) says, whatever the description says of them. Requests
    /// are not held against their schemas, unless [that is wanted](Self::with_checked_bodies). The keys
    /// are where the description's first requirement of security wants them: in headers, as a bearer
    /// token, or as a name and a password; where it has none, all requests are of one account, `default`.
    ///
    /// # Errors
    /// Where the description is of another version; where a reference leads out of it, or nowhere; where a
    /// path is none, or there are two of the same form for a method; and where something that is given
    /// beside it is of no operation of it.
    #[expect(clippy::needless_pass_by_value, reason = "nobody needs it afterwards")]
    pub fn from_openapi(description: &Value, options: OpenApiOptions) -> Result<Self, MockError> {
        Blueprint::new(description, &options)?.at(&options.base)
    }
}
