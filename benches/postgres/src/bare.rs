//! The least work that PostgreSQL can do for the calls of `tasklife-postgres`.
//!
//! These are hand-written statements on the same tables, over the same kind of connections. They
//! are prepared once for each connection, check nothing, decode no record and keep no account ready
//! or parked. Each is one transaction and one round trip.

use std::time::Instant;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tasklife::uuid::Uuid;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use crate::bench::CONNECTIONS;
use crate::outcome::Outcome;
use crate::size::{INPUT, Sample, Size, index, mix, new_number};

const SUBMIT: &str =
    "INSERT INTO tasklife.tasks (account, id, status, revision, expires_at, record)
    VALUES ($1, $2, 1, $3, $4, $5)";

/// Starts the first task of the account whose turn it is, and moves the account to the end of the
/// queue.
const CLAIM: &str = "WITH turn AS (
        SELECT account FROM tasklife.queue WHERE ready ORDER BY ticket LIMIT 1 FOR UPDATE SKIP LOCKED
    ), behind AS (
        UPDATE tasklife.queue SET ticket = nextval('tasklife.tickets')
        FROM turn WHERE queue.account = turn.account
    ), next AS (
        SELECT turn.account, task.id FROM turn CROSS JOIN LATERAL (
            SELECT id FROM tasklife.tasks WHERE tasks.account = turn.account AND status = 1
            ORDER BY revision LIMIT 1 FOR UPDATE SKIP LOCKED
        ) AS task
    )
    UPDATE tasklife.tasks SET status = 2, revision = $1 FROM next
    WHERE tasks.account = next.account AND tasks.id = next.id
    RETURNING tasks.account, tasks.id, record";

const CLAIM_OF: &str = "WITH next AS (
        SELECT account, id FROM tasklife.tasks WHERE account = $2 AND status = 1
        ORDER BY revision LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE tasklife.tasks SET status = 2, revision = $1 FROM next
    WHERE tasks.account = next.account AND tasks.id = next.id
    RETURNING tasks.account, tasks.id, record";

const END: &str = "UPDATE tasklife.tasks SET status = 3, revision = $3, record = $4 WHERE account = $1 AND id = $2";

const GET: &str = "SELECT record FROM tasklife.tasks JOIN tasklife.accounts ON account = key
    WHERE name = $1 AND id = $2";

const LIST: &str = "SELECT revision, id, record FROM tasklife.tasks
    WHERE account = (SELECT key FROM tasklife.accounts WHERE name = $1) AND status = 1
    ORDER BY revision DESC LIMIT 100";

const SWEEP: &str = "DELETE FROM tasklife.tasks WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM tasklife.tasks ORDER BY expires_at LIMIT 1000))";

#[derive(Clone)]
pub struct Bare {
    pool: Pool,
    size: Size,
}

pub fn open(url: &str, size: Size) -> Outcome<Bare> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(url.parse()?, NoTls, ManagerConfig { recycling_method });
    let pool = Pool::builder(manager).max_size(CONNECTIONS as usize).build()?;
    Ok(Bare { pool, size })
}

/// Returns a text as long as the record of a new task.
fn record() -> &'static str {
    static RECORD: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    RECORD.get_or_init(|| format!("{INPUT}{}", "x".repeat(400)))
}

/// An instant in the far future.
const EXPIRY: [u8; 12] = [0, 0, 0, 0x0f, 0xf0, 0, 0, 0, 0, 0, 0, 0];

fn revision() -> i64 {
    i64::MAX / 2 + new_number().cast_signed()
}

impl Bare {
    async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Outcome<Vec<Row>> {
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(sql).await?;
        Ok(connection.query(&statement, values).await?)
    }

    /// Returns the key of an account. Keys follow the order of insertion.
    fn key(&self, number: u64) -> i64 {
        self.size.account(number).cast_signed() + 1
    }

    async fn submit(&self, account: i64) -> Outcome<()> {
        let number = new_number();
        let id = Uuid::from_u64_pair(mix(number), mix(!number));
        let expiry = EXPIRY.as_slice();
        self.query(SUBMIT, &[&account, &id, &revision(), &expiry, &record()]).await?;
        Ok(())
    }

    pub async fn submit_one(self) -> Outcome<bool> {
        self.submit(self.key(new_number())).await?;
        Ok(true)
    }

    pub async fn submit_to_one(self) -> Outcome<bool> {
        self.submit(1).await?;
        Ok(true)
    }

    /// Claims a task. It tries again if other callers hold all tasks of the account whose turn it
    /// is.
    async fn claim(&self) -> Outcome<(i64, Uuid)> {
        for _ in 0..1_000 {
            if let Some(row) = self.query(CLAIM, &[&revision()]).await?.first() {
                return Ok((row.get(0), row.get(1)));
            }
        }
        Err("nothing waits".into())
    }

    pub async fn claim_one(self) -> Outcome<bool> {
        self.claim().await?;
        Ok(true)
    }

    async fn end(&self, account: i64, id: Uuid) -> Outcome<()> {
        self.query(END, &[&account, &id, &revision(), &record()]).await?;
        Ok(())
    }

    pub async fn life_cycle(self) -> Outcome<bool> {
        self.submit(self.key(new_number())).await?;
        let (account, id) = self.claim().await?;
        self.end(account, id).await?;
        Ok(true)
    }

    pub async fn life_cycle_of_one(self) -> Outcome<bool> {
        self.submit(1).await?;
        let rows = self.query(CLAIM_OF, &[&revision(), &1_i64]).await?;
        let row = rows.first().ok_or("nothing waits")?;
        self.end(row.get(0), row.get(1)).await?;
        Ok(true)
    }

    pub async fn get(self, sample: Sample, number: u64) -> Outcome<bool> {
        let (account, id) = &sample[index(number, sample.len())];
        let rows = self.query(GET, &[account, id]).await?;
        assert!(!rows[0].get::<_, &str>(0).is_empty());
        Ok(true)
    }

    pub async fn list(self, sample: Sample, number: u64) -> Outcome<bool> {
        let (account, _) = &sample[index(number, sample.len())];
        let rows = self.query(LIST, &[account]).await?;
        assert_eq!(rows.len(), 100);
        Ok(true)
    }

    /// Drops tasks, but not their accounts, a thousand in each transaction. Returns how many per
    /// second.
    #[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
    pub async fn sweep(&self, tasks: usize) -> Outcome<f64> {
        let connection = self.pool.get().await?;
        let (begin, mut dropped) = (Instant::now(), 0);
        while dropped < tasks {
            dropped += usize::try_from(connection.execute(SWEEP, &[]).await?)?;
        }
        Ok(dropped as f64 / begin.elapsed().as_secs_f64())
    }
}
