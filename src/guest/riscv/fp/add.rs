//! Addition; subtraction is addition with the second sign inverted.

use super::format::{FloatKind, Format, Number, infinity, invalid, nan, zero};
use super::round::{round, shift_right_sticky};
use super::{Flags, Rm};

/// `a + b`.
pub(super) fn add<F: Format>(rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    let y = Number::unpack::<F>(b);
    match (x.kind, y.kind) {
        (FloatKind::Finite, FloatKind::Finite) => add_finite::<F>(rm, x, y),
        _ if x.is_nan() || y.is_nan() => nan::<F>(x.is_signalling() || y.is_signalling()),
        (FloatKind::Infinite, FloatKind::Infinite) if x.negative != y.negative => invalid::<F>(),
        (FloatKind::Infinite, _) => (infinity::<F>(x.negative), Flags::NONE),
        (_, FloatKind::Infinite) => (infinity::<F>(y.negative), Flags::NONE),
        (FloatKind::Zero, FloatKind::Zero) if x.negative == y.negative => (a, Flags::NONE),
        (FloatKind::Zero, FloatKind::Zero) => (exact_zero::<F>(rm), Flags::NONE),
        (FloatKind::Zero, _) => (b, Flags::NONE),
        (_, _) => (a, Flags::NONE),
    }
}

/// The zero that subtracting equal numbers gives.
#[inline(always)]
pub(super) fn exact_zero<F: Format>(rm: Rm) -> u64 {
    zero::<F>(rm == Rm::Rdn)
}

#[inline(always)]
fn add_finite<F: Format>(rm: Rm, x: Number, y: Number) -> (u64, Flags) {
    let (big, small) = if (x.exp, x.sig) >= (y.exp, y.sig) { (x, y) } else { (y, x) };
    // Leave one bit of room for the carry. Even a double leaves ten bits below, so bits lost in aligning are sticky
    // well below the rounding bit. If a difference cancels more than one leading bit, the exponents differ by at most
    // one and nothing was lost.
    let kept = big.sig >> 1;
    let aligned = shift_right_sticky(small.sig >> 1, (big.exp - small.exp) as u32);
    let sum = if big.negative == small.negative { kept + aligned } else { kept - aligned };
    if sum == 0 {
        return (exact_zero::<F>(rm), Flags::NONE);
    }
    let zeros = sum.leading_zeros();
    round::<F>(rm, big.negative, big.exp + 1 - zeros as i32, sum << zeros)
}
