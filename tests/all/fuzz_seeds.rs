//! Checks that the seeds of the fuzz targets are valid input, so that fuzzing gets beyond parsing.

use std::fs;
use std::path::{Path, PathBuf};

use tasklife::{LocalStore, Snapshot, StoreConfig, Task, TaskRecord};

use crate::support::second;

/// The seeds of a fuzz target. They are not in the package.
fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = fs::read_dir(folder).into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn snapshots_are_restored() {
    for path in seeds("snapshot") {
        let snapshot: Snapshot = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let restored = LocalStore::restore(StoreConfig::default(), snapshot, second(0));
        assert!(restored.is_ok_and(|store| !store.is_empty()), "{}", path.display());
    }
}

#[test]
fn records_are_tasks() {
    for path in seeds("record") {
        let record: TaskRecord = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(Task::try_from(record).is_ok(), "{}", path.display());
    }
}

#[test]
fn documents_are_read_in_their_formats() {
    use tasklife::format::{AzureOperation, AzureResourceManager, Format, GoogleOperation};

    let google = GoogleOperation::new("example.com");
    for path in seeds("format") {
        let format: &dyn Format = match path.file_name().and_then(|name| name.to_str()).unwrap() {
            "azure.json" => &AzureOperation,
            "azure-resource-manager.json" => &AzureResourceManager,
            _ => &google,
        };
        let task = format.read_task(&fs::read(&path).unwrap()).unwrap();
        assert!(task.status().known().is_some_and(tasklife::TaskStatus::is_terminal));
        assert!(task.response().is_some(), "{}", path.display());
    }
}

#[cfg(feature = "audit")]
#[test]
fn readings_are_audited() {
    use tasklife::{Retention, audit::Auditor};
    for path in seeds("reading") {
        let mut auditor = Auditor::new(Retention::default());
        for line in fs::read_to_string(&path).unwrap().lines() {
            auditor.observe(&serde_json::from_str(line).unwrap());
        }
        assert!(auditor.audited() > 0, "{}", path.display());
    }
}
