//! Integer computation: the base sets, M, Zicond and the maybe-operations.

use super::ExecResult;
use crate::guest::Width::{self, W32, W64};
use crate::guest::riscv::RiscvSemantics;
use crate::guest::{Cond, Flow};
use remu_isa::Insn;

register_register! {
    and = and();
    or = or();
    xor = xor();
    slt = compare(S::XLEN, Cond::Lt);
    sltu = compare(S::XLEN, Cond::Ltu);
    add = add(S::XLEN);
    sub = sub(S::XLEN);
    sll = shl(S::XLEN);
    srl = lshr(S::XLEN);
    sra = ashr(S::XLEN);
    addw = add(W32);
    subw = sub(W32);
    sllw = shl(W32);
    srlw = lshr(W32);
    sraw = ashr(W32);
    mul = mul(S::XLEN);
    mulh = mulh(S::XLEN);
    mulhsu = mulhsu(S::XLEN);
    mulhu = mulhu(S::XLEN);
    div = div(S::XLEN);
    divu = divu(S::XLEN);
    rem = rem(S::XLEN);
    remu = remu(S::XLEN);
    mulw = mul(W32);
    divw = div(W32);
    divuw = divu(W32);
    remw = rem(W32);
    remuw = remu(W32);
}

register_immediate! {
    andi = and();
    ori = or();
    xori = xor();
    slti = compare(S::XLEN, Cond::Lt);
    sltiu = compare(S::XLEN, Cond::Ltu);
    addi = add(S::XLEN);
    slli = shl(S::XLEN);
    srli = lshr(S::XLEN);
    srai = ashr(S::XLEN);
    addiw = add(W32);
    slliw = shl(W32);
    srliw = lshr(W32);
    sraiw = ashr(W32);
}

/// `lui`
#[inline(always)]
pub fn lui<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let v = s.imm(i64::from(i.imm));
    s.write(i.rd, v);
    Ok(Flow::Next)
}

/// `auipc`
#[inline(always)]
pub fn auipc<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let v = s.pc(i64::from(i.imm));
    s.write(i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn select_zero<S: RiscvSemantics>(s: &mut S, i: &Insn, zero_if: Cond) -> ExecResult<S> {
    let (value, condition, zero) = (s.read(i.rs1), s.read(i.rs2), s.imm(0));
    let cleared = s.compare(W64, zero_if, condition, zero);
    let v = s.select(cleared, zero, value);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

/// `czero.eqz`
#[inline(always)]
pub fn czero_eqz<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    select_zero(s, i, Cond::Eq)
}

/// `czero.nez`
#[inline(always)]
pub fn czero_nez<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    select_zero(s, i, Cond::Ne)
}

/// `mop.r.n`: a maybe-operation that no extension has redefined writes zero.
#[inline(always)]
pub fn mop_r_n<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let zero = s.imm(0);
    s.write(i.rd, zero);
    Ok(Flow::Next)
}

/// `mop.rr.n`
#[inline(always)]
pub fn mop_rr_n<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    mop_r_n(s, i)
}

/// Half the width of a register: what `pack` takes of each operand.
pub(super) const fn half(w: Width) -> i64 {
    w.bits() as i64 / 2
}
