//! Trap entry and return.

use super::{Mode, Privileged, mstatus, zero_extended};
use crate::guest::riscv::{Cpu, Reservation};
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
    EnvironmentCallFromM = 11,
    InstructionPageFault = 12,
    LoadPageFault = 13,
    StorePageFault = 15,
}

/// A trap that has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenTrap {
    /// The address of the instruction that raised it, or before which the interrupt was taken.
    pub pc: u64,
    /// Whether it is an interrupt.
    pub interrupt: bool,
    /// The exception code of `mcause`.
    pub code: u64,
    /// `mtval`.
    pub value: u64,
    /// The mode in which it was taken.
    pub from: Mode,
}

impl fmt::Display for TakenTrap {
    /// For example `illegal instruction, value 0x0, in machine mode`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.interrupt, self.code) {
            (true, 3) => "software interrupt",
            (true, 7) => "timer interrupt",
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
            (false, 11) => "call from machine mode",
            (false, 12) => "instruction page fault",
            (false, 13) => "load page fault",
            (false, 15) => "store page fault",
            _ => "trap",
        };
        let mode = match self.from {
            Mode::User => "user",
            Mode::Machine => "machine",
        };
        write!(f, "{what}, value {:#x}, in {mode} mode", self.value)
    }
}

/// A set of machine-level interrupts, as bits of `mip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupts(pub u64);

impl Interrupts {
    /// MSIP.
    pub const SOFTWARE: Self = Self(1 << 3);
    /// MTIP.
    pub const TIMER: Self = Self(1 << 7);
    /// MEIP.
    pub const EXTERNAL: Self = Self(1 << 11);
    /// All machine-level interrupts.
    pub const ALL: Self = Self(1 << 3 | 1 << 7 | 1 << 11);

    /// This set, with `other` if `pending`.
    #[must_use]
    pub fn with(self, other: Self, pending: bool) -> Self {
        if pending { Self(self.0 | other.0) } else { self }
    }
}

impl Privileged {
    /// The exception that ECALL raises.
    pub fn environment_call(&self) -> Cause {
        match self.mode {
            Mode::User => Cause::EnvironmentCallFromU,
            Mode::Machine => Cause::EnvironmentCallFromM,
        }
    }

    /// Takes a trap for the instruction at the pc.
    pub fn trap(&mut self, cpu: &mut Cpu, cause: Cause, value: u64) {
        self.enter(cpu, cause as u64, value, false);
    }

    /// Takes the pending and enabled interrupt of the highest priority; false if there is none.
    pub fn interrupt(&mut self, cpu: &mut Cpu, pending: Interrupts) -> bool {
        let enabled = self.mode != Mode::Machine || self.mstatus & mstatus::MIE != 0;
        let ready = pending.0 & self.mie;
        if !enabled || ready == 0 {
            return false;
        }
        let order = [Interrupts::EXTERNAL, Interrupts::SOFTWARE, Interrupts::TIMER];
        let first = order.iter().find(|i| i.0 & ready != 0).expect("no other can be enabled");
        self.enter(cpu, first.0.trailing_zeros().into(), 0, true);
        true
    }

    /// The last trap that was taken.
    pub fn taken(&self, cpu: &Cpu) -> TakenTrap {
        let top = if cpu.is_64bit() { 63 } else { 31 };
        TakenTrap {
            pc: self.mepc,
            interrupt: self.mcause >> top & 1 != 0,
            code: self.mcause & !(1 << top),
            value: self.mtval,
            from: self.mpp(),
        }
    }

    /// Whether a pending interrupt ends WFI: one that `mie` enables, regardless of `mstatus`.
    pub fn wakes(&self, pending: Interrupts) -> bool {
        pending.0 & self.mie != 0
    }

    fn enter(&mut self, cpu: &mut Cpu, code: u64, value: u64, interrupt: bool) {
        let top = if cpu.is_64bit() { 1 << 63 } else { 1 << 31 };
        self.mepc = cpu.pc;
        self.mcause = code | if interrupt { top } else { 0 };
        self.mtval = zero_extended(cpu, value);
        let was_enabled = self.mstatus & mstatus::MIE != 0;
        self.mstatus &= !(mstatus::MIE | mstatus::MPIE | mstatus::MPP);
        self.mstatus |= (self.mode as u64) << mstatus::MPP_SHIFT;
        if was_enabled {
            self.mstatus |= mstatus::MPIE;
        }
        self.mode = Mode::Machine;
        let (base, vectored) = (self.mtvec & !3, self.mtvec & 1 != 0);
        cpu.pc = zero_extended(cpu, base.wrapping_add(if vectored && interrupt { 4 * code } else { 0 }));
        cpu.reservation = Reservation::NONE;
    }

    /// Executes MRET.
    pub(super) fn mret(&mut self, cpu: &mut Cpu) {
        let (mode, was_enabled) = (self.mpp(), self.mstatus & mstatus::MPIE != 0);
        self.mstatus &= !(mstatus::MIE | mstatus::MPP);
        self.mstatus |= mstatus::MPIE;
        if was_enabled {
            self.mstatus |= mstatus::MIE;
        }
        if mode != Mode::Machine {
            self.mstatus &= !mstatus::MPRV;
        }
        self.mode = mode;
        cpu.pc = self.mepc(cpu);
        cpu.reservation = Reservation::NONE;
    }

    /// `mepc`. The low bits that an instruction's address cannot have read as zero.
    pub(super) fn mepc(&self, cpu: &Cpu) -> u64 {
        let low = if cpu.isa.exts.contains(remu_isa::Ext::Zca) { 1 } else { 3 };
        zero_extended(cpu, self.mepc & !low)
    }
}
