//! Where NaNs are made canonical.
//!
//! A register that may hold a NaN as the host has made it is *fresh*. Making it canonical takes a comparison of the
//! number with itself; what follows if it is a NaN is cold code. One comparison serves more than one register: it has two
//! operands, and if a register was computed from another one, it can only be a number if the other is one, too.

use super::emitter::{Cold, Emitter};
use super::float::fp;
use super::known::FpKnown;
use super::map::Word;
use super::node::{Node, Val};
use crate::guest::Reg;
use crate::guest::riscv::Sgnj;
use crate::guest::riscv::fp::Fmt;
use crate::jit::x64::{Alu, Cond, Fp, Gpr, Label, Size, Xmm};

impl Emitter<'_> {
    /// Makes a NaN in the register canonical, if it can be a fresh one.
    pub fn settle(&mut self, r: Reg) {
        let Some(fmt) = self.known.fp.fresh(r) else { return };
        let settled = self.settled_with(r, fmt);
        let others = self.known.fp.all_fresh(fmt) & !settled;
        self.settle_two(fmt, [Some(r), self.most_implied(others)]);
    }

    /// Makes the NaNs in all registers canonical, before execution can go elsewhere.
    pub fn settle_all(&mut self) {
        self.settle_all_but([0; 2]);
    }

    /// The same, but not in these registers, as singles and as doubles.
    pub fn settle_all_but(&mut self, kept: [u32; 2]) {
        for (fmt, kept) in [Fmt::S, Fmt::D].into_iter().zip(kept) {
            let mut left = self.known.fp.all_fresh(fmt) & !kept;
            while left != 0 {
                let two = [(); 2].map(|()| {
                    let r = self.most_implied(left)?;
                    left &= !self.settled_with(r, fmt);
                    Some(r)
                });
                self.settle_two(fmt, two);
            }
        }
    }

    /// Makes the NaNs in one or two registers canonical, and in those that imply them.
    fn settle_two(&mut self, fmt: Fmt, two: [Option<Reg>; 2]) {
        let regs = two.into_iter().flatten().fold(0, |regs, r| regs | self.settled_with(r, fmt));
        let [Some(a), b] = two.map(|r| r.map(|r| self.host_of_fresh(r))) else { return };
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        // Unordered if either is a NaN. Those made by the host are quiet, and raise no flag.
        self.asm.vucomis(fp(fmt), a, b.unwrap_or(a));
        self.asm.jcc(Cond::P, from);
        self.asm.bind(back);
        self.cold.push(Cold::Nan { from, back, fmt, regs });
        self.known.fp.set_settled(regs);
    }

    /// Makes a NaN in a scratch register canonical.
    pub fn canonicalise(&mut self, fmt: Fmt, reg: Xmm) {
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.vucomis(fp(fmt), reg, reg);
        self.asm.jcc(Cond::P, from);
        self.asm.bind(back);
        self.cold.push(Cold::ScratchNan { from, back, fmt, reg });
    }

    /// The fresh registers that hold numbers if this one does.
    fn settled_with(&self, r: Reg, fmt: Fmt) -> u32 {
        (self.known.implying(r) | 1 << r) & self.known.fp.all_fresh(fmt)
    }

    /// The register whose NaN most of these imply.
    fn most_implied(&self, regs: u32) -> Option<Reg> {
        bits(regs).max_by_key(|&r| (self.known.implying(r) & regs).count_ones())
    }

    /// The registers whose NaNs imply that the value is one: the fresh operands of an operation, and what implies them.
    pub fn implying(&self, v: Val) -> u32 {
        let (fmt, operands) = match self.nodes.get(v) {
            Node::FpArith(_, fmt, a, b) => (fmt, [a, b]),
            Node::FpSqrt(fmt, a) | Node::FpSign(Sgnj::Copy, fmt, a, _) => (fmt, [a, a]),
            _ => return 0,
        };
        let fresh = |r: &Reg| self.known.fp.fresh(*r) == Some(fmt);
        operands.iter().filter(|r| fresh(r)).fold(0, |regs, &r| regs | 1 << r | self.known.implying(r))
    }

    fn host_of_fresh(&self, r: Reg) -> Xmm {
        self.map.pinned_f(r).expect("only registers of the host are fresh")
    }

    /// Makes the NaNs in all fresh registers canonical, in cold code.
    pub fn cold_settle(&mut self, known: FpKnown) {
        for fmt in [Fmt::S, Fmt::D] {
            self.cold_nans(fmt, known.all_fresh(fmt));
        }
    }

    /// Makes the NaNs in these registers canonical, in cold code: there is one.
    pub fn cold_found_nan(&mut self, fmt: Fmt, regs: u32) {
        if regs.is_power_of_two() {
            return self.make_canonical(fmt, self.host_of_fresh(regs.trailing_zeros() as Reg));
        }
        self.cold_nans(fmt, regs);
    }

    /// Makes the NaNs in these registers canonical, in cold code.
    fn cold_nans(&mut self, fmt: Fmt, regs: u32) {
        for r in bits(regs) {
            self.cold_nan(fmt, self.host_of_fresh(r));
        }
    }

    /// Leads what is known on one way to a place to what is expected there, in cold code. Goes to `other` if that does
    /// not hold; then no register is fresh.
    pub fn cold_join(&mut self, known: FpKnown, expected: FpKnown, other: Label) {
        self.cold_settle(known);
        for fmt in [Fmt::S, Fmt::D] {
            for r in bits(expected.all_fresh(fmt) & !known.all_fresh(fmt)) {
                let (reg, canonical) = (self.host_of_fresh(r), self.asm.new_label());
                let (size, infinity) =
                    if fmt == Fmt::S { (Size::Dword, 0x7f80_0000) } else { (Size::Qword, 0x7ff0_0000_0000_0000) };
                // A comparison of numbers would raise a flag for a signaling NaN.
                self.asm.vmov_to_gpr(size, Gpr::Rax, reg);
                self.asm.alu(Alu::Cmp, size, Gpr::Rax, canonical_nan(fmt).mem());
                self.asm.jcc_short(Cond::E, canonical);
                self.asm.alu(Alu::Add, size, Gpr::Rax, Gpr::Rax);
                self.asm.mov_imm(Gpr::Rdx, 2 * infinity);
                self.asm.alu(Alu::Cmp, size, Gpr::Rax, Gpr::Rdx);
                self.asm.jcc(Cond::A, other);
                self.asm.bind(canonical);
            }
        }
        for (fmt, r) in [Fmt::H, Fmt::S].into_iter().flat_map(|fmt| (0..32).map(move |r| (fmt, r))) {
            if expected.is_boxed(r, fmt) && !known.is_boxed(r, fmt) {
                self.compare_box(fmt, r, Gpr::Rax);
                self.asm.jcc(Cond::Ne, other);
            }
        }
    }

    /// Writes the canonical NaN.
    pub fn make_canonical(&mut self, fmt: Fmt, reg: Xmm) {
        self.asm.vmov_load(Fp::Double, reg, canonical_nan(fmt).mem());
    }

    /// Makes a NaN canonical if the register holds one, in cold code.
    fn cold_nan(&mut self, fmt: Fmt, reg: Xmm) {
        let ordered = self.asm.new_label();
        self.asm.vucomis(fp(fmt), reg, reg);
        self.asm.jcc_short(Cond::Np, ordered);
        self.make_canonical(fmt, reg);
        self.asm.bind(ordered);
    }
}

/// Where the canonical NaN of a format is.
fn canonical_nan(fmt: Fmt) -> Word {
    if fmt == Fmt::S { Word::NanS } else { Word::NanD }
}

/// The registers of a set.
fn bits(regs: u32) -> impl Iterator<Item = Reg> {
    (0..32).filter(move |r| regs & 1 << r != 0)
}
