//! An auditor of servers: it checks what a server answers, and reports each answer that breaks a
//! rule of the task API.
//!
//! Use it to find out whether a server keeps the rules, even if you can't read its source: your own
//! server in a test, another team's, or the live service. Create an [`Auditor`], and pass it a
//! [`Reading`] for each answer. Each [`Finding`] names the [`Rule`] that the answer breaks.
//!
//! ```
//! use tasklife::{Retention, audit::{Auditor, Reading}};
//!
//! let answer = r#"{"at": "2026-01-01T00:00:00Z",
//!     "request": "GET /tasks/36d4b04d-72d4-4404-8600-a223120a553e",
//!     "body": {"taskId": "36d4b04d-72d4-4404-8600-a223120a553e", "commandType": "backup",
//!         "status": "done", "timestamp": "2026-01-01T00:00:00Z",
//!         "_links": {"self": {"href": "/tasks/36d4b04d-72d4-4404-8600-a223120a553e"}}}}"#;
//! let mut auditor = Auditor::new(Retention::default());
//! let findings = auditor.observe(&serde_json::from_str::<Reading>(answer)?);
//! assert_eq!(
//!     findings[0].to_string(),
//!     "unknown-status: task 36d4b04d-72d4-4404-8600-a223120a553e has the unknown status \"done\" \
//!      (API description, TaskStateUpdate.status)"
//! );
//! # Ok::<(), serde_json::Error>(())
//! ```

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
