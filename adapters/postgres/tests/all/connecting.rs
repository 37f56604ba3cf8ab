//! Connecting to a store, and creating its tables.

use std::time::Duration;

use tasklife::{AsyncTaskStore, StoreConfig};
use tasklife_postgres::{ConnectError, PostgresOptions, PostgresStore};

use crate::support::{PostgresServer, SERVER, block_on, chain, second, spawn, submission};

fn options(schema: &str) -> PostgresOptions {
    PostgresOptions::new().with_schema(schema).unwrap().with_retry_time(Duration::from_millis(200))
}

async fn connect(options: PostgresOptions) -> Result<PostgresStore, ConnectError> {
    options.connect(&SERVER.address(), StoreConfig::default()).await
}

#[test]
fn concurrent_connects_create_the_tables_once() {
    block_on(async {
        for round in 0..3 {
            let schema = format!("created_{round}");
            let connecting: Vec<_> = (0..8)
                .map(|_| {
                    let options = options(&schema).with_retry_time(Duration::from_secs(20));
                    spawn(async move { connect(options).await })
                })
                .collect();
            for (number, connecting) in connecting.into_iter().enumerate() {
                let store = connecting.await.unwrap().unwrap();
                store.submit(submission("acme", number as u64), second(0)).await.unwrap();
            }
        }
    });
}

#[test]
fn one_connection_is_enough_to_create_the_tables_and_use_them() {
    block_on(async {
        let store = connect(options("one_connection").with_connections(1)).await.unwrap();
        store.submit(submission("acme", 1), second(0)).await.unwrap();
        assert_eq!(store.census(second(0)).await.unwrap().held(), 1);
    });
}

#[test]
fn tables_of_a_newer_version_are_refused_and_unchanged() {
    block_on(connect(options("newer"))).unwrap();
    SERVER.psql("UPDATE newer.store SET version = 99");
    let error = block_on(connect(options("newer"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected tables of version 1 or earlier, got version 99: a newer version of tasklife-postgres created them"
    );
    assert!(!error.is_of_database());
    assert_eq!(SERVER.psql("SELECT version FROM newer.store"), "99");
}

#[test]
fn a_schema_of_another_program_is_refused_and_unchanged() {
    SERVER.psql("CREATE SCHEMA foreign_tables; CREATE TABLE foreign_tables.store (x int)");
    let error = block_on(connect(options("foreign_tables"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected the schema foreign_tables to be empty, missing or a store's, got other tables in it"
    );
    let tables = SERVER.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'foreign_tables'");
    assert_eq!(tables, "1");
    // An empty schema may have been created for the store.
    SERVER.psql("CREATE SCHEMA prepared");
    block_on(connect(options("prepared"))).unwrap();
}

#[test]
fn the_rights_in_the_readme_are_enough_without_migration() {
    let rights = include_str!("../../README.md").split_once("```sql\n").unwrap().1;
    let rights = rights.split_once("```").unwrap().0;
    block_on(async {
        let error = connect(options("tasklife").without_migration()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected tables of version 1 in the schema tasklife, got none: connect once without `without_migration`, as a user with the right to create them"
        );
        let owner = connect(options("tasklife")).await.unwrap();
        SERVER.psql(&format!("CREATE ROLE worker LOGIN; {rights}"));
        let address = SERVER.address().replace("tasklife@", "worker@");
        let config = StoreConfig::default().with_max_tasks(2);
        let store =
            options("tasklife").without_migration().connect(&address, config).await.unwrap();
        for number in 0..2 {
            store.submit(submission("acme", number), second(0)).await.unwrap();
            let _ = store.claim(tasklife::Scope::Any, second(0)).await.unwrap().unwrap();
        }
        store.submit(submission("acme", 3), second(0)).await.unwrap_err();
        let later = second(10_000_000);
        store.submit(submission("acme", 4), later).await.unwrap();
        assert_eq!(store.sweep(10, later).await.unwrap().dropped, 1);
        assert_eq!(store.census(later).await.unwrap().held(), 1);
        drop(owner);
        // This user has no right to create tables.
        let error = options("of_worker").connect(&address, StoreConfig::default()).await;
        let error = chain(&error.unwrap_err());
        assert!(
            error.starts_with("expected the right to create or use the store's tables, got none: "),
            "{error}"
        );
    });
}

#[test]
fn an_invalid_address_or_schema_name_is_refused() {
    for (address, expected) in [
        ("", "expected an address such as postgres://user:password@host:5432/database"),
        (
            "redis://127.0.0.1",
            "expected an address such as postgres://user:password@host:5432/database",
        ),
        (
            "postgres://secret@127.0.0.1:x/",
            "expected an address such as postgres://user:password@host:5432/database: ",
        ),
        (
            "postgres://127.0.0.1/?sslmode=prefer",
            "expected sslmode to be disable, require, verify-ca or verify-full, got prefer",
        ),
        (
            "postgres://127.0.0.1/?sslmode=require&sslrootcert=/nowhere",
            "expected a readable file of certificates at \"/nowhere\"",
        ),
        ("postgres://127.0.0.1/?whatever=1", "expected an address such as postgres://"),
        (
            "postgres://127.0.0.1/?sslcert=file",
            "expected no parameter sslcert: set the client certificate with `with_client_certificate`",
        ),
    ] {
        let connecting = PostgresStore::connect(address, StoreConfig::default());
        let error = chain(&block_on(connecting).unwrap_err());
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    for schema in ["", "1a", "A", "a-b", "a\"b", "ä", &"a".repeat(55)] {
        let error = PostgresOptions::new().with_schema(schema).unwrap_err().to_string();
        assert!(error.contains(&format!("{schema:?}")), "{error}");
    }
    // A reserved word is a valid name.
    block_on(connect(options("user"))).unwrap();
}

#[test]
fn a_database_that_the_store_cannot_use_is_refused() {
    let server = PostgresServer::start(&[]);
    server.psql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    server.psql("ALTER ROLE tasklife IN DATABASE postgres SET default_transaction_isolation = 'serializable'");
    let port = server.port;
    for (database, expected) in [
        ("latin", "expected a database with the encoding UTF8, got LATIN1"),
        ("postgres", "expected the isolation level read committed, got serializable: "),
        ("missing", "expected a connection to the database: "),
    ] {
        let address = format!("postgres://tasklife@127.0.0.1:{port}/{database}");
        let error = block_on(options("s").connect(&address, StoreConfig::default())).unwrap_err();
        let error = chain(&error);
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Parked accounts become ready, and the new limit of tasks holds.
#[test]
fn a_new_configuration_applies_when_the_store_is_opened() {
    let lane = StoreConfig::default().with_max_in_progress(1.try_into().unwrap()).with_max_tasks(3);
    let (store, schema) = crate::support::fresh(lane);
    block_on(async {
        for number in 0..3 {
            store.submit(submission("acme", number), second(0)).await.unwrap();
        }
        store.submit(submission("acme", 4), second(0)).await.unwrap_err();
        assert!(store.claim(tasklife::Scope::Any, second(0)).await.unwrap().is_some());
        assert!(store.claim(tasklife::Scope::Any, second(0)).await.unwrap().is_none());
        let wide = StoreConfig::default().with_max_tasks(4);
        let store = store.in_schema(&schema.0, wide).await.unwrap();
        assert!(store.claim(tasklife::Scope::Any, second(0)).await.unwrap().is_some());
        store.submit(submission("acme", 4), second(0)).await.unwrap();
        store.submit(submission("acme", 5), second(0)).await.unwrap_err();
    });
}
