//! Conversion to and from integers, and rounding to integral values.

use super::format::{Double, FloatKind, Format, Number, nan, zero};
use super::round::{round, rounds_up, shift_right_sticky};
use super::{Flags, Rm};
use crate::guest::riscv::IntType;

/// Converts to an integer, saturating.
pub(super) fn to_int<F: Format>(ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    match x.kind {
        FloatKind::Zero => return (0, Flags::NONE),
        FloatKind::QuietNan | FloatKind::SignallingNan => return (limit(ty, false), Flags::NV),
        FloatKind::Infinite => return (limit(ty, x.negative), Flags::NV),
        FloatKind::Finite if x.exp > 63 => return (limit(ty, x.negative), Flags::NV),
        FloatKind::Finite => {}
    }
    let (magnitude, inexact) = round_magnitude(rm, x);
    // The magnitude of the type's limit for this sign.
    let most: u64 = match (ty, x.negative) {
        (IntType::I32, false) => i32::MAX as u64,
        (IntType::I32, true) => i32::MIN.unsigned_abs().into(),
        (IntType::I64, false) => i64::MAX as u64,
        (IntType::I64, true) => i64::MIN.unsigned_abs(),
        (IntType::U32, false) => u32::MAX.into(),
        (IntType::U64, false) => u64::MAX,
        (IntType::U32 | IntType::U64, true) => 0,
    };
    match magnitude {
        Some(m) if m <= most => {
            let v = if x.negative { m.wrapping_neg() } else { m };
            (extend(ty, v), Flags::NX.when(inexact))
        }
        _ => (limit(ty, x.negative), Flags::NV),
    }
}

/// The low 32 bits of the double `a` truncated to an integer, with the flags of a saturating
/// conversion to a signed word.
pub(super) fn to_int_modular(a: u64) -> (u64, Flags) {
    let (_, flags) = to_int::<Double>(IntType::I32, Rm::Rtz, a);
    let x = Number::unpack::<Double>(a);
    if x.kind != FloatKind::Finite {
        return (0, flags);
    }
    let low = match x.exp {
        ..0 => 0,
        0..=63 => x.sig >> (63 - x.exp),
        // The bits shifted out at the top are a multiple of 2^64.
        64..=126 => x.sig << (x.exp - 63),
        _ => 0,
    };
    let v = if x.negative { low.wrapping_neg() } else { low };
    (extend(IntType::I32, v), flags)
}

/// Converts from an integer.
pub(super) fn from_int<F: Format>(ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    let (negative, magnitude) = match ty {
        IntType::I32 => ((a as i32) < 0, (a as i32).unsigned_abs().into()),
        IntType::U32 => (false, (a as u32).into()),
        IntType::I64 => ((a as i64) < 0, (a as i64).unsigned_abs()),
        IntType::U64 => (false, a),
    };
    from_magnitude::<F>(rm, negative, magnitude)
}

/// Rounds to an integral value of the same format.
pub(super) fn round_to_integral<F: Format>(exact: bool, rm: Rm, a: u64) -> (u64, Flags) {
    let x = Number::unpack::<F>(a);
    match x.kind {
        FloatKind::Zero | FloatKind::Infinite => return (a, Flags::NONE),
        FloatKind::QuietNan | FloatKind::SignallingNan => return nan::<F>(x.is_signalling()),
        FloatKind::Finite if x.exp >= F::FRAC as i32 => return (a, Flags::NONE),
        FloatKind::Finite => {}
    }
    let (magnitude, inexact) = round_magnitude(rm, x);
    // `magnitude` is never `None` here: numbers with an exponent of 63 have returned above.
    let (v, _) = from_magnitude::<F>(rm, x.negative, magnitude.unwrap_or(0));
    (v | zero::<F>(x.negative), Flags::NX.when(exact && inexact))
}

/// Rounds the magnitude of a finite number with an exponent of at most 63 to an integer, `None` if that is 2^64. Also
/// tells whether rounding was inexact.
#[inline(always)]
fn round_magnitude(rm: Rm, x: Number) -> (Option<u64>, bool) {
    // `rest` is the fraction, scaled so that a half is bit 63.
    let (whole, rest) = match x.exp {
        63 => (x.sig, 0),
        0..63 => (x.sig >> (63 - x.exp), x.sig << (x.exp + 1)),
        _ => (0, shift_right_sticky(x.sig, (-1 - x.exp) as u32)),
    };
    let up = rounds_up(rm, x.negative, whole & 1 != 0, rest, 1 << 63);
    (whole.checked_add(up.into()), rest != 0)
}

#[inline(always)]
fn from_magnitude<F: Format>(rm: Rm, negative: bool, magnitude: u64) -> (u64, Flags) {
    if magnitude == 0 {
        return (0, Flags::NONE);
    }
    let zeros = magnitude.leading_zeros();
    round::<F>(rm, negative, 63 - zeros as i32, magnitude << zeros)
}

/// The largest integer of a type, or the smallest.
#[inline(always)]
fn limit(ty: IntType, negative: bool) -> u64 {
    match (ty, negative) {
        (IntType::I32, false) => i32::MAX as u64,
        (IntType::I32, true) => i32::MIN as i64 as u64,
        (IntType::I64, false) => i64::MAX as u64,
        (IntType::I64, true) => i64::MIN as u64,
        (IntType::U32 | IntType::U64, false) => u64::MAX,
        (IntType::U32 | IntType::U64, true) => 0,
    }
}

/// The result as a register holds it: 32-bit results are sign-extended, unsigned ones too.
#[inline(always)]
fn extend(ty: IntType, v: u64) -> u64 {
    match ty {
        IntType::I32 | IntType::U32 => v as i32 as i64 as u64,
        IntType::I64 | IntType::U64 => v,
    }
}
