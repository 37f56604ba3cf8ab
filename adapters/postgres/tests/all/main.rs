//! The tests of the store in PostgreSQL, each on servers of its own or on one that all share.

mod conformance;
mod connecting;
mod damage;
mod fail_over;
mod failure;
mod kit;
mod locks;
mod pgbouncer;
mod places;
mod processes;
mod support;
mod tls;
mod turns;
mod waking;
