//! Queries and cursors: which tasks match, to what a cursor is bound, and which cursors are
//! refused.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use tasklife::{Cursor, ListQuery, Revision, TaskStatus};

use crate::support::{account, second, submission, task};

fn revision(number: u64) -> Revision {
    Revision::try_from(number).unwrap()
}

#[test]
fn a_query_without_statuses_asks_for_all() {
    assert!(ListQuery::default().statuses().eq(TaskStatus::ALL));
    let query = ListQuery::default()
        .with_status(TaskStatus::Received)
        .with_status(TaskStatus::Initialized)
        .with_status(TaskStatus::Received);
    assert!(query.statuses().eq([TaskStatus::Initialized, TaskStatus::Received]));
}

#[test]
fn a_query_matches_by_status_and_by_later_revision() {
    let task = task(submission("acme", 1), second(0));
    assert_eq!(task.revision(), revision(1));
    assert!(ListQuery::default().matches(&task));
    assert!(ListQuery::default().changed_since(revision(0)).matches(&task));
    assert!(!ListQuery::default().changed_since(revision(1)).matches(&task));
    assert!(ListQuery::default().with_status(TaskStatus::Received).matches(&task));
    assert!(!ListQuery::default().with_status(TaskStatus::Initialized).matches(&task));
}

#[test]
fn a_cursor_is_bound_to_its_account_and_filter_but_not_to_the_limit() {
    let (acme, other) = (account("acme"), account("other"));
    let query = ListQuery::default().with_status(TaskStatus::Received);
    let cursor = query.cursor(&acme, revision(7));

    let larger = ListQuery::new(NonZeroUsize::MAX).with_status(TaskStatus::Received);
    assert_eq!(larger.after(cursor).position(&acme), Ok(Some(revision(7))));
    assert_eq!(query.position(&acme), Ok(None));
    assert_eq!(
        (query.after_cursor(), query.clone().after(cursor).after_cursor()),
        (None, Some(cursor))
    );

    let foreign = [
        (query.clone().after(cursor), &other),
        (query.clone().with_status(TaskStatus::Initialized).after(cursor), &acme),
        (query.clone().changed_since(revision(0)).after(cursor), &acme),
        (ListQuery::default().after(cursor), &acme),
    ];
    for (query, account) in foreign {
        let error = query.position(account).unwrap_err();
        assert!(!error.is_malformed());
        assert!(error.to_string().starts_with("expected a cursor of this account"), "{error}");
    }
}

#[test]
fn naming_every_status_is_the_same_as_naming_none() {
    let all = TaskStatus::ALL.into_iter().fold(ListQuery::default(), ListQuery::with_status);
    let cursor = all.cursor(&account("acme"), revision(7));
    assert!(ListQuery::default().after(cursor).position(&account("acme")).is_ok());
}

#[test]
fn a_text_that_is_no_cursor_is_malformed() {
    let good = ListQuery::default().cursor(&account("acme"), revision(7)).to_string();
    assert_eq!(good.len(), 32);
    let upper = format!("{}A", &good[..31]);
    let signed = format!("+{}", &good[1..]);
    let beyond = format!("8{}", &good[1..]);
    for text in [
        "",
        "7",
        "page-2",
        &good[1..],
        &format!("{good}0"),
        &upper,
        &signed,
        &beyond,
        &"ü".repeat(16),
    ] {
        let error = text.parse::<Cursor>().unwrap_err();
        assert!(error.is_malformed(), "{text}");
        assert!(error.to_string().contains("32 hexadecimal digits"), "{error}");
    }
}

proptest! {
    #[test]
    fn cursors_are_read_back(number in 0..=i64::MAX as u64, name in "[a-z]{1,5}") {
        let account = account(&name);
        let cursor = ListQuery::default().cursor(&account, revision(number));
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let json = serde_json::to_string(&cursor).unwrap();
        prop_assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        prop_assert_eq!(ListQuery::default().after(cursor).position(&account), Ok(Some(revision(number))));
    }

    #[test]
    fn a_made_up_cursor_is_refused(text in "[0-7][0-9a-f]{31}") {
        let query = ListQuery::default().after(text.parse().unwrap());
        prop_assert!(query.position(&account("acme")).is_err());
    }
}
