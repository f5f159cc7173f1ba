//! Chance from a seed and a name: the same question gets the same answer,
//! in whatever order questions come.

/// A number from 0 to 1, without 1, that belongs to these words.
pub(super) fn draw(seed: u64, words: &[&str]) -> f64 {
    // 53 bits, as many as a float holds.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let numerator = (mixed(seed, words) >> 11) as f64;
    numerator / 9_007_199_254_740_992.0
}

/// FNV-1a over the words, then the last step of `SplitMix64`.
fn mixed(seed: u64, words: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed;
    for byte in words
        .iter()
        .flat_map(|word| word.bytes().chain(std::iter::once(0)))
    {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_spread() {
        assert!((draw(1, &["a", "b"]) - draw(1, &["a", "b"])).abs() < f64::EPSILON);
        let drawn: Vec<f64> = (0..1000).map(|n: i32| draw(7, &[&n.to_string()])).collect();
        assert!(drawn.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = drawn.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
