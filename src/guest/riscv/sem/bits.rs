//! Bit manipulation: Zba, Zbb, Zbc, Zbs, Zbkb and Zbkx.

use super::ExecResult;
use super::integer::half;
use crate::guest::Width::{self, W32, W64};
use crate::guest::riscv::RiscvSemantics;
use crate::guest::{BitOp, Cond, Flow, MemType};
use remu_isa::Insn;

register_register! {
    andn = and_not();
    orn = or_not();
    xnor = xor_not();
    bclr = bit(S::XLEN, BitOp::Clear);
    bext = bit(S::XLEN, BitOp::Extract);
    binv = bit(S::XLEN, BitOp::Invert);
    bset = bit(S::XLEN, BitOp::Set);
    rol = rotl(S::XLEN);
    ror = rotr(S::XLEN);
    rolw = rotl(W32);
    rorw = rotr(W32);
    clmul = clmul(S::XLEN);
    clmulh = clmulh(S::XLEN);
    clmulr = clmulr(S::XLEN);
    xperm4 = xperm4(S::XLEN);
    xperm8 = xperm8(S::XLEN);
}

unary! {
    clz = clz(S::XLEN);
    ctz = ctz(S::XLEN);
    cpop = cpop(S::XLEN);
    clzw = clz(W32);
    ctzw = ctz(W32);
    cpopw = cpop(W32);
    rev8 = rev8(S::XLEN);
    brev8 = brev8(S::XLEN);
    orc_b = orc_b(S::XLEN);
    sext_b = extend(MemType::I8);
    sext_h = extend(MemType::I16);
    zext_h = extend(MemType::U16);
    zip = zip();
    unzip = unzip();
}

register_immediate! {
    bclri = bit(S::XLEN, BitOp::Clear);
    bexti = bit(S::XLEN, BitOp::Extract);
    binvi = bit(S::XLEN, BitOp::Invert);
    bseti = bit(S::XLEN, BitOp::Set);
    rori = rotr(S::XLEN);
    roriw = rotr(W32);
}

/// `rs2 + (rs1 << shift)`. With `word`, only the low 32 bits of `rs1` are used.
#[inline(always)]
fn shift_add<S: RiscvSemantics>(s: &mut S, i: &Insn, shift: u8, word: bool) -> ExecResult<S> {
    let (mut a, b) = (s.read(i.rs1), s.read(i.rs2));
    if word {
        a = s.extend(MemType::U32, a);
    }
    let v = s.shift_add(S::XLEN, shift, a, b);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

macro_rules! shift_adds {
    ($($name:ident = $shift:literal, $word:literal;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            shift_add(s, i, $shift, $word)
        }
    )*};
}

shift_adds! {
    sh1add = 1, false;
    sh2add = 2, false;
    sh3add = 3, false;
    add_uw = 0, true;
    sh1add_uw = 1, true;
    sh2add_uw = 2, true;
    sh3add_uw = 3, true;
}

/// `slli.uw`
#[inline(always)]
pub fn slli_uw<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (a, n) = (s.read(i.rs1), s.imm(i64::from(i.imm)));
    let a = s.extend(MemType::U32, a);
    let v = s.shl(W64, a, n);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

macro_rules! pick {
    ($($name:ident = $cond:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            let first = s.compare(S::XLEN, Cond::$cond, a, b);
            let v = s.select(first, a, b);
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

pick! {
    min = Lt;
    minu = Ltu;
    max = Ge;
    maxu = Geu;
}

/// The low halves of both operands, `rs2`'s on top, in a register of width `w`.
#[inline(always)]
fn pack_halves<S: RiscvSemantics>(s: &mut S, i: &Insn, w: Width) -> ExecResult<S> {
    let ty = if w == W64 { MemType::U32 } else { MemType::U16 };
    let (a, b, n) = (s.read(i.rs1), s.read(i.rs2), s.imm(half(w)));
    let low = s.extend(ty, a);
    let high = s.shl(w, b, n);
    let v = s.or(low, high);
    s.write(i.rd, v);
    Ok(Flow::Next)
}

/// `pack`
#[inline(always)]
pub fn pack<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    pack_halves(s, i, S::XLEN)
}

/// `packw`
#[inline(always)]
pub fn packw<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    pack_halves(s, i, W32)
}

/// `packh`
#[inline(always)]
pub fn packh<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (a, b, n) = (s.read(i.rs1), s.read(i.rs2), s.imm(8));
    let (low, high) = (s.extend(MemType::U8, a), s.extend(MemType::U8, b));
    let high = s.shl(W64, high, n);
    let v = s.or(low, high);
    s.write(i.rd, v);
    Ok(Flow::Next)
}
