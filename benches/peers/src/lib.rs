//! `tasklife` measured: beside what a user could pick instead (the rivals), and beside what the
//! machine allows (the floors).
//!
//! A floor is a hand-written minimal structure for one operation. It does that one thing, keeps no
//! law, and shows how fast the thing could be done at all.

pub mod census;
pub mod contest;
pub mod count;
pub mod floor;
pub mod latency;
pub mod plot;
pub mod report;
pub mod rival;
pub mod row;
pub mod subject;
pub mod workload;
