//! The tests of the store in PostgreSQL, each on servers of its own or on one that all share.

mod conformance;
mod connecting;
mod damage;
mod fail_over;
mod failure;
mod kit;
mod pgbouncer;
mod processes;
mod support;
mod tls;
mod waking;
