//! Operations that do not round: comparison, minimum and maximum, classification.

use super::Flags;
use super::format::{FloatKind, Format, Number};
use crate::guest::riscv::{FpCmp, FpMinMax};

/// Maps an encoding to an integer of the same order: -0 just below +0, NaNs beyond the infinities.
#[inline(always)]
fn order<F: Format>(v: u64) -> i64 {
    // Shift the sign bit to the integer's sign bit.
    let v = (v << (63 - F::FRAC - F::EXP)) as i64;
    v ^ ((v >> 63) as u64 >> 1) as i64
}

#[inline(always)]
fn is_nan<F: Format>(v: u64) -> bool {
    F::FMT.is_nan(v)
}

#[inline(always)]
fn is_signalling<F: Format>(v: u64) -> bool {
    F::FMT.is_signalling(v)
}

/// Compares two numbers.
pub(super) fn compare<F: Format>(op: FpCmp, a: u64, b: u64) -> (u64, Flags) {
    if is_nan::<F>(a) || is_nan::<F>(b) {
        let signals = match op {
            FpCmp::Lt | FpCmp::Le => true,
            FpCmp::Eq | FpCmp::LtQuiet | FpCmp::LeQuiet => is_signalling::<F>(a) || is_signalling::<F>(b),
        };
        return (0, Flags::NV.when(signals));
    }
    let zeros = (a | b) & !F::SIGN == 0;
    let holds = match op {
        FpCmp::Eq => a == b || zeros,
        FpCmp::Lt | FpCmp::LtQuiet => order::<F>(a) < order::<F>(b) && !zeros,
        FpCmp::Le | FpCmp::LeQuiet => order::<F>(a) <= order::<F>(b) || zeros,
    };
    (holds.into(), Flags::NONE)
}

/// The smaller or larger of two numbers.
pub(super) fn min_max<F: Format>(op: FpMinMax, a: u64, b: u64) -> (u64, Flags) {
    let (nan_a, nan_b) = (is_nan::<F>(a), is_nan::<F>(b));
    if nan_a || nan_b {
        let flags = Flags::NV.when(is_signalling::<F>(a) || is_signalling::<F>(b));
        let propagates = matches!(op, FpMinMax::MinM | FpMinMax::MaxM);
        let v = match (propagates, nan_a, nan_b) {
            (true, _, _) | (_, true, true) => F::NAN,
            (_, true, false) => b,
            (_, false, _) => a,
        };
        return (v, flags);
    }
    (min_max_of_numbers::<F>(op, a, b), Flags::NONE)
}

/// The smaller or larger of two numbers that are not NaNs.
#[inline(always)]
pub(super) fn min_max_of_numbers<F: Format>(op: FpMinMax, a: u64, b: u64) -> u64 {
    let a_below = order::<F>(a) < order::<F>(b);
    let takes_a = match op {
        FpMinMax::Min | FpMinMax::MinM => a_below,
        FpMinMax::Max | FpMinMax::MaxM => !a_below,
    };
    if takes_a { a } else { b }
}

/// The class mask of `fclass`.
pub(super) fn class<F: Format>(a: u64) -> u64 {
    let x = Number::unpack::<F>(a);
    // Bits 0..=3 are the negative classes from infinity to zero, 4..=7 the positive ones from zero to
    // infinity.
    let from_infinity = match x.kind {
        FloatKind::SignallingNan => return 1 << 8,
        FloatKind::QuietNan => return 1 << 9,
        FloatKind::Infinite => 0,
        FloatKind::Finite if a & F::INFINITY != 0 => 1,
        FloatKind::Finite => 2,
        FloatKind::Zero => 3,
    };
    1 << if x.negative { from_infinity } else { 7 - from_infinity }
}
