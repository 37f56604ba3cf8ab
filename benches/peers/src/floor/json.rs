//! JSON: writes the same bytes as tasklife, for this document only. Text from outside is escaped.

use chrono::{Datelike, Timelike};
use tasklife::{ResourceId, Task, TaskStatus};

const BASE: &str = "https://api.redislabs.com/v1";

/// Writes the reply to a read of a task.
pub fn write_task(task: &Task, out: &mut Vec<u8>) {
    let mut buffer = [0; 36];
    let id = task.id().as_uuid();
    let id = id.as_hyphenated().encode_lower(&mut buffer).as_bytes();
    out.extend_from_slice(b"{\"taskId\":\"");
    out.extend_from_slice(id);
    out.extend_from_slice(b"\",\"commandType\":\"");
    write_text(task.command_type().as_str(), out);
    out.extend_from_slice(b"\",\"status\":\"");
    out.extend_from_slice(task.status().as_str().as_bytes());
    if let Some(description) = task.description() {
        out.extend_from_slice(b"\",\"description\":\"");
        write_text(description, out);
    }
    out.extend_from_slice(b"\",");
    if let Some(progress) = task.progress() {
        out.extend_from_slice(b"\"progress\":");
        write_number(progress.percent().into(), out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"timestamp\":\"");
    write_instant(task, out);
    out.push(b'"');
    let mut resource = None;
    match task.outcome() {
        None => {}
        Some(Ok(completion)) => {
            out.extend_from_slice(b",\"response\":{");
            if let Some(ResourceId::Number(number)) = completion.resource_id() {
                resource = Some(number.cast_unsigned());
                out.extend_from_slice(b"\"resourceId\":");
                write_number(number.cast_unsigned(), out);
            }
            out.push(b'}');
        }
        Some(Err(error)) => {
            out.extend_from_slice(b",\"response\":{\"error\":{\"type\":\"");
            write_text(error.code(), out);
            out.extend_from_slice(b"\",\"status\":\"");
            write_text(error.status(), out);
            out.extend_from_slice(b"\",\"description\":\"");
            write_text(error.description(), out);
            out.extend_from_slice(b"\"}}");
        }
    }
    out.extend_from_slice(b",\"_links\":{");
    if let Some(number) = resource.filter(|_| task.status() == TaskStatus::ProcessingCompleted) {
        out.extend_from_slice(b"\"resource\":{\"href\":\"");
        out.extend_from_slice(BASE.as_bytes());
        out.extend_from_slice(b"/subscriptions/");
        write_number(number, out);
        out.extend_from_slice(b"\",\"title\":\"getSubscriptionInformation\",\"type\":\"GET\"},");
    }
    out.extend_from_slice(b"\"self\":{\"href\":\"");
    out.extend_from_slice(BASE.as_bytes());
    out.extend_from_slice(b"/tasks/");
    out.extend_from_slice(id);
    out.extend_from_slice(b"\",\"type\":\"GET\"}}}");
}

/// Writes the reply to a request for a list.
pub fn write_page(tasks: &[Task], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"tasks\":[");
    for (place, task) in tasks.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_task(task, out);
    }
    out.extend_from_slice(b"]}");
}

/// Returns whether JSON has to escape a byte.
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte: u8 = 0;
    while byte < 255 {
        special[byte as usize] = is_special(byte);
        byte += 1;
    }
    special
};

fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| SPECIAL[byte as usize]) {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    loop {
        begin -= 1;
        digits[begin] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[begin..]);
}

fn write_instant(task: &Task, out: &mut Vec<u8>) {
    let t = task.updated_at();
    let two = |number: u32| {
        let digit = |n: u32| b'0' + u8::try_from(n % 10).unwrap_or(0);
        [digit(number / 10), digit(number)]
    };
    let year = t.year().unsigned_abs();
    out.extend_from_slice(&two(year / 100));
    out.extend_from_slice(&two(year % 100));
    for (before, number) in [
        (b'-', t.month()),
        (b'-', t.day()),
        (b'T', t.hour()),
        (b':', t.minute()),
        (b':', t.second()),
    ] {
        let [tens, ones] = two(number);
        out.extend_from_slice(&[before, tens, ones]);
    }
    let millis = t.nanosecond() / 1_000_000;
    if millis > 0 {
        let [tens, ones] = two(millis % 100);
        let [_, hundreds] = two(millis / 100);
        out.extend_from_slice(&[b'.', hundreds, tens, ones]);
    }
    out.push(b'Z');
}
