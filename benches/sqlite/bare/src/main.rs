//! A lower bound for `tasklife-sqlite`: hand-written statements on the same file.
//!
//! The statements check nothing, decode no record, and do not update which accounts are ready or
//! parked. With one caller, each call is a transaction. With 64 callers that write, 64 calls share
//! a transaction, which is the fastest way. With 64 callers that read, each has a connection.

use std::time::{Duration, Instant};

use harness::{INPUT, MANY, Order, Outcome, Row, id};
use rusqlite::{Connection, OptionalExtension, params};

fn main() -> Outcome<()> {
    let order = Order::from_arguments()?;
    match order.part.as_str() {
        "read" => read(&order),
        "write" => write(&order),
        "claim" => writes(&order, "claim", &[claim]),
        "claim-nothing" => writes(&order, "claim of nothing", &[claim]),
        "sweep" => sweep(&order),
        "just-submit" => just(&order, &[submit]),
        "just-claim" => just(&order, &[claim]),
        "just-apply" => just(&order, &[claim, complete_any]),
        "just-get" => just(&order, &[get]),
        "just-list" => just(&order, &[list]),
        part => Err(format!("expected a known PART, got {part}").into()),
    }
}

fn open(order: &Order) -> Outcome<Connection> {
    let connection = Connection::open(&order.file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "synchronous", if order.full { "FULL" } else { "NORMAL" })?;
    Ok(connection)
}

const fn row<'a>(call: &'a str, callers: &'a str) -> Row<'a> {
    Row { program: "bare", call, callers }
}

/// Returns the key of a task's account. Accounts were added in this order.
fn account(order: &Order, task: u64) -> i64 {
    order.account(task).cast_signed() + 1
}

fn read(order: &Order) -> Outcome<()> {
    for (call, read) in [("get", get as Call), ("list of 100", list)] {
        for (callers, threads) in [("1", 1), ("64", MANY)] {
            let row = row(call, callers);
            order.clock().threads(
                &row,
                threads,
                || open(order),
                |connection, number| {
                    read(connection, order, number)?;
                    Ok(true)
                },
            )?;
        }
    }
    Ok(())
}

fn get(connection: &Connection, order: &Order, number: u64) -> Outcome<()> {
    let task = order.any(number);
    let mut statement =
        connection.prepare_cached("SELECT record FROM tasks WHERE account = ?1 AND id = ?2")?;
    let record: String =
        statement.query_one(params![account(order, task), id(task)], |row| row.get(0))?;
    assert!(!record.is_empty());
    Ok(())
}

fn list(connection: &Connection, order: &Order, number: u64) -> Outcome<()> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, id, record FROM tasks WHERE account = ?1 AND status = 1
         ORDER BY revision DESC LIMIT 100",
    )?;
    let mut rows = statement.query([account(order, order.any(number))])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(2)?.as_str()?.len();
    }
    assert!(bytes > 0);
    Ok(())
}

type Call = fn(&Connection, &Order, u64) -> Outcome<()>;

fn write(order: &Order) -> Outcome<()> {
    writes(order, "submit", &[submit])?;
    writes(order, "life", &[submit, claim, complete])
}

/// Measures a call that consists of several transactions.
fn writes(order: &Order, call: &str, transactions: &[Call]) -> Outcome<()> {
    let connection = open(order)?;
    for (callers, together) in [("1", 1), ("64", MANY as u64)] {
        let first = order.new_tasks();
        let (begin, mut made) = (Instant::now(), 0);
        while begin.elapsed().as_secs_f64() < order.seconds {
            for write in transactions {
                connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                for number in made..made + together {
                    write(&connection, order, first + number)?;
                }
                connection.prepare_cached("COMMIT")?.execute([])?;
            }
            made += together;
        }
        row(call, callers).rate(made, begin.elapsed());
    }
    Ok(())
}

/// Makes calls of one kind, to be counted. The argument SECONDS is the number of calls. Each write
/// is a transaction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of calls")]
fn just(order: &Order, transactions: &[Call]) -> Outcome<()> {
    let connection = open(order)?;
    let (first, writes) =
        (order.new_tasks(), !order.part.ends_with("get") && !order.part.ends_with("list"));
    for number in 0..order.seconds as u64 {
        for call in transactions {
            if writes {
                connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            }
            call(&connection, order, first + number)?;
            if writes {
                connection.prepare_cached("COMMIT")?.execute([])?;
            }
        }
    }
    Ok(())
}

/// Returns a text as long as the record of a new task.
fn record() -> &'static str {
    static RECORD: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    RECORD.get_or_init(|| format!("{INPUT}{}", "x".repeat(300)))
}

/// An instant in the year 2034.
const EXPIRY: [u8; 12] = [0, 0, 0, 0x0e, 0xf0, 0, 0, 0, 0, 0, 0, 0];

fn submit(connection: &Connection, order: &Order, task: u64) -> Outcome<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO tasks (account, id, status, revision, expires_at, record)
         VALUES (?1, ?2, 1, ?3, ?4, ?5)",
    )?;
    let account = account(order, task);
    statement.execute(params![account, id(task), task.cast_signed(), EXPIRY, record()])?;
    Ok(())
}

/// Starts the first task of the account whose turn it is, if there is one, and moves the account
/// behind all others.
fn claim(connection: &Connection, _: &Order, number: u64) -> Outcome<()> {
    let mut turn = connection
        .prepare_cached("SELECT key FROM accounts WHERE ready = 1 ORDER BY ticket LIMIT 1")?;
    let account: Option<i64> = turn.query_one([], |row| row.get(0)).optional()?;
    let Some(account) = account else { return Ok(()) };
    let mut first = connection.prepare_cached(
        "SELECT key, record FROM tasks WHERE account = ?1 AND status = 1 ORDER BY revision LIMIT 1",
    )?;
    let task: Option<(i64, String)> =
        first.query_one([account], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let revision = number.cast_signed();
    if let Some((task, record)) = task {
        let mut start = connection.prepare_cached(
            "UPDATE tasks SET status = 2, revision = ?2, record = ?3 WHERE key = ?1",
        )?;
        start.execute(params![task, revision, record])?;
    }
    let mut behind = connection
        .prepare_cached("UPDATE accounts SET ticket = ?2, revision = ?2 WHERE key = ?1")?;
    behind.execute([account, revision])?;
    Ok(())
}

/// Completes a task.
fn complete(connection: &Connection, order: &Order, task: u64) -> Outcome<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE tasks SET status = 3, revision = ?3, record = ?4 WHERE account = ?1 AND id = ?2",
    )?;
    let revision = task.cast_signed() + 1_000_000_000;
    statement.execute(params![account(order, task), id(task), revision, record()])?;
    Ok(())
}

/// Completes a task of the initial file.
fn complete_any(connection: &Connection, order: &Order, number: u64) -> Outcome<()> {
    complete(connection, order, order.any(number))
}

/// Deletes the tasks that expire first, a thousand in each transaction, but not their accounts.
fn sweep(order: &Order) -> Outcome<()> {
    let connection = open(order)?;
    let (begin, mut dropped) = (Instant::now(), 0);
    while dropped < order.swept() {
        let mut statement = connection.prepare_cached(
            "DELETE FROM tasks WHERE key IN (SELECT key FROM tasks ORDER BY expires_at LIMIT 1000)",
        )?;
        dropped += statement.execute([])? as u64;
    }
    row("sweep, of a task", "1").rate(dropped, begin.elapsed());
    Ok(())
}
