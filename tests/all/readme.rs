//! What the README shows is what there is.

use tasklife::TaskStatus;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_diagram_of_the_table() {
    let (_, after) = README.split_once("```mermaid\n").expect("the README has a diagram");
    let (diagram, _) = after.split_once("```").expect("the diagram ends");
    assert_eq!(diagram, TaskStatus::diagram().to_string());
}

#[test]
fn the_readme_lists_the_features_of_the_manifest() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, after) = manifest.split_once("[features]\n").expect("the manifest has features");
    let (features, _) = after.split_once("\n\n").expect("the features end");
    let names = features.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    for name in names.filter(|name| *name != "default") {
        assert!(README.contains(&format!("| `{name}` |")), "the README tells of `{name}`");
    }
}
