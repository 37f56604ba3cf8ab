//! The value of a task in Redis: a header for the scripts, and the task's record in JSON.

use tasklife::{Task, TaskRecord};

use crate::error::Corrupt;
use crate::text;

/// The length of the header: expiry, revision and status, each of fixed width.
const HEADER: usize = 22 + 19 + 1;

pub(crate) fn encode(task: &Task) -> Result<Vec<u8>, Corrupt> {
    let mut value = header(task).into_bytes();
    serde_json::to_writer(&mut value, &TaskRecord::from(task))?;
    Ok(value)
}

pub(crate) fn decode(value: &[u8]) -> Result<Task, Corrupt> {
    let (found, json) = value.split_at_checked(HEADER).ok_or(Corrupt::Task(value.len()))?;
    let task = Task::try_from(serde_json::from_slice::<TaskRecord>(json)?)?;
    if *found == *header(&task).as_bytes() {
        Ok(task)
    } else {
        Err(Corrupt::Header(String::from_utf8_lossy(found).into_owned()))
    }
}

fn header(task: &Task) -> String {
    let (expires_at, revision) =
        (text::encode_instant(task.expires_at()), text::encode_revision(task.revision()));
    format!("{expires_at}{revision}{}", task.status() as u8)
}
