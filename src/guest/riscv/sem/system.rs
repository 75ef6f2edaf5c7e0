//! CSRs, traps and privileged instructions.

use super::ExecResult;
use crate::guest::Flow;
use crate::guest::riscv::RiscvSemantics;
use crate::guest::riscv::Trap;
use crate::guest::riscv::csr::{MIP, MIP_WRITABLE, is_inert};
use remu_isa::Insn;

/// How a CSR instruction combines the old value and its operand.
#[derive(Clone, Copy)]
enum Update {
    Write,
    Set,
    Clear,
}

/// `writes` is false for a form that does not write the CSR: setting or clearing bits with x0 or with an immediate of
/// zero.
#[inline(always)]
fn access<S: RiscvSemantics>(s: &mut S, i: &Insn, operand: S::Value, update: Update, writes: bool) -> ExecResult<S> {
    let csr = i.imm as u16;
    let written = if is_inert(csr) { Flow::Next } else { Flow::Refetch };
    if let Update::Write = update
        && i.rd == 0
    {
        // With x0 as its destination, CSRRW does not read the CSR and has no side effects of a read.
        s.csr_write(csr, operand)?;
        return Ok(written);
    }
    let old = s.csr_read(csr)?;
    if writes {
        // What is set or cleared of `mip` is the writable bit of SEIP, not the external signal that it is shown with.
        let base = if csr == MIP { s.csr_read(MIP_WRITABLE)? } else { old };
        let new = match update {
            Update::Write => operand,
            Update::Set => s.or(base, operand),
            Update::Clear => {
                let ones = s.imm(-1);
                let keep = s.xor(operand, ones);
                s.and(base, keep)
            }
        };
        s.csr_write(csr, new)?;
    }
    s.write(i.rd, old);
    Ok(if writes { written } else { Flow::Next })
}

macro_rules! csr_instructions {
    ($($name:ident, $immediate:ident = $update:ident;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let operand = s.read(i.rs1);
            access(s, i, operand, Update::$update, matches!(Update::$update, Update::Write) || i.rs1 != 0)
        }

        #[doc = concat!("`", stringify!($immediate), "`")]
        #[inline(always)]
        pub fn $immediate<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let operand = s.imm(i64::from(i.rs1));
            access(s, i, operand, Update::$update, matches!(Update::$update, Update::Write) || i.rs1 != 0)
        }
    )*};
}

csr_instructions! {
    csrrw, csrrwi = Write;
    csrrs, csrrsi = Set;
    csrrc, csrrci = Clear;
}

/// `ecall`
#[inline(always)]
pub fn ecall<S: RiscvSemantics>(s: &mut S, _: &Insn) -> ExecResult<S> {
    Err(s.trap(Trap::EnvironmentCall))
}

/// `ebreak`
#[inline(always)]
pub fn ebreak<S: RiscvSemantics>(s: &mut S, _: &Insn) -> ExecResult<S> {
    Err(s.trap(Trap::Breakpoint))
}

macro_rules! waits {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, _: &Insn) -> ExecResult<S> {
            s.pause();
            Ok(Flow::Next)
        }
    )*};
}

waits! { pause wrs_nto wrs_sto }

/// `cbo.inval`: whether cached data may be discarded is decided by the privileged architecture.
#[inline(always)]
pub fn cbo_inval<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
    let (base, zero) = (s.read(i.rs1), s.imm(0));
    s.privileged(i, base, zero)?;
    let addr = s.address(base, 0);
    s.manage_block(addr)?;
    Ok(Flow::Next)
}

/// Instructions defined by the privileged architecture.
macro_rules! privileged {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        #[inline(always)]
        pub fn $name<S: RiscvSemantics>(s: &mut S, i: &Insn) -> ExecResult<S> {
            let (a, b) = (s.read(i.rs1), s.read(i.rs2));
            s.privileged(i, a, b)
        }
    )*};
}

privileged! { mret sret wfi sfence_vma sinval_vma sfence_w_inval sfence_inval_ir }
