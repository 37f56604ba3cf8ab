//! `SQLite` in memory, with an index for each order.

use chrono::DateTime;
use rusqlite::{Connection, Row, params};
use tasklife::{TaskStatus, Timestamp};
use uuid::Uuid;

use super::by_hand::{Change, Record, cursors, words};
use crate::subject::{CURSORS, Event, Part, Subject};
use crate::workload::Workload;

const SCHEMA: &str = "
    CREATE TABLE task (
        id BLOB PRIMARY KEY, account TEXT, command TEXT, status INTEGER, description TEXT,
        resource INTEGER, progress INTEGER, updated_at INTEGER, expires_at INTEGER, revision INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX by_revision ON task (account, revision);
    CREATE INDEX by_status ON task (account, status, revision);
    CREATE INDEX by_expiry ON task (expires_at);
";

const COLUMNS: &str = "id, account, command, status, description, resource, progress, updated_at, expires_at, revision";

#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    revision: u64,
    cursors: Vec<u64>,
}

impl Default for Sqlite {
    fn default() -> Self {
        let connection = Connection::open_in_memory().expect("a database in memory");
        connection.execute_batch(SCHEMA).expect("a schema");
        // The store is filled in one transaction, which `place_cursors` commits.
        connection.execute_batch("BEGIN").expect("a transaction");
        Self { connection, revision: 0, cursors: Vec::new() }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let instant = |column| row.get(column).map(DateTime::from_timestamp_nanos);
    let id: [u8; 16] = row.get(0)?;
    let status: usize = row.get::<_, u8>(3)?.into();
    Ok(Record {
        id: Uuid::from_bytes(id),
        account: row.get(1)?,
        command: row.get(2)?,
        status: TaskStatus::ALL[status],
        description: row.get(4)?,
        resource: row.get(5)?,
        progress: row.get(6)?,
        updated_at: instant(7)?,
        expires_at: instant(8)?,
        revision: row.get::<_, i64>(9)?.cast_unsigned(),
    })
}

fn nanos(instant: Timestamp) -> i64 {
    instant.timestamp_nanos_opt().unwrap_or_default()
}

impl Subject for Sqlite {
    type New = Record;

    const NAME: &'static str = "SQLite in memory";

    fn prepare(&self, load: &Workload, task: usize) -> Record {
        Record::new(load, task)
    }

    fn submit(&mut self, new: Record, _: Timestamp) {
        self.revision += 1;
        let mut insert = self
            .connection
            .prepare_cached(&format!(
                "INSERT INTO task ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
            ))
            .expect("a statement");
        let Record { id, account, command, status, description, .. } = &new;
        let values = params![
            id.as_bytes(),
            account,
            command,
            *status as u8,
            description,
            new.resource,
            new.progress,
            nanos(new.updated_at),
            nanos(new.expires_at),
            self.revision.cast_signed()
        ];
        insert.execute(values).expect("a free id");
    }

    fn apply_event(&mut self, load: &Workload, task: usize, event: Event) -> bool {
        let change = Change::of(event, load, task);
        self.revision += 1;
        let id = load.id(task).as_uuid();
        let mut update = self
            .connection
            .prepare_cached(&format!(
                "UPDATE task SET status = ?2, description = ?3, resource = coalesce(?4, resource), \
                 progress = coalesce(?5, progress), updated_at = ?6, revision = ?7 WHERE id = ?1 \
                 RETURNING {COLUMNS}"
            ))
            .expect("a statement");
        let values = params![
            id.as_bytes(),
            change.status as u8,
            words(change.status),
            change.resource,
            change.progress,
            nanos(load.today()),
            self.revision.cast_signed()
        ];
        update.query_row(values, record).is_ok_and(|record| record.revision == self.revision)
    }

    fn get(&mut self, load: &Workload, task: usize) -> bool {
        let mut select = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM task WHERE id = ?1 AND expires_at > ?2"
            ))
            .expect("a statement");
        let id = load.id(task).as_uuid();
        select.query_row(params![id.as_bytes(), nanos(load.today())], record).is_ok()
    }

    fn place_cursors(&mut self, _: &Workload, tasks: usize) {
        self.connection.execute_batch("COMMIT").expect("a transaction");
        self.cursors = cursors(self.revision, tasks);
    }

    fn page(&mut self, load: &Workload, part: Part, turn: usize) -> usize {
        let (below, status) = match part {
            Part::First => (i64::MAX, None),
            Part::Continued => (self.cursors[turn % CURSORS].cast_signed(), None),
            Part::Rare => (i64::MAX, Some(TaskStatus::ProcessingError as u8)),
        };
        let of_status = if status.is_some() { "AND status = ?4" } else { "AND ?4 IS NULL" };
        let mut select = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM task WHERE account = ?1 AND revision < ?2 \
                 AND expires_at > ?3 {of_status} ORDER BY revision DESC LIMIT 100"
            ))
            .expect("a statement");
        let values = params![load.account(0).as_str(), below, nanos(load.today()), status];
        let records = select.query_map(values, record).expect("rows");
        records.filter_map(Result::ok).map(std::hint::black_box).count()
    }
}
