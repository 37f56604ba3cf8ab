//! Files of a test's own, and what is put into them.

mod reopened;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tasklife::chrono::TimeDelta;
use tasklife::testing::{BlockOn, Park};
use tasklife::{
    AccountId, CommandType, ListQuery, Now, StoreConfig, Submission, Task, TaskId, TaskStore,
};
use tasklife_sqlite::{Durability, OpenError, SqliteOptions, SqliteStore};
use tempfile::TempDir;

pub(crate) use reopened::Reopened;

pub(crate) const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

/// A place for a file, in a folder of its own, which goes when this is dropped.
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

    /// The log beside the file.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder().join("tasks.db-wal")
    }

    /// The store in the file.
    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(StoreConfig::default())
    }

    pub(crate) fn open_with(&self, config: StoreConfig) -> SqliteStore {
        options().open(self.path(), config).unwrap()
    }

    /// Why there is no store in the file.
    pub(crate) fn refusal(&self) -> OpenError {
        options().open(self.path(), StoreConfig::default()).unwrap_err()
    }

    /// A connection to the file that knows nothing of stores, as another program has it.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// A copy of the file and its log as they are now, at a place of its own: what a kill leaves.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        copy.replace_by(self);
        copy
    }

    /// Puts the file and the log of another place where those of this one are.
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

    /// What is in each file of the folder, but for the index of the log, which is no one's data.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.folder()).unwrap().map(Result::unwrap);
        files
            .map(|file| (file.file_name().into_string().unwrap(), file.path()))
            .filter(|(name, _)| !name.ends_with("-shm"))
            .map(|(name, path)| (name, fs::read(path).unwrap()))
            .collect()
    }
}

/// What survives the end of a process, which is all that tests can have; and little patience.
pub(crate) const fn options() -> SqliteOptions {
    SqliteOptions::new().with_durability(Durability::System).with_patience(Duration::from_secs(20))
}

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    Park.block_on(future)
}

/// What an error says, with all its causes.
pub(crate) fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// All visible tasks of an account, the one that was updated last first.
pub(crate) fn everything(store: &SqliteStore, name: &str, now: Now) -> Vec<Task> {
    let all = ListQuery::new(NonZeroUsize::MAX);
    TaskStore::list(store, &account(name), &all, now).unwrap().into_tasks()
}

pub(crate) fn at(text: &str) -> Now {
    text.parse().unwrap()
}

/// So many seconds after a fixed instant.
pub(crate) fn second(seconds: i64) -> Now {
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
