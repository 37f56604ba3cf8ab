//! Filling a database.

use crate::ours;
use crate::outcome::Outcome;
use crate::server::Server;
use crate::size::Size;

/// Creates a database with received tasks of `tasklife-postgres`.
///
/// The store submits the first task. SQL copies it, with new names, ids and revisions.
pub async fn fill(server: &Server, database: &str, size: Size) -> Outcome<()> {
    server.create(database);
    let store = ours::open(&server.url(database)).await?;
    ours::submit(&store, "account-0", 0).await?;
    drop(store);
    server.disconnect_all(database);
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
    server.batch(database, &statements).await?;
    server.batch(database, "VACUUM ANALYZE").await?;
    server.batch(database, "CHECKPOINT").await
}
