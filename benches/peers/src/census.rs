//! Memory and allocations, counted in a separate program because counting takes time.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// The memory of a store with these numbers of tasks and accounts, in bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Weight {
    pub tasks: usize,
    pub accounts: usize,
    /// The tasks alone, in a `Vec`.
    pub own: usize,
    /// The full store.
    pub full: usize,
    /// The store after nine tasks in ten have expired and were swept.
    pub tenth: usize,
    /// The store after all tasks have expired and were swept.
    pub empty: usize,
}

impl Weight {
    /// Returns the overhead of the full store.
    pub fn overhead(&self) -> f64 {
        self.full as f64 - self.own as f64
    }

    /// Returns the overhead after nine tasks in ten have expired.
    pub fn overhead_of_tenth(&self) -> f64 {
        self.tenth as f64 - self.own as f64 / 10.0
    }
}

/// The number of allocations of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Allocations {
    pub call: String,
    pub allocations: usize,
}

/// The output of the program `weigh`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Census {
    pub weights: Vec<Weight>,
    pub allocations: Vec<Allocations>,
}

/// Builds and runs the program `weigh` of this package.
pub fn take(tasks: usize) -> Census {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--release", "--manifest-path", manifest, "--bin", "weigh", "--"])
        .arg(tasks.to_string())
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}
