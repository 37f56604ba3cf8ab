//! Files that are no store's, or no longer: each is left as it was, and the error says what is the matter.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use tasklife::{
    ApplyError, ListError, ListQuery, Scope, StoreConfig, SubmitError, Target, TaskEvent, TaskStore,
};
use tasklife_sqlite::SqliteStore;

use crate::support::{Place, account, everything, id, options, second, submission, words};

/// Asserts that a file is not opened, and that all of its folder is as it was.
#[track_caller]
fn assert_refused(place: &Place, expected: &str) {
    let before = place.contents();
    let words = words(&place.refusal());
    assert!(words.contains(expected), "{words}");
    assert!(words.starts_with(place.path().to_str().unwrap()), "{words}");
    assert!(place.contents() == before, "it was changed");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
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
    // Its tables may look like a store's.
    let place = Place::new();
    drop(place.open());
    place.connect().execute_batch("PRAGMA application_id = 1").unwrap();
    assert_refused(&place, foreign);
}

/// What stands beside a link is not the log of the file to which it leads.
#[cfg(unix)]
#[test]
fn the_log_of_another_program_is_left_alone_behind_a_link() {
    let place = Place::new();
    let foreign = Place::new();
    let connection = foreign.connect();
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (id)").unwrap();
    let killed = foreign.copy();
    let before = killed.contents();
    std::os::unix::fs::symlink(killed.path(), place.path()).unwrap();
    assert!(words(&place.refusal()).contains("another program"), "{}", words(&place.refusal()));
    assert_eq!(killed.contents(), before);
}

/// A program was killed, and its log holds what it wrote.
#[test]
fn the_log_of_another_program_is_left_alone() {
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
fn a_file_that_is_no_database_is_left_alone() {
    for text in ["a shopping list\n".repeat(100), "x\n".into()] {
        let place = Place::new();
        fs::write(place.path(), text).unwrap();
        assert_refused(&place, "expected a file of SQLite, got another");
    }
}

#[test]
fn an_empty_file_is_a_new_one() {
    let place = Place::new();
    File::create(place.path()).unwrap();
    place.open().submit(submission("acme", 1), second(0)).unwrap();
    assert_eq!(everything(&place.open(), "acme", second(0)).len(), 1);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let newer = "expected a file of version 1 or before, got version 99";
    let place = Place::new();
    drop(place.open());
    place.connect().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_refused(&place, newer);
    // Nor is what its writer left in the log moved.
    let other = place.connect();
    other.execute_batch("CREATE TABLE new (x)").unwrap();
    let killed = place.copy();
    assert!(killed.log().exists());
    assert_refused(&killed, newer);
}

/// SQLite may write to no file that says in its header that a newer SQLite does.
#[test]
fn a_file_that_may_not_be_written_is_not_opened() {
    let place = Place::new();
    drop(place.open());
    overwrite(&place.path(), 18, &[3]);
    assert_refused(&place, "expected a file that may be written, got one that is read-only");
}

#[test]
fn a_file_without_permission_to_write_is_not_opened() {
    let place = Place::new();
    drop(place.open());
    fs::set_permissions(place.path(), Permissions::from_mode(0o444)).unwrap();
    if OpenOptions::new().append(true).open(place.path()).is_ok() {
        eprintln!("skipped: this user may write to any file, whatever its permissions");
        return;
    }
    assert_refused(&place, "expected a file that may be written, got one that is read-only");
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let place = Place::new();
    for path in [place.folder().join("nowhere/tasks.db"), place.folder().to_owned()] {
        let error = options().open(&path, StoreConfig::default()).unwrap_err();
        let words = words(&error);
        assert!(words.starts_with(path.to_str().unwrap()), "{words}");
        assert!(words.contains("expected a file that can be opened or made"), "{words}");
        assert!(words.contains("unable to open database file"), "{words}");
    }
    assert!(place.contents().is_empty());
}

/// What SQLite would take for something else than a file.
#[test]
fn any_name_is_that_of_a_file() {
    let place = Place::new();
    for name in ["file:tasks.db?mode=memory", ":memory:", "a b%20c?", "ä"] {
        let path = place.folder().join(name);
        let store = options().open(&path, StoreConfig::default()).unwrap();
        store.submit(submission("acme", 1), second(0)).unwrap();
        assert!(path.exists(), "{name}");
    }
    let words = words(&options().open("", StoreConfig::default()).unwrap_err());
    assert!(words.contains("expected a file that can be opened or made"), "{words}");
}

/// A file was taken away while it is open: no new one is made in its place.
#[test]
fn a_file_that_is_gone_is_not_made_again() {
    let place = Place::new();
    let store = place.open();
    store.submit(submission("acme", 1), second(0)).unwrap();
    for name in place.contents().into_keys() {
        fs::remove_file(place.folder().join(name)).unwrap();
    }
    let error = store.get(&account("acme"), id(1), second(0)).unwrap_err();
    assert!(words(&error).contains("expected a file that can be opened"), "{}", words(&error));
    assert!(!place.path().exists());
}

/// A file with tasks of two accounts, some of them large, all in it and none in the log.
fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    for number in 0..200_u16 {
        let name = ["acme", "umbrella"][usize::from(number % 2 == 1)];
        let new =
            submission(name, number.into()).with_input(vec![b'x'; 100 * usize::from(number % 60)]);
        store.submit(new, second(0)).unwrap();
    }
    drop(store);
    assert!(!place.log().exists());
    place
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Makes every kind of call, for each task; what those that failed say.
fn failures(store: &SqliteStore) -> Vec<String> {
    let mut failures = Vec::new();
    let mut note = |error: &dyn std::error::Error| failures.push(words(error));
    for number in (0..200).step_by(10) {
        let acme = account(["acme", "umbrella"][usize::from(number % 2 == 1)]);
        if let Err(error) = store.get(&acme, id(number), second(1)) {
            note(&error);
        }
        let event = TaskEvent::start();
        match store.apply(Target::latest(&acme, id(number)), event, second(1)) {
            Err(ApplyError::Backend(error)) => note(&error),
            Ok(_) | Err(ApplyError::NotFound | ApplyError::Transition(_)) => {}
            other => panic!("{other:?}"),
        }
        match store.list(&acme, &ListQuery::default(), second(1)) {
            Err(ListError::Backend(error)) => note(&error),
            Ok(_) => {}
            other => panic!("{other:?}"),
        }
        if let Err(error) = store.claim(Scope::Account(&acme), second(1)) {
            note(&error);
        }
        if let Err(error) = store.claim(Scope::Any, second(1)) {
            note(&error);
        }
        match store.submit(submission(acme.as_str(), 1_000 + number), second(1)) {
            Err(SubmitError::Backend(error)) => note(&error),
            Ok(_) => {}
            other => panic!("{other:?}"),
        }
    }
    if let Err(error) = store.sweep(usize::MAX, second(10_000_000)) {
        note(&error);
    }
    failures
}

const DAMAGED: &str = "expected the file whole, got it damaged";

/// Page by page. No call panics, and none gives what was never written.
#[test]
fn a_page_that_was_overwritten_is_told() {
    let place = filled();
    let length = fs::metadata(place.path()).unwrap().len();
    let mut told = 0;
    // The first page is the header's.
    for page in (1..length / 4096).step_by(3) {
        for garbage in [[0; 4096], [0xa5; 4096]] {
            let place = place.copy();
            overwrite(&place.path(), page * 4096, &garbage);
            let failures = match options().open(place.path(), StoreConfig::default()) {
                Ok(store) => failures(&store),
                Err(error) => vec![words(&error)],
            };
            told += usize::from(failures.iter().any(|words| words.contains(DAMAGED)));
            for words in failures {
                assert!(words.contains("damaged"), "page {page}: {words}");
            }
        }
    }
    assert!(told > 50, "only {told} times");
}

#[test]
fn a_file_that_was_cut_off_is_told() {
    let place = filled();
    let length = fs::metadata(place.path()).unwrap().len();
    for length in [length / 2, length - 4096, 4096, 1000] {
        let place = place.copy();
        OpenOptions::new().write(true).open(place.path()).unwrap().set_len(length).unwrap();
        assert_refused(&place, "expected");
        let words = words(&place.refusal());
        assert!(words.contains(DAMAGED) || words.contains("got another"), "{length}: {words}");
    }
}

/// A copy of a store with the task 2 of acme, of which something is written that no store writes.
fn altered(sql: &str) -> (Place, SqliteStore) {
    let place = Place::new();
    let store = place.open();
    store.submit(submission("umbrella", 1), second(0)).unwrap();
    store.submit(submission("acme", 2), second(0)).unwrap();
    drop(store);
    let changed = place.connect().execute(sql, []).unwrap();
    assert_eq!(changed, 1, "{sql}");
    let store = place.open();
    (place, store)
}

/// Makes every call that reads the task 2 of acme: each fails so, and writes nothing.
#[track_caller]
fn assert_told(place: &Place, store: &SqliteStore, expected: &[&str]) {
    let before = rows(&place.connect());
    let acme = account("acme");
    let target = Target::latest(&acme, id(2));
    let apply = |event| match store.apply(target, event, second(1)) {
        Err(ApplyError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    };
    let list = match store.list(&acme, &ListQuery::default(), second(1)) {
        Err(ListError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    };
    let submit = match store.submit(submission("acme", 2), second(1)) {
        Err(SubmitError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    };
    let errors = [
        store.get(&acme, id(2), second(1)).unwrap_err(),
        apply(TaskEvent::start()),
        list,
        submit,
        store.claim(Scope::Account(&acme), second(1)).unwrap_err(),
    ];
    for error in errors {
        assert!(!error.is_unknown());
        let words = words(&error);
        for expected in expected {
            assert!(words.contains(expected), "{words}");
        }
    }
    assert_eq!(rows(&place.connect()), before);
}

/// Everything that the tables hold, as SQLite prints it.
fn rows(connection: &Connection) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["store", "accounts", "tasks"] {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values = (0..columns).map(|column| row.get_ref(column).unwrap());
            rows.push(format!("{table} {:?}", values.collect::<Vec<_>>()));
        }
    }
    rows
}

#[test]
fn a_record_that_is_no_json_is_told() {
    let name = id(2).to_string();
    for record in ["", "{", "[]", "{}", "null", "{\"id\": 7}"] {
        let sql = format!(
            "UPDATE tasks SET record = '{record}'
             WHERE account = (SELECT key FROM accounts WHERE name = 'acme')"
        );
        let (place, store) = altered(&sql);
        assert_told(&place, &store, &["the record of task", &name, "can't be read", "column"]);
        assert_eq!(everything(&store, "umbrella", second(1)).len(), 1);
    }
}

/// What it means, only the newer version knows.
#[test]
fn a_record_with_a_field_of_a_newer_version_is_told() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.priority', 5)
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let expected = ["the record of task", "written by a newer version", "unknown field `priority`"];
    assert_told(&place, &store, &expected);
}

#[test]
fn a_record_that_no_task_could_have_left_is_told() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.attempts', 3)
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let name = id(2).to_string();
    assert_told(&place, &store, &["the record of task", &name, "expected attempts", "got 3"]);
}

#[test]
fn a_record_in_another_status_than_its_row_is_not_handed_out() {
    let (_place, store) = altered(
        "UPDATE tasks SET status = 1, record = json_set(record, '$.status', 'initialized')
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let error = store.claim(Scope::Account(&account("acme")), second(1)).unwrap_err();
    let expected = "in received, as its row says, got it in initialized";
    assert!(words(&error).contains(expected), "{}", words(&error));
}

#[test]
fn a_lost_row_of_the_whole_store_is_told() {
    let expected =
        "expected a row that tells of the whole store, got something else: the file is damaged";
    let (place, store) = altered("UPDATE store SET tasks = tasks");
    place.connect().execute("DELETE FROM store", []).unwrap();
    assert_told(&place, &store, &[expected]);
    drop(store);
    assert!(words(&place.refusal()).contains(expected), "{}", words(&place.refusal()));
}

/// The account that has waited longest can't be served: the others are, and it is told when there is nothing else.
#[test]
fn what_cannot_be_read_stands_in_no_other_accounts_way() {
    let umbrella = "account = (SELECT key FROM accounts WHERE name = 'umbrella')";
    let damages = [
        (format!("UPDATE tasks SET record = '{{' WHERE {umbrella}"), "can't be read"),
        (
            format!(
                "UPDATE tasks SET record = json_set(record, '$.status', 'initialized') WHERE {umbrella}"
            ),
            "in received, as its row says, got it in initialized",
        ),
        ("UPDATE accounts SET updated_at = x'00' WHERE name = 'umbrella'".into(), "an instant"),
    ];
    for (sql, expected) in damages {
        let (place, store) = altered(&sql);
        store.submit(submission("initech", 3), second(0)).unwrap();
        let claim = || store.claim(Scope::Any, second(1));
        for other in ["acme", "initech"] {
            let claimed = claim().unwrap().unwrap();
            assert_eq!(*claimed.change().task().account(), account(other));
        }
        let before = rows(&place.connect());
        for _ in 0..2 {
            let error = claim().unwrap_err();
            assert!(!error.is_unknown());
            for expected in ["account umbrella", expected] {
                assert!(words(&error).contains(expected), "{}", words(&error));
            }
        }
        assert_eq!(rows(&place.connect()), before, "nobody is woken by it");
        store.submit(submission("initech", 4), second(2)).unwrap();
        assert_eq!(claim().unwrap().unwrap().change().task().id(), id(4));
    }
}

/// Its other tasks are submitted, read and handed out.
#[test]
fn a_record_that_cannot_be_read_leaves_the_others_of_its_account() {
    let (place, store) = altered(
        "UPDATE tasks SET record = '{' WHERE account = (SELECT key FROM accounts WHERE name = 'umbrella')",
    );
    store.submit(submission("umbrella", 4), second(2)).unwrap();
    let other = store.get(&account("umbrella"), id(4), second(2)).unwrap();
    assert_eq!(other.unwrap().id(), id(4));
    // Without that one, the account is served like any other.
    assert_eq!(place.connect().execute("DELETE FROM tasks WHERE record = '{'", []).unwrap(), 1);
    let claims = [1, 2].map(|_| store.claim(Scope::Any, second(2)).unwrap().unwrap());
    assert!(claims.iter().any(|claimed| claimed.change().task().id() == id(4)));
}

#[test]
fn a_record_of_another_task_is_told() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.id', '00000000-0000-4000-8000-00000000000b')
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let expected = "got that of task 00000000-0000-4000-8000-00000000000b";
    assert_told(&place, &store, &["expected the record of task", expected]);
}

#[test]
fn an_instant_that_is_none_is_told() {
    let (_place, store) = altered("UPDATE accounts SET updated_at = x'00' WHERE name = 'acme'");
    let error = store.claim(Scope::Account(&account("acme")), second(1)).unwrap_err();
    let expected = "expected an instant, got something else: the file is damaged";
    assert!(words(&error).contains(expected), "{}", words(&error));
}
