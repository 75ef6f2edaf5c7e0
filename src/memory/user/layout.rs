//! Address space randomisation: how far things are moved from where they would be.

use crate::memory::PAGE_SIZE;

/// Distances in bytes, whole pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shifts {
    /// The initial stack, downwards.
    pub stack: u64,
    /// The top of what is mapped freely, downwards.
    pub mmap: u64,
    /// A position-independent program, upwards.
    pub program: u64,
    /// The heap, upwards.
    pub heap: u64,
}

/// How far the kernel moves each of them on riscv64: 18 bits of pages, a gigabyte.
const MOST: u64 = 1 << 30;

impl Shifts {
    /// The distances that belong to a seed, in an address space that ends at `limit`.
    pub fn from_seed(seed: u64, limit: u64) -> Self {
        let pages = MOST.min(limit / 32) / PAGE_SIZE;
        // SplitMix64, whose outputs for neighbouring seeds have nothing in common.
        let shift = |nth: u64| {
            let mut z = seed.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ z >> 31) % pages * PAGE_SIZE
        };
        let stack = shift(1);
        // Below the room that the stack may take, wherever that is.
        Self { stack, mmap: pages * PAGE_SIZE + shift(2), program: shift(3), heap: shift(4) }
    }
}
