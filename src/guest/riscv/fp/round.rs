//! Rounding, overflow, underflow and the packing of results, all in one place.

use super::format::{Format, infinity, zero};
use super::{Flags, Rm};

/// `v / 2^n`, with the lowest bit set if any bit was lost. That suffices for rounding to see that the value is
/// inexact, and on which side of a tie it is.
#[inline(always)]
pub(super) fn shift_right_sticky(v: u64, n: u32) -> u64 {
    if n == 0 {
        v
    } else if n < 64 {
        v >> n | u64::from(v << (64 - n) != 0)
    } else {
        u64::from(v != 0)
    }
}

/// As [`shift_right_sticky`], for 128 bits.
#[inline(always)]
pub(super) fn shift_right_sticky_wide(v: u128, n: u32) -> u128 {
    if n == 0 {
        v
    } else if n < 128 {
        v >> n | u128::from(v << (128 - n) != 0)
    } else {
        u128::from(v != 0)
    }
}

/// The upper half of `v`, its lowest bit set if the lower half is not zero.
#[inline(always)]
pub(super) fn upper_half_sticky(v: u128) -> u64 {
    (v >> 64) as u64 | u64::from(v as u64 != 0)
}

/// Whether a magnitude is rounded up: `odd` is the last bit kept, `rest` the bits cut off, and `half` the value of
/// `rest` at a tie.
#[inline(always)]
pub(super) fn rounds_up(rm: Rm, negative: bool, odd: bool, rest: u64, half: u64) -> bool {
    match rm {
        Rm::Rne => rest > half || rest == half && odd,
        Rm::Rtz => false,
        Rm::Rdn => negative && rest != 0,
        Rm::Rup => !negative && rest != 0,
        Rm::Rmm => rest >= half,
    }
}

/// Rounds the number of magnitude `sig / 2^63 * 2^exp` to the format. Bit 63 of `sig` must be set and
/// bit 0 may be sticky.
#[inline(always)]
pub(super) fn round<F: Format>(rm: Rm, negative: bool, exp: i32, sig: u64) -> (u64, Flags) {
    debug_assert!(sig >> 63 == 1);
    let cut = 63 - F::FRAC;
    let half = 1u64 << (cut - 1);
    let mask = (1u64 << cut) - 1;

    let field = exp + F::BIAS;
    if field >= F::EXP_MAX {
        return overflow::<F>(rm, negative);
    }
    let sign = zero::<F>(negative);
    if field <= 0 {
        // Subnormal, unless rounding carries into the smallest normal number.
        let kept = shift_right_sticky(sig, (1 - field) as u32);
        let rest = kept & mask;
        let frac = kept >> cut;
        let up = rounds_up(rm, negative, frac & 1 != 0, rest, half);
        // Tininess is detected on the result rounded to full precision with an unbounded exponent. Just below the
        // smallest normal number, that can differ from the actual result.
        let tiny = field < 0 || {
            let full = sig >> cut;
            let reaches_normal = full == (1 << (F::FRAC + 1)) - 1;
            !(reaches_normal && rounds_up(rm, negative, full & 1 != 0, sig & mask, half))
        };
        let flags = if rest == 0 { Flags::NONE } else { Flags::NX | Flags::UF.when(tiny) };
        return (sign | (frac + u64::from(up)), flags);
    }
    let rest = sig & mask;
    let frac = sig >> cut;
    let up = rounds_up(rm, negative, frac & 1 != 0, rest, half);
    // The addition carries the leading one of `frac`, and a carry out of the fraction, into the exponent.
    let magnitude = ((field - 1) as u64) << F::FRAC;
    let magnitude = magnitude + frac + u64::from(up);
    if magnitude >= F::INFINITY {
        return overflow::<F>(rm, negative);
    }
    (sign | magnitude, Flags::NX.when(rest != 0))
}

/// The result if a rounded number exceeds the format's largest.
#[cold]
fn overflow<F: Format>(rm: Rm, negative: bool) -> (u64, Flags) {
    let to_infinity = match rm {
        Rm::Rne | Rm::Rmm => true,
        Rm::Rtz => false,
        Rm::Rdn => negative,
        Rm::Rup => !negative,
    };
    let largest_if_not = u64::from(!to_infinity);
    (infinity::<F>(negative) - largest_if_not, Flags::OF | Flags::NX)
}
