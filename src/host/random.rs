//! Numbers derived from a seed.

/// The `nth` number of the seed's SplitMix64 sequence, counted from 1. Sequences of neighbouring seeds are unrelated.
pub fn split_mix(seed: u64, nth: u64) -> u64 {
    let mut z = seed.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
