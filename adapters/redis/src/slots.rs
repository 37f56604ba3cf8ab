//! The slots of a cluster, and a hash tag for each of them.

use std::sync::LazyLock;

/// The number of slots in a Redis Cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// Returns the slot of a key, from its hash tag: the text in the key's braces.
pub(crate) fn slot(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

/// Returns a hash tag in this slot: the lowest number whose decimal text is in it.
pub(crate) fn tag(slot: u16) -> u32 {
    TAGS.get(usize::from(slot)).copied().unwrap_or_default()
}

static TAGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut tags = vec![None; usize::from(SLOTS)];
    let mut missing = tags.len();
    for number in 0.. {
        if missing == 0 {
            break;
        }
        let place = &mut tags[usize::from(slot(&number.to_string()))];
        if place.is_none() {
            (*place, missing) = (Some(number), missing - 1);
        }
    }
    tags.into_iter().flatten().collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_tag() {
        // From the specification of Redis Cluster, and from `CLUSTER KEYSLOT`.
        assert_eq!((slot("123456789"), slot("foo")), (0x31C3, 12_182));
        for number in 0..SLOTS {
            assert_eq!(slot(&tag(number).to_string()), number);
        }
    }
}
