//! Control transfer.

use super::ExecResult;
use crate::guest::riscv::RiscvSemantics;
use crate::guest::{Cond, Flow, JumpHint, Reg};
use remu_isa::Insn;

macro_rules! branches {
    ($($name:ident = $cond:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            let offset = i64::from(i.imm);
            if misaligns(s, offset) {
                // Only a taken branch raises the exception.
                let taken = s.compare(S::XLEN, Cond::$cond, a, b);
                let (target, here) = (s.pc(offset), s.pc(0));
                let target = s.select(taken, target, here);
                let target = s.address(target, 0);
                s.check_target(target)?;
            }
            Ok(Flow::Branch { cond: Cond::$cond, a, b, offset })
        }
    )*};
}

/// Whether no instruction can be `offset` bytes from an instruction.
#[inline(always)]
fn misaligns<S: RiscvSemantics>(s: &S, offset: i64) -> bool {
    s.insn_align() == 4 && offset & 2 != 0
}

branches! {
    beq = Eq;
    bne = Ne;
    blt = Lt;
    bge = Ge;
    bltu = Ltu;
    bgeu = Geu;
}

/// `jal`
#[inline(always)]
pub fn jal<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let offset = i64::from(i.imm);
    if misaligns(s, offset) {
        let target = s.pc(offset);
        let target = s.address(target, 0);
        s.check_target(target)?;
    }
    let link = s.pc(i64::from(i.len));
    s.write(i.rd, link);
    Ok(Flow::Jump { offset })
}

/// `jalr`
#[inline(always)]
pub fn jalr<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (base, even) = (s.read(i.rs1), s.imm(-2));
    let target = s.address(base, i64::from(i.imm));
    let target = s.and(target, even);
    s.check_target(target)?;
    let link = s.pc(i64::from(i.len));
    s.write(i.rd, link);
    Ok(Flow::Indirect { target, hint: jump_hint(i) })
}

/// The hint encoded by the choice of registers: x1 and x5 are link registers.
#[inline(always)]
fn jump_hint(i: &Insn) -> JumpHint {
    let is_link = |r: Reg| r == 1 || r == 5;
    match (is_link(i.rd), is_link(i.rs1)) {
        (true, _) => JumpHint::Call,
        (false, true) => JumpHint::Return,
        (false, false) => JumpHint::None,
    }
}
