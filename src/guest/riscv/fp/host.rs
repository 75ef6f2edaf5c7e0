//! The same arithmetic on the host's floating-point unit: x86 instructions, corrected to RISC-V's rules.
//!
//! These functions run between [`enter`] and [`leave`], with the guest's rounding mode in MXCSR. Results are
//! returned; flags accrue in the sticky bits of MXCSR. `None` means that the unit cannot compute the operation: half
//! precision, NaN results, and operations it does not have. The caller then uses the integer arithmetic of the parent
//! module and [`raise`]s its flags. Flags that the unit has raised before that are correct. [`Rm::Rmm`] must not get
//! here.
//!
//! x86 and RISC-V agree on most rules: both detect tininess after rounding, raise invalid for signalling NaNs and for
//! the same undefined operations, and raise nothing else with it. They differ in
//! - NaN results: x86 propagates a payload or makes a negative one; here they are made canonical;
//! - infinity times zero plus a quiet NaN, which is invalid only for RISC-V;
//! - minimum and maximum, which x86 does not have in this form: they are integer comparisons here;
//! - integers: x86 has signed ones only and one value for whatever does not fit.

use super::compare::min_max_of_numbers;
use super::format::{Double, Half, Single};
use super::{Flags, Fmt, Rm};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType};
use crate::host::fp::{self as unit, Mxcsr, NO_INEXACT, Rounding};

/// The host's rounding mode for a guest's. The host has no [`Rm::Rmm`]; it maps to the nearest mode so that MXCSR has
/// a valid value, but nothing must be computed with it.
#[inline]
pub const fn rounding(rm: Rm) -> Rounding {
    match rm {
        Rm::Rne | Rm::Rmm => Rounding::Nearest,
        Rm::Rtz => Rounding::Zero,
        Rm::Rdn => Rounding::Down,
        Rm::Rup => Rounding::Up,
    }
}

/// The guest's rounding mode for the host's.
#[inline]
pub const fn mode(rounding: Rounding) -> Rm {
    match rounding {
        Rounding::Nearest => Rm::Rne,
        Rounding::Zero => Rm::Rtz,
        Rounding::Down => Rm::Rdn,
        Rounding::Up => Rm::Rup,
    }
}

/// The guest's flags and the sticky bits of MXCSR for them.
const FLAG_BITS: [(Flags, u32); 5] = [
    (Flags::NX, Mxcsr::INEXACT),
    (Flags::UF, Mxcsr::UNDERFLOW),
    (Flags::OF, Mxcsr::OVERFLOW),
    (Flags::DZ, Mxcsr::DIVIDE_BY_ZERO),
    (Flags::NV, Mxcsr::INVALID),
];

/// [`FLAG_BITS`] for all sets: the sticky bits of each set of flags, and the flags of each set of sticky bits. The
/// flags are converted at every entry to guest code and at every exit.
const TABLES: ([u8; 32], [u8; 64]) = {
    let (mut sticky, mut flags) = ([0; 32], [0; 64]);
    let mut set = 0;
    while set < 64 {
        let mut i = 0;
        while i < FLAG_BITS.len() {
            let (flag, bit) = FLAG_BITS[i];
            if set < 32 && set as u8 & flag.0 != 0 {
                sticky[set] |= bit as u8;
            }
            if set as u32 & bit != 0 {
                flags[set] |= flag.0;
            }
            i += 1;
        }
        set += 1;
    }
    (sticky, flags)
};

/// The guest flags for the sticky bits of MXCSR, for emitted code.
pub static FLAGS_OF_STICKY: [u8; 64] = TABLES.1;
/// The sticky bits of MXCSR for guest flags, for emitted code.
pub static STICKY_OF_FLAGS: [u8; 32] = TABLES.0;

/// The sticky bits of MXCSR for guest flags.
#[inline]
pub const fn sticky(flags: Flags) -> u32 {
    const STICKY: &[u8; 32] = &TABLES.0;
    STICKY[(flags.0 & Flags::ALL.0) as usize] as u32
}

/// The guest flags for the sticky bits of MXCSR.
#[inline]
pub const fn flags(mxcsr: Mxcsr) -> Flags {
    const FLAGS: &[u8; 64] = &TABLES.1;
    Flags(FLAGS[(mxcsr.flags() & 63) as usize])
}

/// The MXCSR under which guest code with the given `frm` and accrued flags runs: all exceptions masked, subnormals
/// honoured. Flags passed here are returned by [`leave`]; a caller that keeps them elsewhere passes none.
#[inline]
pub const fn for_guest(rm: Rm, accrued: Flags) -> Mxcsr {
    Mxcsr::new(rounding(rm)).with_flags(sticky(accrued))
}

/// Hands the unit to the guest; returns what [`leave`] needs to take it back.
#[inline]
#[must_use = "the host's MXCSR must be restored"]
pub fn enter(rm: Rm, accrued: Flags) -> Mxcsr {
    // Detects the host's fused operations, which are not used before the first call.
    unit::has_fma();
    for_guest(rm, accrued).replace()
}

/// Takes the unit back from the guest; returns the flags that have accrued.
#[inline]
pub fn leave(host: Mxcsr) -> Flags {
    flags(host.replace())
}

/// The guest's flags that have accrued so far.
#[inline]
pub fn accrued() -> Flags {
    flags(Mxcsr::read())
}

/// Changes the guest's rounding mode and flags while it has the unit.
#[inline]
pub fn set(rm: Rm, accrued: Flags) {
    for_guest(rm, accrued).write();
}

/// Adds flags to those in MXCSR, if there are any. Slow: not for hot paths.
#[inline]
pub fn raise(new: Flags) {
    if !new.is_empty() {
        Mxcsr::raise(sticky(new));
    }
}

/// A result of the unit, unless it is a NaN. The test is made on the unit's own register, by one function per format:
/// the compiler must not hoist a test in one format to bits of another, where it could raise invalid.
#[inline(always)]
fn single(v: u32) -> Option<u64> {
    (!f32::from_bits(v).is_nan()).then_some(v.into())
}

/// As [`single`], for double precision.
#[inline(always)]
fn double(v: u64) -> Option<u64> {
    (!f64::from_bits(v).is_nan()).then_some(v)
}

/// Defines the functions of two operands.
macro_rules! binary {
    ($($name:ident, $single:ident, $double:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        pub fn $name(fmt: Fmt, a: u64, b: u64) -> Option<u64> {
            match fmt {
                Fmt::H => None,
                Fmt::S => single(unit::$single(a as u32, b as u32)),
                Fmt::D => double(unit::$double(a, b)),
            }
        }
    )*};
}

binary! {
    add, add_f32, add_f64, "`a + b`.";
    sub, sub_f32, sub_f64, "`a - b`.";
    mul, mul_f32, mul_f64, "`a * b`.";
    div, div_f32, div_f64, "`a / b`.";
}

/// `a op b`, for callers that have the operation as data.
#[inline(always)]
pub fn arith(op: FpOp, fmt: Fmt, a: u64, b: u64) -> Option<u64> {
    match op {
        FpOp::Add => add(fmt, a, b),
        FpOp::Sub => sub(fmt, a, b),
        FpOp::Mul => mul(fmt, a, b),
        FpOp::Div => div(fmt, a, b),
    }
}

/// The square root.
#[inline(always)]
pub fn sqrt(fmt: Fmt, a: u64) -> Option<u64> {
    match fmt {
        Fmt::H => None,
        Fmt::S => single(unit::sqrt_f32(a as u32)),
        Fmt::D => double(unit::sqrt_f64(a)),
    }
}

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma(fmt: Fmt, a: u64, b: u64, c: u64) -> Option<u64> {
    // For a NaN, RISC-V raises every flag that x86 has raised; the integer arithmetic adds the missing ones.
    match fmt {
        Fmt::H => None,
        Fmt::S => unit::fma_f32(a as u32, b as u32, c as u32).and_then(single),
        Fmt::D => unit::fma_f64(a, b, c).and_then(double),
    }
}

/// The smaller or larger of two numbers.
#[inline(always)]
pub fn min_max(op: FpMinMax, fmt: Fmt, a: u64, b: u64) -> Option<u64> {
    if fmt.is_nan(a) || fmt.is_nan(b) {
        return None;
    }
    Some(by_format!(fmt, F => min_max_of_numbers::<F>(op, a, b)))
}

/// Compares two numbers: 1 if the relation holds, else 0.
#[inline(always)]
pub fn compare(op: FpCmp, fmt: Fmt, a: u64, b: u64) -> Option<u64> {
    let holds = match (fmt, op) {
        (Fmt::H, _) => return None,
        (Fmt::S, FpCmp::Eq) => unit::eq_f32(a as u32, b as u32),
        (Fmt::S, FpCmp::Lt) => unit::lt_f32(a as u32, b as u32),
        (Fmt::S, FpCmp::Le) => unit::le_f32(a as u32, b as u32),
        (Fmt::S, FpCmp::LtQuiet) => unit::lt_quiet_f32(a as u32, b as u32),
        (Fmt::S, FpCmp::LeQuiet) => unit::le_quiet_f32(a as u32, b as u32),
        (Fmt::D, FpCmp::Eq) => unit::eq_f64(a, b),
        (Fmt::D, FpCmp::Lt) => unit::lt_f64(a, b),
        (Fmt::D, FpCmp::Le) => unit::le_f64(a, b),
        (Fmt::D, FpCmp::LtQuiet) => unit::lt_quiet_f64(a, b),
        (Fmt::D, FpCmp::LeQuiet) => unit::le_quiet_f64(a, b),
    };
    Some(holds.into())
}

/// Converts between formats.
#[inline(always)]
pub fn convert(from: Fmt, to: Fmt, a: u64) -> Option<u64> {
    match (from, to) {
        (Fmt::S, Fmt::D) => double(unit::f32_to_f64(a as u32)),
        (Fmt::D, Fmt::S) => single(unit::f64_to_f32(a)),
        _ => None,
    }
}

/// How a conversion to an integer rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToInt {
    /// As MXCSR says.
    Current,
    /// Towards zero, whatever MXCSR says: the conversions of most languages.
    Truncate,
}

/// Converts to an integer, saturating; 32-bit results are sign-extended.
#[inline(always)]
pub fn to_int(fmt: Fmt, ty: IntType, how: ToInt, a: u64) -> Option<u64> {
    // Above the limit, the unit's signed instruction gives a wrong result for the unsigned type, or raises inexact
    // before the range is checked. Encodings are compared as unsigned integers, where a sign bit makes an encoding
    // larger than every limit. For U32 the limit is the largest number that no mode rounds out of range; for U64 it
    // is the largest that the signed instruction can convert.
    let limit = match (fmt, ty) {
        (Fmt::H, _) => return None,
        (_, IntType::I32 | IntType::I64) => u64::MAX,
        (Fmt::S, IntType::U32) => 0x4f7f_ffff,
        (Fmt::D, IntType::U32) => 0x41ef_ffff_ffe0_0000,
        (Fmt::S, IntType::U64) => 0x5eff_ffff,
        (Fmt::D, IntType::U64) => 0x43df_ffff_ffff_ffff,
    };
    if a > limit {
        return None;
    }
    let truncate = how == ToInt::Truncate;
    // x86 and RISC-V both raise only invalid for a number that does not fit, so only its value must be computed
    // elsewhere. The unit then yields the smallest integer, which can also be a correct result.
    if ty == IntType::I32 {
        let v = match (fmt, truncate) {
            (Fmt::S, true) => unit::f32_to_i32_truncating(a as u32),
            (Fmt::S, false) => unit::f32_to_i32(a as u32),
            (_, true) => unit::f64_to_i32_truncating(a),
            (_, false) => unit::f64_to_i32(a),
        };
        if v == 1 << 31 {
            return None;
        }
        return Some(v as i32 as i64 as u64);
    }
    let v = match (fmt, truncate) {
        (Fmt::S, true) => unit::f32_to_i64_truncating(a as u32),
        (Fmt::S, false) => unit::f32_to_i64(a as u32),
        (_, true) => unit::f64_to_i64_truncating(a),
        (_, false) => unit::f64_to_i64(a),
    };
    match ty {
        IntType::U32 => Some(v as i32 as i64 as u64),
        IntType::I64 if v == 1 << 63 => None,
        _ => Some(v),
    }
}

/// Converts from an integer.
#[inline(always)]
pub fn from_int(fmt: Fmt, ty: IntType, a: u64) -> Option<u64> {
    Some(match (fmt, ty) {
        (Fmt::H, _) => return None,
        (Fmt::S, IntType::I32) => unit::i32_to_f32(a as u32).into(),
        (Fmt::D, IntType::I32) => unit::i32_to_f64(a as u32),
        (Fmt::S, IntType::U32) => unit::i64_to_f32(a as u32 as u64).into(),
        (Fmt::D, IntType::U32) => unit::i64_to_f64(a as u32 as u64),
        (_, IntType::U64) if a >> 63 != 0 => return None,
        (Fmt::S, IntType::I64 | IntType::U64) => unit::i64_to_f32(a).into(),
        (Fmt::D, IntType::I64 | IntType::U64) => unit::i64_to_f64(a),
    })
}

/// Rounds to an integral value of the same format in the given mode, regardless of MXCSR; raises inexact if `exact`.
#[inline(always)]
pub fn round_to_integral(fmt: Fmt, exact: bool, rm: Rm, a: u64) -> Option<u64> {
    const NEAREST: u8 = Rounding::Nearest as u8;
    const DOWN: u8 = Rounding::Down as u8;
    const UP: u8 = Rounding::Up as u8;
    const ZERO: u8 = Rounding::Zero as u8;
    match (rm, exact) {
        (Rm::Rne, true) => integral::<NEAREST>(fmt, a),
        (Rm::Rdn, true) => integral::<DOWN>(fmt, a),
        (Rm::Rup, true) => integral::<UP>(fmt, a),
        (Rm::Rtz, true) => integral::<ZERO>(fmt, a),
        (Rm::Rne, false) => integral::<{ NEAREST | NO_INEXACT }>(fmt, a),
        (Rm::Rdn, false) => integral::<{ DOWN | NO_INEXACT }>(fmt, a),
        (Rm::Rup, false) => integral::<{ UP | NO_INEXACT }>(fmt, a),
        (Rm::Rtz, false) => integral::<{ ZERO | NO_INEXACT }>(fmt, a),
        (Rm::Rmm, _) => None,
    }
}

#[inline(always)]
fn integral<const MODE: u8>(fmt: Fmt, a: u64) -> Option<u64> {
    match fmt {
        Fmt::H => None,
        Fmt::S => unit::round_f32::<MODE>(a as u32).and_then(single),
        Fmt::D => unit::round_f64::<MODE>(a).and_then(double),
    }
}
