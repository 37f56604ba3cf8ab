//! The tables: how they are made, recognized and brought up to date.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Transaction};

use crate::connect_error::{ConnectError, ConnectFault};
use crate::database::Database;
use crate::fault::Fault;
use crate::rows::column;
use crate::schema::in_schema;

/// The steps from each version to the next one, the first from nothing. Tables are of the version that is the number
/// of steps taken.
const MIGRATIONS: [&str; 1] =
    [concat!(include_str!("sql/tables.sql"), include_str!("sql/functions.sql"))];

/// For how long a migration may take, and wait for that of another process, at the least.
const AT_LEAST: Duration = Duration::from_secs(30);

/// Makes sure that the tables are there, and of this version.
pub(crate) async fn migrate(
    database: &Database,
    schema: &str,
    may_change: bool,
) -> Result<(), ConnectError> {
    let settings = "SELECT current_setting('server_encoding') AS encoding,
        current_setting('transaction_isolation') AS isolation";
    let rows = database.query(settings, &[]).await?;
    let row = rows.first().ok_or(Fault::Damaged("a row of settings"))?;
    let (encoding, isolation): (String, String) =
        (column(row, "encoding")?, column(row, "isolation")?);
    if encoding != "UTF8" {
        return Err(ConnectFault::Encoding(encoding).into());
    }
    if isolation != "read committed" {
        return Err(ConnectFault::Isolation(isolation).into());
    }
    let mut connection = database.connection().await?;
    let limit = AT_LEAST.max(database.patience());
    let migrating = async {
        // It is done on one connection: there may be no other.
        let found = find(&**connection, schema).await?;
        if found == Found::Version(MIGRATIONS.len()) {
            return Ok(());
        }
        if !may_change {
            let got = match found {
                Found::Nothing | Found::EmptySchema => "none".into(),
                Found::Version(version) => format!("those of version {version}"),
            };
            let (schema, known) = (schema.to_owned(), MIGRATIONS.len());
            return Err(ConnectFault::NotMigrated { schema, known, got }.into());
        }
        let transaction = (**connection).transaction().await.map_err(Fault::Database)?;
        make(&transaction, schema).await?;
        transaction.commit().await.map_err(Fault::Database)?;
        Ok(())
    };
    let migrated = tokio::time::timeout(limit, migrating).await;
    if let Ok(done) = migrated {
        return done;
    }
    drop(Object::take(connection));
    Err(Fault::Timeout(limit).into())
}

/// Takes the steps that are left, one process at a time: the others find it done.
async fn make(transaction: &Transaction<'_>, schema: &str) -> Result<(), ConnectError> {
    let lock = "SELECT pg_advisory_xact_lock(hashtext('tasklife'), hashtext($1))";
    transaction.query_typed(lock, &[(&schema, Type::TEXT)]).await.map_err(Fault::Database)?;
    let steps = match find(transaction, schema).await? {
        Found::Version(version) => version,
        Found::Nothing => {
            let create = in_schema("CREATE SCHEMA {schema}", schema);
            transaction.batch_execute(&create).await.map_err(Fault::Database)?;
            0
        }
        Found::EmptySchema => 0,
    };
    for step in &MIGRATIONS[steps..] {
        transaction.batch_execute(&in_schema(step, schema)).await.map_err(Fault::Database)?;
    }
    let sql = in_schema("UPDATE {schema}.store SET version = $1", schema);
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.query_typed(&sql, &[(&version, Type::INT8)]).await.map_err(Fault::Database)?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    EmptySchema,
    Version(usize),
}

/// What is in a schema.
async fn find(client: &impl GenericClient, schema: &str) -> Result<Found, ConnectError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid) AS has_tables,
            EXISTS (
                SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = n.oid AND relname = 'store' AND attname = 'parked_under'
            ) AS is_store
         FROM pg_namespace AS n WHERE nspname = $1";
    let rows = client.query_typed(sql, &[(&schema, Type::TEXT)]).await.map_err(Fault::Database)?;
    let Some(row) = rows.first() else { return Ok(Found::Nothing) };
    if !column::<bool>(row, "is_store")? {
        return if column(row, "has_tables")? {
            Err(ConnectFault::Foreign(schema.into()).into())
        } else {
            Ok(Found::EmptySchema)
        };
    }
    let sql = in_schema("SELECT version FROM {schema}.store", schema);
    let rows = client.query_typed(&sql, &[]).await.map_err(Fault::Database)?;
    let row = rows.first().ok_or(Fault::Damaged("a row that tells of the whole store"))?;
    let got: i64 = column(row, "version")?;
    match usize::try_from(got) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(Found::Version(version)),
        _ => Err(ConnectFault::Newer { known: MIGRATIONS.len(), got }.into()),
    }
}
