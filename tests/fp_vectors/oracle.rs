//! The expected results: SoftFloat's, or, for operations that it lacks, a definition from the manual in terms of
//! SoftFloat's operations.

use remu::guest::riscv::fp::{Flags, Fmt, Rm};
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType};
use softfloat_wrapper::{ExceptionFlags, F16, F32, F64, Float, RoundingMode};

/// SoftFloat's types with encodings in the low bits of a `u64`.
trait Soft: Float {
    fn of(bits: u64) -> Self;
    fn encoding(&self) -> u64;
}

impl Soft for F16 {
    fn of(bits: u64) -> Self {
        F16::from_bits(bits as u16)
    }
    fn encoding(&self) -> u64 {
        self.to_bits().into()
    }
}

impl Soft for F32 {
    fn of(bits: u64) -> Self {
        F32::from_bits(bits as u32)
    }
    fn encoding(&self) -> u64 {
        self.to_bits().into()
    }
}

impl Soft for F64 {
    fn of(bits: u64) -> Self {
        F64::from_bits(bits)
    }
    fn encoding(&self) -> u64 {
        self.to_bits()
    }
}

/// Evaluates an expression with `$f` naming SoftFloat's type of a format.
macro_rules! by_format {
    ($fmt:expr, $f:ident => $e:expr) => {
        match $fmt {
            Fmt::H => {
                type $f = F16;
                $e
            }
            Fmt::S => {
                type $f = F32;
                $e
            }
            Fmt::D => {
                type $f = F64;
                $e
            }
        }
    };
}

fn mode(rm: Rm) -> RoundingMode {
    match rm {
        Rm::Rne => RoundingMode::TiesToEven,
        Rm::Rtz => RoundingMode::TowardZero,
        Rm::Rdn => RoundingMode::TowardNegative,
        Rm::Rup => RoundingMode::TowardPositive,
        Rm::Rmm => RoundingMode::TiesToAway,
    }
}

/// Runs an operation of SoftFloat and collects its flags, which have RISC-V's bit positions.
fn flagged(f: impl FnOnce() -> u64) -> (u64, Flags) {
    ExceptionFlags::from_bits(0).set();
    let v = f();
    let mut flags = ExceptionFlags::default();
    flags.get();
    (v, Flags(flags.to_bits()))
}

pub fn arith(op: FpOp, fmt: Fmt, rm: Rm, a: u64, b: u64) -> (u64, Flags) {
    flagged(|| {
        by_format!(fmt, F => {
            let (a, b, rm) = (F::of(a), F::of(b), mode(rm));
            match op {
                FpOp::Add => a.add(b, rm),
                FpOp::Sub => a.sub(b, rm),
                FpOp::Mul => a.mul(b, rm),
                FpOp::Div => a.div(b, rm),
            }
            .encoding()
        })
    })
}

pub fn sqrt(fmt: Fmt, rm: Rm, a: u64) -> (u64, Flags) {
    flagged(|| by_format!(fmt, F => F::of(a).sqrt(mode(rm)).encoding()))
}

pub fn fma(fmt: Fmt, rm: Rm, a: u64, b: u64, c: u64) -> (u64, Flags) {
    flagged(|| by_format!(fmt, F => F::of(a).fused_mul_add(F::of(b), F::of(c), mode(rm)).encoding()))
}

pub fn compare(op: FpCmp, fmt: Fmt, a: u64, b: u64) -> (u64, Flags) {
    flagged(|| {
        by_format!(fmt, F => {
            let (a, b) = (F::of(a), F::of(b));
            match op {
                FpCmp::Eq => a.eq(b),
                FpCmp::Lt => a.lt(b),
                FpCmp::Le => a.le(b),
                FpCmp::LtQuiet => a.lt_quiet(b),
                FpCmp::LeQuiet => a.le_quiet(b),
            }
            .into()
        })
    })
}

/// The manual: fmin and fmax of 2.2 (minimumNumber, maximumNumber of IEEE 754-2019), fminm and fmaxm
/// of Zfa (minimum, maximum).
pub fn min_max(op: FpMinMax, fmt: Fmt, a: u64, b: u64) -> (u64, Flags) {
    by_format!(fmt, F => {
        let (x, y) = (F::of(a), F::of(b));
        let signalling = x.is_signaling_nan() || y.is_signaling_nan();
        let flags = if signalling { Flags::NV } else { Flags::NONE };
        let nan = F::quiet_nan().encoding();
        let propagate = matches!(op, FpMinMax::MinM | FpMinMax::MaxM);
        let v = match (x.is_nan(), y.is_nan()) {
            (true, true) => nan,
            (true, false) | (false, true) if propagate => nan,
            (true, false) => b,
            (false, true) => a,
            (false, false) => {
                // Equal numbers can only differ in the sign: -0 is below +0.
                let a_first = if x.eq(y) { x.is_negative() } else { x.lt_quiet(y) };
                let smaller = matches!(op, FpMinMax::Min | FpMinMax::MinM);
                if a_first == smaller { a } else { b }
            }
        };
        (v, flags)
    })
}

pub fn class(fmt: Fmt, a: u64) -> u64 {
    by_format!(fmt, F => {
        let x = F::of(a);
        let classes = [
            x.is_negative_infinity(),
            x.is_negative_normal(),
            x.is_negative_subnormal(),
            x.is_negative_zero(),
            x.is_positive_zero(),
            x.is_positive_subnormal(),
            x.is_positive_normal(),
            x.is_positive_infinity(),
            x.is_signaling_nan(),
            x.is_nan() && !x.is_signaling_nan(),
        ];
        classes.iter().enumerate().map(|(bit, &holds)| u64::from(holds) << bit).sum()
    })
}

pub fn convert(from: Fmt, to: Fmt, rm: Rm, a: u64) -> (u64, Flags) {
    flagged(|| {
        by_format!(from, F => {
            let x = F::of(a);
            match to {
                Fmt::H => x.to_f16(mode(rm)).encoding(),
                Fmt::S => x.to_f32(mode(rm)).encoding(),
                Fmt::D => x.to_f64(mode(rm)).encoding(),
            }
        })
    })
}

pub fn to_int(fmt: Fmt, ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    flagged(|| {
        by_format!(fmt, F => {
            let (x, rm) = (F::of(a), mode(rm));
            match ty {
                IntType::I32 => x.to_i32(rm, true) as i64 as u64,
                IntType::U32 => x.to_u32(rm, true) as i32 as i64 as u64,
                IntType::I64 => x.to_i64(rm, true) as u64,
                IntType::U64 => x.to_u64(rm, true),
            }
        })
    })
}

/// The manual: the flags are those of fcvt.w.d; the result is the truncated integer modulo 2^32, and
/// zero for infinities and NaNs.
pub fn to_int_modular(a: u64) -> (u64, Flags) {
    let (_, flags) = to_int(Fmt::D, IntType::I32, Rm::Rtz, a);
    let exponent = (a >> 52 & 0x7ff) as i32;
    let significand = u128::from(a & ((1 << 52) - 1) | 1 << 52);
    let magnitude = match exponent - 1075 {
        _ if exponent == 0 || exponent == 0x7ff => 0,
        ..-63 => 0,
        shift @ -63..0 => significand >> -shift,
        shift @ 0..64 => significand << shift,
        _ => 0,
    };
    let word = if a >> 63 != 0 { magnitude.wrapping_neg() } else { magnitude } as i32;
    (i64::from(word) as u64, flags)
}

pub fn from_int(fmt: Fmt, ty: IntType, rm: Rm, a: u64) -> (u64, Flags) {
    flagged(|| {
        by_format!(fmt, F => {
            let rm = mode(rm);
            match ty {
                IntType::I32 => F::from_i32(a as i32, rm),
                IntType::U32 => F::from_u32(a as u32, rm),
                IntType::I64 => F::from_i64(a as i64, rm),
                IntType::U64 => F::from_u64(a, rm),
            }
            .encoding()
        })
    })
}

/// SoftFloat's wrapper only has the operation that does not raise inexact. The other raises inexact exactly if the
/// value changes.
pub fn round_to_integral(fmt: Fmt, exact: bool, rm: Rm, a: u64) -> (u64, Flags) {
    let (v, flags) = flagged(|| by_format!(fmt, F => F::of(a).round_to_integral(mode(rm)).encoding()));
    let changed = v != a && !by_format!(fmt, F => F::of(a).is_nan());
    (v, if exact && changed { flags | Flags::NX } else { flags })
}
