//! Shifts, single bits, counts, BMI1 and BMI2.

use super::int::{mem_reg, reg_rm, rm};
use crate::cases::{Cases, FULL, SIZES, WORD_UP, at, every_mem, mems_and_regs, pairs, reg, triples};
use remu::jit::x64::{Assembler, BitTest, Gpr, RegMem, Shift, Size};

/// `name dst, src-or-memory, other` for all registers and kinds of address.
fn reg_rm_reg(cases: &mut Cases, name: &str, size: Size, emit: impl Fn(&mut Assembler, Gpr, RegMem, Gpr) + Copy) {
    for (dst, src, other) in triples() {
        let text = format!("{name} {}, {}, {}", reg(size, dst), reg(size, src), reg(size, other));
        cases.add(size, text, |a| emit(a, dst, src.into(), other));
    }
    for (n, (mem, dst)) in mems_and_regs().enumerate() {
        let other = Gpr::ALL[n * 3 % 16];
        let text = format!("{name} {}, {}, {}", reg(size, dst), at(size, mem), reg(size, other));
        cases.add(size, text, |a| emit(a, dst, mem.into(), other));
    }
}

/// `name dst, other, src-or-memory` for all registers and kinds of address.
fn reg_reg_rm(cases: &mut Cases, name: &str, size: Size, emit: impl Fn(&mut Assembler, Gpr, Gpr, RegMem) + Copy) {
    for (dst, other, src) in triples() {
        let text = format!("{name} {}, {}, {}", reg(size, dst), reg(size, other), reg(size, src));
        cases.add(size, text, |a| emit(a, dst, other, src.into()));
    }
    for (n, (mem, dst)) in mems_and_regs().enumerate() {
        let other = Gpr::ALL[n * 3 % 16];
        let text = format!("{name} {}, {}, {}", reg(size, dst), reg(size, other), at(size, mem));
        cases.add(size, text, |a| emit(a, dst, other, mem.into()));
    }
}

pub fn add(cases: &mut Cases) {
    shifts(cases);
    single_bits(cases);
    bmi(cases);
}

fn shifts(cases: &mut Cases) {
    for size in SIZES {
        for (op, name) in
            [(Shift::Rol, "rol"), (Shift::Ror, "ror"), (Shift::Shl, "shl"), (Shift::Shr, "shr"), (Shift::Sar, "sar")]
        {
            rm(cases, name, size, ", cl", |a, operand| a.shift_cl(op, size, operand));
            for count in [0, 1, 2, 7, 31, 63] {
                rm(cases, name, size, &format!(", {count}"), |a, operand| a.shift_imm(op, size, operand, count));
            }
        }
    }
    for size in WORD_UP {
        for count in [0, 1, 15, 63] {
            for (dst, src) in pairs() {
                let operands = format!("{}, {}, {count}", reg(size, dst), reg(size, src));
                cases.add(size, format!("shld {operands}"), |a| a.shld(size, dst, src, count));
                cases.add(size, format!("shrd {operands}"), |a| a.shrd(size, dst, src, count));
            }
            for (mem, src) in mems_and_regs() {
                let operands = format!("{}, {}, {count}", at(size, mem), reg(size, src));
                cases.add(size, format!("shld {operands}"), |a| a.shld(size, mem, src, count));
                cases.add(size, format!("shrd {operands}"), |a| a.shrd(size, mem, src, count));
            }
        }
    }
}

fn single_bits(cases: &mut Cases) {
    for size in WORD_UP {
        for (op, name) in [(BitTest::Bt, "bt"), (BitTest::Bts, "bts"), (BitTest::Btr, "btr"), (BitTest::Btc, "btc")] {
            for (operand, bit) in pairs() {
                let text = format!("{name} {}, {}", reg(size, operand), reg(size, bit));
                cases.add(size, text, |a| a.bit(op, size, operand, bit));
            }
            mem_reg(cases, name, size, |a, mem, bit| a.bit(op, size, mem, bit));
            for bit in [0, 1, 15, 63] {
                rm(cases, name, size, &format!(", {bit}"), |a, operand| a.bit_imm(op, size, operand, bit));
            }
        }
        reg_rm(cases, "lzcnt", (size, size), |a, dst, src| a.lzcnt(size, dst, src));
        reg_rm(cases, "tzcnt", (size, size), |a, dst, src| a.tzcnt(size, dst, src));
        reg_rm(cases, "popcnt", (size, size), |a, dst, src| a.popcnt(size, dst, src));
        reg_rm(cases, "bsf", (size, size), |a, dst, src| a.bsf(size, dst, src));
        reg_rm(cases, "bsr", (size, size), |a, dst, src| a.bsr(size, dst, src));
    }
    for size in FULL {
        for operand in Gpr::ALL {
            cases.add(size, format!("bswap {}", reg(size, operand)), |a| a.bswap(size, operand));
        }
    }
}

fn bmi(cases: &mut Cases) {
    for mem in every_mem() {
        let text = format!("shlx r10, {}, r9", at(Size::Qword, mem));
        cases.add(Size::Qword, text, |a| a.shift_x(Shift::Shl, Size::Qword, Gpr::R10, mem, Gpr::R9));
    }
    for size in FULL {
        for (op, name) in [(Shift::Shl, "shlx"), (Shift::Shr, "shrx"), (Shift::Sar, "sarx")] {
            reg_rm_reg(cases, name, size, |a, dst, src, count| a.shift_x(op, size, dst, src, count));
        }
        reg_rm_reg(cases, "bextr", size, |a, dst, src, control| a.bextr(size, dst, src, control));
        reg_rm_reg(cases, "bzhi", size, |a, dst, src, from| a.bzhi(size, dst, src, from));
        reg_reg_rm(cases, "andn", size, |a, dst, one, other| a.andn(size, dst, one, other));
        reg_reg_rm(cases, "mulx", size, |a, hi, lo, src| a.mulx(size, hi, lo, src));
        reg_reg_rm(cases, "pext", size, |a, dst, src, mask| a.pext(size, dst, src, mask));
        reg_reg_rm(cases, "pdep", size, |a, dst, src, mask| a.pdep(size, dst, src, mask));
        reg_rm(cases, "blsr", (size, size), |a, dst, src| a.blsr(size, dst, src));
        reg_rm(cases, "blsmsk", (size, size), |a, dst, src| a.blsmsk(size, dst, src));
        reg_rm(cases, "blsi", (size, size), |a, dst, src| a.blsi(size, dst, src));
        for count in [0, 1, 31, 63] {
            for (dst, src) in pairs() {
                let text = format!("rorx {}, {}, {count}", reg(size, dst), reg(size, src));
                cases.add(size, text, |a| a.rorx(size, dst, src, count));
            }
            for (mem, dst) in mems_and_regs() {
                let text = format!("rorx {}, {}, {count}", reg(size, dst), at(size, mem));
                cases.add(size, text, |a| a.rorx(size, dst, mem, count));
            }
        }
    }
}
