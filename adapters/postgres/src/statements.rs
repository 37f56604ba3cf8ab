//! The statements, with the name of the schema in them: each calls a function that `sql/functions.sql` tells
//! of.
//!
//! Those that write give up waiting for a lock when the store gives up waiting for them: otherwise they would
//! be left behind, one more with each try.

use std::time::Duration;

use crate::schema::in_schema;

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        /// The statements of a store.
        #[derive(Debug)]
        pub(crate) struct Statements {
            $(pub(crate) $name: String,)+
        }

        impl Statements {
            /// Those for a schema, and for how long a lock is waited for.
            pub(crate) fn new(schema: &str, timeout: Duration) -> Self {
                let timeout = timeout.as_millis().clamp(1, i32::MAX as u128);
                let limit = format!("pg_catalog.set_config('lock_timeout', '{timeout}ms', true)");
                Self { $($name: in_schema($sql, schema).replace("{limit}", &limit),)+ }
            }
        }
    };
}

statements! {
    get = "SELECT record FROM {schema}.get($1, $2, $3)";
    list = "SELECT * FROM {schema}.list($1, $2, $3, $4, $5, $6)";
    read_for_update = "SELECT * FROM {schema}.read_for_update($1, $2, $3, $4, $5, $6)";
    read_for_claim = "SELECT * FROM {schema}.read_for_claim(NULL, $1, $2, $3, $4)";
    read_again_for_claim = "SELECT * FROM {schema}.read_for_claim($1, NULL, $2, $3, $4)";
    claim_turn = "SELECT (turn).* FROM (SELECT {schema}.claim_turn($1, $2, $3) AS turn FROM {limit} OFFSET 0) AS taken";
    park = "SELECT {schema}.park($1, $2, $3, $4, $5) FROM {limit}";
    share_out = "SELECT {schema}.share_out($1, $2) FROM {limit}";
    write = "SELECT {schema}.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) FROM {limit}";
    move_horizon = "SELECT {schema}.move_horizon($1) AS horizon FROM {limit}";
    drop_due = "SELECT (due).* FROM (SELECT {schema}.drop_due($1, $2) AS due FROM {limit} OFFSET 0) AS done";
    configure = "SELECT {schema}.configure($1, $2) FROM {limit}";
    census = "SELECT * FROM {schema}.census($1)";
    waiting = "SELECT * FROM {schema}.waiting($1)";
    count_accounts = "SELECT count(*) FROM {schema}.accounts";
    accounts = "SELECT name FROM {schema}.accounts WHERE name > $1 ORDER BY name LIMIT $2";
    notify = "SELECT pg_catalog.pg_notify($1, $2)";
}
