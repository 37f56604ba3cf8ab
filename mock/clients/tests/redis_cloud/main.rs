//! The client `redis-cloud`, unchanged, in sessions with the documented API.

mod account;
mod essentials;
mod failures;
mod following;
mod pro;
mod refusals;
