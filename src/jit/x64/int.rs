//! Moves, arithmetic and logic on general-purpose registers, and atomic operations on memory.

use super::asm::Assembler;
use super::encode::{Bytes, Insn, Rm};
use super::operand::{Mem, RegMem};
use super::reg::{Cond, Gpr, Size};

/// An operation of two operands. Its number in an encoding is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Alu {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    /// Subtraction that only sets the flags.
    Cmp,
}

/// An operation of one operand. Its number in an encoding is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// Complement.
    Not = 2,
    /// Negation.
    Neg,
    /// rdx:rax = rax * operand, unsigned. For bytes, ax is the product.
    Mul,
    /// As `Mul`, signed.
    Imul,
    /// rdx:rax divided by the operand, unsigned: the quotient into rax, the remainder into rdx. For bytes, ax is divided
    /// into al and ah.
    Div,
    /// As `Div`, signed.
    Idiv,
}

/// Whether an immediate is one byte, sign-extended.
fn is_i8(imm: i32) -> bool {
    i8::try_from(imm).is_ok()
}

impl Assembler {
    /// `dst = dst op src`
    pub fn alu(&mut self, op: Alu, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        // Both directions exist between registers; other assemblers use this one.
        match src {
            RegMem::Reg(src) => self.alu_rm_reg(Insn::one((op as u8) << 3), size, dst.into(), src),
            RegMem::Mem(_) => {
                let insn = Insn::one((op as u8) << 3 | 2).any_size(size).with_reg(size, dst);
                self.emit(insn, dst.number(), src.into(), Bytes::NONE);
            }
        }
    }

    /// `[dst] = [dst] op src`
    pub fn alu_store(&mut self, op: Alu, size: Size, dst: Mem, src: Gpr) {
        self.alu_rm_reg(Insn::one((op as u8) << 3), size, dst.into(), src);
    }

    /// `dst = dst op imm`. Qword operands take `imm` sign-extended; smaller ones take their low bits.
    pub fn alu_imm(&mut self, op: Alu, size: Size, dst: impl Into<RegMem>, imm: i32) {
        self.alu_imm_insn(Insn::one(0x80), op, size, dst.into(), imm);
    }

    /// As [`alu_store`](Self::alu_store), atomically.
    pub fn lock_alu_store(&mut self, op: Alu, size: Size, dst: Mem, src: Gpr) {
        if op == Alu::Cmp {
            return self.no_form("lock cmp");
        }
        self.alu_rm_reg(Insn::one((op as u8) << 3).prefix(LOCK), size, dst.into(), src);
    }

    /// As [`alu_imm`](Self::alu_imm), atomically.
    pub fn lock_alu_imm(&mut self, op: Alu, size: Size, dst: Mem, imm: i32) {
        if op == Alu::Cmp {
            return self.no_form("lock cmp");
        }
        self.alu_imm_insn(Insn::one(0x80).prefix(LOCK), op, size, dst.into(), imm);
    }

    /// The opcode is the one for bytes. `dst` is in the `rm` field.
    fn alu_rm_reg(&mut self, insn: Insn, size: Size, dst: RegMem, src: Gpr) {
        let insn = insn.any_size(size).with_reg(size, src).with_rm(size, dst);
        self.emit(insn, src.number(), dst.into(), Bytes::NONE);
    }

    fn alu_imm_insn(&mut self, insn: Insn, op: Alu, size: Size, dst: RegMem, imm: i32) {
        let imm = match size {
            Size::Byte => i32::from(imm as i8),
            Size::Word => i32::from(imm as i16),
            Size::Dword | Size::Qword => imm,
        };
        let op = op as u8;
        if size != Size::Byte && is_i8(imm) {
            self.emit(insn.plus(3).sized(size), op, dst.into(), Bytes::byte(imm as u8));
        } else if dst == RegMem::Reg(Gpr::Rax) {
            self.emit_plain(Insn::one(op << 3 | 4).any_size(size), Bytes::imm(size, imm));
        } else {
            self.emit(insn.any_size(size).with_rm(size, dst), op, dst.into(), Bytes::imm(size, imm));
        }
    }

    /// Sets the flags by `a & b`.
    pub fn test(&mut self, size: Size, a: impl Into<RegMem>, b: Gpr) {
        self.alu_rm_reg(Insn::one(0x84), size, a.into(), b);
    }

    /// Sets the flags by `a & imm`.
    pub fn test_imm(&mut self, size: Size, a: impl Into<RegMem>, imm: i32) {
        let a = a.into();
        if a == RegMem::Reg(Gpr::Rax) {
            self.emit_plain(Insn::one(0xa8).any_size(size), Bytes::imm(size, imm));
        } else {
            self.emit(Insn::one(0xf6).any_size(size).with_rm(size, a), 0, a.into(), Bytes::imm(size, imm));
        }
    }

    /// `dst = src`. Bytes and words leave the rest of the register.
    pub fn mov(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        match src {
            RegMem::Reg(src) => self.alu_rm_reg(Insn::one(0x88), size, dst.into(), src),
            RegMem::Mem(_) => {
                let insn = Insn::one(0x8a).any_size(size).with_reg(size, dst);
                self.emit(insn, dst.number(), src.into(), Bytes::NONE);
            }
        }
    }

    /// `[dst] = src`
    pub fn mov_store(&mut self, size: Size, dst: Mem, src: Gpr) {
        self.alu_rm_reg(Insn::one(0x88), size, dst.into(), src);
    }

    /// `[dst] = imm`, sign-extended for Qword.
    pub fn mov_store_imm(&mut self, size: Size, dst: Mem, imm: i32) {
        self.emit(Insn::one(0xc6).any_size(size), 0, Rm::Mem(dst), Bytes::imm(size, imm));
    }

    /// `dst = value`, leaving the flags alone.
    pub fn mov_imm(&mut self, dst: Gpr, value: u64) {
        if let Ok(value) = u32::try_from(value) {
            self.emit_in_opcode(Insn::one(0xb8), dst, Bytes::dword(value));
        } else if let Ok(value) = i32::try_from(value as i64) {
            let insn = Insn::one(0xc7).sized(Size::Qword);
            self.emit(insn, 0, Rm::Reg(dst.number()), Bytes::dword(value as u32));
        } else {
            self.mov_imm64_fixed(dst, value);
        }
    }

    /// As [`mov_imm`](Self::mov_imm), always with eight bytes of immediate, which end the instruction.
    pub fn mov_imm64_fixed(&mut self, dst: Gpr, value: u64) {
        self.emit_in_opcode(Insn::one(0xb8).sized(Size::Qword), dst, Bytes::new(value, 8));
    }

    /// `dst = src`, zero-extended to 64 bits.
    pub fn movzx(&mut self, from: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        match from {
            Size::Byte | Size::Word => {
                let insn = Insn::two(0xb6 + (from as u8)).with_rm(from, src);
                self.emit(insn, dst.number(), src.into(), Bytes::NONE);
            }
            Size::Dword | Size::Qword => self.mov(from, dst, src),
        }
    }

    /// `dst = src`, sign-extended.
    pub fn movsx(&mut self, from: Size, to: Size, dst: Gpr, src: impl Into<RegMem>) {
        let src = src.into();
        let insn = match from {
            _ if from == to => return self.mov(to, dst, src),
            _ if from > to => return self.no_form("movsx to a smaller size"),
            Size::Dword => Insn::one(0x63),
            _ => Insn::two(0xbe + (from as u8)),
        };
        self.emit(insn.sized(to).with_rm(from, src), dst.number(), src.into(), Bytes::NONE);
    }

    /// `dst = ` the address of `mem`, or its low bits.
    pub fn lea(&mut self, size: Size, dst: Gpr, mem: Mem) {
        self.no_byte(size, Insn::one(0x8d), dst, mem.into(), "lea of a byte");
    }

    /// An instruction that has no form for bytes.
    fn no_byte(&mut self, size: Size, insn: Insn, reg: Gpr, rm: RegMem, what: &'static str) {
        if size == Size::Byte {
            return self.no_form(what);
        }
        self.emit(insn.sized(size), reg.number(), rm.into(), Bytes::NONE);
    }

    /// An operation on `operand`, and on rax and rdx for products and quotients.
    pub fn unary(&mut self, op: Unary, size: Size, operand: impl Into<RegMem>) {
        let operand = operand.into();
        self.emit(Insn::one(0xf6).any_size(size).with_rm(size, operand), op as u8, operand.into(), Bytes::NONE);
    }

    /// `dst = dst * src`, the low half.
    pub fn imul(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.no_byte(size, Insn::two(0xaf), dst, src.into(), "imul of bytes in registers");
    }

    /// `dst = src * imm`, the low half.
    pub fn imul_imm(&mut self, size: Size, dst: Gpr, src: impl Into<RegMem>, imm: i32) {
        let imm = if size == Size::Word { i32::from(imm as i16) } else { imm };
        let (opcode, imm) = match size {
            Size::Byte => return self.no_form("imul of bytes in registers"),
            _ if is_i8(imm) => (0x6b, Bytes::byte(imm as u8)),
            _ => (0x69, Bytes::imm(size, imm)),
        };
        self.emit(Insn::one(opcode).sized(size), dst.number(), src.into().into(), imm);
    }

    /// Copies the sign of rax into all of rdx: cwd, cdq, cqo.
    pub fn sign_extend_rax(&mut self, size: Size) {
        if size == Size::Byte {
            return self.no_form("sign extension of al into another register");
        }
        self.emit_plain(Insn::one(0x99).sized(size), Bytes::NONE);
    }

    /// `dst` = 1 if the condition holds, otherwise 0; a byte.
    pub fn set(&mut self, cond: Cond, dst: impl Into<RegMem>) {
        let dst = dst.into();
        self.emit(Insn::two(0x90 + cond.number()).with_rm(Size::Byte, dst), 0, dst.into(), Bytes::NONE);
    }

    /// `dst = src` if the condition holds. A Dword `dst` is zero-extended in any case.
    pub fn cmov(&mut self, cond: Cond, size: Size, dst: Gpr, src: impl Into<RegMem>) {
        self.no_byte(size, Insn::two(0x40 + cond.number()), dst, src.into(), "cmov of a byte");
    }

    /// Exchanges a register and memory, atomically.
    pub fn xchg(&mut self, size: Size, reg: Gpr, mem: Mem) {
        self.alu_rm_reg(Insn::one(0x86), size, mem.into(), reg);
    }

    /// Exchanges two registers.
    pub fn xchg_reg(&mut self, size: Size, a: Gpr, b: Gpr) {
        match (a, b) {
            // The short form of eax with itself is a nop, and would not clear the upper half.
            (Gpr::Rax, Gpr::Rax) if size == Size::Dword => self.alu_rm_reg(Insn::one(0x86), size, a.into(), b),
            (Gpr::Rax, other) | (other, Gpr::Rax) if size != Size::Byte => {
                self.emit_in_opcode(Insn::one(0x90).sized(size), other, Bytes::NONE);
            }
            _ => self.alu_rm_reg(Insn::one(0x86), size, a.into(), b),
        }
    }

    /// `reg, [mem] = [mem], [mem] + reg`, atomically.
    pub fn lock_xadd(&mut self, size: Size, mem: Mem, reg: Gpr) {
        self.alu_rm_reg(Insn::two(0xc0).prefix(LOCK), size, mem.into(), reg);
    }

    /// If rax equals `[mem]`, `[mem] = reg` and ZF is set; otherwise `rax = [mem]`. Atomic.
    pub fn lock_cmpxchg(&mut self, size: Size, mem: Mem, reg: Gpr) {
        self.alu_rm_reg(Insn::two(0xb0).prefix(LOCK), size, mem.into(), reg);
    }

    /// As [`lock_cmpxchg`](Self::lock_cmpxchg) for 16 aligned bytes, with rdx:rax compared and rcx:rbx stored.
    pub fn lock_cmpxchg16b(&mut self, mem: Mem) {
        self.emit(Insn::two(0xc7).prefix(LOCK).sized(Size::Qword), 1, Rm::Mem(mem), Bytes::NONE);
    }
}

const LOCK: u8 = 0xf0;
