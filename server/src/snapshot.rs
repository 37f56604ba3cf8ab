//! A file that keeps the tasks of a store in memory from one run of the server to the next.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tasklife::{MemoryStore, Snapshot, StoreConfig};
use tokio::task::spawn_blocking;
use tokio::time::interval;

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    at: DateTime<Utc>,
    /// Whether the server stopped after this snapshot, so that nothing is missing from it.
    orderly: bool,
    tasks: Snapshot,
}

/// Restores the store from the file, or creates an empty store if there is no file yet.
///
/// Then it marks the file as in use. If the server crashes, the next start finds the mark and reports
/// that something may be lost.
pub(crate) fn restore(config: StoreConfig, path: &Path) -> Result<MemoryStore, Box<dyn Error>> {
    let tasks = if path.try_exists()? {
        let Saved { at, orderly, tasks } = serde_json::from_slice(&fs::read(path)?)?;
        if !orderly {
            let path = path.display();
            eprintln!(
                "{path}: the last run did not stop in order: its changes after {at} are lost"
            );
        }
        tasks
    } else {
        Snapshot::default()
    };
    // The restored store gives out none of the revisions that the last run gave out after the snapshot.
    let store = MemoryStore::restore(config, tasks, Utc::now())?;
    save(&store, path, false)?;
    Ok(store)
}

/// Saves the store at an interval. After a failure the old file is still there, and the next save is due
/// as usual.
pub(crate) async fn save_often(memory: Arc<MemoryStore>, path: PathBuf, every: Duration) {
    let mut ticks = interval(every);
    loop {
        ticks.tick().await;
        let (memory, path) = (memory.clone(), path.clone());
        let saved = spawn_blocking(move || {
            save(&memory, &path, false).map_err(|e| format!("{}: {e}", path.display()))
        });
        if let Ok(Err(error)) = saved.await {
            eprintln!("{error}");
        }
    }
}

/// Writes a new file and renames it, so that the file is always complete: either the old or the new one.
pub(crate) fn save(store: &MemoryStore, path: &Path, orderly: bool) -> io::Result<()> {
    let saved = Saved { at: Utc::now(), orderly, tasks: store.snapshot() };
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let mut file = BufWriter::new(File::create(&unfinished)?);
    serde_json::to_writer(&mut file, &saved)?;
    file.into_inner()?.sync_all()?;
    fs::rename(&unfinished, path)?;
    // Syncs the folder too, so that a power cut does not bring back the old file.
    #[cfg(unix)]
    if let Some(folder) = path.canonicalize()?.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
