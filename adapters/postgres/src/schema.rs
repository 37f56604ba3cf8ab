//! The schema in which a store's tables are, as it stands in statements.

use crate::connect_error::{ConnectError, ConnectFault};

/// The name of a schema, if it is one that needs no escape anywhere.
pub(crate) fn checked(name: &str) -> Result<String, ConnectError> {
    let is_word = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    // The channel of its hints has nine letters more, and PostgreSQL's names 63.
    let is_name = (1..=54).contains(&name.len())
        && name.bytes().all(is_word)
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_name { Ok(name.into()) } else { Err(ConnectFault::Schema(name.into()).into()) }
}

/// A text of statements for a schema, whose name was checked.
pub(crate) fn in_schema(sql: &str, name: &str) -> String {
    sql.replace("{schema}", &format!("\"{name}\""))
}
