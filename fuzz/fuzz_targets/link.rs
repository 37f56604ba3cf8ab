//! Fuzzes base addresses, routes and ids: no value adds a path segment, a query or white space to a
//! link.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::{
    AccountClock, CommandType, Completion, Links, Retention, Submission, Task, TaskEvent, TaskId,
};

const COMMAND: CommandType = CommandType::from_static("x");

fuzz_target!(|texts: (&str, &str, &str, &str, &str)| {
    let (base, path, title, id, additional_id) = texts;
    let Ok(links) = Links::new(base) else { return };
    let Ok(links) = links.with_route(COMMAND, path, title) else { return };
    let (retention, mut clock) = (Retention::default(), AccountClock::default());
    let now = chrono::DateTime::UNIX_EPOCH;
    let account: tasklife::AccountId = "a".parse().expect("a name");
    let key = TaskId::for_key(&account, id);
    let submission = Submission::new(account, key, COMMAND);
    let mut task = Task::new(submission, retention, now, clock.next(now));
    let completion = Completion::of(id).with_additional_resource_id(additional_id);
    for event in [TaskEvent::start(), TaskEvent::complete(completion)] {
        clock.advance_to(&task);
        task.apply(event, retention, now, clock.next(now)).expect("a permitted event");
    }
    let document: serde_json::Value =
        serde_json::from_str(&links.polled(&task).to_string()).expect("JSON");
    let Some(href) = document["_links"]["resource"]["href"].as_str() else { return };
    let base = base.strip_suffix('/').unwrap_or(base);
    let link_path = href.strip_prefix(base).expect("a link that begins with the base");
    assert_eq!(link_path.split('/').count(), path.split('/').count());
    assert!(link_path.split('/').all(|segment| !matches!(segment, "." | "..")));
    assert!(
        !link_path.contains(|c: char| c.is_whitespace() || c.is_control() || "?#\\".contains(c))
    );
});
