//! What is known of the registers at a place in a block.

use super::carried::Carried;
use super::flags::ReadFlags;
use super::span::{SPANS, Span};
use super::sum::Sum;
use crate::guest::riscv::fp::Fmt;
use crate::guest::{MemType, Reg};
use crate::memory::Access;

/// What is known of one register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// Its value.
    pub constant: Option<i64>,
    /// The value is that of its low half, sign-extended.
    pub is_i32: bool,
    /// The value is that of its low half, zero-extended.
    pub is_u32: bool,
}

impl Fact {
    /// Nothing.
    pub const NONE: Self = Self { constant: None, is_i32: false, is_u32: false };
    /// A result of an operation on 32 bits.
    pub const I32: Self = Self { constant: None, is_i32: true, is_u32: false };
    /// Less than 2^31.
    pub const SMALL: Self = Self { constant: None, is_i32: true, is_u32: true };

    /// A constant.
    pub fn constant(v: i64) -> Self {
        Self { constant: Some(v), is_i32: v == i64::from(v as i32), is_u32: v == i64::from(v as u32) }
    }

    /// A value extended from `ty`.
    pub fn extended(ty: MemType) -> Self {
        match ty {
            MemType::I8 | MemType::I16 | MemType::I32 => Self::I32,
            MemType::U8 | MemType::U16 => Self::SMALL,
            MemType::U32 => Self { constant: None, is_i32: false, is_u32: true },
            MemType::I64 => Self::NONE,
        }
    }
}

/// What is known of the floating-point registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FpKnown {
    /// Registers that may hold a NaN that the host has made, as a single or a double.
    fresh: [u32; 2],
    /// Registers that hold a NaN-boxed half, and those that hold a NaN-boxed single, as each half is.
    boxed: [u32; 2],
    /// The integer register that holds the accrued exceptions.
    pub flags: Option<ReadFlags>,
}

impl FpKnown {
    fn index(fmt: Fmt) -> usize {
        usize::from(fmt == Fmt::D)
    }

    /// The format in which a register may hold a NaN that is not canonical but should be.
    pub fn fresh(&self, r: Reg) -> Option<Fmt> {
        [Fmt::S, Fmt::D].into_iter().find(|&fmt| self.fresh[Self::index(fmt)] & 1 << r != 0)
    }

    /// All such registers.
    pub fn all_fresh(&self, fmt: Fmt) -> u32 {
        self.fresh[Self::index(fmt)]
    }

    /// What is known behind the branch back of a loop.
    pub fn carried(carried: &Carried) -> Self {
        // Fresh singles are boxed: a NaN that is made canonical is.
        Self { fresh: carried.fresh, boxed: [0, carried.boxed | carried.fresh[Self::index(Fmt::S)]], flags: None }
    }

    /// The register holds a result of the host.
    pub fn set_fresh(&mut self, r: Reg, fmt: Fmt) {
        self.set_written(r, fmt);
        self.fresh[Self::index(fmt)] |= 1 << r;
    }

    /// The register holds what the guest can see.
    pub fn set_written(&mut self, r: Reg, fmt: Fmt) {
        self.set_settled(1 << r);
        for (boxed, is_boxed) in self.boxed.iter_mut().zip([fmt == Fmt::H, fmt != Fmt::D]) {
            *boxed = *boxed & !(1 << r) | u32::from(is_boxed) << r;
        }
    }

    /// NaNs in the registers have been made canonical.
    pub fn set_settled(&mut self, regs: u32) {
        self.fresh.iter_mut().for_each(|fresh| *fresh &= !regs);
    }

    /// Whether the register is known to hold a number of this format.
    pub fn is_boxed(&self, r: Reg, fmt: Fmt) -> bool {
        match fmt {
            Fmt::H => self.boxed[0] & 1 << r != 0,
            Fmt::S => self.boxed[1] & 1 << r != 0,
            Fmt::D => true,
        }
    }

    /// The register was found to hold a NaN-boxed number of this format.
    pub fn set_boxed(&mut self, r: Reg, fmt: Fmt) {
        self.boxed[0] |= u32::from(fmt == Fmt::H) << r;
        self.boxed[1] |= 1 << r;
    }
}

/// What is known of all registers.
#[derive(Clone, Debug)]
pub struct Known {
    x: [Fact; 32],
    /// Registers that are sums of others, the latest [`SUMS`] of them.
    sums: [Option<(Reg, Sum<Reg>)>; SUMS],
    /// Memory that has been looked up, by the number of the word that holds its addend.
    spans: [Option<Span>; SPANS],
    /// The number of the span that is replaced next.
    next_span: usize,
    /// Of the floating-point registers.
    pub fp: FpKnown,
    /// For each floating-point register, others that it was computed from: if one of them is fresh and holds a NaN, this
    /// one holds a NaN, too.
    implying: [u32; 32],
}

/// How many sums are remembered. An address is mostly used soon after it is computed.
const SUMS: usize = 4;

impl Default for Known {
    fn default() -> Self {
        let mut x = [Fact::NONE; 32];
        x[0] = Fact::constant(0);
        Self { x, sums: [None; SUMS], spans: [None; SPANS], next_span: 0, fp: FpKnown::default(), implying: [0; 32] }
    }
}

impl Known {
    /// What is known of an integer register.
    pub fn get(&self, r: Reg) -> Fact {
        self.x[usize::from(r)]
    }

    /// An integer register has been written.
    pub fn set(&mut self, r: Reg, fact: Fact) {
        if r != 0 {
            self.x[usize::from(r)] = fact;
            self.fp.flags = self.fp.flags.filter(|read| read.r != r);
            for sum in &mut self.sums {
                if sum.is_some_and(|(of, sum)| of == r || sum.reads(r)) {
                    *sum = None;
                }
            }
            for span in &mut self.spans {
                if span.is_some_and(|span| span.base == r) {
                    *span = None;
                }
            }
        }
    }

    /// The registers that imply a NaN in this one: see [`Self::implying`](field@Self::implying).
    pub fn implying(&self, r: Reg) -> u32 {
        self.implying[usize::from(r)]
    }

    /// A floating-point register has been written. These were its operands, or implied them.
    pub fn set_implying(&mut self, r: Reg, operands: u32) {
        self.implying.iter_mut().for_each(|regs| *regs &= !(1 << r));
        self.implying[usize::from(r)] = operands & !(1 << r);
    }

    /// The sum of others that an integer register is.
    pub fn sum(&self, r: Reg) -> Option<Sum<Reg>> {
        self.sums.iter().flatten().find(|&&(of, _)| of == r).map(|&(_, sum)| sum)
    }

    /// The register that was just written is a sum of others.
    pub fn set_sum(&mut self, r: Reg, sum: Sum<Reg>) {
        self.sums.rotate_right(1);
        self.sums[0] = Some((r, sum));
    }

    /// The number of the span that an access of `size` bytes at `disp` from a register is in.
    pub fn span(&self, access: Access, base: Reg, disp: i32, size: u64) -> Option<usize> {
        self.spans.iter().position(|span| span.is_some_and(|span| span.base == base && span.serves(access, disp, size)))
    }

    /// Adds a span. Returns its number.
    pub fn add_span(&mut self, span: Span) -> usize {
        let same = self.spans.iter().position(|known| known.is_some_and(|known| known.base == span.base));
        let number = same.or_else(|| self.spans.iter().position(Option::is_none)).unwrap_or(self.next_span);
        self.next_span = (number + 1) % SPANS;
        self.spans[number] = Some(span);
        number
    }

    /// Execution can come here from elsewhere. No register may hold a fresh NaN.
    pub fn forget(&mut self) {
        debug_assert_eq!([Fmt::S, Fmt::D].map(|fmt| self.fp.all_fresh(fmt)), [0; 2]);
        *self = Self::default();
    }

    /// As [`Self::forget`], where execution can only come from the branch back of a loop.
    pub fn forget_but(&mut self, carried: &Carried) {
        *self = Self { fp: FpKnown::carried(carried), ..Self::default() };
    }
}
