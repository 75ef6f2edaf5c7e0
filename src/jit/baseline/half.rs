//! Half precision, in the host's single precision (F16C).
//!
//! A sum, product, quotient or square root of halves that is rounded to single precision and then to half is what one
//! rounding yields, since a single has more than twice as many bits; the flags are the same, too. A fused multiplication
//! and addition would need more, and so would a conversion from double precision: both are executed by their definition.
//!
//! Conversions work on four numbers. The three above a NaN-boxed half are quiet NaNs of all ones, which stay so in both
//! directions: they raise no flag, and leave the result boxed.

use super::emitter::{Emitter, in_mxcsr};
use super::float::{T0, T1, T2};
use super::node::{Node, Val};
use crate::guest::Reg;
use crate::guest::riscv::fp::Fmt;
use crate::guest::riscv::{FpMinMax, Sgnj};
use crate::jit::x64::{Cond, Fp, Size, VArith, Xmm, XmmMem};

/// For [`vcvtps2ph`](crate::jit::x64::Assembler::vcvtps2ph): as MXCSR says.
const AS_MXCSR: u8 = 4;

impl Emitter<'_> {
    /// A half as a single.
    pub fn widened(&mut self, r: Reg, to: Xmm) -> Xmm {
        match self.fp_operand(Fmt::H, r) {
            XmmMem::Reg(reg) => self.asm.vcvtph2ps(to, reg),
            XmmMem::Mem(slot) => self.asm.vcvtph2ps(to, slot),
        }
        to
    }

    /// Rounds the single in [`T0`] to a half. A NaN is left to the definition.
    fn narrowed(&mut self, d: Xmm) {
        self.asm.vucomis(Fp::Single, T0, T0);
        let slow = self.slow();
        self.asm.jcc(Cond::P, slow);
        let mode = self.own_mode.map_or(AS_MXCSR, in_mxcsr);
        self.asm.vcvtps2ph(d, T0, mode);
    }

    /// An operation on two halves.
    pub fn eval_half_arith(&mut self, d: Xmm, op: VArith, a: Reg, b: Reg) {
        let a = self.widened(a, T1);
        let b = self.widened(b, T2);
        match op {
            // A single holds the product.
            VArith::Mul => self.asm.varith(op, Fp::Single, T0, a, b),
            _ => self.in_own_mode(|asm| asm.varith(op, Fp::Single, T0, a, b)),
        }
        self.narrowed(d);
    }

    /// The square root of a half.
    pub fn eval_half_sqrt(&mut self, d: Xmm, a: Reg) {
        let a = self.widened(a, T1);
        self.in_own_mode(|asm| asm.varith(VArith::Sqrt, Fp::Single, T0, a, a));
        self.narrowed(d);
    }

    /// The smaller or larger of two halves.
    pub fn eval_half_min_max(&mut self, d: Xmm, op: FpMinMax, a: Reg, b: Reg) {
        let a = self.widened(a, T1);
        let b = self.widened(b, T2);
        self.min_max(T0, op, Fp::Single, a, b);
        self.asm.vcvtps2ph(d, T0, AS_MXCSR);
    }

    /// Rounds a half to an integral value.
    pub fn eval_half_round(&mut self, d: Xmm, mode: u8, a: Reg) {
        let a = self.widened(a, T1);
        self.asm.vround(Fp::Single, mode, T0, a, a);
        self.narrowed(d);
    }

    /// A single as a half.
    pub fn eval_half_from_single(&mut self, d: Xmm, a: Reg) {
        let a = self.fp_in_register(Fmt::S, a, T1);
        self.asm.vpcmpeq(Size::Byte, T0, T0, T0);
        self.asm.vmov_merge(Fp::Single, T0, T0, a);
        self.narrowed(d);
    }

    /// Rounds an integer that has been converted to a single in the lowest element of [`T0`], below ones. An integer
    /// that a single cannot hold is too large for a half.
    pub fn half_from_converted(&mut self, d: Xmm) {
        self.asm.vcvtps2ph(d, T0, AS_MXCSR);
    }

    /// Sign injection, on the bits.
    pub fn half_sign(&mut self, kind: Sgnj, a: Reg, b: Reg) -> Val {
        self.check_boxed(Fmt::H, a);
        self.check_boxed(Fmt::H, b);
        let [x, y] = [a, b].map(|r| self.nodes.push(Node::FpBits(r)));
        let [sign, magnitude] = [0x8000, 0x7fff].map(|mask| self.nodes.imm(mask));
        use crate::guest::Semantics as _;
        if a == b {
            return match kind {
                Sgnj::Copy => x,
                Sgnj::Negate => self.xor(x, sign),
                Sgnj::Xor => self.and(x, magnitude),
            };
        }
        let y = self.and(y, sign);
        if kind == Sgnj::Xor {
            return self.xor(x, y);
        }
        let y = if kind == Sgnj::Negate { self.xor(y, sign) } else { y };
        let x = self.and(x, magnitude);
        self.or(x, y)
    }
}
