//! The server, and the databases on it.

use tasklife_test_support::PostgresServer;
use tokio_postgres::NoTls;

use crate::outcome::Outcome;
use crate::size::Sample;

#[derive(Debug)]
pub struct Server(PostgresServer);

impl Server {
    /// Starts a server that waits for its disk.
    pub fn start() -> Self {
        let options = ["fsync=on", "shared_buffers=1GB", "max_wal_size=8GB", "jit=off"];
        Self(PostgresServer::start(&options))
    }

    pub fn port(&self) -> u16 {
        self.0.port
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://tasklife@127.0.0.1:{}/{database}", self.0.port)
    }

    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.0.psql_in(database, sql)
    }

    pub fn set_commits(&self, commits: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET synchronous_commit = {commits}"));
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    pub fn create(&self, database: &str) {
        self.drop(database);
        self.sql("postgres", &format!("CREATE DATABASE {database}"));
    }

    /// Copies a database, after ending all connections to it.
    pub fn copy(&self, from: &str, to: &str) {
        self.drop(to);
        self.disconnect_all(from);
        self.sql("postgres", &format!("CREATE DATABASE {to} TEMPLATE {from} STRATEGY file_copy"));
    }

    pub fn drop(&self, database: &str) {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
    }

    /// Ends all connections to a database.
    pub fn disconnect_all(&self, database: &str) {
        let sql =
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname =";
        self.sql("postgres", &format!("{sql} '{database}'"));
    }

    pub async fn batch(&self, database: &str, sql: &str) -> Outcome<()> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await?;
        drop(client);
        connection.await??;
        Ok(())
    }

    /// Returns a pseudorandom sample of the tasks.
    pub async fn sample(&self, database: &str) -> Outcome<Sample> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let connection = tokio::spawn(connection);
        let sql = "SELECT name, id FROM tasklife.tasks JOIN tasklife.accounts ON account = key ORDER BY id LIMIT 5000";
        let rows = client.query(sql, &[]).await?;
        drop(client);
        connection.await??;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<_>>().into())
    }

    /// Vacuums a database, and returns the size of a schema's tables and indexes.
    pub async fn bytes(&self, database: &str, schema: &str) -> Outcome<u64> {
        self.batch(database, "VACUUM ANALYZE").await?;
        let sql = format!(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'"
        );
        Ok(self.sql(database, &sql).parse()?)
    }
}
