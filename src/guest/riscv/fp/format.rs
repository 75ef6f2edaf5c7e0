//! Formats as compile-time constants, and numbers unpacked into sign, exponent and significand. Operations work on
//! unpacked numbers, never on encodings.

use super::{Flags, Fmt};

/// A binary interchange format, as constants.
pub(super) trait Format {
    /// The format as a run-time value.
    const FMT: Fmt;
    /// Bits of the fraction field.
    const FRAC: u32;
    /// Bits of the exponent field.
    const EXP: u32;

    /// The exponent of 1.0 as encoded; also the largest exponent of a finite number.
    const BIAS: i32 = (1 << (Self::EXP - 1)) - 1;
    /// The exponent field of infinities and NaNs.
    const EXP_MAX: i32 = (1 << Self::EXP) - 1;
    /// The fraction field.
    const FRAC_MASK: u64 = (1 << Self::FRAC) - 1;
    /// The sign bit.
    const SIGN: u64 = 1 << (Self::FRAC + Self::EXP);
    /// Positive infinity.
    const INFINITY: u64 = (Self::EXP_MAX as u64) << Self::FRAC;
    /// The canonical NaN: positive, quiet, and no other bit set.
    const NAN: u64 = Self::INFINITY | Self::QUIET;
    /// The bit that tells quiet NaNs from signalling ones.
    const QUIET: u64 = 1 << (Self::FRAC - 1);
}

/// binary16
pub(super) struct Half;
/// binary32
pub(super) struct Single;
/// binary64
pub(super) struct Double;

impl Format for Half {
    const FMT: Fmt = Fmt::H;
    const FRAC: u32 = 10;
    const EXP: u32 = 5;
}

impl Format for Single {
    const FMT: Fmt = Fmt::S;
    const FRAC: u32 = 23;
    const EXP: u32 = 8;
}

impl Format for Double {
    const FMT: Fmt = Fmt::D;
    const FRAC: u32 = 52;
    const EXP: u32 = 11;
}

/// The kind of a number, as far as arithmetic distinguishes it. An unpacked subnormal is like any other finite
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FloatKind {
    Zero,
    Finite,
    Infinite,
    QuietNan,
    SignallingNan,
}

/// An unpacked number. If `kind` is `Finite` its magnitude is `sig / 2^63 * 2^exp`, and bit 63 of `sig` is set;
/// otherwise `sig` and `exp` are meaningless.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) negative: bool,
    pub(super) kind: FloatKind,
    pub(super) exp: i32,
    pub(super) sig: u64,
}

impl Number {
    /// Unpacks an encoding.
    #[inline(always)]
    pub(super) fn unpack<F: Format>(bits: u64) -> Number {
        let negative = bits & F::SIGN != 0;
        let field = ((bits & !F::SIGN) >> F::FRAC) as i32;
        let frac = bits & F::FRAC_MASK;
        let (kind, exp, sig) = if field == 0 {
            if frac == 0 {
                (FloatKind::Zero, 0, 0)
            } else {
                // Normalize a subnormal: shift its leading one to bit 63 and lower the exponent.
                let zeros = frac.leading_zeros();
                let exp = 1 - F::BIAS + (63 - F::FRAC as i32) - zeros as i32;
                (FloatKind::Finite, exp, frac << zeros)
            }
        } else if field == F::EXP_MAX {
            let kind = if frac == 0 {
                FloatKind::Infinite
            } else if frac & F::QUIET == 0 {
                FloatKind::SignallingNan
            } else {
                FloatKind::QuietNan
            };
            (kind, 0, 0)
        } else {
            (FloatKind::Finite, field - F::BIAS, 1 << 63 | frac << (63 - F::FRAC))
        };
        Number { negative, kind, exp, sig }
    }

    #[inline(always)]
    pub(super) fn is_nan(self) -> bool {
        matches!(self.kind, FloatKind::QuietNan | FloatKind::SignallingNan)
    }

    #[inline(always)]
    pub(super) fn is_zero(self) -> bool {
        self.kind == FloatKind::Zero
    }

    #[inline(always)]
    pub(super) fn is_infinite(self) -> bool {
        self.kind == FloatKind::Infinite
    }

    #[inline(always)]
    pub(super) fn is_signalling(self) -> bool {
        self.kind == FloatKind::SignallingNan
    }
}

/// A signed zero.
#[inline(always)]
pub(super) fn zero<F: Format>(negative: bool) -> u64 {
    if negative { F::SIGN } else { 0 }
}

/// A signed infinity.
#[inline(always)]
pub(super) fn infinity<F: Format>(negative: bool) -> u64 {
    zero::<F>(negative) | F::INFINITY
}

/// The result of an invalid operation.
#[inline(always)]
pub(super) fn invalid<F: Format>() -> (u64, Flags) {
    (F::NAN, Flags::NV)
}

/// The result of an operation with a NaN operand.
#[inline(always)]
pub(super) fn nan<F: Format>(signalling: bool) -> (u64, Flags) {
    (F::NAN, Flags::NV.when(signalling))
}
