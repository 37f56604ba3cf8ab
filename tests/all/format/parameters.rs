//! The parameters of lists: names, limits, refusals, and the query of the next page.

use core::num::NonZeroUsize;

use tasklife::format::{AzureOperation, Format, GoogleOperation, ListParameters};
use tasklife::{ListQuery, TaskStatus};

use super::account;

fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

#[test]
fn names_and_limits_can_be_set() {
    let parameters = ListParameters::default()
        .with_limit("per_page", number(50))
        .with_default_limit(number(20))
        .with_cursor("page")
        .with_status("state")
        .with_changed_since("since")
        .with_unsupported("sort");
    assert_eq!(parameters.read("").unwrap().limit().get(), 20);
    assert_eq!(parameters.read("limit=7&cursor=x&status=x&sort=").unwrap().limit().get(), 20);
    let query = parameters.read("per_page=50&state=received&since=3").unwrap();
    assert_eq!(query.limit().get(), 50);
    assert!(query.statuses().eq([TaskStatus::Received]));
    assert_eq!(query.since().map(u64::from), Some(3));
    let cursor = query.cursor(&account("acme"), 7_u64.try_into().unwrap());
    let next = parameters.next("per_page=50&x=1&page=old&state=received&since=3", cursor);
    assert_eq!(next, format!("per_page=50&x=1&state=received&since=3&page={cursor}"));
    assert_eq!(parameters.read(&next).unwrap(), query.after(cursor));
    for (query, message) in [
        ("per_page=51", "per_page: expected 1 to 50, got \"51\""),
        ("per_page=0", "per_page: expected 1 to 50, got \"0\""),
        ("per_page=99999999999999999999", "per_page: expected 1 to 50"),
        ("page=1&page=1", "page: expected one value, got more"),
        ("since=1&since=1", "since: expected one value, got more"),
        ("page=next", "page: expected a cursor"),
        ("state=done", "state: expected one of"),
        ("sort=name", "sort: expected no value, as this parameter is not supported, got \"name\""),
    ] {
        let error = parameters.read(query).unwrap_err().to_string();
        assert!(error.starts_with(message), "{query}: {error}");
    }
}

#[test]
fn the_default_limit_is_the_largest_and_never_exceeds_it() {
    let parameters = ListParameters::default().with_limit("n", number(50));
    assert_eq!(parameters.read("").unwrap().limit().get(), 50);
    let more = parameters.with_default_limit(number(70));
    assert_eq!(more.read("").unwrap().limit().get(), 50, "expected the largest limit");
}

#[test]
fn removed_parameters_are_ignored() {
    let parameters = ListParameters::default().without_status().without_changed_since();
    let whole = ListQuery::new(ListParameters::MAX_LIMIT);
    assert_eq!(parameters.read("status=x&changedSince=x").unwrap(), whole);
}

#[test]
fn formats_with_lenient_values_accept_large_and_empty_limits() {
    let google = GoogleOperation::new("example.com");
    for (parameters, name) in
        [(google.list_parameters(), "pageSize"), (AzureOperation.list_parameters(), "maxpagesize")]
    {
        let limit = |value: &str| parameters.read(&format!("{name}={value}")).map(|q| q.limit());
        assert_eq!(limit("5").unwrap().get(), 5);
        for value in ["", "0", "1000", "1001", "99999999999999999999"] {
            assert_eq!(limit(value).unwrap().get(), 1_000, "{value}");
        }
        for value in ["-1", "%2B5", "x", "1.5"] {
            let error = limit(value).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: expected 0 to 1000, got")), "{error}");
        }
        assert!(parameters.read("filter=done%3Dtrue").is_err());
    }
}

/// Regression: a parameter such as `api-version` was lost on the second page.
#[test]
fn the_next_query_keeps_unknown_parameters_and_encodes_forbidden_bytes() {
    let cursor = ListQuery::default().cursor(&account("acme"), 7_u64.try_into().unwrap());
    let next = |parameters: ListParameters, query: &str| parameters.next(query, cursor);
    for (query, kept) in [
        ("api-version=2024-01-01&limit=2", "api-version=2024-01-01&limit=2&"),
        ("a=b&&c&=&%63ursor=old", "a=b&c&=&"),
        ("q=%26%2Bx+y", "q=%26%2Bx+y&"),
        ("a=<x>;\"é\"", "a=%3Cx%3E;%22%C3%A9%22&"),
    ] {
        assert_eq!(next(ListParameters::default(), query), format!("{kept}cursor={cursor}"));
    }
    let odd = ListParameters::default().with_cursor("a>; rel=\"prev\", <é&=%");
    let expected = format!("a%3E;%20rel%3D%22prev%22,%20%3C%C3%A9%26%3D%25={cursor}");
    assert_eq!(next(odd.clone(), ""), expected);
    assert_eq!(odd.read(&expected).unwrap().after_cursor(), Some(cursor));
}

#[test]
fn status_names_can_be_set() {
    let parameters = ListParameters::default()
        .with_status("state")
        .with_status_name("queued", TaskStatus::Initialized)
        .with_status_name("queued", TaskStatus::Received)
        .with_status_name("done", TaskStatus::ProcessingCompleted);
    let query = parameters.read("state=queued&state=done").unwrap();
    let expected = [TaskStatus::Initialized, TaskStatus::Received, TaskStatus::ProcessingCompleted];
    assert!(query.statuses().eq(expected));
    let error = parameters.read("state=received").unwrap_err().to_string();
    assert_eq!(error, "state: expected one of queued, done; got \"received\"");
}
