//! Selects the host's instructions for a value, once it is known where it goes.

use super::emitter::{Cold, Emitter, imm32, size_of_width};
use super::node::{Binary, Node, Unary, Val};
use super::sum::scale;
use crate::guest::{BitOp, Cond, MemType, Reg, Width};
use crate::jit::x64::{self, Alu, BitTest, Gpr, HostFeatures, Mem, RegMem, Scale, Shift, Size};

impl Emitter<'_> {
    /// Where a value is: registers where they live, anything else in a scratch register.
    pub fn operand(&mut self, v: Val) -> RegMem {
        match self.leaf(v) {
            Some(operand) => operand,
            None => RegMem::Reg(self.eval_to_scratch(v)),
        }
    }

    /// The value in a register, which must not be changed.
    pub fn in_register(&mut self, v: Val) -> Gpr {
        match self.operand(v) {
            RegMem::Reg(reg) => reg,
            mem => {
                let scratch = self.scratch();
                self.asm.mov(Size::Qword, scratch, mem);
                scratch
            }
        }
    }

    /// Where a value is that need not be computed.
    fn leaf(&self, v: Val) -> Option<RegMem> {
        match self.nodes.get(v) {
            Node::Reg(r) => Some(self.map.x(r)),
            Node::Scratch(reg) => Some(RegMem::Reg(reg)),
            Node::FpBits(r) if self.map.pinned_f(r).is_none() => Some(RegMem::Mem(self.map.f_slot(r))),
            _ => None,
        }
    }

    /// The constant, if it can be an immediate operand.
    fn immediate(&self, v: Val) -> Option<i32> {
        self.nodes.constant(v).and_then(imm32)
    }

    /// Whether the value depends on a register of the host.
    fn depends_on(&self, v: Val, reg: Gpr) -> bool {
        match self.nodes.get(v) {
            Node::Imm(_) | Node::FpBits(_) | Node::Number(..) => false,
            Node::FpArith(..) | Node::FpSqrt(..) | Node::FpFma(..) | Node::FpSign(..) | Node::FpRound(..) => false,
            Node::FpMinMax(..) | Node::FpConvert(..) | Node::FpCompare(..) | Node::FpClass(..) | Node::FpToInt(..) => {
                false
            }
            Node::FpFromInt(_, _, _, a) => self.depends_on(a, reg),
            Node::Reg(r) => self.map.pinned(r) == Some(reg),
            Node::Scratch(scratch) => scratch == reg,
            Node::Unary(_, _, a) | Node::Extend(_, a) | Node::Load(_, a) => self.depends_on(a, reg),
            Node::Binary(_, _, a, b)
            | Node::ShiftAdd(_, _, a, b)
            | Node::Bit(_, _, a, b)
            | Node::Compare(_, _, a, b)
            | Node::Amo(_, _, a, b) => self.depends_on(a, reg) || self.depends_on(b, reg),
            Node::Select(c, a, b) => [c, a, b].into_iter().any(|v| self.depends_on(v, reg)),
        }
    }

    /// Writes an integer register other than x0.
    pub fn write_register(&mut self, r: Reg, v: Val) {
        let slot = match self.map.x(r) {
            RegMem::Reg(reg) => return self.eval(reg, v),
            RegMem::Mem(slot) => slot,
        };
        match self.nodes.get(v) {
            Node::Imm(v) if imm32(v).is_some() => return self.asm.mov_store_imm(Size::Qword, slot, v as i32),
            Node::Reg(other) if other == r => return,
            Node::Binary(op, Width::W64, a, b) if self.nodes.get(a) == Node::Reg(r) => {
                let op = match op {
                    Binary::Add => Some(Alu::Add),
                    Binary::Sub => Some(Alu::Sub),
                    Binary::And => Some(Alu::And),
                    Binary::Or => Some(Alu::Or),
                    Binary::Xor => Some(Alu::Xor),
                    _ => None,
                };
                match (op, self.immediate(b), self.leaf(b)) {
                    (Some(op), Some(imm), _) => return self.asm.alu_imm(op, Size::Qword, slot, imm),
                    (Some(op), _, Some(RegMem::Reg(b))) => return self.asm.alu_store(op, Size::Qword, slot, b),
                    _ => {}
                }
            }
            _ => {}
        }
        let value = match self.leaf(v) {
            Some(RegMem::Reg(reg)) => reg,
            _ => {
                let scratch = self.scratch();
                self.eval(scratch, v);
                scratch
            }
        };
        self.asm.mov_store(Size::Qword, slot, value);
    }

    /// Computes a value into a register: a scratch register, or the one of the guest register that the instruction
    /// writes. Nothing is written to the latter before all that can fault has been done.
    pub fn eval(&mut self, d: Gpr, v: Val) {
        if let Some(operand) = self.leaf(v) {
            if operand != RegMem::Reg(d) {
                self.asm.mov(Size::Qword, d, operand);
            }
            return;
        }
        if self.eval_sum(d, v) {
            return;
        }
        match self.nodes.get(v) {
            Node::Imm(v) => self.asm.mov_imm(d, v as u64),
            Node::Extend(ty, a) => self.eval_extend(d, ty, a),
            Node::Binary(op, w, a, b) => self.eval_binary(d, op, w, a, b),
            Node::Unary(op, w, a) => self.eval_unary(d, op, w, a),
            Node::ShiftAdd(shift, w, a, b) => self.eval_shift_add(d, shift, w, a, b),
            Node::Bit(op, w, a, index) => self.eval_bit(d, op, w, a, index),
            Node::Compare(w, cond, a, b) => self.eval_compare(d, w, cond, a, b),
            Node::Select(c, a, b) => self.eval_select(d, c, a, b),
            Node::Load(ty, addr) => self.eval_load(d, ty, addr),
            Node::FpBits(r) => self.eval_fp_bits(d, r),
            Node::FpCompare(op, fmt, a, b) => self.eval_fp_compare(d, op, fmt, a, b),
            Node::FpClass(fmt, a) => self.eval_class(d, fmt, a),
            Node::FpToInt(fmt, ty, rounding, a) => self.eval_to_int(d, fmt, ty, rounding, a),
            Node::Reg(_) | Node::Scratch(_) => unreachable!("registers are leaves"),
            Node::Amo(..) => unreachable!("it is done by what writes its value"),
            Node::Number(..)
            | Node::FpArith(..)
            | Node::FpSqrt(..)
            | Node::FpFma(..)
            | Node::FpSign(..)
            | Node::FpMinMax(..)
            | Node::FpConvert(..)
            | Node::FpRound(..)
            | Node::FpFromInt(..) => unreachable!("numbers are computed in other registers"),
        }
    }

    fn eval_extend(&mut self, d: Gpr, ty: MemType, a: Val) {
        if let Node::Reg(r) = self.nodes.get(a) {
            let fact = self.known.get(r);
            if ty == MemType::I32 && fact.is_i32 || ty == MemType::U32 && fact.is_u32 {
                return self.eval(d, a);
            }
        }
        let source = match self.leaf(a) {
            Some(operand) => operand,
            None => {
                self.eval(d, a);
                RegMem::Reg(d)
            }
        };
        match ty {
            MemType::I8 => self.asm.movsx(Size::Byte, Size::Qword, d, source),
            MemType::I16 => self.asm.movsx(Size::Word, Size::Qword, d, source),
            MemType::I32 => self.asm.movsx(Size::Dword, Size::Qword, d, source),
            MemType::U8 => self.asm.movzx(Size::Byte, d, source),
            MemType::U16 => self.asm.movzx(Size::Word, d, source),
            MemType::U32 => self.asm.mov(Size::Dword, d, source),
            MemType::I64 => self.asm.mov(Size::Qword, d, source),
        }
    }

    /// Sign-extends the result of an operation on 32 bits.
    fn narrow(&mut self, d: Gpr, w: Width) {
        if w == Width::W32 {
            self.asm.movsx(Size::Dword, Size::Qword, d, d);
        }
    }

    /// Computes `a` into `d`, then applies an operation of the host whose first operand is also its result.
    fn two_operands(
        &mut self,
        d: Gpr,
        a: Val,
        b: Val,
        is_commutative: bool,
        emit: impl Fn(&mut x64::Assembler, Gpr, RegMem),
    ) {
        let is_in_d = |e: &Self, v| e.leaf(v) == Some(RegMem::Reg(d));
        if is_commutative && is_in_d(self, b) {
            let a = self.operand(a);
            return emit(self.asm, d, a);
        }
        let b_operand = self.operand(b);
        if is_in_d(self, a) {
            return emit(self.asm, d, b_operand);
        }
        // The second operand is in `d`, and lost if the first is computed there.
        let target = if b_operand == RegMem::Reg(d) { self.scratch() } else { d };
        self.eval(target, a);
        emit(self.asm, target, b_operand);
        if target != d {
            self.asm.mov(Size::Qword, d, target);
        }
    }

    fn eval_binary(&mut self, d: Gpr, op: Binary, w: Width, a: Val, b: Val) {
        let size = size_of_width(w);
        match op {
            Binary::Add => self.eval_add(d, size, a, b),
            Binary::Sub => self.eval_alu(d, Alu::Sub, size, a, b),
            Binary::And => self.eval_alu(d, Alu::And, size, a, b),
            Binary::Or => self.eval_alu(d, Alu::Or, size, a, b),
            Binary::Xor => self.eval_alu(d, Alu::Xor, size, a, b),
            Binary::AndNot => return self.eval_and_not(d, a, b),
            Binary::OrNot => return self.eval_or_not(d, a, b),
            Binary::XorNot => {
                self.eval_alu(d, Alu::Xor, Size::Qword, a, b);
                return self.asm.unary(x64::Unary::Not, Size::Qword, d);
            }
            Binary::Shl => self.eval_shift(d, Shift::Shl, size, a, b),
            Binary::Lshr => self.eval_shift(d, Shift::Shr, size, a, b),
            Binary::Ashr => {
                let is_sign_extended = matches!(self.nodes.get(a), Node::Reg(r) if self.known.get(r).is_i32);
                if let (Width::W32, true, Some(n)) = (w, is_sign_extended, self.nodes.constant(b)) {
                    let n = self.nodes.imm(n & 31);
                    return self.eval_shift(d, Shift::Sar, Size::Qword, a, n);
                }
                self.eval_shift(d, Shift::Sar, size, a, b);
            }
            Binary::Rotr => self.eval_shift(d, Shift::Ror, size, a, b),
            Binary::Rotl => self.eval_shift(d, Shift::Rol, size, a, b),
            Binary::Mul => match self.immediate(b) {
                Some(imm) => {
                    let a = self.operand(a);
                    self.asm.imul_imm(size, d, a, imm);
                }
                None => self.two_operands(d, a, b, true, |asm, d, b| asm.imul(size, d, b)),
            },
            Binary::Mulh | Binary::Mulhu | Binary::Mulhsu => return self.eval_high_product(d, op, w, a, b),
            Binary::Clmul | Binary::Clmulh | Binary::Clmulr => return self.eval_carryless(d, op, a, b),
            Binary::Xperm4 => return self.eval_xperm4(d, a, b),
            Binary::Xperm8 => return self.eval_xperm8(d, a, b),
            Binary::Div | Binary::Divu | Binary::Rem | Binary::Remu => self.eval_division(d, op, size, a, b),
        }
        let is_small = op == Binary::Lshr && self.nodes.constant(b).is_some_and(|n| n & 31 != 0);
        if !is_small {
            self.narrow(d, w);
        }
    }

    fn eval_add(&mut self, d: Gpr, size: Size, a: Val, b: Val) {
        let leaves = (self.leaf(a), self.leaf(b));
        match (leaves, self.immediate(b)) {
            ((Some(RegMem::Reg(a)), _), Some(imm)) if a != d => self.asm.lea(size, d, Mem::base(a, imm)),
            (_, Some(imm)) => {
                self.eval(d, a);
                self.asm.alu_imm(Alu::Add, size, d, imm);
            }
            ((Some(RegMem::Reg(a)), Some(RegMem::Reg(b))), _) if a != d && b != d => {
                self.asm.lea(size, d, Mem::indexed(a, b, Scale::One, 0));
            }
            _ => self.two_operands(d, a, b, true, |asm, d, b| asm.alu(Alu::Add, size, d, b)),
        }
    }

    fn eval_alu(&mut self, d: Gpr, op: Alu, size: Size, a: Val, b: Val) {
        match self.immediate(b) {
            Some(imm) => {
                // The upper half of the result is zero.
                let size = if op == Alu::And && imm >= 0 { Size::Dword } else { size };
                self.eval(d, a);
                self.asm.alu_imm(op, size, d, imm);
            }
            None => self.two_operands(d, a, b, op != Alu::Sub, |asm, d, b| asm.alu(op, size, d, b)),
        }
    }

    fn eval_and_not(&mut self, d: Gpr, a: Val, b: Val) {
        if self.features.contains(HostFeatures::BMI1) {
            let b = self.in_register(b);
            let a = self.operand(a);
            return self.asm.andn(Size::Qword, d, b, a);
        }
        let a = self.operand(a);
        let inverted = if a == RegMem::Reg(d) { self.scratch() } else { d };
        self.eval(inverted, b);
        self.asm.unary(x64::Unary::Not, Size::Qword, inverted);
        self.asm.alu(Alu::And, Size::Qword, inverted, a);
        if inverted != d {
            self.asm.mov(Size::Qword, d, inverted);
        }
    }

    fn eval_or_not(&mut self, d: Gpr, a: Val, b: Val) {
        let inverted = self.scratch();
        self.eval(inverted, b);
        self.asm.unary(x64::Unary::Not, Size::Qword, inverted);
        let a = self.operand(a);
        self.asm.alu(Alu::Or, Size::Qword, inverted, a);
        self.asm.mov(Size::Qword, d, inverted);
    }

    fn eval_shift(&mut self, d: Gpr, op: Shift, size: Size, a: Val, count: Val) {
        let bmi2 = self.features.contains(HostFeatures::BMI2);
        if let Some(n) = self.nodes.constant(count) {
            let bits = size.bytes() * 8;
            let n = (n as u32 & (bits - 1)) as u8;
            let n = if op == Shift::Rol && n != 0 { (bits - u32::from(n)) as u8 } else { n };
            let op = if op == Shift::Rol { Shift::Ror } else { op };
            match self.leaf(a) {
                Some(a) if op == Shift::Ror && bmi2 && a != RegMem::Reg(d) => return self.asm.rorx(size, d, a, n),
                Some(RegMem::Reg(a)) if op == Shift::Shl && n == 1 && a != d => {
                    return self.asm.lea(size, d, Mem::indexed(a, a, Scale::One, 0));
                }
                Some(RegMem::Reg(a)) if a != d && size == Size::Dword => self.asm.mov(size, d, a),
                _ => self.eval(d, a),
            }
            return self.asm.shift_imm(op, size, d, n);
        }
        if bmi2 && matches!(op, Shift::Shl | Shift::Shr | Shift::Sar) {
            let count = self.in_register(count);
            let a = self.operand(a);
            return self.asm.shift_x(op, size, d, a, count);
        }
        // The count is in cl.
        if d == Gpr::Rcx {
            self.uncompiled = true;
            return;
        }
        self.take(Gpr::Rcx);
        let target = if self.depends_on(count, d) { self.scratch() } else { d };
        self.eval(target, a);
        self.eval(Gpr::Rcx, count);
        self.asm.shift_cl(op, size, target);
        if target != d {
            self.asm.mov(Size::Qword, d, target);
        }
    }

    /// Takes rax and rdx, one of which may be the destination.
    fn take_rax_and_rdx(&mut self, d: Gpr) {
        for reg in [Gpr::Rax, Gpr::Rdx] {
            if reg != d {
                self.take(reg);
            }
        }
    }

    fn eval_high_product(&mut self, d: Gpr, op: Binary, w: Width, a: Val, b: Val) {
        if w == Width::W32 {
            self.uncompiled = true;
            return;
        }
        self.take_rax_and_rdx(d);
        let b = self.operand(b);
        self.eval(Gpr::Rax, a);
        let multiply = if op == Binary::Mulh { x64::Unary::Imul } else { x64::Unary::Mul };
        self.asm.unary(multiply, Size::Qword, b);
        if op == Binary::Mulhsu {
            // A negative `a` has been taken for one larger by 2^64.
            self.eval(Gpr::Rax, a);
            self.asm.shift_imm(Shift::Sar, Size::Qword, Gpr::Rax, 63);
            self.asm.alu(Alu::And, Size::Qword, Gpr::Rax, b);
            self.asm.alu(Alu::Sub, Size::Qword, Gpr::Rdx, Gpr::Rax);
        }
        if d != Gpr::Rdx {
            self.asm.mov(Size::Qword, d, Gpr::Rdx);
        }
    }

    fn eval_division(&mut self, d: Gpr, op: Binary, size: Size, a: Val, b: Val) {
        self.take_rax_and_rdx(d);
        self.take(Gpr::Rcx);
        self.eval(Gpr::Rcx, b);
        self.eval(Gpr::Rax, a);
        let is_signed = matches!(op, Binary::Div | Binary::Rem);
        let (special, back) = (self.asm.new_label(), self.asm.new_label());
        // A divisor of minus one overflows for one dividend.
        let is_ordinary = self.nodes.constant(b).is_some_and(|n| {
            let n = if size == Size::Dword { i64::from(n as i32) } else { n };
            n != 0 && !(is_signed && n == -1)
        });
        if !is_ordinary {
            if is_signed {
                self.asm.lea(size, Gpr::Rdx, Mem::base(Gpr::Rcx, 1));
                self.asm.alu_imm(Alu::Cmp, size, Gpr::Rdx, 1);
                self.asm.jcc(x64::Cond::Be, special);
            } else {
                self.asm.test(size, Gpr::Rcx, Gpr::Rcx);
                self.asm.jcc(x64::Cond::E, special);
            }
            self.cold.push(Cold::Division { from: special, back, op, size });
        }
        if is_signed {
            self.asm.sign_extend_rax(size);
            self.asm.unary(x64::Unary::Idiv, size, Gpr::Rcx);
        } else {
            self.asm.alu(Alu::Xor, Size::Dword, Gpr::Rdx, Gpr::Rdx);
            self.asm.unary(x64::Unary::Div, size, Gpr::Rcx);
        }
        if !is_ordinary {
            self.asm.bind(back);
        }
        let result = if matches!(op, Binary::Div | Binary::Divu) { Gpr::Rax } else { Gpr::Rdx };
        if d != result {
            self.asm.mov(Size::Qword, d, result);
        }
    }

    /// Emits the cold part of a division. If it is signed, the flags come from a comparison of the divisor plus one with one.
    pub fn cold_division(&mut self, from: x64::Label, back: x64::Label, op: Binary, size: Size) {
        let asm = &mut *self.asm;
        asm.bind(from);
        let zero = asm.new_label();
        match op {
            Binary::Div => {
                asm.jcc_short(x64::Cond::E, zero);
                asm.unary(x64::Unary::Neg, size, Gpr::Rax);
                asm.jmp(back);
                asm.bind(zero);
                asm.mov_imm(Gpr::Rax, u64::MAX);
            }
            Binary::Rem => {
                asm.mov(size, Gpr::Rdx, Gpr::Rax);
                asm.jcc(x64::Cond::E, back);
                asm.alu(Alu::Xor, Size::Dword, Gpr::Rdx, Gpr::Rdx);
            }
            Binary::Divu => asm.mov_imm(Gpr::Rax, u64::MAX),
            _ => asm.mov(size, Gpr::Rdx, Gpr::Rax),
        }
        asm.jmp(back);
    }

    fn eval_unary(&mut self, d: Gpr, op: Unary, w: Width, a: Val) {
        let size = size_of_width(w);
        match op {
            Unary::Neg | Unary::Not => {
                self.eval(d, a);
                let op = if op == Unary::Neg { x64::Unary::Neg } else { x64::Unary::Not };
                self.asm.unary(op, size, d);
                self.narrow(d, w);
            }
            Unary::Rev8 => {
                self.eval(d, a);
                self.asm.bswap(size, d);
                self.narrow(d, w);
            }
            Unary::Brev8 => self.eval_brev8(d, a),
            Unary::OrcB => self.eval_orc_b(d, a),
            Unary::Clz => {
                let a = self.operand(a);
                self.asm.lzcnt(size, d, a);
            }
            Unary::Ctz => {
                let a = self.operand(a);
                self.asm.tzcnt(size, d, a);
            }
            Unary::Cpop => {
                let a = self.operand(a);
                self.asm.popcnt(size, d, a);
            }
        }
    }

    /// Computes a sum of three parts, if the value is one.
    fn eval_sum(&mut self, d: Gpr, v: Val) -> bool {
        if !matches!(self.nodes.get(v), Node::Binary(Binary::Add, Width::W64, ..) | Node::ShiftAdd(_, Width::W64, ..)) {
            return false;
        }
        let sum = self.sum_of(v, false);
        let has_all = sum.base.is_some() && sum.index.is_some() && sum.disp != 0;
        if has_all {
            let operand = self.operand_of_sum(sum);
            self.asm.lea(Size::Qword, d, operand);
        }
        has_all
    }

    fn eval_shift_add(&mut self, d: Gpr, shift: u8, w: Width, a: Val, b: Val) {
        let size = size_of_width(w);
        let scale = scale(shift);
        let a = self.in_register(a);
        match (self.immediate(b), self.leaf(b)) {
            (Some(imm), _) => self.asm.lea(size, d, Mem { base: None, index: Some((a, scale)), disp: imm }),
            (None, Some(RegMem::Mem(b))) => {
                self.asm.lea(size, d, Mem { base: None, index: Some((a, scale)), disp: 0 });
                self.asm.alu(Alu::Add, size, d, b);
            }
            _ => {
                let b = self.in_register(b);
                self.asm.lea(size, d, Mem::indexed(b, a, scale, 0));
            }
        }
        self.narrow(d, w);
    }

    fn eval_bit(&mut self, d: Gpr, op: BitOp, w: Width, a: Val, index: Val) {
        let size = size_of_width(w);
        let constant = self.nodes.constant(index).map(|n| (n as u32 & (w.bits() - 1)) as u8);
        if op == BitOp::Extract {
            if let Some(n) = constant {
                self.eval(d, a);
                if n != 0 {
                    self.asm.shift_imm(Shift::Shr, size, d, n);
                }
                return self.asm.alu_imm(Alu::And, Size::Dword, d, 1);
            }
            // With a register as index, the bit of a memory operand would be outside of it.
            let (a, index) = (self.in_register(a), self.in_register(index));
            self.asm.bit(BitTest::Bt, size, a, index);
            self.asm.set(x64::Cond::B, d);
            return self.asm.movzx(Size::Byte, d, d);
        }
        let test = match op {
            BitOp::Set => BitTest::Bts,
            BitOp::Clear => BitTest::Btr,
            BitOp::Invert | BitOp::Extract => BitTest::Btc,
        };
        match constant {
            Some(n) => {
                self.eval(d, a);
                self.asm.bit_imm(test, size, d, n);
            }
            None => {
                let index = self.in_register(index);
                let target = if index == d { self.scratch() } else { d };
                self.eval(target, a);
                self.asm.bit(test, size, target, index);
                if target != d {
                    self.asm.mov(Size::Qword, d, target);
                }
            }
        }
        self.narrow(d, w);
    }

    /// Compares two values; yields the condition of the host's flags that corresponds to `cond`.
    pub fn emit_compare(&mut self, w: Width, cond: Cond, a: Val, b: Val) -> x64::Cond {
        let size = size_of_width(w);
        let host = match cond {
            Cond::Eq => x64::Cond::E,
            Cond::Ne => x64::Cond::Ne,
            Cond::Lt => x64::Cond::L,
            Cond::Ge => x64::Cond::Ge,
            Cond::Ltu => x64::Cond::B,
            Cond::Geu => x64::Cond::Ae,
        };
        let (a, b, host) = match (self.nodes.constant(a), self.nodes.constant(b)) {
            (Some(_), None) => (b, a, host.swap()),
            _ => (a, b, host),
        };
        let imm = match w {
            Width::W32 => self.nodes.constant(b).map(|n| n as i32),
            Width::W64 => self.immediate(b),
        };
        let a = self.operand(a);
        match (a, imm) {
            (RegMem::Reg(a), Some(0)) => self.asm.test(size, a, a),
            (a, Some(imm)) => self.asm.alu_imm(Alu::Cmp, size, a, imm),
            (RegMem::Reg(a), None) => {
                let b = self.operand(b);
                self.asm.alu(Alu::Cmp, size, a, b);
            }
            (RegMem::Mem(a), None) => {
                let b = self.in_register(b);
                self.asm.alu_store(Alu::Cmp, size, a, b);
            }
        }
        host
    }

    fn eval_compare(&mut self, d: Gpr, w: Width, cond: Cond, a: Val, b: Val) {
        let is_operand = self.depends_on(a, d) || self.depends_on(b, d);
        if !is_operand {
            self.asm.alu(Alu::Xor, Size::Dword, d, d);
        }
        let cond = self.emit_compare(w, cond, a, b);
        self.condition = Some(cond);
        self.asm.set(cond, d);
        if is_operand {
            self.asm.movzx(Size::Byte, d, d);
        }
    }

    fn eval_select(&mut self, d: Gpr, c: Val, a: Val, b: Val) {
        // What is computed here changes the flags, so it comes before the comparison.
        let a = self.operand(a);
        let b_operand = if self.nodes.constant(b).is_some() { None } else { Some(self.operand(b)) };
        let cond = match self.nodes.get(c) {
            Node::Compare(w, cond, x, y) => self.emit_compare(w, cond, x, y),
            _ => {
                let zero = self.nodes.imm(0);
                self.emit_compare(Width::W64, Cond::Ne, c, zero)
            }
        };
        // Moves leave the flags as they are.
        if a == RegMem::Reg(d) {
            let b = match b_operand {
                Some(b) => b,
                None => {
                    let scratch = self.scratch();
                    self.eval(scratch, b);
                    RegMem::Reg(scratch)
                }
            };
            return self.asm.cmov(cond.negate(), Size::Qword, d, b);
        }
        match b_operand {
            Some(RegMem::Reg(b)) if b == d => {}
            Some(b) => self.asm.mov(Size::Qword, d, b),
            None => self.eval(d, b),
        }
        self.asm.cmov(cond, Size::Qword, d, a);
    }
}
