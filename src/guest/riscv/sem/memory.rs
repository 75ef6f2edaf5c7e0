//! Loads, stores, fences and cache-block operations.

use super::ExecResult;
use crate::guest::riscv::RiscvSemantics;
use crate::guest::riscv::fp::Fmt;
use crate::guest::{Flow, MemType};
use remu_isa::Insn;

macro_rules! loads {
    ($($name:ident = $ty:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let base = s.read(i.rs1);
            let addr = s.address(base, i64::from(i.imm));
            let v = s.load(MemType::$ty, addr)?;
            s.write(i.rd, v);
            Ok(Flow::Next)
        }
    )*};
}

loads! {
    lb = I8;
    lbu = U8;
    lh = I16;
    lhu = U16;
    lw = I32;
    lwu = U32;
    ld = I64;
}

macro_rules! stores {
    ($($name:ident = $ty:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (base, v) = (s.read(i.rs1), s.read(i.rs2));
            let addr = s.address(base, i64::from(i.imm));
            s.store(MemType::$ty, addr, v)?;
            Ok(Flow::Next)
        }
    )*};
}

stores! {
    sb = U8;
    sh = U16;
    sw = U32;
    sd = I64;
}

macro_rules! fp_moves {
    ($($load:ident, $store:ident = $fmt:ident;)*) => {$(
        #[doc = concat!("`", stringify!($load), "`")]
        #[inline(always)]
        pub fn $load<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let base = s.read(i.rs1);
            let addr = s.address(base, i64::from(i.imm));
            let v = s.fp_load(Fmt::$fmt, addr)?;
            s.fp_write(Fmt::$fmt, i.rd, v);
            Ok(Flow::Next)
        }

        #[doc = concat!("`", stringify!($store), "`: the bits as they are, NaN-boxed or not.")]
        #[inline(always)]
        pub fn $store<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (base, bits) = (s.read(i.rs1), s.fp_read_bits(i.rs2));
            let addr = s.address(base, i64::from(i.imm));
            s.fp_store(Fmt::$fmt, addr, bits)?;
            Ok(Flow::Next)
        }
    )*};
}

fp_moves! {
    flh, fsh = H;
    flw, fsw = S;
    fld, fsd = D;
}

/// `fence`
#[inline(always)]
pub fn fence<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    s.fence((i.imm >> 4) as u8 & 0xf, i.imm as u8 & 0xf);
    Ok(Flow::Next)
}

/// `fence.tso`
#[inline(always)]
pub fn fence_tso<S: RiscvSemantics>(s: &mut S, _: &Insn) -> ExecResult<S> {
    // Orders everything except an earlier store and a later load.
    s.fence(0b0010, 0b0011);
    s.fence(0b0001, 0b0001);
    Ok(Flow::Next)
}

/// `fence.i`
#[inline(always)]
pub fn fence_i<S: RiscvSemantics>(s: &mut S, _: &Insn) -> ExecResult<S> {
    s.fence_i();
    Ok(Flow::Refetch)
}

/// `cbo.zero`
#[inline(always)]
pub fn cbo_zero<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let base = s.read(i.rs1);
    let addr = s.address(base, 0);
    s.zero_block(addr)?;
    Ok(Flow::Next)
}

/// `cbo.clean`
#[inline(always)]
pub fn cbo_clean<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    s.check_block_management()?;
    let base = s.read(i.rs1);
    let addr = s.address(base, 0);
    s.manage_block(addr)?;
    Ok(Flow::Next)
}

/// `cbo.flush`
#[inline(always)]
pub fn cbo_flush<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    cbo_clean(s, i)
}

/// Hints that have no architectural effect.
macro_rules! hints {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "`: a hint without effect.")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(_: &mut S, _: &Insn) -> ExecResult<S> {
            Ok(Flow::Next)
        }
    )*};
}

hints! { prefetch_i prefetch_r prefetch_w ntl_p1 ntl_pall ntl_s1 ntl_all }
