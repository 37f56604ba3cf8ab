//! Integers in decimal, without an allocation.

/// The decimal digits of an integer, with its sign.
pub(crate) struct Decimal {
    bytes: [u8; Self::LONGEST],
    begin: usize,
}

impl Decimal {
    /// A sign and 20 digits, the most that 64 bits need.
    const LONGEST: usize = 21;

    #[inline]
    pub(crate) fn of(number: i64) -> Self {
        Self::new(number < 0, number.unsigned_abs())
    }

    #[inline]
    pub(crate) fn new(is_negative: bool, mut magnitude: u64) -> Self {
        let mut digits = Self { bytes: [0; Self::LONGEST], begin: Self::LONGEST };
        loop {
            digits.push(b'0' + (magnitude % 10).to_le_bytes()[0]);
            magnitude /= 10;
            if magnitude == 0 {
                break;
            }
        }
        if is_negative {
            digits.push(b'-');
        }
        digits
    }

    fn push(&mut self, byte: u8) {
        self.begin -= 1;
        self.bytes[self.begin] = byte;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}
