//! Where identifiers come from: one seeded source for the whole account.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of identifiers (`SplitMix64`): unique, and not secrets.
#[derive(Debug)]
pub struct Ids(AtomicU64);

impl Ids {
    /// A source that gives the same identifiers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A source seeded from the operating system.
    pub fn random() -> Self {
        Self::seeded(RandomState::new().hash_one(std::time::SystemTime::now()))
    }

    /// The next number.
    pub fn number(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// So many hexadecimal digits, as in `vpc-0123456789abcdef0`.
    pub fn hex(&self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.number()));
        }
        text.truncate(digits);
        text
    }

    /// A UUID of version 4.
    pub fn uuid(&self) -> String {
        let (high, low) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            (low >> 48 & 0x3fff) | 0x8000,
            low & 0xffff_ffff_ffff,
        )
    }

    /// Capital letters and digits, as CloudFormation appends to names.
    pub fn suffix(&self, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let length_of_alphabet = ALPHABET.len() as u64;
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.number() % length_of_alphabet).unwrap_or(0);
                char::from(ALPHABET[index])
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let ids = Ids::seeded(1);
        assert_eq!(ids.hex(17).len(), 17);
        let uuid = ids.uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert_ne!(uuid, ids.uuid());
        assert_eq!(Ids::seeded(7).suffix(12), Ids::seeded(7).suffix(12));
    }
}
