//! The mutant in force, of those that `tests/privileged_mutants` has put into the sources: the number in `REMU_MUTANT`.

use std::ops::{BitAnd, BitOr};
use std::sync::LazyLock;

static CURRENT: LazyLock<u32> =
    LazyLock::new(|| std::env::var("REMU_MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(0));

/// Whether this mutant is in force.
#[inline]
pub fn on(mutant: u32) -> bool {
    *CURRENT == mutant
}

/// An integer whose bits mutants change.
pub trait Bits: Copy + BitAnd<Output = Self> + BitOr<Output = Self> {
    /// As 64 bits.
    fn widened(self) -> u64;
    /// From 64 bits.
    fn narrowed(bits: u64) -> Self;
}

macro_rules! bits {
    ($($ty:ty)*) => {
        $(impl Bits for $ty {
            fn widened(self) -> u64 {
                self as u64
            }
            fn narrowed(bits: u64) -> Self {
                bits as Self
            }
        })*
    };
}
bits! { u8 u16 u32 u64 usize i64 }

/// `mask`, without its lowest or highest bit, or with one more.
fn wrong<T: Bits>(first: u32, mask: T) -> T {
    let bits = mask.widened();
    let changed = match CURRENT.wrapping_sub(first) {
        0 => bits & bits.wrapping_sub(1),
        1 if bits != 0 => bits & !(1 << bits.ilog2()),
        2 => bits | bits.wrapping_add(1),
        _ => bits,
    };
    T::narrowed(changed)
}

/// `a & b`, of which `b` is the mask of three mutants.
#[inline]
pub fn and<T: Bits>(first: u32, a: T, b: T) -> T {
    if CURRENT.wrapping_sub(first) < 3 { a & wrong(first, b) } else { a & b }
}

/// `a | b`; the two mutants leave out one of them.
#[inline]
pub fn or<T: Bits>(first: u32, a: T, b: T) -> T {
    if on(first) {
        a
    } else if on(first + 1) {
        b
    } else {
        a | b
    }
}
