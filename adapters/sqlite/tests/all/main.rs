//! Tests of the store in an SQLite file.

mod census;
mod conformance;
mod damage;
mod dropped;
mod failure;
mod files;
mod migration;
mod processes;
mod restart;
mod support;
