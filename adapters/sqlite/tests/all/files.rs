//! Unusual files. One that can't be opened stays unchanged, and the error says what is wrong.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;

use tasklife::{StoreConfig, TaskStore};

use crate::support::{
    Place, account, assert_refused, chain, everything, id, options, overwrite, second, submission,
};

#[test]
fn a_database_of_another_program_is_refused_and_unchanged() {
    let foreign = "expected a file of tasklife-sqlite, got a database of another program";
    for sql in [
        "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('Rust')",
        "PRAGMA application_id = 252006675",
        "PRAGMA user_version = 1",
        "PRAGMA journal_mode = WAL; CREATE TABLE songs (title TEXT)",
    ] {
        let place = Place::new();
        place.connect().execute_batch(sql).unwrap();
        assert_refused(&place, foreign);
    }
    // This one has the tables of a store.
    let place = Place::new();
    drop(place.open());
    place.connect().execute_batch("PRAGMA application_id = 1").unwrap();
    assert_refused(&place, foreign);
}

/// The log is beside the file that the link leads to, and not beside the link.
#[cfg(unix)]
#[test]
fn the_log_of_another_program_behind_a_link_is_unchanged() {
    let place = Place::new();
    let foreign = Place::new();
    let connection = foreign.connect();
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (id)").unwrap();
    let killed = foreign.copy();
    let before = killed.contents();
    std::os::unix::fs::symlink(killed.path(), place.path()).unwrap();
    assert!(chain(&place.refusal()).contains("another program"), "{}", chain(&place.refusal()));
    assert_eq!(killed.contents(), before);
}

/// The other program was killed, and the log holds what it wrote.
#[test]
fn the_log_of_another_program_is_unchanged() {
    let place = Place::new();
    let other = place.connect();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE songs (title TEXT)").unwrap();
    let killed = place.copy();
    assert!(killed.log().exists());
    assert_refused(&killed, "got a database of another program");
    let songs = "SELECT count(*) FROM songs";
    assert_eq!(killed.connect().query_one(songs, [], |row| row.get(0)), Ok(0));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_unchanged() {
    for text in ["a shopping list\n".repeat(100), "x\n".into()] {
        let place = Place::new();
        fs::write(place.path(), text).unwrap();
        assert_refused(&place, "expected an SQLite file, got another");
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    File::create(place.path()).unwrap();
    place.open().submit(submission("acme", 1), second(0)).unwrap();
    assert_eq!(everything(&place.open(), "acme", second(0)).len(), 1);
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_unchanged() {
    let newer = "expected a file of version 1 or earlier, got version 99";
    let place = Place::new();
    drop(place.open());
    place.connect().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_refused(&place, newer);
    // The log of its last writer stays unchanged, too.
    let other = place.connect();
    other.execute_batch("CREATE TABLE new (x)").unwrap();
    let killed = place.copy();
    assert!(killed.log().exists());
    assert_refused(&killed, newer);
}

/// SQLite does not write to a file whose header requires a newer version of SQLite.
#[test]
fn a_file_that_requires_a_newer_sqlite_is_refused() {
    let place = Place::new();
    drop(place.open());
    overwrite(&place.path(), 18, &[3]);
    assert_refused(&place, "expected a writable file, got a read-only one");
}

#[test]
fn a_file_without_write_permission_is_refused() {
    let place = Place::new();
    drop(place.open());
    fs::set_permissions(place.path(), Permissions::from_mode(0o444)).unwrap();
    if OpenOptions::new().append(true).open(place.path()).is_ok() {
        eprintln!("skipped: this user may write to any file regardless of its permissions");
        return;
    }
    assert_refused(&place, "expected a writable file, got a read-only one");
}

#[test]
fn a_missing_folder_is_not_created() {
    let place = Place::new();
    for path in [place.folder().join("nowhere/tasks.db"), place.folder().to_owned()] {
        let error = options().open(&path, StoreConfig::default()).unwrap_err();
        let message = chain(&error);
        assert!(message.starts_with(path.to_str().unwrap()), "{message}");
        assert!(message.contains("expected a file that can be opened or created"), "{message}");
        assert!(message.contains("unable to open database file"), "{message}");
    }
    assert!(place.contents().is_empty());
}

/// SQLite itself treats some of these names as something other than a file.
#[test]
fn every_name_refers_to_a_file() {
    let place = Place::new();
    for name in ["file:tasks.db?mode=memory", ":memory:", "a b%20c?", "ä"] {
        let path = place.folder().join(name);
        let store = options().open(&path, StoreConfig::default()).unwrap();
        store.submit(submission("acme", 1), second(0)).unwrap();
        assert!(path.exists(), "{name}");
    }
    let message = chain(&options().open("", StoreConfig::default()).unwrap_err());
    assert!(message.contains("expected a file that can be opened or created"), "{message}");
}

#[test]
fn a_file_that_is_deleted_while_open_is_not_created_again() {
    let place = Place::new();
    let store = place.open();
    store.submit(submission("acme", 1), second(0)).unwrap();
    for name in place.contents().into_keys() {
        fs::remove_file(place.folder().join(name)).unwrap();
    }
    let error = store.get(&account("acme"), id(1), second(0)).unwrap_err();
    assert!(chain(&error).contains("expected a file that can be opened"), "{}", chain(&error));
    assert!(!place.path().exists());
}
