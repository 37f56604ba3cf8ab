//! Bytes and allocations, counted in a program of their own, since counting takes time.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// What a store of so many tasks and accounts weighs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Weight {
    pub tasks: usize,
    pub accounts: usize,
    /// What the tasks take by themselves, side by side.
    pub own: usize,
    /// What the full store takes.
    pub full: usize,
    /// What it takes after nine tasks in ten have expired and were swept.
    pub tenth: usize,
    /// What it takes after all tasks have expired and were swept.
    pub empty: usize,
}

impl Weight {
    /// Bytes beyond the tasks' own, of the full store.
    pub fn overhead(&self) -> f64 {
        self.full as f64 - self.own as f64
    }

    /// Bytes beyond the tasks' own, after nine in ten have expired.
    pub fn overhead_of_tenth(&self) -> f64 {
        self.tenth as f64 - self.own as f64 / 10.0
    }
}

/// How many allocations a call makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Allocations {
    pub call: String,
    pub allocations: usize,
}

/// What the program `weigh` says.
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
