//! Fuzzes task documents and lists: a parsed document is equal after writing and parsing it again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tasklife::TaskDocument;

fuzz_target!(|json: &[u8]| {
    if let Ok(document) = TaskDocument::from_json(json) {
        for written in [format!("{document}"), format!("{document:#}")] {
            let again = TaskDocument::from_json(written.as_bytes()).expect("a written document");
            assert_eq!(again, document);
        }
    }
    if let Ok(list) = TaskDocument::list_from_json(json) {
        // A bare array is written inside an object, so it may exceed the depth limit by one level.
        match TaskDocument::list_from_json(list.to_string().as_bytes()) {
            Ok(again) => assert_eq!(again, list),
            Err(error) => assert!(error.to_string().contains("127 levels deep"), "{error}"),
        }
    }
});
