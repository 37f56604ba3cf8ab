//! A task as it stands in Redis: what the scripts look at, and its record in JSON.

use tasklife::{Task, TaskRecord};

use crate::fault::Corrupt;
use crate::text;

/// Expiry, revision and status, each of one width.
const HEAD: usize = 22 + 19 + 1;

pub(crate) fn encode(task: &Task) -> Result<Vec<u8>, Corrupt> {
    let mut value = head(task).into_bytes();
    serde_json::to_writer(&mut value, &TaskRecord::from(task))?;
    Ok(value)
}

pub(crate) fn decode(value: &[u8]) -> Result<Task, Corrupt> {
    let (found, json) = value.split_at_checked(HEAD).ok_or(Corrupt::Task(value.len()))?;
    let task = Task::try_from(serde_json::from_slice::<TaskRecord>(json)?)?;
    if *found == *head(&task).as_bytes() {
        Ok(task)
    } else {
        Err(Corrupt::Head(String::from_utf8_lossy(found).into_owned()))
    }
}

fn head(task: &Task) -> String {
    let (expires_at, revision) =
        (text::instant(task.expires_at()), text::revision(task.revision()));
    format!("{expires_at}{revision}{}", task.status() as u8)
}
