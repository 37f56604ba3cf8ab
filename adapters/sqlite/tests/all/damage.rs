//! Damaged files and records: the calls that read them report it, and write nothing.

use std::fs::{self, OpenOptions};

use rusqlite::Connection;
use tasklife::{
    ApplyError, ListError, ListQuery, Scope, StoreConfig, SubmitError, Target, TaskEvent, TaskStore,
};
use tasklife_sqlite::SqliteStore;

use crate::support::{
    Place, account, assert_refused, chain, everything, id, options, overwrite, second, submission,
};

/// Creates a file with small and large tasks of two accounts, and without a log.
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

/// Makes every kind of call for some of the tasks, and returns the messages of the errors.
fn failures(store: &SqliteStore) -> Vec<String> {
    let mut failures = Vec::new();
    let mut note = |error: &dyn std::error::Error| failures.push(chain(error));
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

const DAMAGED: &str = "expected an intact file, got a damaged one";

/// No call panics on a damaged page, and none returns data that was never written.
#[test]
fn an_overwritten_page_is_reported() {
    let place = filled();
    let length = fs::metadata(place.path()).unwrap().len();
    let mut reported = 0;
    // The first page holds the header.
    for page in (1..length / 4096).step_by(3) {
        for garbage in [[0; 4096], [0xa5; 4096]] {
            let place = place.copy();
            overwrite(&place.path(), page * 4096, &garbage);
            let failures = match options().open(place.path(), StoreConfig::default()) {
                Ok(store) => failures(&store),
                Err(error) => vec![chain(&error)],
            };
            reported += usize::from(failures.iter().any(|message| message.contains(DAMAGED)));
            for message in failures {
                assert!(message.contains("damaged"), "page {page}: {message}");
            }
        }
    }
    assert!(reported > 50, "only {reported} times");
}

#[test]
fn a_truncated_file_is_reported() {
    let place = filled();
    let length = fs::metadata(place.path()).unwrap().len();
    for length in [length / 2, length - 4096, 4096, 1000] {
        let place = place.copy();
        OpenOptions::new().write(true).open(place.path()).unwrap().set_len(length).unwrap();
        assert_refused(&place, "expected");
        let message = chain(&place.refusal());
        assert!(
            message.contains(DAMAGED) || message.contains("got another"),
            "{length}: {message}"
        );
    }
}

/// Creates a store with task 1 of umbrella and task 2 of acme, and alters one row with SQL.
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

/// Asserts that every call that reads task 2 of acme fails with a message, and writes nothing.
#[track_caller]
fn assert_reported(place: &Place, store: &SqliteStore, expected: &[&str]) {
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
        let message = chain(&error);
        for expected in expected {
            assert!(message.contains(expected), "{message}");
        }
    }
    assert_eq!(rows(&place.connect()), before);
}

/// Returns all rows of the tables as text.
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
fn a_record_that_is_not_json_is_reported() {
    let name = id(2).to_string();
    for record in ["", "{", "[]", "{}", "null", "{\"id\": 7}"] {
        let sql = format!(
            "UPDATE tasks SET record = '{record}'
             WHERE account = (SELECT key FROM accounts WHERE name = 'acme')"
        );
        let (place, store) = altered(&sql);
        assert_reported(&place, &store, &["the record of task", &name, "can't be read", "column"]);
        assert_eq!(everything(&store, "umbrella", second(1)).len(), 1);
    }
}

/// Only the newer version knows what the field means.
#[test]
fn a_record_with_an_unknown_field_is_reported() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.priority', 5)
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let expected = ["the record of task", "written by a newer version", "unknown field `priority`"];
    assert_reported(&place, &store, &expected);
}

#[test]
fn a_record_of_an_impossible_task_is_reported() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.attempts', 3)
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let name = id(2).to_string();
    assert_reported(
        &place,
        &store,
        &["the record of task", &name, "expected no attempts", "got 3"],
    );
}

#[test]
fn a_record_whose_status_differs_from_its_row_is_not_claimed() {
    let (_place, store) = altered(
        "UPDATE tasks SET status = 1, record = json_set(record, '$.status', 'initialized')
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let error = store.claim(Scope::Account(&account("acme")), second(1)).unwrap_err();
    let expected = "to be received, as its row says, got initialized";
    assert!(chain(&error).contains(expected), "{}", chain(&error));
}

#[test]
fn a_missing_row_of_the_store_is_reported() {
    let expected = "expected the row of the whole store, got something else: the file is damaged";
    let (place, store) = altered("UPDATE store SET tasks = tasks");
    place.connect().execute("DELETE FROM store", []).unwrap();
    assert_reported(&place, &store, &[expected]);
    drop(store);
    assert!(chain(&place.refusal()).contains(expected), "{}", chain(&place.refusal()));
}

/// Claims serve the other accounts first, and then report the error.
#[test]
fn an_unreadable_row_blocks_no_other_account() {
    let umbrella = "account = (SELECT key FROM accounts WHERE name = 'umbrella')";
    let damages = [
        (format!("UPDATE tasks SET record = '{{' WHERE {umbrella}"), "can't be read"),
        (
            format!(
                "UPDATE tasks SET record = json_set(record, '$.status', 'initialized') WHERE {umbrella}"
            ),
            "to be received, as its row says, got initialized",
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
                assert!(chain(&error).contains(expected), "{}", chain(&error));
            }
        }
        assert_eq!(rows(&place.connect()), before, "the failed claims changed rows");
        store.submit(submission("initech", 4), second(2)).unwrap();
        assert_eq!(claim().unwrap().unwrap().change().task().id(), id(4));
    }
}

/// The account's other tasks can be submitted and read, and claimed once the record is gone.
#[test]
fn an_unreadable_record_does_not_affect_other_tasks_of_its_account() {
    let (place, store) = altered(
        "UPDATE tasks SET record = '{' WHERE account = (SELECT key FROM accounts WHERE name = 'umbrella')",
    );
    store.submit(submission("umbrella", 4), second(2)).unwrap();
    let other = store.get(&account("umbrella"), id(4), second(2)).unwrap();
    assert_eq!(other.unwrap().id(), id(4));
    // Without the record, claims serve the account again.
    assert_eq!(place.connect().execute("DELETE FROM tasks WHERE record = '{'", []).unwrap(), 1);
    let claims = [1, 2].map(|_| store.claim(Scope::Any, second(2)).unwrap().unwrap());
    assert!(claims.iter().any(|claimed| claimed.change().task().id() == id(4)));
}

#[test]
fn a_record_of_another_task_is_reported() {
    let (place, store) = altered(
        "UPDATE tasks SET record = json_set(record, '$.id', '00000000-0000-4000-8000-00000000000b')
         WHERE account = (SELECT key FROM accounts WHERE name = 'acme')",
    );
    let expected = "got the record of task 00000000-0000-4000-8000-00000000000b";
    assert_reported(&place, &store, &["expected the record of task", expected]);
}

#[test]
fn an_invalid_instant_is_reported() {
    let (_place, store) = altered("UPDATE accounts SET updated_at = x'00' WHERE name = 'acme'");
    let error = store.claim(Scope::Account(&account("acme")), second(1)).unwrap_err();
    let expected = "expected an instant, got something else: the file is damaged";
    assert!(chain(&error).contains(expected), "{}", chain(&error));
}
