//! Atomic memory operations: A, Zacas and Zabha.

use super::ExecResult;
use crate::guest::Width::{self, W32, W64};
use crate::guest::riscv::RiscvSemantics;
use crate::guest::{AmoOp, Flow, MemType, Order, Reg};
use remu_isa::Insn;

macro_rules! amos {
    ($($op:ident: $b:ident $h:ident $w:ident $d:ident;)*) => {$(
        amos! { @ $b = $op, I8; $h = $op, I16; $w = $op, I32; $d = $op, I64; }
    )*};
    (@ $($name:ident = $op:ident, $ty:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (base, v) = (s.read(i.rs1), s.read(i.rs2));
            let addr = s.address(base, 0);
            let old = s.amo(AmoOp::$op, MemType::$ty, Order::from_bits(i.rm), addr, v)?;
            s.write(i.rd, old);
            Ok(Flow::Next)
        }
    )*};
}

amos! {
    Swap: amoswap_b amoswap_h amoswap_w amoswap_d;
    Add: amoadd_b amoadd_h amoadd_w amoadd_d;
    Xor: amoxor_b amoxor_h amoxor_w amoxor_d;
    And: amoand_b amoand_h amoand_w amoand_d;
    Or: amoor_b amoor_h amoor_w amoor_d;
    Min: amomin_b amomin_h amomin_w amomin_d;
    Max: amomax_b amomax_h amomax_w amomax_d;
    Minu: amominu_b amominu_h amominu_w amominu_d;
    Maxu: amomaxu_b amomaxu_h amomaxu_w amomaxu_d;
}

macro_rules! reservations {
    ($($lr:ident, $sc:ident = $ty:ident;)*) => {$(
        #[doc = concat!("`", stringify!($lr), "`")]
        #[inline(always)]
        pub fn $lr<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let base = s.read(i.rs1);
            let addr = s.address(base, 0);
            let v = s.load_reserved(MemType::$ty, Order::from_bits(i.rm), addr)?;
            s.write(i.rd, v);
            Ok(Flow::Next)
        }

        #[doc = concat!("`", stringify!($sc), "`")]
        #[inline(always)]
        pub fn $sc<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (base, v) = (s.read(i.rs1), s.read(i.rs2));
            let addr = s.address(base, 0);
            let failed = s.store_conditional(MemType::$ty, Order::from_bits(i.rm), addr, v)?;
            s.write(i.rd, failed);
            Ok(Flow::Next)
        }
    )*};
}

reservations! {
    lr_w, sc_w = I32;
    lr_d, sc_d = I64;
}

#[inline(always)]
fn compare_and_swap<S: RiscvSemantics>(s: &mut S, i: &Insn, ty: MemType) -> ExecResult<S> {
    let (base, expected, new) = (s.read(i.rs1), s.read(i.rd), s.read(i.rs2));
    let addr = s.address(base, 0);
    let old = s.cas(ty, Order::from_bits(i.rm), addr, expected, new)?;
    s.write(i.rd, old);
    Ok(Flow::Next)
}

/// Compare-and-swap of register pairs. The pair of x0 is zero and ignores writes, both halves.
#[inline(always)]
fn compare_and_swap_pair<S: RiscvSemantics>(s: &mut S, i: &Insn, w: Width) -> ExecResult<S> {
    let pair = |s: &mut S, r: Reg| if r == 0 { [s.imm(0); 2] } else { [s.read(r), s.read(r + 1)] };
    let (expected, new) = (pair(s, i.rd), pair(s, i.rs2));
    let base = s.read(i.rs1);
    let addr = s.address(base, 0);
    let [low, high] = s.cas_pair(w, Order::from_bits(i.rm), addr, expected, new)?;
    if i.rd != 0 {
        s.write(i.rd, low);
        s.write(i.rd + 1, high);
    }
    Ok(Flow::Next)
}

/// `amocas.b`
#[inline(always)]
pub fn amocas_b<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    compare_and_swap(s, i, MemType::I8)
}

/// `amocas.h`
#[inline(always)]
pub fn amocas_h<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    compare_and_swap(s, i, MemType::I16)
}

/// `amocas.w`
#[inline(always)]
pub fn amocas_w<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    compare_and_swap(s, i, MemType::I32)
}

/// `amocas.d`: one register on RV64, a register pair on RV32.
#[inline(always)]
pub fn amocas_d<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    match S::XLEN {
        W64 => compare_and_swap(s, i, MemType::I64),
        W32 => compare_and_swap_pair(s, i, W32),
    }
}

/// `amocas.q`
#[inline(always)]
pub fn amocas_q<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    compare_and_swap_pair(s, i, W64)
}
