//! Bits, nibbles and bytes in another order.

use super::emitter::Emitter;
use super::node::Val;
use super::vector::{T0, T1, T2};
use crate::jit::x64::{Alu, Gpr, Mem, Scale, Shift, Size, VLogic};

/// The low nibble of each byte.
const LOW_NIBBLES: u64 = 0x0f0f_0f0f_0f0f_0f0f;

/// The lower of two neighbours of one, two and four bits.
const LOWER: [(u8, u64); 3] = [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, LOW_NIBBLES)];

impl Emitter<'_> {
    /// Reverses the bits of each byte: exchanges single bits, then pairs, then nibbles.
    pub fn eval_brev8(&mut self, d: Gpr, a: Val) {
        self.eval(d, a);
        let (lower, mask) = (self.scratch(), self.scratch());
        let asm = &mut *self.asm;
        for (width, bits) in LOWER {
            asm.mov_imm(mask, bits);
            asm.mov(Size::Qword, lower, d);
            asm.alu(Alu::And, Size::Qword, lower, mask);
            asm.shift_imm(Shift::Shr, Size::Qword, d, width);
            asm.alu(Alu::And, Size::Qword, d, mask);
            match width {
                1 => asm.lea(Size::Qword, d, Mem::indexed(d, lower, Scale::Two, 0)),
                2 => asm.lea(Size::Qword, d, Mem::indexed(d, lower, Scale::Four, 0)),
                _ => {
                    asm.shift_imm(Shift::Shl, Size::Qword, lower, width);
                    asm.alu(Alu::Or, Size::Qword, d, lower);
                }
            }
        }
    }

    /// Looks up each byte of `b` in the eight bytes of `a`. From 8 on it is zero, as the upper half of the register is.
    pub fn eval_xperm8(&mut self, d: Gpr, a: Val, b: Val) {
        self.set_low_nibbles();
        let (a, b) = (self.operand(a), self.operand(b));
        self.asm.vmov_from_gpr(Size::Qword, T0, a);
        self.asm.vmov_from_gpr(Size::Qword, T1, b);
        // The host takes the low four bits of an index, so that larger ones become 15.
        self.asm.vpminub(T1, T1, T2);
        self.asm.vpshufb(T0, T0, T1);
        self.asm.vmov_to_gpr(Size::Qword, d, T0);
    }

    /// Looks up each nibble of `b` in the sixteen nibbles of `a`.
    pub fn eval_xperm4(&mut self, d: Gpr, a: Val, b: Val) {
        self.set_low_nibbles();
        let (a, b) = (self.operand(a), self.operand(b));
        let result = self.scratch();
        let asm = &mut *self.asm;
        // The nibbles of `a`, each in a byte.
        asm.vmov_from_gpr(Size::Qword, T0, a);
        asm.vpsrl_imm(Size::Qword, T1, T0, 4);
        asm.vlogic(VLogic::And, T0, T0, T2);
        asm.vlogic(VLogic::And, T1, T1, T2);
        asm.vpunpcklbw(T0, T0, T1);
        asm.vmov_from_gpr(Size::Qword, T1, b);
        asm.vpsrl_imm(Size::Qword, T1, T1, 4);
        asm.vlogic(VLogic::And, T1, T1, T2);
        asm.vpshufb(T1, T0, T1);
        asm.vmov_to_gpr(Size::Qword, result, T1);
        asm.shift_imm(Shift::Shl, Size::Qword, result, 4);
        asm.vmov_from_gpr(Size::Qword, T1, b);
        asm.vlogic(VLogic::And, T1, T1, T2);
        asm.vpshufb(T0, T0, T1);
        asm.vmov_to_gpr(Size::Qword, d, T0);
        asm.alu(Alu::Or, Size::Qword, d, result);
    }

    /// Sets the low nibbles of the eight lower bytes of [`T2`].
    fn set_low_nibbles(&mut self) {
        let mask = self.scratch();
        self.asm.mov_imm(mask, LOW_NIBBLES);
        self.asm.vmov_from_gpr(Size::Qword, T2, mask);
        self.release(mask);
    }
}
