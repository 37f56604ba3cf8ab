//! Creating, recognizing and migrating the tables.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Transaction};

use crate::connect_error::{ConnectError, ConnectFault};
use crate::database::Database;
use crate::fault::Fault;
use crate::rows::column;
use crate::schema::in_schema;

/// The steps from each version to the next, the first from an empty schema.
///
/// The version of the tables is the number of steps taken. A released step never changes in effect.
const MIGRATIONS: [&str; 1] = [concat!(
    include_str!("sql/tables.sql"),
    include_str!("sql/locks.sql"),
    include_str!("sql/read.sql"),
    include_str!("sql/turns.sql"),
    include_str!("sql/quota.sql"),
    include_str!("sql/sweep.sql"),
    include_str!("sql/write.sql"),
    include_str!("sql/configure.sql"),
    include_str!("sql/census.sql"),
)];

/// The shortest time limit of a migration, including the wait for that of another process.
const MIN_LIMIT: Duration = Duration::from_secs(30);

/// Makes sure that the tables exist and have this version.
pub(crate) async fn migrate(
    database: &Database,
    schema: &str,
    may_migrate: bool,
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
    let limit = MIN_LIMIT.max(database.retry_time());
    let migrating = async {
        // All of this runs on one connection: the pool may have no other.
        let found = find(&**connection, schema).await?;
        if found == Found::Version(MIGRATIONS.len()) {
            return Ok(());
        }
        if !may_migrate {
            let got = match found {
                Found::Nothing | Found::EmptySchema => "none".into(),
                Found::Version(version) => format!("version {version}"),
            };
            let (schema, known) = (schema.to_owned(), MIGRATIONS.len());
            return Err(ConnectFault::NotMigrated { schema, known, got }.into());
        }
        let transaction = (**connection).transaction().await.map_err(Fault::Database)?;
        take_steps(&transaction, schema).await?;
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

/// Takes the missing steps. A lock admits one process at a time; the others then find nothing
/// missing.
async fn take_steps(transaction: &Transaction<'_>, schema: &str) -> Result<(), ConnectError> {
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

/// The contents of a schema.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    EmptySchema,
    Version(usize),
}

/// Recognizes the contents of a schema.
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
    let row = rows.first().ok_or(Fault::Damaged("the row of the whole store"))?;
    let got: i64 = column(row, "version")?;
    match usize::try_from(got) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(Found::Version(version)),
        _ => Err(ConnectFault::Newer { known: MIGRATIONS.len(), got }.into()),
    }
}
