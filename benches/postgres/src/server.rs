//! The server, and databases on it: filled ones, and copies of them to be measured on.

use tasklife_test_support::PostgresServer;
use tokio_postgres::NoTls;

use crate::bench::Outcome;
use crate::ours;

/// Whether a commit waits for the disk.
pub const COMMITS: [&str; 2] = ["on", "off"];

#[derive(Debug)]
pub struct Server(PostgresServer);

/// What a database holds: so many tasks, so many of them in each account, all received.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub tasks: u64,
    pub each: u64,
}

impl Size {
    pub const fn accounts(self) -> u64 {
        self.tasks / self.each
    }

    pub fn account(self, number: u64) -> u64 {
        number % self.accounts()
    }
}

/// Tasks that are there: the name of the account, and the id.
pub type Sample = std::sync::Arc<Vec<(String, tasklife::uuid::Uuid)>>;

impl Server {
    /// One that waits for its disk.
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

    /// Copies a database that nobody is connected to.
    pub fn copy(&self, from: &str, to: &str) {
        self.drop(to);
        self.let_go(from);
        self.sql("postgres", &format!("CREATE DATABASE {to} TEMPLATE {from} STRATEGY file_copy"));
    }

    pub fn drop(&self, database: &str) {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
    }

    /// Ends all connections to a database.
    fn let_go(&self, database: &str) {
        let sql =
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname =";
        self.sql("postgres", &format!("{sql} '{database}'"));
    }

    /// Makes a database with tasks of ours. The store makes the first one, and the others are copies of it with names,
    /// ids and revisions of their own.
    pub async fn fill(&self, database: &str, size: Size) -> Outcome<()> {
        self.create(database);
        let store = ours::open(&self.url(database)).await?;
        ours::submit(&store, "account-0", 0).await?;
        drop(store);
        self.let_go(database);
        let (accounts, each) = (size.accounts(), size.each);
        let statements = format!(
            "SET synchronous_commit = off;
            SET search_path = tasklife;
            INSERT INTO accounts (name, share, version, tokens, revision, updated_at)
                SELECT 'account-' || number, number % 32, {each}, tokens, revision + {each} - 1, updated_at
                FROM accounts, generate_series(1, {accounts} - 1) AS number ORDER BY number;
            UPDATE accounts SET revision = revision + {each} - 1 WHERE name = 'account-0';
            INSERT INTO queue (account, ticket, ready)
                SELECT key, nextval('tickets'), true FROM accounts WHERE name <> 'account-0' ORDER BY key;
            CREATE TEMP TABLE first AS SELECT * FROM tasks;
            DELETE FROM tasks;
            INSERT INTO tasks (account, id, status, revision, expires_at, record)
                SELECT key, new_id, status, first.revision + number,
                    int8send(('x' || encode(substring(expires_at FROM 1 FOR 8), 'hex'))::bit(64)::bigint + number)
                        || int4send((key * 997 % 1000000000)::integer),
                    replace(replace(replace(record, first.id::text, new_id::text),
                        '\"account-0\"', '\"' || name || '\"'),
                        first.revision::text, (first.revision + number)::text)
                FROM generate_series(0, {each} - 1) AS number CROSS JOIN first CROSS JOIN LATERAL (
                    SELECT key, name, gen_random_uuid() AS new_id FROM accounts WHERE number = number ORDER BY key
                ) AS others;
            UPDATE places SET taken = (
                SELECT count(*) FROM tasks JOIN accounts ON key = account WHERE accounts.share = places.share);"
        );
        self.batch(database, &statements).await?;
        self.batch(database, "VACUUM ANALYZE").await?;
        self.batch(database, "CHECKPOINT").await
    }

    pub async fn batch(&self, database: &str, sql: &str) -> Outcome<()> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await?;
        drop(client);
        connection.await??;
        Ok(())
    }

    /// Some of the tasks, as if by chance.
    pub async fn sample(&self, database: &str) -> Outcome<Sample> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let connection = tokio::spawn(connection);
        let sql = "SELECT name, id FROM tasklife.tasks JOIN tasklife.accounts ON account = key ORDER BY id LIMIT 5000";
        let rows = client.query(sql, &[]).await?;
        drop(client);
        connection.await??;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<_>>().into())
    }

    /// What the tables and indexes of a schema take, after they were vacuumed.
    pub async fn bytes(&self, database: &str, schema: &str) -> Outcome<u64> {
        self.batch(database, "VACUUM ANALYZE").await?;
        let sql = format!(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
            WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'"
        );
        Ok(self.sql(database, &sql).parse()?)
    }
}
