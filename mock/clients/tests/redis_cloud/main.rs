//! Sessions of the unmodified client `redis-cloud` with the documented API.

mod account;
mod essentials;
mod failures;
mod following;
mod pro;
mod refusals;
