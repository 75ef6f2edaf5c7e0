//! The host's floating-point unit, operating on bit patterns: safe functions for SSE2 and FMA instructions, and the
//! control register MXCSR.
//!
//! The compiler must not compute a guest's arithmetic. It assumes the default rounding mode and ignores the exception
//! flags, so it folds, moves and drops operations. Here the guest sets the mode, and the flags are part of the result.
//! All operations are therefore inline assembly, and none is `pure`: the compiler neither drops such a block nor moves
//! it past another or past an access to MXCSR. Numbers are `u32` and `u64`, so there is no Rust float for the compiler
//! to compute with.
//!
//! Results are x86's, including NaNs. The guest layer adapts them; this module knows no guest.

use std::arch::asm;
use std::sync::atomic::{AtomicBool, Ordering};

/// The rounding mode: bits 13 and 14 of MXCSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest = 0,
    /// Towards minus infinity.
    Down = 1,
    /// Towards plus infinity.
    Up = 2,
    /// Towards zero.
    Zero = 3,
}

/// A value of MXCSR: rounding mode, sticky exception flags and exception masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mxcsr(u32);

impl Mxcsr {
    /// The sticky flag for an invalid operation (IE).
    pub const INVALID: u32 = 1 << 0;
    /// The sticky flag for division by zero (ZE).
    pub const DIVIDE_BY_ZERO: u32 = 1 << 2;
    /// The sticky flag for overflow (OE).
    pub const OVERFLOW: u32 = 1 << 3;
    /// The sticky flag for underflow (UE): tiny after rounding and inexact, since all exceptions are masked.
    pub const UNDERFLOW: u32 = 1 << 4;
    /// The sticky flag for inexact results (PE).
    pub const INEXACT: u32 = 1 << 5;

    const FLAGS: u32 = 0x3f;
    const ALL_MASKED: u32 = 0x1f80;
    const ROUNDING_SHIFT: u32 = 13;

    /// All exceptions masked, no flag set, subnormals neither flushed nor read as zero.
    #[inline]
    pub const fn new(rounding: Rounding) -> Self {
        Self(Self::ALL_MASKED | (rounding as u32) << Self::ROUNDING_SHIFT)
    }

    /// The value with these sticky flags added.
    #[inline]
    pub const fn with_flags(self, flags: u32) -> Self {
        Self(self.0 | flags & Self::FLAGS)
    }

    /// The sticky flags. They include bit 1, the use of a subnormal operand (DE), which has no meaning outside x86.
    #[inline]
    pub const fn flags(self) -> u32 {
        self.0 & Self::FLAGS
    }

    /// The rounding mode.
    #[inline]
    pub const fn rounding(self) -> Rounding {
        match self.0 >> Self::ROUNDING_SHIFT & 3 {
            0 => Rounding::Nearest,
            1 => Rounding::Down,
            2 => Rounding::Up,
            _ => Rounding::Zero,
        }
    }

    /// The rounding mode and sticky flags of a value that emitted code or a signal frame saved. Other bits are as in
    /// [`Mxcsr::new`].
    #[inline]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & (3 << Self::ROUNDING_SHIFT | Self::FLAGS) | Self::ALL_MASKED)
    }

    /// All bits.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The current value of the register.
    #[inline]
    pub fn read() -> Self {
        let mut v = 0u32;
        // SAFETY: stores four bytes to `v`, which is live and writable, and touches nothing else. Without `nomem`, `v`
        // is in memory; without `pure`, the block stays in order with the operations.
        unsafe { asm!("stmxcsr dword ptr [{}]", in(reg) &raw mut v, options(nostack, preserves_flags)) };
        Self(v)
    }

    /// Loads the register.
    ///
    /// Until [`Mxcsr::new`]`(Nearest)` or the previous value is loaded again, Rust code that computes with `f32` or
    /// `f64` gets results that the language does not promise. The caller must run no such code. This function is for
    /// engines around guest code, not for general use.
    #[inline]
    pub fn write(self) {
        // No reserved bit can be set, which would fault: `new` sets none, `with_flags` adds flag bits, `from_bits`
        // keeps none, and `read` finds none. All exceptions are masked, also in a value read from the register, because
        // the process starts with them masked. So no operation traps.
        // SAFETY: loads four bytes from a live `u32`, which are valid as explained above. Compiled code is only
        // affected if it does float arithmetic. Avoiding that is the caller's duty, and a breach can falsify numbers
        // but not memory.
        unsafe { asm!("ldmxcsr dword ptr [{}]", in(reg) &raw const self.0, options(nostack, readonly)) };
    }

    /// Loads the register and returns its previous value, to enter guest code. To leave it, use `old.replace()`, which
    /// returns the flags that the guest accumulated.
    #[inline]
    pub fn replace(self) -> Self {
        let old = Self::read();
        // Most programs compute with integers, and loading the register is slow.
        if old != self {
            self.write();
        }
        old
    }

    /// Sets sticky flags in the register and leaves everything else. It is not inlined: it is slow anyway, and inlined
    /// it would give the caller a local variable whose address is taken, which prevents tail calls.
    #[inline(never)]
    pub fn raise(flags: u32) {
        Self::read().with_flags(flags).write();
    }
}

/// Whether [`has_fma`] has found the instructions. The flag is kept here because the standard library's test may call
/// the detection, and a function of a few instructions would then have to save registers for that call.
static FMA_FOUND: AtomicBool = AtomicBool::new(false);

/// Whether the CPU and the kernel support the instructions of the `fma_*` functions. The functions use them only after
/// this has been called.
pub fn has_fma() -> bool {
    let found = std::arch::is_x86_feature_detected!("fma");
    FMA_FOUND.store(found, Ordering::Relaxed);
    found
}

/// The bits of a floating-point number. Operands in XMM registers have a floating-point type, so that the compiler
/// loads and stores them there. An integer would pass through a general register, which adds to the latency of every
/// operation.
trait Bits {
    type Float;

    fn float(self) -> Self::Float;
    fn of(float: Self::Float) -> Self;
}

macro_rules! bits {
    ($($bits:ident = $float:ident;)*) => {$(
        impl Bits for $bits {
            type Float = $float;

            #[inline(always)]
            fn float(self) -> $float {
                $float::from_bits(self)
            }

            #[inline(always)]
            fn of(float: $float) -> Self {
                float.to_bits()
            }
        }
    )*};
}

bits! {
    u32 = f32;
    u64 = f64;
}

/// An operand in its register class.
macro_rules! operand {
    (xmm_reg $a:ident) => {
        $a.float()
    };
    (reg $a:ident) => {
        $a
    };
}

/// Defines functions of one instruction `op dest, src`.
macro_rules! binary {
    ($($name:ident, $ty:ty, $insn:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $ty, b: $ty) -> $ty {
            let mut r = a.float();
            // SAFETY: a register-to-register SSE2 instruction, which every x86-64 CPU has; no memory and no stack. It
            // changes MXCSR's sticky flags, which the block declares by not preserving flags. It cannot trap, because
            // exceptions are masked.
            unsafe { asm!(concat!($insn, " {r}, {b}"), r = inout(xmm_reg) r, b = in(xmm_reg) b.float(), options(nomem, nostack)) };
            <$ty>::of(r)
        }
    )*};
}

binary! {
    add_f32, u32, "addss", "`a + b`, single precision.";
    add_f64, u64, "addsd", "`a + b`, double precision.";
    sub_f32, u32, "subss", "`a - b`, single precision.";
    sub_f64, u64, "subsd", "`a - b`, double precision.";
    mul_f32, u32, "mulss", "`a * b`, single precision.";
    mul_f64, u64, "mulsd", "`a * b`, double precision.";
    div_f32, u32, "divss", "`a / b`, single precision.";
    div_f64, u64, "divsd", "`a / b`, double precision.";
}

/// Defines functions of one instruction `op dest, src` that writes the low part of an XMM register and keeps its upper
/// part. The `xorps` breaks the dependency on the old register value.
macro_rules! unary {
    ($($name:ident, $from:ty => $to:ty, $insn:literal, $class:tt $src:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $from) -> $to {
            let r: <$to as Bits>::Float;
            // SAFETY: register-to-register SSE2 instructions, which every x86-64 CPU has; no memory and no stack. They
            // change MXCSR's sticky flags, which the block declares by not preserving flags. They cannot trap, because
            // exceptions are masked. `r` is written before `a` is read, so it is `out`, not `lateout`.
            unsafe {
                asm!(
                    "xorps {r}, {r}",
                    concat!($insn, " {r}, ", $src),
                    r = out(xmm_reg) r,
                    a = in($class) operand!($class a),
                    options(nomem, nostack),
                )
            };
            <$to>::of(r)
        }
    )*};
}

unary! {
    sqrt_f32, u32 => u32, "sqrtss", xmm_reg "{a}", "Square root, single precision.";
    sqrt_f64, u64 => u64, "sqrtsd", xmm_reg "{a}", "Square root, double precision.";
    f32_to_f64, u32 => u64, "cvtss2sd", xmm_reg "{a}", "Single to double precision.";
    f64_to_f32, u64 => u32, "cvtsd2ss", xmm_reg "{a}", "Double to single precision.";
    i32_to_f32, u32 => u32, "cvtsi2ss", reg "{a:e}", "Signed 32-bit integer to single precision.";
    i32_to_f64, u32 => u64, "cvtsi2sd", reg "{a:e}", "Signed 32-bit integer to double precision.";
    i64_to_f32, u64 => u32, "cvtsi2ss", reg "{a:r}", "Signed 64-bit integer to single precision.";
    i64_to_f64, u64 => u64, "cvtsi2sd", reg "{a:r}", "Signed 64-bit integer to double precision.";
}

/// Defines conversions to integers.
macro_rules! to_integer {
    ($($name:ident, $from:ty => $to:ty, $insn:literal $dest:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// If the result does not fit, and for a NaN, the result is the smallest integer and only invalid is raised.
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $from) -> $to {
            let r: $to;
            // SAFETY: as for `binary`: one SSE2 instruction between registers that changes only its
            // destination and MXCSR's sticky flags, which the block declares by not preserving flags.
            unsafe {
                asm!(concat!($insn, " ", $dest, ", {a}"), r = out(reg) r, a = in(xmm_reg) a.float(), options(nomem, nostack))
            };
            r
        }
    )*};
}

to_integer! {
    f32_to_i32, u32 => u32, "cvtss2si" "{r:e}", "Single precision to a signed 32-bit integer as MXCSR rounds.";
    f32_to_i64, u32 => u64, "cvtss2si" "{r:r}", "Single precision to a signed 64-bit integer as MXCSR rounds.";
    f64_to_i32, u64 => u32, "cvtsd2si" "{r:e}", "Double precision to a signed 32-bit integer as MXCSR rounds.";
    f64_to_i64, u64 => u64, "cvtsd2si" "{r:r}", "Double precision to a signed 64-bit integer as MXCSR rounds.";
    f32_to_i32_truncating, u32 => u32, "cvttss2si" "{r:e}", "Single precision to a signed 32-bit integer towards zero.";
    f32_to_i64_truncating, u32 => u64, "cvttss2si" "{r:r}", "Single precision to a signed 64-bit integer towards zero.";
    f64_to_i32_truncating, u64 => u32, "cvttsd2si" "{r:e}", "Double precision to a signed 32-bit integer towards zero.";
    f64_to_i64_truncating, u64 => u64, "cvttsd2si" "{r:r}", "Double precision to a signed 64-bit integer towards zero.";
}

/// Defines fused multiplications and additions.
macro_rules! fused {
    ($($name:ident, $ty:ty, $insn:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        /// `None` if the CPU has no such instruction, or before the first call of [`has_fma`].
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $ty, b: $ty, c: $ty) -> Option<$ty> {
            if !FMA_FOUND.load(Ordering::Relaxed) {
                return None;
            }
            let mut r = a.float();
            // SAFETY: the flag is set, so `has_fma` found that the CPU has FMA and that the kernel saves the AVX state.
            // One instruction between registers that changes only its destination and MXCSR's sticky flags, which the
            // block declares by not preserving flags.
            unsafe {
                asm!(
                    concat!($insn, " {r}, {b}, {c}"),
                    r = inout(xmm_reg) r,
                    b = in(xmm_reg) b.float(),
                    c = in(xmm_reg) c.float(),
                    options(nomem, nostack),
                )
            };
            Some(<$ty>::of(r))
        }
    )*};
}

fused! {
    fma_f32, u32, "vfmadd213ss", "`a * b + c`, single precision, rounded once.";
    fma_f64, u64, "vfmadd213sd", "`a * b + c`, double precision, rounded once.";
}

/// Defines roundings to integral values.
macro_rules! integral {
    ($($name:ident, $ty:ty, $insn:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        /// The mode is `MODE`, a [`Rounding`] as a number, plus [`NO_INEXACT`] if wanted. `None` if the CPU lacks the
        /// instruction (SSE4.1).
        #[inline(always)]
        #[must_use]
        pub fn $name<const MODE: u8>(a: $ty) -> Option<$ty> {
            if !std::arch::is_x86_feature_detected!("sse4.1") {
                return None;
            }
            let r: <$ty as Bits>::Float;
            // SAFETY: the CPU has SSE4.1, as just tested. Otherwise as for `unary`.
            unsafe {
                asm!(
                    "xorps {r}, {r}",
                    concat!($insn, " {r}, {a}, {mode}"),
                    r = out(xmm_reg) r,
                    a = in(xmm_reg) a.float(),
                    mode = const MODE,
                    options(nomem, nostack),
                )
            };
            Some(<$ty>::of(r))
        }
    )*};
}

/// Keeps [`round_f32`] and [`round_f64`] from raising inexact.
pub const NO_INEXACT: u8 = 8;

integral! {
    round_f32, u32, "roundss", "Rounds to an integral value, single precision.";
    round_f64, u64, "roundsd", "Rounds to an integral value, double precision.";
}

/// Defines comparisons: the instruction sets the carry flag for "below" and for unordered operands.
macro_rules! comparison {
    ($($name:ident, $ty:ty, $insn:literal $first:literal $second:literal $set:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $ty, b: $ty) -> bool {
            let r: u8;
            // SAFETY: as for `binary`: two instructions between registers that change only the
            // destination, EFLAGS and MXCSR's sticky flags.
            unsafe {
                asm!(
                    concat!($insn, " ", $first, ", ", $second),
                    concat!($set, " {r}"),
                    r = lateout(reg_byte) r,
                    a = in(xmm_reg) a.float(),
                    b = in(xmm_reg) b.float(),
                    options(nomem, nostack),
                )
            };
            r != 0
        }
    )*};
}

// `a < b` is computed as `b > a`, the direction that is false for unordered operands.
comparison! {
    lt_f32, u32, "comiss" "{b}" "{a}" "seta", "`a < b`, single precision; invalid for any NaN.";
    lt_f64, u64, "comisd" "{b}" "{a}" "seta", "`a < b`, double precision; invalid for any NaN.";
    le_f32, u32, "comiss" "{b}" "{a}" "setae", "`a <= b`, single precision; invalid for any NaN.";
    le_f64, u64, "comisd" "{b}" "{a}" "setae", "`a <= b`, double precision; invalid for any NaN.";
    lt_quiet_f32, u32, "ucomiss" "{b}" "{a}" "seta", "`a < b`, single precision; invalid for signalling NaNs.";
    lt_quiet_f64, u64, "ucomisd" "{b}" "{a}" "seta", "`a < b`, double precision; invalid for signalling NaNs.";
    le_quiet_f32, u32, "ucomiss" "{b}" "{a}" "setae", "`a <= b`, single precision; invalid for signalling NaNs.";
    le_quiet_f64, u64, "ucomisd" "{b}" "{a}" "setae", "`a <= b`, double precision; invalid for signalling NaNs.";
}

/// Defines the comparisons for equality, which take two conditions: equal, and not unordered.
macro_rules! equality {
    ($($name:ident, $ty:ty, $insn:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline(always)]
        #[must_use]
        pub fn $name(a: $ty, b: $ty) -> bool {
            let equal: u8;
            let ordered: u8;
            // SAFETY: as for `binary`: instructions between registers that change only the destinations,
            // EFLAGS and MXCSR's sticky flags.
            unsafe {
                asm!(
                    concat!($insn, " {a}, {b}"),
                    "sete {equal}",
                    "setnp {ordered}",
                    equal = lateout(reg_byte) equal,
                    ordered = lateout(reg_byte) ordered,
                    a = in(xmm_reg) a.float(),
                    b = in(xmm_reg) b.float(),
                    options(nomem, nostack),
                )
            };
            equal & ordered != 0
        }
    )*};
}

equality! {
    eq_f32, u32, "ucomiss", "`a == b`, single precision; invalid for signalling NaNs.";
    eq_f64, u64, "ucomisd", "`a == b`, double precision; invalid for signalling NaNs.";
}
