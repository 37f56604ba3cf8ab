//! Pages to read: what to do with the engine, beyond what each item's own documentation says.
//!
//! - [`recipes`]: what is often wished for beside a task's life (to cancel, to retry, to schedule, webhooks …),
//!   whether the engine has it, and a program for it.
//!
//! There is nothing here to call. The programs are compiled and run by the crate's tests.

pub mod recipes;
