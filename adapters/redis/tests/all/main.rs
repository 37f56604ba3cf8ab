//! The tests of `tasklife-redis`, on servers that they start themselves.

mod conformance;
mod damage;
mod failover;
mod failure;
mod keys;
mod killed;
mod kit;
mod migration;
mod processes;
mod restart;
mod round_trips;
mod sentinel;
mod slow;
mod support;
mod sweep;
mod time;
mod tls;
mod users;
mod versions;
mod waking;
