//! `tasklife` measured: beside what a user could pick instead (the rivals), and beside what the
//! machine allows (the floors).
//!
//! A floor is a hand-written minimal structure for one operation. It does that one thing, keeps no
//! law, and shows how fast the thing could be done at all.

#![expect(missing_docs, reason = "only this package's own programs use it, and the names say it")]
#![expect(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "only they use it")]
#![expect(clippy::cast_precision_loss, reason = "sizes and times are divided and drawn")]

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
