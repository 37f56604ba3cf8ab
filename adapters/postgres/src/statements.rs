//! The statements, with the name of the schema in them: each calls a function that `sql/functions.sql` tells of.

use crate::migration::in_schema;

macro_rules! statements {
    ($($name:ident = $sql:literal;)+) => {
        /// The statements of a store.
        #[derive(Debug)]
        pub(crate) struct Statements {
            $(pub(crate) $name: String,)+
        }

        impl Statements {
            pub(crate) fn new(schema: &str) -> Self {
                Self { $($name: in_schema($sql, schema),)+ }
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
    claim_turn = "SELECT * FROM {schema}.claim_turn($1, $2, $3)";
    park = "SELECT {schema}.park($1, $2, $3, $4, $5)";
    share_out = "SELECT {schema}.share_out($1, $2)";
    write = "SELECT {schema}.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    move_horizon = "SELECT horizon FROM {schema}.move_horizon($1)";
    drop_due = "SELECT * FROM {schema}.drop_due($1, $2)";
    configure = "SELECT {schema}.configure($1, $2)";
    census = "SELECT * FROM {schema}.census($1)";
    waiting = "SELECT * FROM {schema}.waiting($1)";
    count_accounts = "SELECT count(*) FROM {schema}.accounts";
    accounts = "SELECT name FROM {schema}.accounts WHERE name > $1 ORDER BY name LIMIT $2";
    notify = "SELECT pg_notify($1, $2)";
}
