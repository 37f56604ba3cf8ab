//! The tables: how they are made, recognized and brought up to date.

use tokio_postgres::types::Type;

use crate::connect_error::{ConnectError, ConnectFault};
use crate::database::Database;
use crate::fault::Fault;

/// The steps from each version to the next one, the first from nothing. Tables are of the version that is the number
/// of steps taken.
const MIGRATIONS: [&str; 1] =
    [concat!(include_str!("sql/tables.sql"), include_str!("sql/functions.sql"))];

/// A text of statements for a schema, whose name was checked.
pub(crate) fn in_schema(sql: &str, schema: &str) -> String {
    sql.replace("{schema}", &format!("\"{schema}\""))
}

/// Makes sure that the tables are there, and of this version.
pub(crate) async fn migrate(
    database: &Database,
    schema: &str,
    may_change: bool,
) -> Result<(), ConnectError> {
    let rows = database
        .query(
            "SELECT current_setting('server_encoding'), current_setting('transaction_isolation')",
            &[],
        )
        .await?;
    let row = rows.first().ok_or(Fault::Damaged("a row of settings"))?;
    let (encoding, isolation): (String, String) = (row.get(0), row.get(1));
    if encoding != "UTF8" {
        return Err(ConnectFault::Encoding(encoding).into());
    }
    if isolation != "read committed" {
        return Err(ConnectFault::Isolation(isolation).into());
    }
    if version(database, schema).await? == Found::Version(MIGRATIONS.len()) {
        return Ok(());
    }
    if !may_change {
        let got = match version(database, schema).await? {
            Found::Nothing | Found::EmptySchema => "none".into(),
            Found::Version(version) => format!("those of version {version}"),
        };
        let (schema, known) = (schema.to_owned(), MIGRATIONS.len());
        return Err(ConnectFault::NotMigrated { schema, known, got }.into());
    }
    let mut connection = database.connection().await?;
    let transaction = connection.transaction().await.map_err(Fault::Database)?;
    // One process at a time; the others find it done.
    transaction
        .query_typed(
            "SELECT pg_advisory_xact_lock(hashtext('tasklife'), hashtext($1))",
            &[(&schema, Type::TEXT)],
        )
        .await
        .map_err(Fault::Database)?;
    let steps = match version(database, schema).await? {
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
    transaction.commit().await.map_err(Fault::Database)?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    EmptySchema,
    Version(usize),
}

/// What is in a schema. It is seen by a connection of its own, outside of any transaction.
async fn version(database: &Database, schema: &str) -> Result<Found, ConnectError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid),
            EXISTS (
                SELECT FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = n.oid AND relname = 'store' AND attname = 'parked_under'
            )
         FROM pg_namespace AS n WHERE nspname = $1";
    let rows = database.query(sql, &[(&schema, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(Found::Nothing) };
    let (has_tables, is_store): (bool, bool) = (row.get(0), row.get(1));
    if !is_store {
        return if has_tables {
            Err(ConnectFault::Foreign(schema.into()).into())
        } else {
            Ok(Found::EmptySchema)
        };
    }
    let rows =
        database.query(&in_schema("SELECT version FROM {schema}.store", schema), &[]).await?;
    let got: i64 =
        rows.first().ok_or(Fault::Damaged("a row that tells of the whole store"))?.get(0);
    match usize::try_from(got) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(Found::Version(version)),
        _ => Err(ConnectFault::Newer { known: MIGRATIONS.len(), got }.into()),
    }
}
