//! Base addresses, routes and ids: nothing gets out of its place in a link.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::{
    AccountClock, CommandType, Completion, Links, Retention, Submission, Task, TaskEvent, TaskId,
};

const COMMAND: CommandType = CommandType::from_static("x");

fuzz_target!(|texts: (&str, &str, &str, &str, &str)| {
    let (base, path, title, id, other) = texts;
    let Ok(links) = Links::new(base) else { return };
    let Ok(links) = links.with_route(COMMAND, path, title) else { return };
    let (retention, mut clock) = (Retention::default(), AccountClock::default());
    let now = chrono::DateTime::UNIX_EPOCH;
    let account: tasklife::AccountId = "a".parse().expect("a name");
    let key = TaskId::for_key(&account, id);
    let submission = Submission::new(account, key, COMMAND);
    let mut task = Task::new(submission, retention, now, clock.next(now));
    let completion = Completion::of(id).with_additional_resource_id(other);
    for event in [TaskEvent::start(), TaskEvent::complete(completion)] {
        clock.advance_to(&task);
        task.apply(event, retention, now, clock.next(now)).expect("a permitted event");
    }
    let document: serde_json::Value =
        serde_json::from_str(&links.polled(&task).to_string()).expect("JSON");
    let Some(href) = document["_links"]["resource"]["href"].as_str() else { return };
    let base = base.strip_suffix('/').unwrap_or(base);
    let rest = href.strip_prefix(base).expect("the base comes first");
    assert_eq!(rest.split('/').count(), path.split('/').count());
    assert!(rest.split('/').all(|segment| !matches!(segment, "." | "..")));
    assert!(!rest.contains(|c: char| c.is_whitespace() || c.is_control() || "?#\\".contains(c)));
});
