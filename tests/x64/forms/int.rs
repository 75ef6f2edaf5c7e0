//! Moves, arithmetic, logic and atomic operations.

use crate::cases::{Cases, FULL, SIZES, WORD_UP, address, at, every_mem, immediates, mems, mems_and_regs, pairs, reg};
use remu::jit::x64::{Alu, Assembler, Cond, Gpr, Mem, RegMem, Size, Unary};

const ALU: [(Alu, &str); 8] = [
    (Alu::Add, "add"),
    (Alu::Or, "or"),
    (Alu::Adc, "adc"),
    (Alu::Sbb, "sbb"),
    (Alu::And, "and"),
    (Alu::Sub, "sub"),
    (Alu::Xor, "xor"),
    (Alu::Cmp, "cmp"),
];

pub const CONDITIONS: [&str; 16] =
    ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/// `name reg, reg-or-memory` for all registers and kinds of address.
pub fn reg_rm(
    cases: &mut Cases,
    name: &str,
    (to, from): (Size, Size),
    emit: impl Fn(&mut Assembler, Gpr, RegMem) + Copy,
) {
    for (dst, src) in pairs() {
        let text = format!("{name} {}, {}", reg(to, dst), reg(from, src));
        cases.add(to, text, |a| emit(a, dst, src.into()));
    }
    for (mem, dst) in mems_and_regs() {
        let text = format!("{name} {}, {}", reg(to, dst), at(from, mem));
        cases.add(to, text, |a| emit(a, dst, mem.into()));
    }
}

/// `name memory, reg` for all kinds of address.
pub fn mem_reg(cases: &mut Cases, name: &str, size: Size, emit: impl Fn(&mut Assembler, Mem, Gpr) + Copy) {
    for (mem, src) in mems_and_regs() {
        cases.add(size, format!("{name} {}, {}", at(size, mem), reg(size, src)), |a| emit(a, mem, src));
    }
}

/// `name reg-or-memory` for all registers and kinds of address.
pub fn rm(cases: &mut Cases, name: &str, size: Size, suffix: &str, emit: impl Fn(&mut Assembler, RegMem) + Copy) {
    for operand in Gpr::ALL {
        cases.add(size, format!("{name} {}{suffix}", reg(size, operand)), |a| emit(a, operand.into()));
    }
    for mem in mems() {
        cases.add(size, format!("{name} {}{suffix}", at(size, mem)), |a| emit(a, mem.into()));
    }
}

pub fn add(cases: &mut Cases) {
    moves(cases);
    arithmetic(cases);
    products(cases);
    conditional(cases);
    atomic(cases);
}

fn moves(cases: &mut Cases) {
    for mem in every_mem() {
        cases.add(Size::Qword, format!("mov r10, {}", at(Size::Qword, mem)), |a| a.mov(Size::Qword, Gpr::R10, mem));
        cases.add(Size::Byte, format!("mov {}, sil", at(Size::Byte, mem)), |a| a.mov_store(Size::Byte, mem, Gpr::Rsi));
    }
    for size in SIZES {
        reg_rm(cases, "mov", (size, size), |a, dst, src| a.mov(size, dst, src));
        mem_reg(cases, "mov", size, |a, dst, src| a.mov_store(size, dst, src));
        for imm in immediates(size) {
            for mem in mems() {
                cases.add(size, format!("mov {}, {imm}", at(size, mem)), |a| a.mov_store_imm(size, mem, imm));
            }
        }
    }
    for dst in Gpr::ALL {
        for value in [0, 1, 0x7fff_ffff, 0x8000_0000, u64::from(u32::MAX)] {
            cases.add(Size::Dword, format!("mov {}, {value}", reg(Size::Dword, dst)), |a| a.mov_imm(dst, value));
        }
        for value in [-1, -128, i64::from(i32::MIN)] {
            let text = format!("mov {}, {value}", reg(Size::Qword, dst));
            cases.add(Size::Qword, text, |a| a.mov_imm(dst, value as u64));
        }
        let text = |value: u64| format!("movabs {}, {value:#x}", reg(Size::Qword, dst));
        for value in [1 << 32, 0x1122_3344_5566_7788, i64::from(i32::MIN) as u64 - 1, 1 << 63] {
            cases.add(Size::Qword, text(value), |a| a.mov_imm(dst, value));
        }
        for value in [0, 5, u64::MAX, 0x1122_3344_5566_7788] {
            cases.add(Size::Qword, text(value), |a| a.mov_imm64_fixed(dst, value));
        }
    }
    for from in [Size::Byte, Size::Word] {
        reg_rm(cases, "movzx", (Size::Dword, from), |a, dst, src| a.movzx(from, dst, src));
    }
    for from in FULL {
        reg_rm(cases, "mov", (from, from), |a, dst, src| a.movzx(from, dst, src));
    }
    for (from, to) in [
        (Size::Byte, Size::Word),
        (Size::Byte, Size::Dword),
        (Size::Byte, Size::Qword),
        (Size::Word, Size::Dword),
        (Size::Word, Size::Qword),
    ] {
        reg_rm(cases, "movsx", (to, from), |a, dst, src| a.movsx(from, to, dst, src));
    }
    reg_rm(cases, "movsxd", (Size::Qword, Size::Dword), |a, dst, src| a.movsx(Size::Dword, Size::Qword, dst, src));
    reg_rm(cases, "mov", (Size::Word, Size::Word), |a, dst, src| a.movsx(Size::Word, Size::Word, dst, src));
    for mem in every_mem() {
        cases.add(Size::Qword, format!("lea rdx, {}", address(mem)), |a| a.lea(Size::Qword, Gpr::Rdx, mem));
    }
    for size in WORD_UP {
        for (mem, dst) in mems_and_regs() {
            cases.add(size, format!("lea {}, {}", reg(size, dst), address(mem)), |a| a.lea(size, dst, mem));
        }
    }
    exchanges(cases);
}

fn exchanges(cases: &mut Cases) {
    for size in SIZES {
        for (one, other) in pairs() {
            // For as, an exchange that changes nothing is a nop. That of eax with itself clears the upper half.
            if (one, other) == (Gpr::Rax, Gpr::Rax) && size != Size::Dword {
                continue;
            }
            // Capstone writes rax last where it is implied.
            let (first, last) = match one {
                Gpr::Rax if size != Size::Byte => (other, one),
                _ => (one, other),
            };
            let text = format!("xchg {}, {}", reg(size, first), reg(size, last));
            cases.add(size, text, |a| a.xchg_reg(size, one, other));
        }
    }
}

fn arithmetic(cases: &mut Cases) {
    for size in SIZES {
        for (op, name) in ALU {
            reg_rm(cases, name, (size, size), |a, dst, src| a.alu(op, size, dst, src));
            mem_reg(cases, name, size, |a, dst, src| a.alu_store(op, size, dst, src));
            for imm in immediates(size) {
                rm(cases, name, size, &format!(", {imm}"), |a, dst| a.alu_imm(op, size, dst, imm));
            }
        }
        for (one, other) in pairs() {
            let text = format!("test {}, {}", reg(size, one), reg(size, other));
            cases.add(size, text, |a| a.test(size, one, other));
        }
        mem_reg(cases, "test", size, |a, mem, other| a.test(size, mem, other));
        for imm in immediates(size) {
            rm(cases, "test", size, &format!(", {imm}"), |a, operand| a.test_imm(size, operand, imm));
        }
    }
    // Smaller operands take an immediate's low bits.
    for (size, imm) in [(Size::Byte, 0xff), (Size::Word, 0xffff), (Size::Word, 0xff80), (Size::Word, 0xff7f)] {
        rm(cases, "and", size, &format!(", {imm}"), |a, dst| a.alu_imm(Alu::And, size, dst, imm));
        rm(cases, "test", size, &format!(", {imm}"), |a, operand| a.test_imm(size, operand, imm));
    }
}

fn products(cases: &mut Cases) {
    for size in SIZES {
        for (op, name) in [
            (Unary::Not, "not"),
            (Unary::Neg, "neg"),
            (Unary::Mul, "mul"),
            (Unary::Imul, "imul"),
            (Unary::Div, "div"),
            (Unary::Idiv, "idiv"),
        ] {
            rm(cases, name, size, "", |a, operand| a.unary(op, size, operand));
        }
    }
    for size in WORD_UP {
        reg_rm(cases, "imul", (size, size), |a, dst, src| a.imul(size, dst, src));
        for imm in immediates(size) {
            for (dst, src) in pairs().filter(|(dst, src)| (*dst as u8 * 3 + *src as u8).is_multiple_of(4)) {
                let text = format!("imul {}, {}, {imm}", reg(size, dst), reg(size, src));
                cases.add(size, text, |a| a.imul_imm(size, dst, src, imm));
            }
            for (mem, dst) in mems_and_regs() {
                let text = format!("imul {}, {}, {imm}", reg(size, dst), at(size, mem));
                cases.add(size, text, |a| a.imul_imm(size, dst, mem, imm));
            }
        }
    }
    for (size, name) in [(Size::Word, "cwd"), (Size::Dword, "cdq"), (Size::Qword, "cqo")] {
        cases.add(size, name.to_owned(), |a| a.sign_extend_rax(size));
    }
}

fn conditional(cases: &mut Cases) {
    for (cond, name) in Cond::ALL.into_iter().zip(CONDITIONS) {
        rm(cases, &format!("set{name}"), Size::Byte, "", |a, dst| a.set(cond, dst));
        for size in WORD_UP {
            reg_rm(cases, &format!("cmov{name}"), (size, size), |a, dst, src| a.cmov(cond, size, dst, src));
        }
    }
}

fn atomic(cases: &mut Cases) {
    for size in SIZES {
        for (op, name) in &ALU[..7] {
            let name = format!("lock {name}");
            mem_reg(cases, &name, size, |a, dst, src| a.lock_alu_store(*op, size, dst, src));
            for imm in immediates(size) {
                for mem in mems() {
                    let text = format!("{name} {}, {imm}", at(size, mem));
                    cases.add(size, text, |a| a.lock_alu_imm(*op, size, mem, imm));
                }
            }
        }
        mem_reg(cases, "xchg", size, |a, mem, other| a.xchg(size, other, mem));
        mem_reg(cases, "lock xadd", size, |a, mem, other| a.lock_xadd(size, mem, other));
        mem_reg(cases, "lock cmpxchg", size, |a, mem, other| a.lock_cmpxchg(size, mem, other));
    }
    for mem in mems() {
        let text = format!("lock cmpxchg16b xmmword ptr {}", address(mem));
        cases.add(Size::Qword, text, |a| a.lock_cmpxchg16b(mem));
    }
}
