//! The words that the sweeps compare.
#![allow(dead_code)] // each test uses its part

pub mod differences;
pub mod llvm;
pub mod sweep;

use remu_isa::{Isa, Op, Xlen};

/// A deterministic random number generator (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }
}

pub const XLENS: [Xlen; 2] = [Xlen::Rv32, Xlen::Rv64];

/// The ISA with every extension in the tables.
pub fn max(xlen: Xlen) -> Isa {
    if xlen == Xlen::Rv32 { Isa::rv32_max() } else { Isa::rv64_max() }
}

/// Words with the op's constant bits. The other bits are all zero, all one, all but one equal, and random.
pub fn words_of(op: Op, xlen: Xlen, random: usize) -> Vec<u32> {
    let Some(pattern) = op.pattern(xlen) else { return Vec::new() };
    let size = if op.info().compressed { 0xffff } else { u32::MAX };
    let free = !pattern.mask & size;
    let bits = (0..32).map(|b| 1u32 << b).filter(|b| free & b != 0);
    let mut fills = vec![0, free];
    fills.extend(bits.flat_map(|b| [b, free & !b]));
    let mut source = Random::new(op as u64 + 1);
    fills.extend((0..random).map(|_| source.word() & free));
    fills.sort_unstable();
    fills.dedup();
    fills.into_iter().map(|fill| pattern.value | fill).collect()
}

/// Words that differ from the op's encoding in one constant bit.
pub fn near_misses(op: Op, xlen: Xlen) -> Vec<u32> {
    let Some(pattern) = op.pattern(xlen).filter(|_| !op.info().compressed) else { return Vec::new() };
    let mut source = Random::new(op as u64 + 1000);
    let bits = (2..32).map(|b| 1u32 << b).filter(|b| pattern.mask & b != 0);
    bits.map(|b| (pattern.value ^ b) | source.word() & !pattern.mask).collect()
}

/// All 16-bit words in the encoding space of compressed instructions.
pub fn compressed() -> impl Iterator<Item = u32> {
    (0..0x1_0000).filter(|w| w & 3 != 3)
}

/// Random 32-bit words in the encoding space of 32-bit and longer instructions.
pub fn random_words(count: usize) -> impl Iterator<Item = u32> {
    let mut source = Random::new(7);
    (0..count).map(move |_| source.word() | 3)
}
