//! Fuzzes records: a record that is accepted as a task is saved unchanged, and its document parses.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::{AccountClock, Links, Task, TaskDocument, TaskRecord};

fuzz_target!(|json: &[u8]| {
    let _ = serde_json::from_slice::<AccountClock>(json);
    let Ok(record) = serde_json::from_slice::<TaskRecord>(json) else { return };
    let Ok(task) = Task::try_from(record.clone()) else { return };
    assert_eq!(TaskRecord::from(&task), record);
    let links = Links::new("/v1").expect("a path");
    let document = links.polled(&task).to_string();
    TaskDocument::from_json(document.as_bytes()).expect("a written document");
});
