//! Fuzzes the wire formats: a parsed task has the same id and status after writing and parsing it
//! in the default format, and no input causes a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::format::{AzureOperation, AzureResourceManager, Format, GoogleOperation, RedisCloud};

fuzz_target!(|json: &[u8]| {
    let google = GoogleOperation::new("example.com");
    for format in [&RedisCloud as &dyn Format, &google, &AzureOperation, &AzureResourceManager] {
        if let Ok(task) = format.read_task(json) {
            let written = task.to_string();
            let again = RedisCloud.read_task(written.as_bytes()).expect("a written document");
            assert_eq!(again.task_id(), task.task_id());
            assert_eq!(again.status().as_str(), task.status().as_str());
        }
        let _ = format.read_accepted(&|_| None, json);
        let _ = format.read_list(json);
        let _ = format.read_refusal(json);
        let _ = (format.is_task(json), format.is_list(json));
    }
});
