//! Division.

use super::format::{FloatKind, Format, Number, infinity, invalid, nan, zero};
use super::round::round;
use super::{Flags, Rm};

/// `a / b`.
pub(super) fn div<F: Format>(rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    let y = Number::unpack::<F>(b);
    let negative = x.negative != y.negative;
    match (x.kind, y.kind) {
        (FloatKind::Finite, FloatKind::Finite) => {
            // The quotient of numbers in [1, 2) is in (1/2, 2). Double the dividend if it is the smaller, so that the
            // leading one is always in the same place.
            let less = x.sig < y.sig;
            let sig = quotient::<F>(x.sig, y.sig, less);
            round::<F>(rm, negative, x.exp - y.exp - i32::from(less), sig)
        }
        _ if x.is_nan() || y.is_nan() => nan::<F>(x.is_signalling() || y.is_signalling()),
        (FloatKind::Infinite, FloatKind::Infinite) | (FloatKind::Zero, FloatKind::Zero) => invalid::<F>(),
        (FloatKind::Infinite, _) => (infinity::<F>(negative), Flags::NONE),
        (FloatKind::Finite, FloatKind::Zero) => (infinity::<F>(negative), Flags::DZ),
        (_, _) => (zero::<F>(negative), Flags::NONE),
    }
}

/// `x / y`, or `2x / y` if x is `less` than y, as a significand with a sticky lowest bit.
#[inline(always)]
fn quotient<F: Format>(x: u64, y: u64, less: bool) -> u64 {
    if F::FRAC < 31 {
        // The significands are short: one 64-bit division gives 32 bits of quotient.
        let n = x >> u32::from(!less);
        let d = y >> 32;
        (n / d) << 32 | u64::from(!n.is_multiple_of(d))
    } else {
        let n = u128::from(x) << (63 + u32::from(less));
        let d = u128::from(y);
        let q = (n / d) as u64;
        q | u64::from(n != u128::from(q) * d)
    }
}
