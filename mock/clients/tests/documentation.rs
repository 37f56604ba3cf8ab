//! The documentation of `tasklife_mock` shows the programs that are tested here, line by line.

use std::fs;

/// The part of a test file that the documentation shows.
fn program(file: &str) -> String {
    let path = format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let (_, from) = text.split_once(", from here:\n").unwrap();
    let (program, _) = from.split_once("// To here.\n").unwrap();
    program.to_owned()
}

#[test]
fn the_documentation_shows_the_tested_programs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/servers.md");
    let documentation = fs::read_to_string(path).unwrap();
    for file in ["hyper.rs", "wiremock.rs"] {
        let shown = format!("```text\n{}```\n", program(file));
        assert!(documentation.contains(&shown), "expected in mock/src/servers.md:\n{shown}");
    }
    assert_eq!(documentation.matches("```text").count(), 2);
}
