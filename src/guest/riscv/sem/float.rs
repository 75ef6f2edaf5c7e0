//! Floating point: F, D, Zfh and Zfa.

use super::ExecResult;
use crate::guest::Width::W64;
use crate::guest::riscv::fp::{self, Fmt, RmField};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Sgnj};
use crate::guest::{Flow, MemType};
use remu_isa::Insn;

#[inline(always)]
fn arith<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, op: FpOp) -> ExecResult<S> {
    let (a, b) = (s.fp_read(fmt, i.rs1), s.fp_read(fmt, i.rs2));
    let v = s.fp_arith(op, fmt, RmField(i.rm), a, b)?;
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn sqrt<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt) -> ExecResult<S> {
    let a = s.fp_read(fmt, i.rs1);
    let v = s.fp_sqrt(fmt, RmField(i.rm), a)?;
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn fma<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, neg_product: bool, neg_addend: bool) -> ExecResult<S> {
    let (a, b, c) = (s.fp_read(fmt, i.rs1), s.fp_read(fmt, i.rs2), s.fp_read(fmt, i.rs3));
    let v = s.fp_fma(fmt, RmField(i.rm), neg_product, neg_addend, a, b, c)?;
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn sign<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, kind: Sgnj) -> ExecResult<S> {
    let (a, b) = (s.fp_read(fmt, i.rs1), s.fp_read(fmt, i.rs2));
    let v = s.fp_sgnj(fmt, kind, a, b);
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn minmax<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, op: FpMinMax) -> ExecResult<S> {
    let (a, b) = (s.fp_read(fmt, i.rs1), s.fp_read(fmt, i.rs2));
    let v = s.fp_minmax(op, fmt, a, b);
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn compare<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, op: FpCmp) -> ExecResult<S> {
    let (a, b) = (s.fp_read(fmt, i.rs1), s.fp_read(fmt, i.rs2));
    let v = s.fp_compare(op, fmt, a, b);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn class<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt) -> ExecResult<S> {
    let a = s.fp_read(fmt, i.rs1);
    let v = s.fp_class(fmt, a);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn to_int<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, ty: IntType) -> ExecResult<S> {
    let a = s.fp_read(fmt, i.rs1);
    let v = s.fp_to_int(fmt, ty, RmField(i.rm), a)?;
    s.write(i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn from_int<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, ty: IntType) -> ExecResult<S> {
    let a = s.read(i.rs1);
    let v = s.fp_from_int(fmt, ty, RmField(i.rm), a)?;
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn round<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt, exact: bool) -> ExecResult<S> {
    let a = s.fp_read(fmt, i.rs1);
    let v = s.fp_round(fmt, exact, RmField(i.rm), a)?;
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

#[inline(always)]
fn load_immediate<S: RiscvSemantics>(s: &mut S, i: &Insn, fmt: Fmt) -> ExecResult<S> {
    let v = s.imm(fp::fli(fmt, i.imm as u8) as i64);
    s.fp_write(fmt, i.rd, v);
    Ok(Flow::Next)
}

/// Defines one instruction in all formats: its name in each, and the call with the arguments that follow the format.
macro_rules! in_formats {
    ($($h:ident $s:ident $d:ident = $f:ident($($arg:expr),*);)*) => {$(
        in_formats! { @ $h = $f(Fmt::H $(, $arg)*); $s = $f(Fmt::S $(, $arg)*); $d = $f(Fmt::D $(, $arg)*); }
    )*};
    (@ $($name:ident = $f:ident($($arg:expr),*);)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            $f(s, i, $($arg),*)
        }
    )*};
}

in_formats! {
    fadd_h fadd_s fadd_d = arith(FpOp::Add);
    fsub_h fsub_s fsub_d = arith(FpOp::Sub);
    fmul_h fmul_s fmul_d = arith(FpOp::Mul);
    fdiv_h fdiv_s fdiv_d = arith(FpOp::Div);
    fsqrt_h fsqrt_s fsqrt_d = sqrt();
    fmadd_h fmadd_s fmadd_d = fma(false, false);
    fmsub_h fmsub_s fmsub_d = fma(false, true);
    fnmsub_h fnmsub_s fnmsub_d = fma(true, false);
    fnmadd_h fnmadd_s fnmadd_d = fma(true, true);
    fsgnj_h fsgnj_s fsgnj_d = sign(Sgnj::Copy);
    fsgnjn_h fsgnjn_s fsgnjn_d = sign(Sgnj::Negate);
    fsgnjx_h fsgnjx_s fsgnjx_d = sign(Sgnj::Xor);
    fmin_h fmin_s fmin_d = minmax(FpMinMax::Min);
    fmax_h fmax_s fmax_d = minmax(FpMinMax::Max);
    fminm_h fminm_s fminm_d = minmax(FpMinMax::MinM);
    fmaxm_h fmaxm_s fmaxm_d = minmax(FpMinMax::MaxM);
    feq_h feq_s feq_d = compare(FpCmp::Eq);
    flt_h flt_s flt_d = compare(FpCmp::Lt);
    fle_h fle_s fle_d = compare(FpCmp::Le);
    fltq_h fltq_s fltq_d = compare(FpCmp::LtQuiet);
    fleq_h fleq_s fleq_d = compare(FpCmp::LeQuiet);
    fclass_h fclass_s fclass_d = class();
    fcvt_w_h fcvt_w_s fcvt_w_d = to_int(IntType::I32);
    fcvt_wu_h fcvt_wu_s fcvt_wu_d = to_int(IntType::U32);
    fcvt_l_h fcvt_l_s fcvt_l_d = to_int(IntType::I64);
    fcvt_lu_h fcvt_lu_s fcvt_lu_d = to_int(IntType::U64);
    fcvt_h_w fcvt_s_w fcvt_d_w = from_int(IntType::I32);
    fcvt_h_wu fcvt_s_wu fcvt_d_wu = from_int(IntType::U32);
    fcvt_h_l fcvt_s_l fcvt_d_l = from_int(IntType::I64);
    fcvt_h_lu fcvt_s_lu fcvt_d_lu = from_int(IntType::U64);
    fround_h fround_s fround_d = round(false);
    froundnx_h froundnx_s froundnx_d = round(true);
    fli_h fli_s fli_d = load_immediate();
}

macro_rules! conversions {
    ($($name:ident = $from:ident to $to:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let a = s.fp_read(Fmt::$from, i.rs1);
            let v = s.fp_convert(Fmt::$from, Fmt::$to, RmField(i.rm), a)?;
            s.fp_write(Fmt::$to, i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

conversions! {
    fcvt_s_h = H to S;
    fcvt_d_h = H to D;
    fcvt_d_s = S to D;
    fcvt_h_s = S to H;
    fcvt_h_d = D to H;
    fcvt_s_d = D to S;
}

macro_rules! bit_moves {
    ($($out:ident $into:ident = $fmt:ident, $signed:ident, $unsigned:ident;)*) => {$(
        #[doc = concat!("`", stringify!($out), "`: the low bits, sign-extended, NaN-boxed or not.")]
        #[inline(always)]
        pub fn $out<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let a = s.fp_read_bits(i.rs1);
            let v = s.extend(MemType::$signed, a);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }

        #[doc = concat!("`", stringify!($into), "`")]
        #[inline(always)]
        pub fn $into<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let a = s.read(i.rs1);
            let v = s.extend(MemType::$unsigned, a);
            s.fp_write(Fmt::$fmt, i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

bit_moves! {
    fmv_x_h fmv_h_x = H, I16, U16;
    fmv_x_w fmv_w_x = S, I32, U32;
    fmv_x_d fmv_d_x = D, I64, I64;
}

/// `fmvh.x.d` (RV32): the upper half of a double.
#[inline(always)]
pub fn fmvh_x_d<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (a, n) = (s.fp_read_bits(i.rs1), s.imm(32));
    let v = s.ashr(W64, a, n);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

/// `fmvp.d.x` (RV32): a double from its halves.
#[inline(always)]
pub fn fmvp_d_x<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (low, high, n) = (s.read(i.rs1), s.read(i.rs2), s.imm(32));
    let low = s.extend(MemType::U32, low);
    let high = s.shl(W64, high, n);
    let v = s.or(low, high);
    s.fp_write(Fmt::D, i.rd, v);
    Ok(Flow::Next)
}

/// `fcvtmod.w.d`
#[inline(always)]
pub fn fcvtmod_w_d<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let a = s.fp_read(Fmt::D, i.rs1);
    let v = s.fp_to_int_modular(a);
    s.write(i.rd, v);
    Ok(Flow::Next)
}
