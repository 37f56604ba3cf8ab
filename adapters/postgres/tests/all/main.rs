//! Tests of the store in PostgreSQL. They start their own servers; most share one.

mod conformance;
mod connecting;
mod damage;
mod failover;
mod failure;
mod kit_agreement;
mod locks;
mod pgbouncer;
mod processes;
mod quota;
mod support;
mod tls;
mod turns;
mod waking;
