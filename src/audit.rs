//! An auditor of servers: it observes what a server answers and reports each breach of the
//! contract.
//!
//! Create an [`Auditor`], and feed it a [`Reading`] for each answer. Each [`Finding`] names the
//! [`Rule`] that the answer breaks.

mod account;
mod auditor;
mod document;
mod finding;
mod path;
mod reading;
mod rule;
mod settings;
mod task;

pub use auditor::Auditor;
pub use finding::Finding;
pub use path::TasksPathError;
pub use reading::Reading;
pub use rule::Rule;
