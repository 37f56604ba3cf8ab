//! Temporary files, and the values that tests submit.

mod reopened;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tasklife::chrono::TimeDelta;
use tasklife::testing::{BlockOn, CurrentThread};
use tasklife::{
    AccountId, CommandType, ListQuery, StoreConfig, Submission, Task, TaskId, TaskStore, Timestamp,
};
use tasklife_sqlite::{Durability, OpenError, SqliteOptions, SqliteStore};
use tempfile::TempDir;

pub(crate) use reopened::Reopened;

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

/// A path for a file in a temporary folder, which is deleted when this is dropped.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("tasks.db")
    }

    /// Returns the path of the log beside the file.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("tasks.db-wal")
    }

    /// Opens the store in the file.
    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(StoreConfig::default())
    }

    pub(crate) fn open_with(&self, config: StoreConfig) -> SqliteStore {
        options().open(self.path(), config).unwrap()
    }

    /// Returns the error of opening the store in the file.
    pub(crate) fn refusal(&self) -> OpenError {
        options().open(self.path(), StoreConfig::default()).unwrap_err()
    }

    /// Opens a plain connection to the file, like another program.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Copies the file and its log as they are now, which is what a kill leaves.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        copy.replace_by(self);
        copy
    }

    /// Replaces the file and its log by those of another place.
    pub(crate) fn replace_by(&self, other: &Self) {
        for name in self.contents().into_keys() {
            fs::remove_file(self.folder().join(name)).unwrap();
        }
        for (from, to) in [(other.path(), self.path()), (other.log(), self.log())] {
            if from.exists() {
                fs::copy(from, to).unwrap();
            }
        }
    }

    /// Reads each file of the folder, except the index of the log, which holds no data.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.folder()).unwrap().map(Result::unwrap);
        files
            .map(|file| (file.file_name().into_string().unwrap(), file.path()))
            .filter(|(name, _)| !name.ends_with("-shm"))
            .map(|(name, path)| (name, fs::read(path).unwrap()))
            .collect()
    }
}

/// Returns options for tests: no wait for the disk, because tests can't cut the power, and 20
/// seconds of busy timeout.
pub(crate) const fn options() -> SqliteOptions {
    SqliteOptions::new()
        .with_durability(Durability::System)
        .with_busy_timeout(Duration::from_secs(20))
}

/// Asserts that opening a file fails, and that its folder stays unchanged.
#[track_caller]
pub(crate) fn assert_refused(place: &Place, expected: &str) {
    let before = place.contents();
    let message = chain(&place.refusal());
    assert!(message.contains(expected), "{message}");
    assert!(message.starts_with(place.path().to_str().unwrap()), "{message}");
    assert!(place.contents() == before, "the folder was changed");
}

/// Overwrites bytes of a file.
pub(crate) fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Runs a future to completion.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    CurrentThread.block_on(future)
}

/// Joins the messages of an error and its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

/// Lists all visible tasks of an account, the latest update first.
pub(crate) fn everything(store: &SqliteStore, name: &str, now: Timestamp) -> Vec<Task> {
    let all = ListQuery::new(NonZeroUsize::MAX);
    TaskStore::list(store, &account(name), &all, now).unwrap().into_tasks()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the instant `seconds` after the start of the test's time.
pub(crate) fn second(seconds: i64) -> Timestamp {
    at("2019-08-08T00:00:00Z") + TimeDelta::seconds(seconds)
}

pub(crate) fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(crate) fn id(number: u64) -> TaskId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
}

pub(crate) fn submission(name: &str, number: u64) -> Submission {
    Submission::new(account(name), id(number), CREATE)
}
