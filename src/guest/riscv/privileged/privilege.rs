//! What engines ask of the privileged state.

use super::csr::has_supervisor;
use super::{Cause, FS_DIRTY, Mode, Privileged, feature, status, without_float, zero_extended};
use crate::guest::riscv::{After, Cpu, Privilege, Reservation};
use crate::guest::{BlockContext, Exit};
use crate::memory::machine::HartMemory;
use crate::memory::{Access, FaultKind, GuestFault};
use remu_isa::{Insn, Isa, Op};

impl Privilege for Privileged {
    type Memory = HartMemory;

    fn csr_read(&mut self, cpu: &mut Cpu, _: &HartMemory, number: u16) -> Option<u64> {
        self.read_csr(cpu, number)
    }

    fn csr_write(&mut self, cpu: &mut Cpu, mem: &HartMemory, number: u16, value: u64) -> Option<()> {
        self.write_csr(cpu, mem, number, value)
    }

    fn execute(&mut self, cpu: &mut Cpu, mem: &HartMemory, insn: &Insn, rs1: u64, rs2: u64) -> Option<After> {
        let (mode, status) = (self.mode, self.status);
        let supervises = |trapped: u64| match mode {
            Mode::User => false,
            Mode::Supervisor => !status.has(trapped),
            Mode::Machine => true,
        };
        match insn.op {
            Op::Mret if mode == Mode::Machine => {
                self.trap_return(cpu, mem, Mode::Machine);
                Some(After::Resume)
            }
            Op::Sret if supervises(status::TSR) => {
                self.trap_return(cpu, mem, Mode::Supervisor);
                Some(After::Resume)
            }
            // Below supervisor mode it would have to be woken within a bounded time.
            Op::Wfi if supervises(status::TW) || !has_supervisor(cpu) && !status.has(status::TW) => {
                self.update_clock(cpu);
                Some(if self.wakes() { After::Refetch } else { After::Wait })
            }
            Op::SfenceVma | Op::SinvalVma if supervises(status::TVM) => {
                let addr = (insn.rs1 != 0).then(|| zero_extended(cpu, rs1));
                let asid = (insn.rs2 != 0).then_some(rs2 as u16);
                mem.flush(addr, asid);
                // Its address may mean other memory now.
                cpu.reservation = Reservation::NONE;
                Some(After::Refetch)
            }
            Op::SfenceWInval | Op::SfenceInvalIr if mode != Mode::User => Some(After::Refetch),
            Op::CboInval if self.may_invalidate(cpu) => Some(After::Refetch),
            _ => None,
        }
    }

    fn manages_blocks(&self) -> bool {
        self.features & feature::CBO_CLEAN != 0
    }

    fn isa(&self, cpu: &Cpu) -> Isa {
        self.executable(&cpu.isa)
    }

    #[inline]
    fn context(&self) -> BlockContext {
        BlockContext { features: self.features, ..BlockContext::default() }
    }

    fn trap(&mut self, cpu: &mut Cpu, mem: &HartMemory, exit: Exit) -> Option<Exit> {
        let (cause, value) = match exit {
            Exit::Interrupted => return Some(exit),
            Exit::Wait => return Some(exit),
            Exit::Syscall => (self.environment_call(), 0),
            Exit::Breakpoint => (Cause::Breakpoint, cpu.pc),
            Exit::Fault(fault) => (cause_of(fault), fault.addr.0),
            Exit::Illegal { bits } => {
                if self.begins_float(cpu, bits) {
                    self.status.touch_float();
                    self.apply(cpu, mem);
                    return None;
                }
                (Cause::IllegalInstruction, bits.into())
            }
        };
        self.exception(cpu, mem, cause, value);
        None
    }

    fn pause(&mut self) {
        self.inputs.pause();
    }

    #[inline]
    fn poll(&mut self, cpu: &mut Cpu, mem: &HartMemory) -> bool {
        self.interrupt(cpu, mem)
    }
}

impl Privileged {
    /// Whether this is the first instruction with floating-point state since that was clean.
    fn begins_float(&self, cpu: &Cpu, bits: u32) -> bool {
        let fs = self.status.fs();
        if fs == 0 || fs == FS_DIRTY {
            return false;
        }
        let without = Isa::new(cpu.isa.xlen, without_float(cpu.isa.exts));
        remu_isa::decode(bits, cpu.isa).is_ok() && remu_isa::decode(bits, without).is_err()
    }
}

/// The exception of a fault.
fn cause_of(fault: GuestFault) -> Cause {
    match (fault.kind, fault.access) {
        (FaultKind::Misaligned, Access::Fetch) => Cause::InstructionAddressMisaligned,
        (FaultKind::Misaligned, Access::Read) => Cause::LoadAddressMisaligned,
        (FaultKind::Misaligned, Access::Write) => Cause::StoreAddressMisaligned,
        (FaultKind::PageFault, Access::Fetch) => Cause::InstructionPageFault,
        (FaultKind::PageFault, Access::Read) => Cause::LoadPageFault,
        (FaultKind::PageFault, Access::Write) => Cause::StorePageFault,
        (_, Access::Fetch) => Cause::InstructionAccessFault,
        (_, Access::Read) => Cause::LoadAccessFault,
        (_, Access::Write) => Cause::StoreAccessFault,
    }
}
