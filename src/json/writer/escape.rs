//! Escaping text for JSON strings.

use alloc::vec::Vec;

/// Appends text as the content of a JSON string.
#[inline]
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    if needs_escape(text.as_bytes()) {
        escape_each(text.as_bytes(), out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cold]
fn escape_each(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = text.iter().position(|byte| is_escaped(*byte)) {
        let (plain, rest) = text.split_at(at);
        out.extend_from_slice(plain);
        if let [special, after @ ..] = rest {
            escape_byte(*special, out);
            text = after;
        }
    }
    out.extend_from_slice(text);
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex(byte >> 4), hex(byte & 0xF)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Returns whether a byte must be escaped: a control character, a quote or a backslash.
const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Returns whether any byte must be escaped.
///
/// It checks blocks of 16 bytes, which the compiler vectorizes. The last block may overlap the one
/// before it.
#[inline]
fn needs_escape(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk() {
        return text.as_chunks::<16>().0.iter().any(any_escaped) || any_escaped::<16>(last);
    }
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => any_escaped::<8>(first) || any_escaped::<8>(last),
        _ => text.iter().any(|byte| is_escaped(*byte)),
    }
}

#[inline]
fn any_escaped<const N: usize>(block: &[u8; N]) -> bool {
    block.iter().fold(false, |any, byte| any | is_escaped(*byte))
}
