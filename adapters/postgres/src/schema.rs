//! The name of a store's schema.

use crate::connect_error::{ConnectError, ConnectFault};

/// Checks that the name of a schema needs no escapes in statements.
pub(crate) fn checked(name: &str) -> Result<String, ConnectError> {
    let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    // The channel for hints adds 9 letters, and PostgreSQL allows 63.
    let is_name = (1..=54).contains(&name.len())
        && name.bytes().all(is_word)
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_name { Ok(name.into()) } else { Err(ConnectFault::Schema(name.into()).into()) }
}

/// Inserts the checked name of a schema into SQL.
pub(crate) fn in_schema(sql: &str, name: &str) -> String {
    sql.replace("{schema}", &format!("\"{name}\""))
}
