//! Floating-point arithmetic as the RISC-V F, D, Zfh and Zfa extensions define it: IEEE 754-2019
//! with canonical NaN results and tininess detected after rounding.
//!
//! Except for [`host`], this is integer arithmetic on encodings, in every rounding mode and with exact flags. It is
//! the reference for the fast paths on the host's unit, and their fallback.
//!
//! A number of a format is its encoding in the low bits of a `u64`, the upper bits zero; NaN-boxing ([`box_bits`],
//! [`unbox`]) happens where registers are read and written. Flags are returned by value, never through a reference: a
//! local whose address escapes costs the caller its tail call.
//!
//! The arithmetic is generic over a compile-time format; the functions of this module choose the instance.

/// Evaluates an expression with `$f` naming the compile-time format of the run-time `$fmt`.
macro_rules! by_format {
    ($fmt:expr, $f:ident => $e:expr) => {
        match $fmt {
            Fmt::H => {
                type $f = Half;
                $e
            }
            Fmt::S => {
                type $f = Single;
                $e
            }
            Fmt::D => {
                type $f = Double;
                $e
            }
        }
    };
}

mod add;
mod compare;
mod convert;
mod div;
mod format;
pub mod host;
mod integer;
mod mode;
mod mul;
mod round;
mod sqrt;
mod table;

use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use format::{Double, Format, Half, Single};
pub use mode::FpMode;
use std::ops::{BitOr, BitOrAssign};

/// A floating-point format. A number of it is its encoding in the low bits of a `u64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fmt {
    /// binary16
    H,
    /// binary32
    S,
    /// binary64
    D,
}

impl Fmt {
    /// The width of an encoding in bits.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        match self {
            Fmt::H => 16,
            Fmt::S => 32,
            Fmt::D => 64,
        }
    }

    /// The sign bit of an encoding.
    #[inline(always)]
    pub const fn sign_bit(self) -> u64 {
        1 << (self.bits() - 1)
    }

    /// The encoding of positive infinity. Encodings above it, the sign aside, are NaNs.
    #[inline(always)]
    pub const fn infinity(self) -> u64 {
        match self {
            Fmt::H => Half::INFINITY,
            Fmt::S => Single::INFINITY,
            Fmt::D => Double::INFINITY,
        }
    }

    /// Whether an encoding is a NaN of either kind.
    #[inline(always)]
    pub const fn is_nan(self, v: u64) -> bool {
        match self {
            Fmt::H | Fmt::S => v & (self.sign_bit() - 1) > self.infinity(),
            // Shifting the sign out needs no 64-bit mask.
            Fmt::D => v << 1 > self.infinity() << 1,
        }
    }

    /// Whether an encoding is a signalling NaN.
    #[inline(always)]
    pub const fn is_signalling(self, v: u64) -> bool {
        let quiet_bit = canonical_nan(self) ^ self.infinity();
        self.is_nan(v) && v & quiet_bit == 0
    }
}

/// A rounding mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rm {
    /// To nearest, ties to even.
    Rne,
    /// Towards zero.
    Rtz,
    /// Downwards.
    Rdn,
    /// Upwards.
    Rup,
    /// To nearest, ties away from zero.
    Rmm,
}

impl Rm {
    /// All modes, in the order of their encodings.
    pub const ALL: [Rm; 5] = [Rm::Rne, Rm::Rtz, Rm::Rdn, Rm::Rup, Rm::Rmm];

    /// The mode that `frm` or an instruction encodes as `bits`. `None` for the reserved values and for 7, which is
    /// not a mode itself.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Rm> {
        match bits {
            0 => Some(Rm::Rne),
            1 => Some(Rm::Rtz),
            2 => Some(Rm::Rdn),
            3 => Some(Rm::Rup),
            4 => Some(Rm::Rmm),
            _ => None,
        }
    }

    /// The encoding of the mode in `frm`.
    #[inline]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// The rounding-mode field of an instruction or of `frm`, not yet checked: 0..=4 are modes, 7 in an
/// instruction means `frm`, and the rest is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RmField(pub u8);

impl RmField {
    /// The field of an instruction that takes its mode from `frm`.
    pub const DYNAMIC: RmField = RmField(7);
    /// For operations that do not round.
    pub const UNUSED: RmField = RmField(0);

    /// The mode in effect, given the `frm` CSR. `None` if it is reserved, which makes the instruction illegal.
    #[inline]
    pub const fn resolve(self, frm: u8) -> Option<Rm> {
        Rm::from_bits(if self.0 == Self::DYNAMIC.0 { frm } else { self.0 })
    }
}

/// Accrued exception flags, in the bit positions of `fflags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No exception.
    pub const NONE: Flags = Flags(0);
    /// Inexact.
    pub const NX: Flags = Flags(1);
    /// Underflow: the result is tiny after rounding and inexact.
    pub const UF: Flags = Flags(2);
    /// Overflow.
    pub const OF: Flags = Flags(4);
    /// Division of a finite number by zero.
    pub const DZ: Flags = Flags(8);
    /// Invalid operation.
    pub const NV: Flags = Flags(16);
    /// All of them.
    pub const ALL: Flags = Flags(31);

    /// Whether no flag is set.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every flag of `other` is set.
    #[inline(always)]
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags if `c` holds, else none.
    #[inline(always)]
    const fn when(self, c: bool) -> Flags {
        if c { self } else { Flags::NONE }
    }
}

impl BitOr for Flags {
    type Output = Flags;
    #[inline(always)]
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// `a + b`.
pub fn add(fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => add::add::<F>(rm, a, b))
}

/// `a - b`.
pub fn sub(fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    // The sign of a NaN is lost in the result, so negating one does no harm.
    by_format!(fmt, F => add::add::<F>(rm, a, b ^ F::SIGN))
}

/// `a * b`.
pub fn mul(fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => mul::mul::<F>(rm, a, b))
}

/// `a / b`.
pub fn div(fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => div::div::<F>(rm, a, b))
}

/// `a op b`, for callers that have the operation as data.
pub fn arith(op: FpOp, fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    match op {
        FpOp::Add => add(fmt, rm, a, b),
        FpOp::Sub => sub(fmt, rm, a, b),
        FpOp::Mul => mul(fmt, rm, a, b),
        FpOp::Div => div(fmt, rm, a, b),
    }
}

/// The square root.
pub fn sqrt(fmt: Fmt, rm: Rm, a: u64) -> (u64, Flags) {
    by_format!(fmt, F => sqrt::sqrt::<F>(rm, a))
}

/// `a * b + c`, rounded once. Infinity times zero is invalid whatever `c` is, a quiet NaN included.
///
/// For the negated forms, negate `a` or `c` beforehand: see [`negate`].
pub fn fma(fmt: Fmt, rm: Rm, a: u64, b: u64, c: u64) -> (u64, Flags) {
    by_format!(fmt, F => mul::fma::<F>(rm, a, b, c))
}

/// The smaller or larger of two numbers, -0 being smaller than +0.
pub fn min_max(op: FpMinMax, fmt: Fmt, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => compare::min_max::<F>(op, a, b))
}

/// Compares two numbers: 1 if the relation holds, else 0; no relation holds with a NaN.
pub fn compare(op: FpCmp, fmt: Fmt, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => compare::compare::<F>(op, a, b))
}

/// The class of a number as `fclass` gives it: one of ten bits.
pub fn class(fmt: Fmt, a: u64) -> u64 {
    by_format!(fmt, F => compare::class::<F>(a))
}

/// `a` with a sign computed from its own and that of `b`.
#[inline]
pub fn sgnj(fmt: Fmt, kind: Sgnj, a: u64, b: u64) -> u64 {
    let sign = fmt.sign_bit();
    match kind {
        Sgnj::Copy => a & !sign | b & sign,
        Sgnj::Negate => a & !sign | !b & sign,
        Sgnj::Xor => a ^ b & sign,
    }
}

/// `a` with its sign inverted, a NaN's too.
#[inline]
pub fn negate(fmt: Fmt, a: u64) -> u64 {
    a ^ fmt.sign_bit()
}

/// Converts between formats.
pub fn convert(from: Fmt, to: Fmt, rm: Rm, a: u64) -> (u64, Flags) {
    by_format!(from, A => by_format!(to, B => convert::convert::<A, B>(rm, a)))
}

/// Converts to an integer, saturating; a NaN becomes the largest. 32-bit results, signed or not, are
/// sign-extended.
pub fn to_int(fmt: Fmt, ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    by_format!(fmt, F => integer::to_int::<F>(ty, rm, a))
}

/// Converts from an integer; a 32-bit type uses only the low half of `a`.
pub fn from_int(fmt: Fmt, ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    by_format!(fmt, F => integer::from_int::<F>(ty, rm, a))
}

/// Rounds to an integral value of the same format: `froundnx` if `exact`, which raises inexact, else
/// `fround`, which does not.
pub fn round_to_integral(fmt: Fmt, exact: bool, rm: Rm, a: u64) -> (u64, Flags) {
    by_format!(fmt, F => integer::round_to_integral::<F>(exact, rm, a))
}

/// `fcvtmod.w.d`: truncates a double to an integer and yields the low 32 bits, sign-extended. The flags are those of
/// `fcvt.w.d`.
pub fn to_int_modular(a: u64) -> (u64, Flags) {
    integer::to_int_modular(a)
}

/// The constant that `fli` loads for the `rs1` field `index` (its low five bits).
pub fn fli(fmt: Fmt, index: u8) -> u64 {
    by_format!(fmt, F => table::fli::<F>(index))
}

/// The contents of a 64-bit floating-point register that holds the number `v`: NaN-boxed.
#[inline(always)]
pub const fn box_bits(fmt: Fmt, v: u64) -> u64 {
    match fmt {
        Fmt::H => v | !0xffff,
        Fmt::S => v | !0xffff_ffff,
        Fmt::D => v,
    }
}

/// The number in a 64-bit floating-point register, or the canonical NaN if it is not NaN-boxed.
#[inline(always)]
pub const fn unbox(fmt: Fmt, bits: u64) -> u64 {
    match fmt {
        Fmt::H if bits >= !0xffff => bits & 0xffff,
        Fmt::S if bits >= !0xffff_ffff => bits & 0xffff_ffff,
        Fmt::D => bits,
        Fmt::H | Fmt::S => canonical_nan(fmt),
    }
}

/// The canonical NaN, the result of every operation that yields one.
#[inline(always)]
pub const fn canonical_nan(fmt: Fmt) -> u64 {
    match fmt {
        Fmt::H => Half::NAN,
        Fmt::S => Single::NAN,
        Fmt::D => Double::NAN,
    }
}

#[cfg(test)]
mod tests;
