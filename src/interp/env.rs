//! The state that the handlers of one run share, apart from the CPU and memory.

use super::block::Link;
use super::cache::JumpEntry;
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::guest::riscv::fp::{Rm, RmField};
use std::cell::Cell;

/// The state shared by handlers.
pub(super) struct Env {
    /// Instructions left in this slice, up to date only while no handler runs. It may go below zero by a block's
    /// length.
    pub fuel: i64,
    /// `fuel` when `Cpu::instret` was last updated.
    pub slice_start: i64,
    /// The jump cache.
    pub jumps: *const Cell<JumpEntry>,
    /// Why the handlers stopped.
    pub exit: Exit,
    /// The link to set: the exit that was taken, but had no target yet.
    pub link: Option<Link>,
    /// Whether blocks are linked at all.
    pub chain: bool,
    /// Whether a FENCE.I has been executed.
    pub fence_i: bool,
    /// The rounding mode in MXCSR, encoded as in an instruction.
    hardware_rm: u8,
    /// Whether it is the mode that `frm` selects.
    dynamic_is_hardware: bool,
}

impl Env {
    pub fn new(jumps: *const Cell<JumpEntry>, cpu: &Cpu) -> Self {
        let mut env = Self {
            fuel: 0,
            slice_start: 0,
            jumps,
            exit: Exit::Interrupted,
            link: None,
            chain: true,
            fence_i: false,
            hardware_rm: 0,
            dynamic_is_hardware: false,
        };
        env.note_frm(cpu);
        env
    }

    /// The rounding mode that MXCSR must have.
    pub fn hardware_mode(&self) -> Rm {
        Rm::from_bits(self.hardware_rm).expect("set by note_frm to a mode that the host has")
    }

    /// Updates the modes after a change of `frm`.
    pub fn note_frm(&mut self, cpu: &Cpu) {
        self.dynamic_is_hardware = cpu.frm <= Rm::Rup.bits();
        self.hardware_rm = if self.dynamic_is_hardware { cpu.frm } else { Rm::Rne.bits() };
    }

    /// Whether MXCSR has the rounding mode that the instruction selects.
    #[inline(always)]
    pub fn on_hardware(&self, rm: RmField) -> bool {
        if rm == RmField::DYNAMIC { self.dynamic_is_hardware } else { rm.0 == self.hardware_rm }
    }
}
