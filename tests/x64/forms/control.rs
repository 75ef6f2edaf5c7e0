//! The stack, indirect jumps, and instructions without operands. Jumps to labels are in `jumps`.

use super::int::rm;
use crate::cases::{Cases, reg};
use remu::jit::x64::{Assembler, Gpr, Size};

pub fn add(cases: &mut Cases) {
    for operand in Gpr::ALL {
        cases.add(Size::Qword, format!("push {}", reg(Size::Qword, operand)), |a| a.push(operand));
        cases.add(Size::Qword, format!("pop {}", reg(Size::Qword, operand)), |a| a.pop(operand));
    }
    rm(cases, "call", Size::Qword, "", |a, target| a.call(target));
    rm(cases, "jmp", Size::Qword, "", |a, target| a.jmp_indirect(target));
    let mut plain = |name: &str, emit: fn(&mut Assembler)| {
        cases.add(Size::Qword, name.to_owned(), emit);
    };
    plain("ret", |a| a.ret());
    plain("ud2", |a| a.ud2());
    plain("int3", |a| a.int3());
    plain("mfence", |a| a.mfence());
    plain("pause", |a| a.pause());
    plain("vzeroupper", |a| a.vzeroupper());
    plain("nop", |a| a.nop(1));
}
