//! Benchmarks of `tasklife` against the alternatives (the rivals) and the hardware (the floors).
//!
//! A floor is a minimal hand-written structure for one operation. It obeys no law, and shows how
//! fast the operation could be at best.

#![expect(missing_docs, reason = "only the programs of this package use these items")]
#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "only these programs use them"
)]
#![expect(clippy::cast_precision_loss, reason = "sizes and times need no exact integers")]

pub mod census;
pub mod count;
pub mod floor;
pub mod label;
pub mod latency;
pub mod plot;
pub mod report;
pub mod rival;
pub mod row;
pub mod subject;
pub mod timing;
pub mod workload;
