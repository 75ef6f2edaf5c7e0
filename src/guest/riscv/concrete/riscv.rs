//! RISC-V's own operations.

use super::csr::{execute_privileged, read_csr, write_csr};
use super::{Concrete, Hart, Stopped};
use crate::guest::riscv::fp::{self, Fmt, Rm, RmField, host::ToInt};
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Privilege, RiscvSemantics, Sgnj, Trap};
use crate::guest::{Flow, Reg, Width, alu};
use crate::memory::{Access, GuestAddr};
use remu_isa::Insn;

impl<H: Hart> RiscvSemantics for Concrete<H> {
    delegate! {
        brev8(a);
        orc_b(a);
        clmulr(a, b);
        xperm4(a, b);
        xperm8(a, b);
    }

    #[inline(always)]
    fn insn_align(&self) -> u64 {
        self.hart.insn_align()
    }

    #[inline(always)]
    fn check_target(&mut self, target: u64) -> Result<(), Stopped> {
        if target.is_multiple_of(self.insn_align()) {
            return Ok(());
        }
        Err(Stopped::misaligned(target, 4, Access::Fetch))
    }

    #[inline(always)]
    fn zip(&mut self, a: u64) -> u64 {
        alu::zip(a)
    }

    #[inline(always)]
    fn unzip(&mut self, a: u64) -> u64 {
        alu::unzip(a)
    }

    #[inline(always)]
    fn fp_load(&mut self, fmt: Fmt, addr: u64) -> Result<u64, Stopped> {
        self.load_bits(u64::from(fmt.bits() / 8), GuestAddr(addr))
    }

    #[inline(always)]
    fn fp_store(&mut self, fmt: Fmt, addr: u64, bits: u64) -> Result<(), Stopped> {
        self.store_bits(u64::from(fmt.bits() / 8), GuestAddr(addr), bits)
    }

    #[inline(always)]
    fn fp_read(&mut self, fmt: Fmt, r: Reg) -> u64 {
        fp::unbox(fmt, self.fp_read_bits(r))
    }

    #[inline(always)]
    fn fp_write(&mut self, fmt: Fmt, r: Reg, v: u64) {
        if !self.needs_calls {
            self.hart.write_f(r, fp::box_bits(fmt, v));
        }
    }

    #[inline(always)]
    fn fp_read_bits(&mut self, r: Reg) -> u64 {
        self.hart.read_f(r)
    }

    #[inline(always)]
    fn fp_arith(&mut self, op: FpOp, fmt: Fmt, rm: RmField, a: u64, b: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::arith(op, fmt, a, b)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::arith(op, fmt, rm, a, b))
    }

    #[inline(always)]
    fn fp_sqrt(&mut self, fmt: Fmt, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::sqrt(fmt, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::sqrt(fmt, rm, a))
    }

    #[inline(always)]
    fn fp_fma(
        &mut self,
        fmt: Fmt,
        rm: RmField,
        neg_product: bool,
        neg_addend: bool,
        a: u64,
        b: u64,
        c: u64,
    ) -> Result<u64, Stopped> {
        let a = if neg_product { fp::negate(fmt, a) } else { a };
        let c = if neg_addend { fp::negate(fmt, c) } else { c };
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::fma(fmt, a, b, c)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::fma(fmt, rm, a, b, c))
    }

    #[inline(always)]
    fn fp_sgnj(&mut self, fmt: Fmt, kind: Sgnj, a: u64, b: u64) -> u64 {
        fp::sgnj(fmt, kind, a, b)
    }

    #[inline(always)]
    fn fp_minmax(&mut self, op: FpMinMax, fmt: Fmt, a: u64, b: u64) -> u64 {
        match fp::host::min_max(op, fmt, a, b) {
            Some(v) => v,
            None => self.software(|| fp::min_max(op, fmt, a, b)),
        }
    }

    #[inline(always)]
    fn fp_compare(&mut self, op: FpCmp, fmt: Fmt, a: u64, b: u64) -> u64 {
        match fp::host::compare(op, fmt, a, b) {
            Some(v) => v,
            None => self.software(|| fp::compare(op, fmt, a, b)),
        }
    }

    #[inline(always)]
    fn fp_class(&mut self, fmt: Fmt, a: u64) -> u64 {
        fp::class(fmt, a)
    }

    #[inline(always)]
    fn fp_convert(&mut self, from: Fmt, to: Fmt, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::convert(from, to, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::convert(from, to, rm, a))
    }

    #[inline(always)]
    fn fp_to_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if rm.0 == Rm::Rtz.bits()
            && let Some(v) = fp::host::to_int(fmt, ty, ToInt::Truncate, a)
        {
            return Ok(v);
        }
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::to_int(fmt, ty, ToInt::Current, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::to_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_from_int(&mut self, fmt: Fmt, ty: IntType, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if self.hart.fp_mode().on_hardware(rm)
            && let Some(v) = fp::host::from_int(fmt, ty, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::from_int(fmt, ty, rm, a))
    }

    #[inline(always)]
    fn fp_round(&mut self, fmt: Fmt, exact: bool, rm: RmField, a: u64) -> Result<u64, Stopped> {
        if let Some(mode) = rm.resolve(self.hart.cpu().frm)
            && let Some(v) = fp::host::round_to_integral(fmt, exact, mode, a)
        {
            return Ok(v);
        }
        self.software_rounded(rm, |rm| fp::round_to_integral(fmt, exact, rm, a))
    }

    #[inline(always)]
    fn fp_to_int_modular(&mut self, a: u64) -> u64 {
        self.software(|| fp::to_int_modular(a))
    }

    #[inline(always)]
    fn csr_read(&mut self, csr: u16) -> Result<u64, Stopped> {
        if !H::CALLS {
            return Ok(self.leave_out());
        }
        match read_csr(&mut self.hart, csr) {
            Some(v) => Ok(v),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn csr_write(&mut self, csr: u16, v: u64) -> Result<(), Stopped> {
        if !H::CALLS {
            self.leave_out();
            return Ok(());
        }
        match write_csr(&mut self.hart, csr, v) {
            Some(()) => Ok(()),
            None => Err(Stopped::ILLEGAL),
        }
    }

    #[inline(always)]
    fn check_block_management(&mut self) -> Result<(), Stopped> {
        let (privilege, ..) = self.hart.privileged();
        if privilege.manages_blocks() { Ok(()) } else { Err(Stopped::ILLEGAL) }
    }

    #[inline(always)]
    fn trap(&mut self, trap: Trap) -> Stopped {
        match trap {
            Trap::EnvironmentCall => Stopped::TRAP,
            Trap::Breakpoint => Stopped::BREAKPOINT,
        }
    }

    #[inline(always)]
    fn privileged(&mut self, insn: &Insn, rs1: u64, rs2: u64) -> Result<Flow<u64>, Stopped> {
        if !H::CALLS {
            self.leave_out();
            return Ok(Flow::Next);
        }
        execute_privileged(&mut self.hart, insn, rs1, rs2)
    }
}
