//! Trap entry and return.

use super::{Mode, Privileged, TrapCsrs, status, zero_extended};
use crate::guest::riscv::{Cpu, Reservation};
use crate::memory::machine::HartMemory;
use std::fmt;

/// An exception, with its code (privileged specification, table of `mcause` values).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Cause {
    InstructionAddressMisaligned = 0,
    InstructionAccessFault = 1,
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadAddressMisaligned = 4,
    LoadAccessFault = 5,
    StoreAddressMisaligned = 6,
    StoreAccessFault = 7,
    EnvironmentCallFromU = 8,
    EnvironmentCallFromS = 9,
    EnvironmentCallFromM = 11,
    InstructionPageFault = 12,
    LoadPageFault = 13,
    StorePageFault = 15,
}

/// The exceptions that may be delegated to supervisor mode: all but the call from machine mode.
pub(super) const DELEGABLE: u64 = 0b1011_0011_1111_1111;

/// A trap that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenTrap {
    /// The address of the instruction that raised it, or before which the interrupt was taken.
    pub pc: u64,
    /// Whether it is an interrupt.
    pub interrupt: bool,
    /// The exception code of `mcause` or `scause`.
    pub code: u64,
    /// `mtval` or `stval`.
    pub value: u64,
    /// The mode in which it was raised.
    pub from: Mode,
    /// The mode that takes it.
    pub to: Mode,
    /// The address of the handler.
    pub handler: u64,
}

impl fmt::Display for TakenTrap {
    /// For example `illegal instruction, value 0x0, in machine mode`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.interrupt, self.code) {
            (true, 1) => "supervisor software interrupt",
            (true, 3) => "software interrupt",
            (true, 5) => "supervisor timer interrupt",
            (true, 7) => "timer interrupt",
            (true, 9) => "supervisor external interrupt",
            (true, 11) => "external interrupt",
            (false, 0) => "instruction address misaligned",
            (false, 1) => "instruction access fault",
            (false, 2) => "illegal instruction",
            (false, 3) => "breakpoint",
            (false, 4) => "load address misaligned",
            (false, 5) => "load access fault",
            (false, 6) => "store address misaligned",
            (false, 7) => "store access fault",
            (false, 8) => "call from user mode",
            (false, 9) => "call from supervisor mode",
            (false, 11) => "call from machine mode",
            (false, 12) => "instruction page fault",
            (false, 13) => "load page fault",
            (false, 15) => "store page fault",
            _ => "trap",
        };
        let name = |mode| match mode {
            Mode::User => "user",
            Mode::Supervisor => "supervisor",
            Mode::Machine => "machine",
        };
        write!(f, "{what}, value {:#x}, in {} mode", self.value, name(self.from))?;
        if self.to == Mode::Supervisor { write!(f, ", taken in supervisor mode") } else { Ok(()) }
    }
}

/// A set of interrupts, as bits of `mip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupts(pub u64);

impl Interrupts {
    /// MSIP.
    pub const SOFTWARE: Self = Self(1 << 3);
    /// MTIP.
    pub const TIMER: Self = Self(1 << 7);
    /// MEIP.
    pub const EXTERNAL: Self = Self(1 << 11);
    /// SSIP.
    pub const SUPERVISOR_SOFTWARE: Self = Self(1 << 1);
    /// STIP.
    pub const SUPERVISOR_TIMER: Self = Self(1 << 5);
    /// SEIP.
    pub const SUPERVISOR_EXTERNAL: Self = Self(1 << 9);
    /// Those of machine mode.
    pub const MACHINE: Self = Self(1 << 3 | 1 << 7 | 1 << 11);
    /// All that can be delegated.
    pub const SUPERVISOR: Self = Self(1 << 1 | 1 << 5 | 1 << 9);
    /// All.
    pub const ALL: Self = Self(Self::MACHINE.0 | Self::SUPERVISOR.0);

    /// By decreasing priority (privileged specification, "Machine Interrupt Registers").
    const ORDER: [Self; 6] = [
        Self::EXTERNAL,
        Self::SOFTWARE,
        Self::TIMER,
        Self::SUPERVISOR_EXTERNAL,
        Self::SUPERVISOR_SOFTWARE,
        Self::SUPERVISOR_TIMER,
    ];
}

impl Privileged {
    /// `mip`: what devices and software have set.
    pub(super) fn pending(&self) -> u64 {
        self.inputs.pending().0 | self.software_pending
    }

    /// Whether a pending interrupt ends WFI: one that `mie` enables, whatever `mstatus` and `mideleg` say.
    pub fn wakes(&self) -> bool {
        self.pending() & self.mie != 0
    }

    /// The exception that ECALL raises.
    pub(super) fn environment_call(&self) -> Cause {
        match self.mode {
            Mode::User => Cause::EnvironmentCallFromU,
            Mode::Supervisor => Cause::EnvironmentCallFromS,
            Mode::Machine => Cause::EnvironmentCallFromM,
        }
    }

    /// Takes a trap for the instruction at the pc.
    pub(super) fn exception(&mut self, cpu: &mut Cpu, mem: &HartMemory, cause: Cause, value: u64) {
        let delegated = self.mode != Mode::Machine && self.medeleg >> cause as u64 & 1 != 0;
        let to = if delegated { Mode::Supervisor } else { Mode::Machine };
        self.enter(cpu, mem, to, cause as u64, value, false);
    }

    /// Takes the pending and enabled interrupt of the highest priority; false if there is none. Those for machine mode
    /// win over those for supervisor mode.
    #[inline]
    pub(super) fn interrupt(&mut self, cpu: &mut Cpu, mem: &HartMemory) -> bool {
        let ready = self.pending() & self.mie;
        if ready == 0 {
            return false;
        }
        self.interrupt_if_enabled(cpu, mem, ready)
    }

    fn interrupt_if_enabled(&mut self, cpu: &mut Cpu, mem: &HartMemory, ready: u64) -> bool {
        let for_machine = self.mode != Mode::Machine || self.status.has(status::MIE);
        let for_supervisor = match self.mode {
            Mode::User => true,
            Mode::Supervisor => self.status.has(status::SIE),
            Mode::Machine => false,
        };
        let machine = if for_machine { ready & !self.mideleg } else { 0 };
        let supervisor = if for_supervisor { ready & self.mideleg } else { 0 };
        let (ready, to) = match (machine, supervisor) {
            (0, 0) => return false,
            (0, supervisor) => (supervisor, Mode::Supervisor),
            (machine, _) => (machine, Mode::Machine),
        };
        let first = Interrupts::ORDER.iter().find(|i| i.0 & ready != 0).expect("no other can be enabled");
        self.enter(cpu, mem, to, first.0.trailing_zeros().into(), 0, true);
        true
    }

    fn enter(&mut self, cpu: &mut Cpu, mem: &HartMemory, to: Mode, code: u64, value: u64, interrupt: bool) {
        let top = if cpu.is_64bit() { 1 << 63 } else { 1 << 31 };
        let value = zero_extended(cpu, value);
        let csrs = if to == Mode::Machine { &mut self.machine } else { &mut self.supervisor };
        let (pc, from) = (cpu.pc, self.mode);
        csrs.epc = cpu.pc;
        csrs.cause = code | if interrupt { top } else { 0 };
        csrs.tval = value;
        let (base, vectored) = (csrs.tvec & !3, csrs.tvec & 1 != 0);
        self.status.trap(self.mode, to);
        self.mode = to;
        cpu.pc = zero_extended(cpu, base.wrapping_add(if vectored && interrupt { 4 * code } else { 0 }));
        cpu.reservation = Reservation::NONE;
        self.traps += u64::from(!interrupt);
        self.apply(cpu, mem);
        self.inputs.trapped(&TakenTrap { pc, interrupt, code, value, from, to, handler: cpu.pc });
    }

    /// Executes MRET or SRET.
    pub(super) fn trap_return(&mut self, cpu: &mut Cpu, mem: &HartMemory, from: Mode) {
        self.mode = self.status.trap_return(from);
        cpu.pc = self.epc(cpu, from);
        cpu.reservation = Reservation::NONE;
        self.apply(cpu, mem);
    }

    pub(super) fn trap_csrs(&self, mode: Mode) -> &TrapCsrs {
        if mode == Mode::Machine { &self.machine } else { &self.supervisor }
    }

    /// `mepc` or `sepc`. The low bits that an instruction's address cannot have read as zero.
    pub(super) fn epc(&self, cpu: &Cpu, mode: Mode) -> u64 {
        zero_extended(cpu, self.trap_csrs(mode).epc & !(cpu.insn_align() - 1))
    }
}
