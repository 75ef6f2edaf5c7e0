//! Floating point in the host's registers: VEX instructions under the guest's rounding mode, with the guest's flags in
//! MXCSR.
//!
//! x86 and RISC-V agree on results other than NaNs, and on flags; [`fp::host`](crate::guest::riscv::fp::host) lists where
//! they do not. A result that is a NaN need not be RISC-V's canonical one. As long as only arithmetic uses it that makes
//! no difference, so it is made canonical when its bits can be seen: when they are stored, moved or given another sign,
//! and wherever code is left. Until then the register is [fresh](super::nan).
//!
//! VEX forms take the upper bits of a scalar result from their first operand, so a single stays NaN-boxed.

use super::emitter::{Cold, Emitter};
use super::map::Word;
use super::node::{FromInt, Node, Rounding, Val};
use crate::guest::riscv::fp::Fmt;
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use crate::guest::{MemType, Reg};
use crate::jit::x64::{
    Alu, BitTest, Cond, Fma, FmaOrder, Fp, Gpr, Label, Mem, RegMem, Scale, Shift, Size, ToInt, VArith, VLogic, Xmm,
    XmmMem,
};
use crate::memory::Access;

/// A scratch register.
pub const T0: Xmm = Xmm::Xmm15;
/// A scratch register.
pub const T1: Xmm = Xmm::Xmm14;
/// A scratch register.
pub const T2: Xmm = Xmm::Xmm13;

/// A mode of [`vround`](crate::jit::x64::Assembler::vround).
const TOWARDS_ZERO: u8 = 3;

/// The format as the assembler names it; half precision is computed in single precision.
pub fn fp(fmt: Fmt) -> Fp {
    if fmt == Fmt::D { Fp::Double } else { Fp::Single }
}

/// Whether the operation yields the smaller number.
fn is_minimum(op: FpMinMax) -> bool {
    matches!(op, FpMinMax::Min | FpMinMax::MinM)
}

/// The bits of a significand, with the one that encodings leave out.
fn significand_bits(fmt: Fmt) -> u32 {
    match fmt {
        Fmt::H => 11,
        Fmt::S => 24,
        Fmt::D => 53,
    }
}

/// The size in which a number is classified, and the bits of its exponent. A half is moved to the top of 32 bits.
fn class_layout(fmt: Fmt) -> (Size, u8) {
    match fmt {
        Fmt::H => (Size::Dword, 5),
        Fmt::S => (Size::Dword, 8),
        Fmt::D => (Size::Qword, 11),
    }
}

impl Emitter<'_> {
    /// The label of the code that executes the instruction by its definition and then goes on behind it.
    pub fn slow(&mut self) -> crate::jit::x64::Label {
        let asm = &mut *self.asm;
        *self.slow.get_or_insert_with(|| asm.new_label())
    }

    /// Goes on only if the register holds a single or half that is NaN-boxed. Otherwise the instruction is executed by its definition, and the
    /// superblock is left, so that from here on the register is known.
    pub fn check_boxed(&mut self, fmt: Fmt, r: Reg) {
        if self.known.fp.is_boxed(r, fmt) {
            return;
        }
        // A fresh NaN of a double may look like a boxed single.
        self.settle(r);
        let upper = self.scratch();
        self.compare_box(fmt, r, upper);
        self.release(upper);
        let from = self.asm.new_label();
        self.asm.jcc(Cond::Ne, from);
        self.rare.push((from, self.known.fp));
        self.known.fp.set_boxed(r, fmt);
    }

    /// Compares the bits that box a single or half with what they are to be.
    pub fn compare_box(&mut self, fmt: Fmt, r: Reg, scratch: Gpr) {
        let slot = self.map.f_slot(r);
        match (self.map.pinned_f(r), fmt) {
            (None, Fmt::S) => {
                return self.asm.alu_imm(Alu::Cmp, Size::Dword, Mem { disp: slot.disp + 4, ..slot }, -1);
            }
            (Some(reg), _) => self.asm.vmov_to_gpr(Size::Qword, scratch, reg),
            (None, _) => self.asm.mov(Size::Qword, scratch, slot),
        }
        self.asm.shift_imm(Shift::Sar, Size::Qword, scratch, fmt.bits() as u8);
        self.asm.alu_imm(Alu::Cmp, Size::Qword, scratch, -1);
    }

    /// A number as the second operand of an instruction.
    pub fn fp_operand(&mut self, fmt: Fmt, r: Reg) -> XmmMem {
        self.check_boxed(fmt, r);
        match self.map.pinned_f(r) {
            Some(reg) => XmmMem::Reg(reg),
            None => XmmMem::Mem(self.map.f_slot(r)),
        }
    }

    /// A number in a register, with its upper bits.
    pub fn fp_in_register(&mut self, fmt: Fmt, r: Reg, scratch: Xmm) -> Xmm {
        let operand = self.fp_operand(fmt, r);
        self.loaded(operand, scratch)
    }

    /// An operand in a register, with its upper bits.
    fn loaded(&mut self, operand: XmmMem, scratch: Xmm) -> Xmm {
        match operand {
            XmmMem::Reg(reg) => reg,
            XmmMem::Mem(slot) => {
                self.asm.vmov_load(Fp::Double, scratch, slot);
                scratch
            }
        }
    }

    /// Emits the cold part of a minimum or maximum: equal numbers, which may be zeroes of different sign.
    pub fn cold_equal(&mut self, op: FpMinMax, d: Xmm, a: Xmm, b: Xmm) {
        let op = if is_minimum(op) { VLogic::Or } else { VLogic::And };
        self.asm.vlogic(op, d, a, b);
    }

    /// Writes a floating-point register.
    pub fn write_fp(&mut self, fmt: Fmt, r: Reg, v: Val) {
        let Some(d) = self.map.pinned_f(r) else {
            return self.write_fp_slot(fmt, r, v);
        };
        let implying = self.implying(v);
        if self.eval_fp(d, fmt, v) {
            self.known.fp.set_fresh(r, fmt);
        } else if let Node::FpSign(Sgnj::Copy, _, a, b) = self.nodes.get(v)
            && a == b
            && let Some(fmt) = self.known.fp.fresh(a)
        {
            // The bits are those of a fresh NaN.
            self.known.fp.set_fresh(r, fmt);
        } else {
            self.known.fp.set_written(r, fmt);
        }
        self.known.set_implying(r, implying);
    }

    /// Writes a floating-point register that is in memory.
    fn write_fp_slot(&mut self, fmt: Fmt, r: Reg, v: Val) {
        let slot = self.map.f_slot(r);
        if self.is_integer(v) {
            self.write_fp_from_integer(fmt, slot, v);
        } else {
            if self.eval_fp(T0, fmt, v) {
                self.canonicalise(fmt, T0);
            }
            if let Node::FpSign(Sgnj::Copy, _, a, b) = self.nodes.get(v)
                && a == b
                && let Some(fmt) = self.known.fp.fresh(a)
            {
                self.canonicalise(fmt, T0);
            }
            self.asm.vmov_store(Fp::Double, slot, T0);
        }
        self.known.fp.set_written(r, fmt);
    }

    /// Whether the value is computed in a general register.
    fn is_integer(&self, v: Val) -> bool {
        !matches!(
            self.nodes.get(v),
            Node::FpArith(..)
                | Node::FpSqrt(..)
                | Node::FpFma(..)
                | Node::FpSign(..)
                | Node::FpMinMax(..)
                | Node::FpConvert(..)
                | Node::FpRound(..)
                | Node::FpFromInt(..)
        )
    }

    /// Writes the bits of a number to a register in memory, NaN-boxed.
    pub fn write_fp_from_integer(&mut self, fmt: Fmt, slot: Mem, v: Val) {
        let value = match self.operand(v) {
            RegMem::Reg(reg) if fmt != Fmt::H => reg,
            operand => {
                let scratch = self.scratch();
                self.asm.mov(Size::Qword, scratch, operand);
                scratch
            }
        };
        match fmt {
            Fmt::D => self.asm.mov_store(Size::Qword, slot, value),
            Fmt::S => {
                self.asm.mov_store(Size::Dword, slot, value);
                self.asm.mov_store_imm(Size::Dword, Mem { disp: slot.disp + 4, ..slot }, -1);
            }
            Fmt::H => {
                self.asm.alu_imm(Alu::Or, Size::Qword, value, -0x1_0000);
                self.asm.mov_store(Size::Qword, slot, value);
            }
        }
    }

    /// Computes a number into a register, NaN-boxed. True if it may be a NaN that is not canonical.
    fn eval_fp(&mut self, d: Xmm, fmt: Fmt, v: Val) -> bool {
        match self.nodes.get(v) {
            Node::FpArith(op, fmt, a, b) => {
                let op = match op {
                    FpOp::Add => VArith::Add,
                    FpOp::Sub => VArith::Sub,
                    FpOp::Mul => VArith::Mul,
                    FpOp::Div => VArith::Div,
                };
                if fmt == Fmt::H {
                    self.eval_half_arith(d, op, a, b);
                    return false;
                }
                let a = self.fp_in_register(fmt, a, T1);
                let b = self.fp_operand(fmt, b);
                self.in_own_mode(|asm| asm.varith(op, fp(fmt), d, a, b));
                true
            }
            Node::FpSqrt(Fmt::H, a) => {
                self.eval_half_sqrt(d, a);
                false
            }
            Node::FpSqrt(fmt, a) => {
                let a = self.fp_in_register(fmt, a, T1);
                self.in_own_mode(|asm| asm.varith(VArith::Sqrt, fp(fmt), d, a, a));
                true
            }
            Node::FpFma(fmt, (neg_product, neg_addend), a, b, c) => {
                self.eval_fma(d, fmt, neg_product, neg_addend, [a, b, c]);
                false
            }
            Node::FpSign(kind, fmt, a, b) => {
                self.eval_sign(d, kind, fmt, a, b);
                false
            }
            Node::FpMinMax(op, Fmt::H, a, b) => {
                self.eval_half_min_max(d, op, a, b);
                false
            }
            Node::FpMinMax(op, fmt, a, b) => {
                let a = self.fp_in_register(fmt, a, T1);
                let b = self.fp_in_register(fmt, b, T2);
                self.min_max(d, op, fp(fmt), a, b);
                false
            }
            Node::FpRound(Fmt::H, mode, a) => {
                self.eval_half_round(d, mode, a);
                false
            }
            Node::FpRound(fmt, mode, a) => {
                let a = self.fp_in_register(fmt, a, T1);
                self.asm.vround(fp(fmt), mode, d, a, a);
                true
            }
            Node::FpConvert(_, Fmt::H, a) => {
                self.eval_half_from_single(d, a);
                false
            }
            Node::FpConvert(Fmt::H, to, a) => {
                let a = self.widened(a, T1);
                if to == Fmt::D {
                    self.asm.vcvt_fp(Fp::Single, d, a, a);
                } else {
                    self.asm.vlogic(VLogic::Or, d, a, Word::Box.mem());
                }
                true
            }
            Node::FpConvert(from, to, a) => {
                let a = self.fp_in_register(from, a, T1);
                self.in_own_mode(|asm| asm.vcvt_fp(fp(from), d, a, a));
                if to == Fmt::S {
                    self.asm.vlogic(VLogic::Or, d, d, Word::Box.mem());
                }
                true
            }
            Node::FpFromInt(fmt, ty, how, a) => {
                if how == FromInt::Exact {
                    self.check_exact(fmt, ty, a);
                }
                self.eval_from_int(d, fmt, ty, how, a);
                false
            }
            Node::Load(ty, addr) if fmt != Fmt::H => {
                let mem = self.mem_of(Access::Read, ty, addr, None);
                self.access();
                self.asm.vmov_load(fp(fmt), d, mem);
                if fmt == Fmt::S {
                    self.asm.vlogic(VLogic::Or, d, d, Word::Box.mem());
                }
                false
            }
            Node::Imm(0) if fmt == Fmt::D => {
                self.asm.vlogic(VLogic::Xor, d, d, d);
                false
            }
            _ if fmt == Fmt::H => {
                let scratch = self.eval_to_scratch(v);
                self.asm.alu_imm(Alu::Or, Size::Qword, scratch, -0x1_0000);
                self.asm.vmov_from_gpr(Size::Qword, d, scratch);
                false
            }
            _ => {
                let operand = self.operand(v);
                self.asm.vmov_from_gpr(Size::Qword, d, operand);
                if fmt == Fmt::S {
                    self.asm.vlogic(VLogic::Or, d, d, Word::Box.mem());
                }
                false
            }
        }
    }

    fn eval_fma(&mut self, d: Xmm, fmt: Fmt, neg_product: bool, neg_addend: bool, [a, b, c]: [Reg; 3]) {
        let op = match (neg_product, neg_addend) {
            (false, false) => Fma::Madd,
            (false, true) => Fma::Msub,
            (true, false) => Fma::Nmadd,
            (true, true) => Fma::Nmsub,
        };
        let [a, b, c] = [a, b, c].map(|r| self.fp_operand(fmt, r));
        // The operands are still needed if the result is a NaN: x86 misses that infinity times zero is invalid when a
        // quiet NaN is added.
        let result = if [a, b, c].contains(&XmmMem::Reg(d)) { T0 } else { d };
        match (a, c) {
            (XmmMem::Mem(factor), XmmMem::Reg(_)) => {
                let b = self.loaded(b, T1);
                self.asm.vmov_load(Fp::Double, result, factor);
                self.in_own_mode(|asm| asm.vfma(op, FmaOrder::O213, fp(fmt), result, b, c));
            }
            _ => {
                let a = self.loaded(a, T1);
                match c {
                    XmmMem::Reg(addend) => self.asm.vmov_reg(result, addend),
                    XmmMem::Mem(addend) => self.asm.vmov_load(Fp::Double, result, addend),
                }
                self.in_own_mode(|asm| asm.vfma(op, FmaOrder::O231, fp(fmt), result, a, b));
            }
        }
        self.asm.vucomis(fp(fmt), result, result);
        let slow = self.slow();
        self.asm.jcc(Cond::P, slow);
        if result != d {
            self.asm.vmov_reg(d, result);
        }
    }

    fn eval_sign(&mut self, d: Xmm, kind: Sgnj, fmt: Fmt, a: Reg, b: Reg) {
        let (sign, magnitude) =
            if fmt == Fmt::S { (Word::SignS, Word::MagnitudeS) } else { (Word::SignD, Word::MagnitudeD) };
        if a == b && kind == Sgnj::Copy {
            let a = self.fp_in_register(fmt, a, d);
            if a != d {
                self.asm.vmov_reg(d, a);
            }
            return;
        }
        self.settle(a);
        self.settle(b);
        let x = self.fp_in_register(fmt, a, T1);
        if a == b {
            return match kind {
                Sgnj::Negate => self.asm.vlogic(VLogic::Xor, d, x, sign.mem()),
                _ => self.asm.vlogic(VLogic::And, d, x, magnitude.mem()),
            };
        }
        let y = self.fp_in_register(fmt, b, T2);
        match kind {
            Sgnj::Xor => {
                self.asm.vlogic(VLogic::And, T2, y, sign.mem());
                self.asm.vlogic(VLogic::Xor, d, x, T2);
            }
            Sgnj::Copy | Sgnj::Negate => {
                let op = if kind == Sgnj::Copy { VLogic::And } else { VLogic::Andn };
                self.asm.vlogic(op, T2, y, sign.mem());
                self.asm.vlogic(VLogic::And, d, x, magnitude.mem());
                self.asm.vlogic(VLogic::Or, d, d, T2);
            }
        }
    }

    /// The smaller or larger of two numbers in registers. NaNs are left to the definition.
    pub fn min_max(&mut self, d: Xmm, op: FpMinMax, fp: Fp, a: Xmm, b: Xmm) {
        let slow = self.slow();
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.vucomis(fp, a, b);
        self.asm.jcc(Cond::P, slow);
        self.asm.jcc(Cond::E, from);
        let host = if is_minimum(op) { VArith::Min } else { VArith::Max };
        self.asm.varith(host, fp, d, a, b);
        self.asm.bind(back);
        self.cold.push(Cold::Equal { from, back, op, operands: [d, a, b] });
    }

    /// Classifies a number. Normal numbers are the usual case.
    pub fn eval_class(&mut self, d: Gpr, fmt: Fmt, a: Reg) {
        let a = self.fp_in_register(fmt, a, T1);
        let (size, exponent_bits) = class_layout(fmt);
        let (bits, exponent) = (self.scratch(), self.scratch());
        self.asm.vmov_to_gpr(size, bits, a);
        if fmt == Fmt::H {
            self.asm.shift_imm(Shift::Shl, size, bits, 16);
        }
        let (from, back) = (self.asm.new_label(), self.asm.new_label());
        self.asm.lea(size, exponent, Mem::indexed(bits, bits, Scale::One, 0));
        self.asm.shift_imm(Shift::Shr, size, exponent, size.bytes() as u8 * 8 - exponent_bits);
        self.asm.alu_imm(Alu::Sub, Size::Dword, exponent, 1);
        self.asm.alu_imm(Alu::Cmp, Size::Dword, exponent, (1 << exponent_bits) - 2);
        self.asm.jcc(Cond::Ae, from);
        // Bit 1 for a negative number, bit 6 for a positive one.
        self.asm.shift_imm(Shift::Sar, size, bits, size.bytes() as u8 * 8 - 1);
        self.asm.alu_imm(Alu::And, Size::Dword, bits, 1 << 1 | 1 << 6);
        self.asm.alu_imm(Alu::Xor, Size::Dword, bits, 1 << 6);
        self.asm.bind(back);
        self.cold.push(Cold::Class { from, back, fmt, bits, exponent });
        if d != bits {
            self.asm.mov(Size::Dword, d, bits);
        }
    }

    /// Emits the cold part of a classification. `bits` holds the number at its top, and gets the class; `exponent` is
    /// less by one, so that the highest bit is set if it is zero; the flags are those of its comparison with the limit.
    pub fn cold_class(&mut self, fmt: Fmt, bits: Gpr, exponent: Gpr, back: Label) {
        let (size, exponent_bits) = class_layout(fmt);
        let asm = &mut *self.asm;
        let [small, choose, infinite, quiet] = [(); 4].map(|()| asm.new_label());
        asm.jcc_short(Cond::S, small);
        asm.mov(size, exponent, bits);
        // What is left is the fraction: the shift says whether it is zero, and its highest bit.
        asm.shift_imm(Shift::Shl, size, exponent, 1 + exponent_bits);
        asm.jcc_short(Cond::E, infinite);
        asm.jcc_short(Cond::S, quiet);
        asm.mov_imm(bits, 1 << 8);
        asm.jmp(back);
        asm.bind(quiet);
        asm.mov_imm(bits, 1 << 9);
        asm.jmp(back);
        // From here on, the classes of negative and of positive numbers of a kind.
        asm.bind(infinite);
        asm.mov_imm(exponent, 1 << 0 | 1 << 7);
        asm.jmp_short(choose);
        asm.bind(small);
        asm.lea(size, exponent, Mem::indexed(bits, bits, Scale::One, 0));
        asm.test(size, exponent, exponent);
        asm.mov_imm(exponent, 1 << 2 | 1 << 5);
        asm.jcc_short(Cond::Ne, choose);
        asm.mov_imm(exponent, 1 << 3 | 1 << 4);
        asm.bind(choose);
        asm.shift_imm(Shift::Sar, size, bits, size.bytes() as u8 * 8 - 1);
        asm.alu_imm(Alu::Xor, Size::Dword, bits, 0xf0);
        asm.alu(Alu::And, Size::Dword, bits, exponent);
        asm.jmp(back);
    }

    /// Compares two numbers.
    pub fn eval_fp_compare(&mut self, d: Gpr, op: FpCmp, fmt: Fmt, a: Reg, b: Reg) {
        let operands = |e: &mut Self, [first, second]: [Reg; 2]| match fmt {
            Fmt::H => (e.widened(first, T1), XmmMem::Reg(e.widened(second, T2))),
            _ => (e.fp_in_register(fmt, first, T1), e.fp_operand(fmt, second)),
        };
        if op == FpCmp::Eq {
            let (a, b) = operands(self, [a, b]);
            let zero = self.scratch();
            self.asm.alu(Alu::Xor, Size::Dword, d, d);
            self.asm.alu(Alu::Xor, Size::Dword, zero, zero);
            self.asm.vucomis(fp(fmt), a, b);
            self.asm.set(Cond::Np, d);
            return self.asm.cmov(Cond::Ne, Size::Dword, d, zero);
        }
        // The other way round, where the flags tell that neither is a NaN.
        let (b, a) = operands(self, [b, a]);
        self.asm.alu(Alu::Xor, Size::Dword, d, d);
        match op {
            FpCmp::LtQuiet | FpCmp::LeQuiet => self.asm.vucomis(fp(fmt), b, a),
            _ => self.asm.vcomis(fp(fmt), b, a),
        }
        let cond = if matches!(op, FpCmp::Lt | FpCmp::LtQuiet) { Cond::A } else { Cond::Ae };
        self.condition = Some(cond);
        self.asm.set(cond, d);
    }

    /// Converts to an integer.
    pub fn eval_to_int(&mut self, d: Gpr, fmt: Fmt, ty: IntType, rounding: Rounding, a: Reg) {
        let mut source = if fmt == Fmt::H { self.widened(a, T1) } else { self.fp_in_register(fmt, a, T1) };
        let mut nearest_away = None;
        // A half is converted as the single that it equals.
        let fmt = if fmt == Fmt::H { Fmt::S } else { fmt };
        let slow = self.slow();
        // Encodings are compared as unsigned integers, as in `fp::host::to_int`. The largest number that a mode other
        // than MXCSR's cannot round out of range is the limit for signed types: rounding must not raise inexact first. What
        // is out of range for 64 bits, and any single that is for 32, has no fraction.
        let limit = match (fmt, ty, rounding) {
            (Fmt::S, IntType::U32, _) => Some(0x4f7f_ffff),
            (_, IntType::U32, _) => Some(0x41ef_ffff_ffe0_0000),
            (Fmt::S, IntType::U64, _) => Some(0x5eff_ffff),
            (_, IntType::U64, _) => Some(0x43df_ffff_ffff_ffff),
            (Fmt::S, IntType::I32, Rounding::Away) => Some(0x4eff_ffff),
            (Fmt::D, IntType::I32, Rounding::Mode(_) | Rounding::Away) => Some(0x41df_ffff_ffc0_0000),
            (Fmt::S, IntType::I64, Rounding::Away) => Some(0x5eff_ffff),
            (_, IntType::I64, Rounding::Away) => Some(0x43df_ffff_ffff_ffff),
            _ => None,
        };
        if let Some(limit) = limit {
            let (bits, bound) = (self.scratch(), self.scratch());
            let size = if fmt == Fmt::S { Size::Dword } else { Size::Qword };
            self.asm.vmov_to_gpr(size, bits, source);
            if matches!(ty, IntType::I32 | IntType::I64) {
                self.asm.bit_imm(BitTest::Btr, size, bits, (size.bytes() * 8 - 1) as u8);
            }
            self.asm.mov_imm(bound, limit);
            self.asm.alu(Alu::Cmp, size, bits, bound);
            self.asm.jcc(Cond::A, slow);
            self.release(bits);
            self.release(bound);
        }
        let size = if ty == IntType::I32 { Size::Dword } else { Size::Qword };
        let how = match rounding {
            Rounding::Truncate => ToInt::Truncate,
            Rounding::Current => ToInt::Mxcsr,
            Rounding::Mode(mode) => {
                self.asm.vround(fp(fmt), mode, T0, source, source);
                source = T0;
                ToInt::Truncate
            }
            Rounding::Away => {
                // What is cut off is exact, and so is its double, whose integer is what there is to add.
                let up = self.scratch();
                self.asm.vround(fp(fmt), TOWARDS_ZERO, T0, source, source);
                self.asm.varith(VArith::Sub, fp(fmt), T1, source, T0);
                self.asm.varith(VArith::Add, fp(fmt), T1, T1, T1);
                self.asm.vcvt_int(ToInt::Truncate, fp(fmt), size, up, T1);
                nearest_away = Some(up);
                source = T0;
                ToInt::Truncate
            }
        };
        self.asm.vcvt_int(how, fp(fmt), size, d, source);
        if let Some(up) = nearest_away {
            self.asm.alu(Alu::Add, size, d, up);
        }
        if limit.is_none() {
            // What does not fit yields the smallest integer, which can also be a correct result. Only that overflows
            // when 1 is subtracted.
            self.asm.alu_imm(Alu::Cmp, size, d, 1);
            self.asm.jcc(Cond::O, slow);
        }
        if matches!(ty, IntType::I32 | IntType::U32) {
            self.asm.movsx(Size::Dword, Size::Qword, d, d);
        }
    }

    /// Goes on only if the format has the integer for certain: its magnitude is at most 2 to the bits of the significand.
    fn check_exact(&mut self, fmt: Fmt, ty: IntType, a: Val) {
        let slow = self.slow();
        let size = if matches!(ty, IntType::I32 | IntType::U32) { Size::Dword } else { Size::Qword };
        let largest = 1 << significand_bits(fmt);
        let value = self.in_register(a);
        let bound = self.scratch();
        if matches!(ty, IntType::I32 | IntType::I64) {
            // The integers from -largest to largest are moved to begin with 0.
            let moved = self.scratch();
            self.asm.mov_imm(moved, largest);
            self.asm.mov_imm(bound, 2 * largest);
            self.asm.alu(Alu::Add, size, moved, value);
            self.asm.alu(Alu::Cmp, size, moved, bound);
            self.release(moved);
        } else {
            self.asm.mov_imm(bound, largest);
            self.asm.alu(Alu::Cmp, size, value, bound);
        }
        self.asm.jcc(Cond::A, slow);
        self.release(bound);
    }

    fn eval_from_int(&mut self, d: Xmm, fmt: Fmt, ty: IntType, how: FromInt, a: Val) {
        let size = if ty == IntType::I32 { Size::Dword } else { Size::Qword };
        let source = match ty {
            IntType::I32 | IntType::I64 => self.operand(a),
            // It is small.
            IntType::U64 if how == FromInt::Exact => self.operand(a),
            IntType::U32 => {
                let scratch = self.scratch();
                let a = self.operand(a);
                self.asm.mov(Size::Dword, scratch, a);
                RegMem::Reg(scratch)
            }
            IntType::U64 => {
                let reg = self.in_register(a);
                let slow = self.slow();
                self.asm.test(Size::Qword, reg, reg);
                self.asm.jcc(Cond::S, slow);
                RegMem::Reg(reg)
            }
        };
        // The upper bits come from another register, on which the result is not to depend.
        if fmt == Fmt::H {
            self.asm.vpcmpeq(Size::Byte, T0, T0, T0);
            self.asm.vcvt_from_int(Fp::Single, size, T0, T0, source);
            return self.half_from_converted(d);
        }
        self.asm.vlogic(VLogic::Xor, T0, T0, T0);
        self.asm.vcvt_from_int(fp(fmt), size, d, T0, source);
        if fmt == Fmt::S {
            self.asm.vlogic(VLogic::Or, d, d, Word::Box.mem());
        }
    }

    /// Moves all bits of a floating-point register.
    pub fn eval_fp_bits(&mut self, d: Gpr, r: Reg) {
        match self.map.pinned_f(r) {
            Some(reg) => {
                self.settle(r);
                self.asm.vmov_to_gpr(Size::Qword, d, reg);
            }
            None => self.asm.mov(Size::Qword, d, self.map.f_slot(r)),
        }
    }

    /// Stores the low bits of a floating-point register.
    pub fn emit_fp_store(&mut self, fmt: Fmt, addr: Val, bits: Val) {
        let ty = match fmt {
            Fmt::H => MemType::U16,
            Fmt::S => MemType::U32,
            Fmt::D => MemType::I64,
        };
        if let Node::FpBits(r) = self.nodes.get(bits)
            && fmt != Fmt::H
            && let Some(reg) = self.map.pinned_f(r)
        {
            self.settle(r);
            let mem = self.mem_of(Access::Write, ty, addr, None);
            self.access();
            return self.asm.vmov_store(fp(fmt), mem, reg);
        }
        if let Node::FpBits(r) = self.nodes.get(bits) {
            // Before the address is checked, which may be where the access faults.
            self.settle(r);
        }
        self.emit_store(ty, addr, bits);
    }
}
