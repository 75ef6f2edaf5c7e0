//! Operations on integer registers for which the host has instructions on vector registers only.

use super::emitter::Emitter;
use super::node::{Binary, Val};
use crate::jit::x64::{Gpr, Size, Unary, VLogic, Xmm};

/// A scratch register.
pub const T0: Xmm = Xmm::Xmm15;
/// See [`T0`].
pub const T1: Xmm = Xmm::Xmm14;
/// See [`T0`].
pub const T2: Xmm = Xmm::Xmm13;

/// For [`vpclmulqdq`](crate::jit::x64::Assembler::vpclmulqdq): the lower halves of both operands.
const LOWER: u8 = 0;
/// The upper half of the first, the lower one of the second.
const UPPER_OF_FIRST: u8 = 1;

impl Emitter<'_> {
    /// A carry-less product.
    pub fn eval_carryless(&mut self, d: Gpr, op: Binary, a: Val, b: Val) {
        for (to, v) in [(T0, a), (T1, b)] {
            let operand = self.operand(v);
            self.asm.vmov_from_gpr(Size::Qword, to, operand);
        }
        self.asm.vpclmulqdq(T0, T0, T1, LOWER);
        match op {
            Binary::Clmul => self.asm.vmov_to_gpr(Size::Qword, d, T0),
            Binary::Clmulh => self.upper_half(d),
            _ => {
                let low = self.scratch();
                self.asm.vmov_to_gpr(Size::Qword, low, T0);
                self.upper_half(d);
                self.asm.shld(Size::Qword, d, low, 1);
            }
        }
    }

    /// Moves the upper half of the product to a register: multiplied by one, it is the lower half.
    fn upper_half(&mut self, d: Gpr) {
        self.asm.mov_imm(d, 1);
        self.asm.vmov_from_gpr(Size::Qword, T1, d);
        self.asm.vpclmulqdq(T0, T0, T1, UPPER_OF_FIRST);
        self.asm.vmov_to_gpr(Size::Qword, d, T0);
    }

    /// Sets all bits of each byte that is not zero.
    pub fn eval_orc_b(&mut self, d: Gpr, a: Val) {
        let a = self.operand(a);
        self.asm.vmov_from_gpr(Size::Qword, T0, a);
        self.asm.vlogic(VLogic::Xor, T1, T1, T1);
        self.asm.vpcmpeq(Size::Byte, T0, T0, T1);
        self.asm.vmov_to_gpr(Size::Qword, d, T0);
        self.asm.unary(Unary::Not, Size::Qword, d);
    }
}
