//! The statements, with the name of the schema in them.
//!
//! Most of them call one of the functions in `sql/`. A statement that writes stops waiting for a
//! lock when the store stops waiting for the statement. Otherwise it would stay behind in the
//! server, and each retry would add another.

use std::time::Duration;

use crate::schema::in_schema;

/// The statements of a store.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) get: String,
    pub(crate) list: String,
    pub(crate) read_for_update: String,
    pub(crate) read_for_claim: String,
    pub(crate) read_again_for_claim: String,
    pub(crate) claim_turn: String,
    pub(crate) park: String,
    pub(crate) redistribute_quota: String,
    pub(crate) write: String,
    pub(crate) move_horizon: String,
    pub(crate) drop_due: String,
    pub(crate) configure: String,
    pub(crate) census: String,
    pub(crate) waiting: String,
    pub(crate) count_accounts: String,
    pub(crate) accounts: String,
    pub(crate) notify: String,
}

impl Statements {
    /// Creates the statements for a schema. Those that write wait for a lock for at most `timeout`.
    pub(crate) fn new(schema: &str, timeout: Duration) -> Self {
        let timeout = timeout.as_millis().clamp(1, i32::MAX as u128);
        let limit = format!("pg_catalog.set_config('lock_timeout', '{timeout}ms', true)");
        let sql = |statement: &str| in_schema(statement, schema).replace("{limit}", &limit);
        Self {
            get: sql("SELECT record FROM {schema}.get($1, $2, $3)"),
            list: sql("SELECT * FROM {schema}.list($1, $2, $3, $4, $5, $6)"),
            read_for_update: sql("SELECT * FROM {schema}.read_for_update($1, $2, $3, $4, $5, $6)"),
            read_for_claim: sql("SELECT * FROM {schema}.read_for_claim(NULL, $1, $2, $3, $4)"),
            read_again_for_claim: sql(
                "SELECT * FROM {schema}.read_for_claim($1, NULL, $2, $3, $4)",
            ),
            claim_turn: sql(
                "SELECT (turn).* FROM (SELECT {schema}.claim_turn($1, $2, $3) AS turn FROM {limit} OFFSET 0) AS taken",
            ),
            park: sql("SELECT {schema}.park($1, $2, $3, $4, $5) FROM {limit}"),
            redistribute_quota: sql("SELECT {schema}.share_out($1, $2) FROM {limit}"),
            write: sql(
                "SELECT {schema}.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) FROM {limit}",
            ),
            move_horizon: sql("SELECT {schema}.move_horizon($1) AS horizon FROM {limit}"),
            drop_due: sql(
                "SELECT (due).* FROM (SELECT {schema}.drop_due($1, $2) AS due FROM {limit} OFFSET 0) AS done",
            ),
            configure: sql("SELECT {schema}.configure($1, $2) FROM {limit}"),
            census: sql("SELECT * FROM {schema}.census($1)"),
            waiting: sql("SELECT * FROM {schema}.waiting($1)"),
            count_accounts: sql("SELECT count(*) FROM {schema}.accounts"),
            accounts: sql(
                "SELECT name FROM {schema}.accounts WHERE name > $1 ORDER BY name LIMIT $2",
            ),
            notify: sql("SELECT pg_catalog.pg_notify($1, $2)"),
        }
    }
}
