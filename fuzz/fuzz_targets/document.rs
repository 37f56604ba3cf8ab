//! Documents: whatever is read is written, and read back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::TaskDocument;

fuzz_target!(|json: &[u8]| {
    if let Ok(document) = TaskDocument::from_json(json) {
        for written in [format!("{document}"), format!("{document:#}")] {
            let again = TaskDocument::from_json(written.as_bytes()).expect("what was written");
            assert_eq!(again, document);
        }
    }
    if let Ok(list) = TaskDocument::list_from_json(json) {
        // Written as an object, a bare array is a level deeper than it was.
        match TaskDocument::list_from_json(list.to_string().as_bytes()) {
            Ok(again) => assert_eq!(again, list),
            Err(error) => assert!(error.to_string().contains("127 deep"), "{error}"),
        }
    }
});
