//! The example `poll`, which follows a task over a socket.

use tasklife::TaskStatus;
use tasklife::poll::PollError;

use super::Mock;

#[expect(dead_code, reason = "the test does not call `main`")]
#[path = "../../../examples/poll.rs"]
mod example;

fn follow(options: &[&str], scripts: &str) -> Result<TaskStatus, Box<dyn std::error::Error>> {
    let mock = Mock::start(options);
    assert_eq!(mock.0.send("PUT", "/_mock/scripts", "", scripts.as_bytes()).status, 200);
    let ended = example::follow(&format!("http://{}/v1", mock.0.address), r#"{"name": "test"}"#)?;
    Ok(ended.document().status().known().unwrap())
}

#[test]
fn the_example_follows_a_task_to_its_end() {
    // The first read is a 404, the answer to the second is cut short, and then the task ends.
    let cut = r#"[{"pace": "reads:2", "faults": [{"cutShort": true, "reads": 1}]}]"#;
    let end = follow(&["--not-found-for", "1", "--speed", "60"], cut);
    assert_eq!(end.unwrap(), TaskStatus::ProcessingCompleted);

    let failing = r#"[{"pace": "reads:1", "fail": "NO_PLACE"}]"#;
    let error = follow(&[], failing).unwrap_err();
    let error: &PollError = error.downcast_ref().unwrap();
    assert!(matches!(error, PollError::Failed(_)), "{error}");
}
