//! Percent-encoding (RFC 3986, section 2.1).

use alloc::vec::Vec;

/// Returns a byte in percent-encoding, such as `%2F`.
pub(crate) fn percent_encoded(byte: u8) -> [char; 3] {
    let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
    ['%', hex(byte >> 4), hex(byte & 0xF)]
}

/// Returns the bytes of a string after percent-decoding. An invalid escape is kept.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| core::str::from_utf8(digits).ok());
        let code = code.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, code) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}
