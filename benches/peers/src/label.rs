//! Numbers, times and counts as the report writes them.

/// Formats a number with three significant digits.
pub fn number(number: f64) -> String {
    match number {
        n if n.is_nan() => "–".to_owned(),
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// Formats a time in a suitable unit.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n.is_nan() => "–".to_owned(),
        n if n < 1e3 => format!("{} ns", number(n)),
        n if n < 1e6 => format!("{} µs", number(n / 1e3)),
        n => format!("{} ms", number(n / 1e6)),
    }
}

/// Formats a number of tasks or accounts, such as 1k, 10k or 1M.
pub fn count(count: usize) -> String {
    match count {
        n if n >= 1_000_000 && n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        n if n >= 1_000 && n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}

/// Formats a number of accounts with the noun.
pub fn account_count(number: usize) -> String {
    match number {
        1 => "1 account".to_owned(),
        number => format!("{} accounts", count(number)),
    }
}
