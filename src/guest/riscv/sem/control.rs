//! Control transfer.

use super::ExecResult;
use crate::guest::{Cond, Flow, JumpHint, Reg, Semantics};
use remu_isa::Insn;

macro_rules! branches {
    ($($name:ident = $cond:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: Semantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            Ok(Flow::Branch { cond: Cond::$cond, a, b, offset: i64::from(i.imm) })
        }
    )*};
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
pub fn jal<S: Semantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let link = s.pc(i64::from(i.len));
    s.write(i.rd, link);
    Ok(Flow::Jump { offset: i64::from(i.imm) })
}

/// `jalr`
#[inline(always)]
pub fn jalr<S: Semantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let target = jalr_target(s, i);
    let link = s.pc(i64::from(i.len));
    s.write(i.rd, link);
    Ok(Flow::Indirect { target, hint: jump_hint(i) })
}

/// The target of `jalr`.
#[inline(always)]
pub fn jalr_target<S: Semantics>(s: &mut S, i: &Insn) -> S::Value {
    let (base, even) = (s.read(i.rs1), s.imm(-2));
    let target = s.address(base, i64::from(i.imm));
    s.and(target, even)
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
