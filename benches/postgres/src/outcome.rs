//! The result type of this program.

use std::error::Error;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
